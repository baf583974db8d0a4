"""A trail's settings: ``trail.toml`` in its directory, read strictly, and environment variables over it.

::

    version = 1
    immutable = true          # set the immutable flag on kept objects where the system allows it
    post_quantum = false      # add ML-DSA-44 signatures to published checkpoints

    [actions]                 # the trail's own actions, beside the catalogue
    "order.gift.wrap" = "wrapped as a gift"
    "order.vip.flag" = { phrase = "flagged as VIP", sensitive = true }

    [database]                # without it: ordertrail.db in the trail's directory
    url = "postgresql://sealer@db.example.com/orders"
    password_file = "/run/secrets/orders-db"

    [vault]                   # without it: the trail's directory
    url = "s3://orders-evidence/main"
    endpoint = "https://s3.eu-central-1.example.com"

    [signer]                  # without it: key files in keys/
    kind = "pkcs11"
    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "ordertrail"
    pin_file = "/run/secrets/hsm-pin"

    [[timestamps]]            # RFC 3161 authorities; as many as you like
    name = "example"
    url = "https://tsa.example.com"
    roots = "tsa-roots.pem"

    [witnesses]
    policy = "witnesses.policy"    # C2SP tlog-policy

    [intake]                  # without it: orders.db in the trail's directory
    url = "postgresql://intake@db.example.com/shop"
    password_file = "/run/secrets/shop-db"

    [[sources]]               # accounts of channels that orders come from; as many as you like
    channel = "shopify"
    account = "main"
    currency = "EUR"
    secret_files = ["/run/secrets/shopify-main"]

Every setting but ``version``, ``actions``, ``timestamps`` and ``sources`` can come from the environment:
``ORDERTRAIL_``, its section and its name in capitals, two underscores between them: ``ORDERTRAIL_DATABASE__URL``. What
the environment says goes before the file. Secrets stand in files of their own, or in the environment; none is ever a
setting's text.
"""

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from ordertrail.kernel.errors import ConfigurationError, InputError, Problem
from ordertrail.kernel.money import exponent_of
from ordertrail.record.actions import Action, Catalogue

SETTINGS = "trail.toml"
VERSION: Final = 1
"""The version of the file that this program reads."""

PREFIX = "ORDERTRAIL_"
NESTED = "__"


def _catalogue(value: object) -> object:
    """Read the trail's own actions: a phrase each, or a table of phrase and sensitive."""
    if not isinstance(value, dict):
        return value
    return Catalogue(_action(name, one) for name, one in value.items())


def _action(name: str, value: object) -> Action:
    match value:
        case str():
            return Action(name, value)
        case {"phrase": str(phrase), **rest} if rest.keys() <= {"sensitive"}:
            return Action(name, phrase, bool(rest.get("sensitive", False)))
    raise InputError(Problem(f"actions.{name}", "is a phrase, or a table of phrase and sensitive"))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is not None or any(name == "password" for name, _ in parse_qsl(parts.query)):
        raise ValueError("must not hold a password; put it into a file and name that in password_file")
    return url


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone of the IANA database such as Europe/Berlin")
    return name


def _currency(code: str) -> str:
    exponent_of(code)
    return code


