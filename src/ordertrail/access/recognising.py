"""Knowing somebody again: from the token of a session, or from an API key, to a principal."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ordertrail.access.account import Account
from ordertrail.access.key import ApiKey, parse_key
from ordertrail.access.ports import Accounts, ApiKeys, Sessions
from ordertrail.access.principal import Known, Principal, Scope
from ordertrail.access.roles import NOT_BY_KEY, verbs_of, with_glass_broken
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import digest
from ordertrail.access.session import Session, Stage
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import Clock

_TOUCHED: Final = timedelta(seconds=30)
"""A use is remembered when the last one remembered is so old: reading writes seldom."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A session that is alive, its account as it is now, and what it may do now. Without ``who`` it is unfinished."""

    session: Session
    account: Account
    who: Principal | None


@dataclass(frozen=True, slots=True)
class Recognising:
    """Recognises. Accounts are read with every request, so that a right that was taken is gone at once."""

    accounts: Accounts
    sessions: Sessions
    keys: ApiKeys
    rules: Rules
    clock: Clock

    def by_session(self, token: str) -> Recognised | None:
        """Return whose session a token is, None where it is none that is alive."""
        now = self.clock()
        session = self.sessions.get(digest(token))
        if session is None:
            return None
        account = self.accounts.get(session.account)
        if account is None or not account.active or not session.alive(now, self.rules):
            self.sessions.drop(session.digest)
            return None
        if now - session.seen >= _TOUCHED:
            self.sessions.touch(session.digest, now)
        finished = session.stage is Stage.FULL
        return Recognised(session, account, session_principal(account, session, now) if finished else None)

    def by_key(self, text: str) -> Principal | None:
        """Return whose key it is and what it may do, None where it is none that is alive."""
        name = parse_key(text)
        key = None if name is None else self.keys.get(name)
        if key is None or not key.opens(text):
            return None
        now = self.clock()
        account = self.accounts.get(key.account)
        if account is None or not account.active or not key.alive(now):
            return None
        if key.used is None or now - key.used >= _TOUCHED:
            self.keys.used(key.id, now)
        return key_principal(account, key)


def session_principal(account: Account, session: Session, now: datetime) -> Principal:
    """Return who a session is: its account, and what a broken glass gives for now."""
    verbs = verbs_of(account.roles)
    glass = session.broken(now)
    if glass is not None:
        verbs = with_glass_broken(verbs, glass.verbs)
        if Verb.IDENTITIES_REVEAL in glass.verbs:
            account = replace(account, sees_identities=True)
    return _principal(account, verbs, account.scope, session.name, Known.SESSION)


def key_principal(account: Account, key: ApiKey) -> Principal:
    """Return who a key is: what it was given and its account still has."""
    verbs = (verbs_of(account.roles) & key.verbs) - NOT_BY_KEY
    return _principal(account, verbs, within(account.scope, key.scope), f"key-{key.id}", Known.KEY)


def _principal(
    account: Account, verbs: frozenset[Verb], scope: Scope, session: str, known: Known
) -> Principal:
    """Return a principal; who does not see identities reveals none."""
    sees = account.sees_identities
    return Principal(
        id=account.id,
        kind=account.kind.value,
        name=account.title,
        roles=tuple(role.value for role in account.roles),
        verbs=verbs if sees else verbs - {Verb.IDENTITIES_REVEAL},
        scope=scope,
        sees_identities=sees,
        session=session,
        known=known,
    )


def within(one: Scope, other: Scope) -> Scope:
    """Return where both scopes look. An empty set of channels or regions means everywhere, so nothing shared is said.

    Where two scopes share no channel or no region, nothing is left to look at: no tenant either.
    """
    channels, apart = _shared(one.channels, other.channels)
    regions, away = _shared(one.regions, other.regions)
    if one.tenants is None or other.tenants is None:
        tenants = other.tenants if one.tenants is None else one.tenants
    else:
        tenants = one.tenants & other.tenants
    return Scope(frozenset() if apart or away else tenants, channels, regions)


def contains(outer: Scope, inner: Scope) -> bool:
    """Say whether whoever looks at ``inner`` sees nothing that ``outer`` does not see."""
    tenants = outer.tenants is None or (inner.tenants is not None and inner.tenants <= outer.tenants)
    return tenants and all(
        not wide or (bool(narrow) and narrow <= wide)
        for wide, narrow in ((outer.channels, inner.channels), (outer.regions, inner.regions))
    )


def _shared(one: frozenset[str], other: frozenset[str]) -> tuple[frozenset[str], bool]:
    """Return what two sets share, of which an empty one is everything; and whether that is nothing at all."""
    if not one or not other:
        return one | other, False
    return one & other, not one & other
