"""Access to the trail in a directory: its accounts, the key of their secrets, and another house where one is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from ordertrail.access.federation import ClaimRules, Partner
from ordertrail.access.roles import Role, check_separation, roles_of
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import Box
from ordertrail.access.service import Access, Outside, Stores, build_access
from ordertrail.adapters.access.database import AccessDatabase, open_file, open_server
from ordertrail.adapters.access.marking import Marks
from ordertrail.adapters.access.stores import SqlAccounts, SqlApiKeys, SqlAttempts, SqlSessions, SqlTickets
from ordertrail.adapters.files.kek import create_kek, load_kek
from ordertrail.assembly.stores import KEYS, read_settings
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.services import Trail
from ordertrail.settings import Settings, passphrase, secret
from ordertrail.settings.access import AccessSettings

ACCESS = "access.db"
"""The file of accounts, where no server is named."""
KEY = "access.kek"
"""The key that seals what accounts prove themselves by, among the trail's keys; it is not in the database."""


@contextmanager
def open_access(root: Path, trail: Trail, *, clock: Clock = utc_now) -> Iterator[Access]:
    """Open the accounts of the trail in a directory; what it keeps them in is made where it is missing.

    Every change is recorded by ``trail``. Raises ConfigurationError where the settings will not do, UnavailableError
    where the database cannot be reached.
    """
    settings = read_settings(root)
    said = settings.access
    box = Box(_key(root / KEYS / KEY))
    database = _open(root, said)
    try:
        outside = Outside(sql_stores(database, box), box, trail.record, clock)
        yield build_access(outside, rules_of(settings), partner=_partner(root, settings))
    finally:
        database.close()


def sql_stores(database: AccessDatabase, box: Box) -> Stores:
    """Return what access keeps in a database."""
    marks = Marks(box)
    return Stores(
        SqlAccounts(database, marks),
        SqlSessions(database, marks),
        SqlApiKeys(database, marks),
        SqlTickets(database, marks),
        SqlAttempts(database),
    )


def rules_of(settings: Settings) -> Rules:
    """Return what the house chose."""
    said, serve = settings.access, settings.serve
    return Rules(
        idle=timedelta(minutes=said.idle_minutes),
        longest=timedelta(hours=said.longest_hours),
        glass=timedelta(minutes=said.glass_minutes),
        invitation=timedelta(hours=said.invitation_hours),
        second_factor=said.second_factor == "required",
        tls=not serve.insecure_cookies,
        origin=serve.public_url,
    )


def _open(root: Path, said: AccessSettings) -> AccessDatabase:
    if said.url is None:
        return open_file(root / ACCESS)
    password = _secret(root, "ACCESS_PASSWORD", said.password_file, "access.password_file")
    return open_server(said.url, None if password is None else password.decode())


def _key(path: Path) -> bytes:
    """Return the key of the accounts' secrets, made at the first use. Whoever made it first, at once, made it."""
    if not path.exists():
        try:
            return create_kek(path, passphrase())
        except ConfigurationError:
            if not path.exists():
                raise
    return load_kek(path, passphrase())


def _partner(root: Path, settings: Settings) -> Partner | None:
    """Return the other house that the settings name."""
    said, origin = settings.access, settings.serve.public_url
    if said.issuer is None or said.client_id is None:
        return None
    if origin is None:
        raise ConfigurationError(
            "access.issuer needs public_url of [serve]: the provider sends browsers back to it",
            meaning="Nobody can sign in with the other house; evidence is untouched.",
            remedy="Set public_url to the address that people type, such as https://trail.example.com.",
        )
    from ordertrail.adapters.access.oidc import OpenIdProvider, Registration  # noqa: PLC0415 - an extra

    found = _secret(root, "ACCESS_CLIENT_SECRET", said.client_secret_file, "access.client_secret_file")
    registration = Registration(
        issuer=said.issuer,
        client_id=said.client_id,
        client_secret=None if found is None else found.decode(),
        redirect=f"{origin}/oidc/arrive",
        scopes=tuple(said.scopes),
        claims=_claims(said),
    )
    return Partner(OpenIdProvider(said.issuer_name, registration), _mapping(said))


def _mapping(said: AccessSettings) -> ClaimRules:
    """Return what claims give. Raises ConfigurationError for roles that are none, or that must not meet."""
    roles: dict[tuple[str, str], tuple[Role, ...]] = {}
    for claim, values in said.roles.items():
        for value, names in values.items():
            try:
                roles[claim, value] = roles_of(names)
                check_separation(roles[claim, value])
            except InputError as error:
                raise ConfigurationError(
                    f"access.roles.{claim}.{value}: {error}",
                    meaning="Nobody can sign in; evidence is untouched.",
                    remedy="docs/reference/access.md has the roles, and those that must not meet in one person.",
                ) from None
    identities = frozenset((claim, value) for claim, values in said.identities.items() for value in values)
    return ClaimRules(roles, said.tenants_claim, said.channels_claim, said.regions_claim, identities)


def _claims(said: AccessSettings) -> frozenset[str]:
    """Return the claims that the settings name; no other is looked at."""
    scoped = (said.tenants_claim, said.channels_claim, said.regions_claim)
    return frozenset((*said.roles, *said.identities)) | {claim for claim in scoped if claim is not None}


def _secret(root: Path, name: str, file: str | None, setting: str) -> bytes | None:
    return secret(name, None if file is None else str(root / file), setting)