def _with_scheme(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        if urlsplit(url).scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{one}://' for one in schemes)}")
        return url

    return AfterValidator(check)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class DatabaseSettings(_Section):
    """Where entries and the journal are kept."""

    url: Annotated[str, _with_scheme("postgresql"), AfterValidator(_without_password)] | None = None
    """A PostgreSQL server's database, as the sealing role; without it, ``ordertrail.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_DATABASE_PASSWORD."""
    admin_url: Annotated[str, _with_scheme("postgresql"), AfterValidator(_without_password)] | None = None
    """The same database as a role that may create tables; ``init`` and ``migrate`` use it."""
    admin_password_file: str | None = None
    """A file that holds that role's password; without it, ORDERTRAIL_DATABASE_ADMIN_PASSWORD."""
    lease_seconds: Annotated[int, Field(ge=2, le=3_600)] = 10
    """Seconds without a sign of life after which another sequencer may take over."""


class VaultSettings(_Section):
    """Where the published tree and the blobs are kept."""

    url: Annotated[str, _with_scheme("s3")] | None = None
    """A bucket with Object Lock, and a prefix in it; without it, the trail's directory."""
    endpoint: str | None = None
    """The S3 endpoint; without it, Amazon's."""
    region: str | None = None
    """The bucket's region."""
    mode: Literal["COMPLIANCE", "GOVERNANCE"] = "COMPLIANCE"
    """The retention mode of kept objects."""
    ca_bundle: str | None = None
    """A file of certificates that the endpoint's certificate must lead to; without it, the system's."""


class SignerSettings(_Section):
    """What holds the signing keys."""

    kind: Literal["file", "pkcs11", "kms"] = "file"
    """Key files in ``keys/``, a PKCS #11 token, or a key management service."""
    module: str | None = None
    """The PKCS #11 library."""
    token: str | None = None
    """The label of the token."""
    pin_file: str | None = None
    """A file that holds the token's PIN; without it, ORDERTRAIL_PIN."""
    endpoint: str | None = None
    """The key management service; without it, Amazon's."""
    region: str | None = None
    """The service's region."""


class TimestampSettings(_Section):
    """A time-stamp authority (RFC 3161)."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """What it is called here; part of the names under which its stamps are kept."""
    url: Annotated[str, _with_scheme("http", "https")]
    """Where it answers."""
    roots: str
    """A PEM file of the certificates that its certificate must lead to."""
    policy: str | None = None
    """The policy (an object identifier) under which it must stamp."""
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    """Seconds to wait for it."""


class WitnessSettings(_Section):
    """Who else remembers the log's head (C2SP tlog-witness)."""

    policy: str | None = None
    """A C2SP tlog-policy file: the witnesses, where they answer, and how many must have cosigned."""
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    """Seconds to wait for each."""


class AnchorSettings(_Section):
    """How often the ragged edge of the log is published while sealing goes on."""

    seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Seconds between two anchors, at most."""
    entries: Annotated[int, Field(ge=256)] = 65_536
    """Entries between two anchors, at most."""


class IndexSettings(_Section):
    """Where the index is kept, by which events are searched. It is no evidence, and can be made anew."""

    url: Annotated[str, _with_scheme("postgresql"), AfterValidator(_without_password)] | None = None
    """A PostgreSQL database, as a role that may create a schema; without it, ``index.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_INDEX_PASSWORD."""


class IntakeSettings(_Section):
    """Where orders come in."""

    url: Annotated[str, _with_scheme("postgresql", "sqlite"), AfterValidator(_without_password)] | None = None
    """The database of orders, with intake's tables and the outbox; without it, ``orders.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_INTAKE_PASSWORD."""
    personal: Literal["redacted", "sealed"] = "redacted"
    """Personal columns in events: that they changed, or their values under their persons' keys."""
    rules: str | None = None
    """A file of rules of validation, beside those that are shipped."""
    backlog: Annotated[int, Field(ge=1)] = 100_000
    """Deliveries of one source that may wait before it is told to come later."""
    operator_key_file: str | None = None
    """A file that holds the key to health, metrics and the page; without one, ORDERTRAIL_INTAKE_OPERATOR_KEY."""


class BusSettings(_Section):
    """A NATS JetStream stream that deliveries come from."""

    url: (
        Annotated[str, _with_scheme("nats", "tls", "ws", "wss"), AfterValidator(_without_password)] | None
    ) = None
    """Where the bus answers; without it, none is asked."""
    stream: str = "orders"
    """The stream; it must be there."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")] = "orders"
    """What subjects begin with: ``orders.shopify.main`` is the source shopify/main."""
    credentials_file: str | None = None
    """A file of NATS credentials (.creds)."""


class SourceSettings(_Section):
    """An account of a channel that orders come from."""

    channel: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """What reads its deliveries."""
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$")]
    """What it is called here; part of the address of its webhooks, and of its orders' ids."""
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """The time zone of times that have none."""
    currency: Annotated[str, AfterValidator(_currency)] | None = None
    """The currency of amounts that have none."""
    tenant: str | None = None
    """Whose orders, where a trail serves several."""
    signature: str | None = None
    """How it proves its webhooks; without it, the channel's own way, or a key."""
    secret_files: list[str] = []
    """Files that hold its secrets; all of them are good, so that one can take another's place."""
    options: dict[str, str] = {}
    """What the channel lets an account choose."""


class _File(_Section):
    """What ``trail.toml`` holds, by itself: true is true, and "true" is not."""

    version: Literal[1] = VERSION
    """Of the file."""
    immutable: bool = True
    """Set the immutable flag on kept objects where the system allows it."""
    post_quantum: bool = False
    """Add ML-DSA-44 signatures to published checkpoints."""
    actions: Annotated[Catalogue, BeforeValidator(_catalogue)] = Field(default_factory=Catalogue)
    """The trail's own actions, beside the catalogue."""
    database: DatabaseSettings = DatabaseSettings()
    vault: VaultSettings = VaultSettings()
    signer: SignerSettings = SignerSettings()
    timestamps: list[TimestampSettings] = []
    """Time-stamp authorities."""
    witnesses: WitnessSettings = WitnessSettings()
    anchor: AnchorSettings = AnchorSettings()
    index: IndexSettings = IndexSettings()
    intake: IntakeSettings = IntakeSettings()
    bus: BusSettings = BusSettings()
    sources: list[SourceSettings] = []
    """Where orders come from."""


class Settings(_File, BaseSettings):
    """What a trail's owner may choose."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=NESTED)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library hands over all its sources
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the environment before what the file or the caller said."""
        return env_settings, init_settings


def format_settings(settings: Settings) -> str:
    """Write the settings file of a new trail: the choices, and each section that is not the default."""
    lines = [f"version = {VERSION}", f"immutable = {_toml(settings.immutable)}"]
    lines += [f"post_quantum = {_toml(settings.post_quantum)}", "", "[actions]"]
    for name in settings.actions.own:
        action = settings.actions[name]
        phrase, sensitive = _toml(action.phrase), _toml(action.sensitive)
        lines.append(f"{_toml(name)} = {{ phrase = {phrase}, sensitive = {sensitive} }}")
    sections: list[tuple[str, BaseModel]] = [
        (f"[{name}]", chosen)
        for name, field in _File.model_fields.items()
        if isinstance(chosen := getattr(settings, name), _Section) and chosen != field.default
    ]
    sections += [("[[timestamps]]", one) for one in settings.timestamps]
    sections += [("[[sources]]", one) for one in settings.sources]
    for heading, section in sections:
        chosen = section.model_dump(exclude_unset=True, exclude_none=True)
        lines += ["", heading, *(f"{name} = {_toml(value)}" for name, value in chosen.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """Write a value. JSON's strings, numbers, booleans and lists are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    return json.dumps(value)


def parse_settings(text: str) -> Settings:
    """Read a settings file and what the environment says over it.

    Raises ConfigurationError naming everything that is wrong with either.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{SETTINGS} is not TOML: {error}") from None
    try:
        _File.model_validate(data, strict=True)
    except ValidationError as error:
        told = "; ".join(str(_problem(one)) for one in error.errors())
        raise ConfigurationError(f"{SETTINGS}: {told}") from None
    except InputError as error:
        raise ConfigurationError(f"{SETTINGS}: {error}") from None
    try:
        return Settings(**data)
    except ValidationError as error:
        told = "; ".join(
            f"{PREFIX}{NESTED.join(map(str, one['loc'])).upper()}: {_problem(one).message}"
            for one in error.errors()
        )
        raise ConfigurationError(f"the environment: {told}") from None
    except SettingsError as error:  # a section that is not one: its own words show the value
        raise ConfigurationError(f"the environment cannot be read: {type(error).__name__}") from None


def _problem(error: Any) -> Problem:
    """Say what pydantic found in this project's words."""
    path = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return Problem(path, f"is not a setting; the settings are {', '.join(_known(error['loc'][:-1]))}")
    if path == "version":
        return Problem(path, f"must be {VERSION}; a newer OrderTrail may be needed")
    message = error["msg"].removeprefix("Value error, ")
    told = f"{message[0].lower()}{message[1:]}"
    # What our own rules refused is not shown: it may hold a password where none belongs.
    return Problem(path, told if error["type"] == "value_error" else f"{told}, not {error['input']!r}")


def _known(section: tuple[int | str, ...]) -> list[str]:
    """Return the names of the settings of a section."""
    models: dict[str, type[BaseModel]] = {
        "": _File,
        "timestamps": TimestampSettings,
        "sources": SourceSettings,
    }
    for name, field in _File.model_fields.items():
        if isinstance(field.default, _Section):
            models[name] = type(field.default)
    return list(models[str(section[0]) if section else ""].model_fields)


def named_files(settings: Settings) -> list[str]:
    """Return the files that a trail cannot do without and that its settings name; no file of a secret is among them."""
    named = (settings.witnesses.policy, settings.vault.ca_bundle, *(one.roots for one in settings.timestamps))
    return [name for name in named if name is not None]


def passphrase() -> bytes | None:
    """Return the passphrase of the private keys from the environment, or None where there is none."""
    return secret("PASSPHRASE", os.environ.get(f"{PREFIX}PASSPHRASE_FILE"), f"{PREFIX}PASSPHRASE_FILE")


def secret(name: str, file: str | None, setting: str) -> bytes | None:
    """Return a secret from the file that a setting names, else from the environment, else None.

    A line end after it is no part of it. Raises ConfigurationError naming the setting if the file cannot be read.
    """
    if file:
        try:
            return Path(file).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise ConfigurationError(f"{setting}: {file}: {error.strerror}") from None
    value = os.environ.get(f"{PREFIX}{name}")
    return value.encode() if value else None
