"""Rows of the tables of access, read and written."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from ordertrail.access.account import Account, AccountState, Bound, Kind
from ordertrail.access.key import ApiKey
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.access.session import Glass, Session, Stage
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time, parse_time


def account_row(account: Account) -> dict[str, Any]:
    """Return the row of an account."""
    return {
        "id": account.id,
        "name": account.name,
        "title": account.title,
        "kind": account.kind.value,
        "roles": sorted(role.value for role in account.roles),
        **_scope_row(account.scope),
        "sees_identities": account.sees_identities,
        "state": account.state.value,
        "password": account.password,
        "totp": account.totp,
        "totp_step": account.totp_step,
        "issuer": account.bound.issuer if account.bound else None,
        "subject": account.bound.subject if account.bound else None,
        "created": account.created,
        "version": account.version,
    }


def read_account(row: Row[Any]) -> Account:
    """Read the row of an account. A role that this program does not know gives nothing."""
    return Account(
        id=row.id,
        name=row.name,
        title=row.title,
        kind=Kind(row.kind),
        roles=tuple(Role(role) for role in row.roles if role in set(Role)),
        scope=_read_scope(row),
        sees_identities=bool(row.sees_identities),
        state=AccountState(row.state),
        password=None if row.password is None else bytes(row.password),
        totp=None if row.totp is None else bytes(row.totp),
        totp_step=row.totp_step,
        bound=None if row.issuer is None else Bound(row.issuer, row.subject),
        created=row.created,
        version=row.version,
    )


def session_row(session: Session) -> dict[str, Any]:
    """Return the row of a session."""
    glass = session.glass
    return {
        "digest": session.digest,
        "name": session.name,
        "account": session.account,
        "stage": session.stage.value,
        "created": format_time(session.created),
        "proven": format_time(session.proven),
        "seen": format_time(session.seen),
        "glass_verbs": None if glass is None else _sorted(glass.verbs),
        "glass_until": None if glass is None else format_time(glass.until),
        "glass_reason": None if glass is None else glass.reason,
    }


def read_session(row: Row[Any]) -> Session:
    """Read the row of a session."""
    glass = None
    if row.glass_until is not None:
        glass = Glass(_verbs(row.glass_verbs), parse_time(row.glass_until), row.glass_reason)
    return Session(
        digest=row.digest,
        name=row.name,
        account=row.account,
        stage=Stage(row.stage),
        created=parse_time(row.created),
        proven=parse_time(row.proven),
        seen=parse_time(row.seen),
        glass=glass,
    )


def key_row(key: ApiKey) -> dict[str, Any]:
    """Return the row of an API key."""
    return {
        "id": key.id,
        "account": key.account,
        "label": key.label,
        "digest": key.digest,
        "verbs": _sorted(key.verbs),
        **_scope_row(key.scope),
        "created": format_time(key.created),
        "ends": format_time(key.ends),
        "used": _told(key.used),
        "withdrawn": _told(key.withdrawn),
    }


def read_key(row: Row[Any]) -> ApiKey:
    """Read the row of an API key."""
    return ApiKey(
        id=row.id,
        account=row.account,
        label=row.label,
        digest=bytes(row.digest),
        verbs=_verbs(row.verbs),
        scope=_read_scope(row),
        created=parse_time(row.created),
        ends=parse_time(row.ends),
        used=_moment(row.used),
        withdrawn=_moment(row.withdrawn),
    )


def _scope_row(scope: Scope) -> dict[str, Any]:
    return {
        "tenants": None if scope.tenants is None else sorted(scope.tenants),
        "channels": sorted(scope.channels),
        "regions": sorted(scope.regions),
    }


def _read_scope(row: Row[Any]) -> Scope:
    tenants = None if row.tenants is None else frozenset(row.tenants)
    return Scope(tenants, frozenset(row.channels), frozenset(row.regions))


def _sorted(verbs: Iterable[Verb]) -> list[str]:
    return sorted(verb.value for verb in verbs)


def _verbs(names: Iterable[str]) -> frozenset[Verb]:
    """Return the verbs of these names; one that this program does not know allows nothing."""
    known = {verb.value: verb for verb in Verb}
    return frozenset(known[name] for name in names if name in known)


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
