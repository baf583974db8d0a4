"""Who may come: adding accounts, changing what they may do, inviting, withdrawing.

Nobody changes their own roles; nobody gives a wider scope than their own, or touches an account that looks where they
may not; roles that must not meet are refused. What is changed holds with the account's next request, and everybody who
was signed in to it is signed out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from ordertrail.access.account import (
    Account,
    AccountState,
    Bound,
    Kind,
    checked_name,
    checked_title,
    fold_name,
    new_account_id,
)
from ordertrail.access.passwords import Hasher, check_password
from ordertrail.access.ports import Accounts, Sessions, Tickets
from ordertrail.access.principal import Known, Principal, Scope
from ordertrail.access.recognising import contains
from ordertrail.access.roles import Role, Separation, check_separation
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import Box, digest, new_token
from ordertrail.access.telling import Deed, Teller, Where, actor_of
from ordertrail.access.ticket import Purpose, Ticket
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import BusyError, InputError, Problem
from ordertrail.record.event import Change, Subject

MOST_SCOPE: Final = 1_000
"""Tenants, channels or regions of the longest scope."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an account is to be."""

    roles: tuple[Role, ...]
    scope: Scope
    sees_identities: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """An account as it became, and what its giver is warned of."""

    account: Account
    warnings: tuple[Separation, ...]


@dataclass(frozen=True, slots=True)
class Administration:
    """Changes accounts. Raises InputError where ``who`` may not, or what is wanted will not do."""

    accounts: Accounts
    sessions: Sessions
    tickets: Tickets
    hasher: Hasher
    box: Box
    teller: Teller
    rules: Rules
    clock: Clock

    def add(  # noqa: PLR0913 - who asks, from where, and what there is to know of somebody new
        self,
        who: Principal,
        name: str,
        title: str,
        wanted: Wanted,
        where: Where,
        *,
        kind: Kind = Kind.PERSON,
        bound: Bound | None = None,
    ) -> Given:
        """Add an account. It has no password yet: invite its person, or set one."""
        name, title = checked_name(name), checked_title(title)
        warnings = self._allowed(who, wanted)
        if self.accounts.named(name) is not None or (bound is not None and self.accounts.bound(bound)):
            raise _taken(name)
        account = Account(
            id=new_account_id(kind),
            name=name,
            title=title,
            kind=kind,
            roles=wanted.roles,
            scope=wanted.scope,
            sees_identities=wanted.sees_identities,
            bound=bound,
            created=format_time(self.clock()),
        )
        changes = [Change("/kind", after=kind.value), *_differences(None, wanted)]
        if bound is not None:
            changes.append(Change("/issuer", after=bound.issuer))
        deed = Deed("access.account.add", actor_of(who), subject_of(account), where, _told(warnings), changes)
        with self.teller.telling(deed):
            if not self.accounts.put(account):
                raise _taken(name)
        return Given(account, warnings)

    def change(self, who: Principal, name: str, wanted: Wanted, where: Where) -> Given:
        """Give an account other roles and another scope; whoever is signed in to it signs in again."""
        account = self.seen(who, name)
        if account.id == who.id and who.known is not Known.LOCAL:
            raise _refused("roles", "nobody changes what they may do themselves")
        warnings = self._allowed(who, wanted)
        self.become(account, wanted, where, who, _told(warnings))
        return Given(self.accounts.get(account.id) or account, warnings)

    def become(
        self, account: Account, wanted: Wanted, where: Where, who: Principal | Account, reason: str = ""
    ) -> None:
        """Make an account what is wanted, unless it is that already."""
        changes = _differences(Wanted(account.roles, account.scope, account.sees_identities), wanted)
        if not changes:
            return
        changed = replace(
            account, roles=wanted.roles, scope=wanted.scope, sees_identities=wanted.sees_identities
        ).changed()
        with self.teller.telling(
            Deed(
                "access.role.change",
                actor_of(who),
                subject_of(account),
                where,
                reason=reason,
                changes=changes,
            )
        ):
            self._put(changed)
            self._sign_out(account)

    def withdraw(self, who: Principal, name: str, where: Where, reason: str) -> None:
        """Let an account come in no more: sessions, keys and tickets of it are good for nothing from now on."""
        self._state(who, name, AccountState.WITHDRAWN, where, reason)

    def readmit(self, who: Principal, name: str, where: Where, reason: str) -> None:
        """Let a withdrawn account come in again. Keys that it had are good again where they have not ended."""
        self._state(who, name, AccountState.ACTIVE, where, reason)

    def invite(self, who: Principal, name: str, where: Where) -> tuple[str, datetime]:
        """Return a secret with which the account's person chooses a password, once, and until when."""
        account = self.seen(who, name)
        if account.kind is not Kind.PERSON or account.bound is not None:
            raise _refused(
                "name", "services have keys, and people of another house sign in there: no passwords"
            )
        if account.id == who.id and who.known is not Known.LOCAL:
            raise _refused("name", "nobody invites themselves; change the password where you are signed in")
        token, ends = new_token(), self.clock() + self.rules.invitation
        with self.teller.telling(
            Deed(
                "access.account.change",
                actor_of(who),
                subject_of(account),
                where,
                reason="invited to choose a password",
            )
        ):
            self.tickets.drop(account.id, Purpose.PASSWORD)
            self.tickets.add([Ticket(digest(token), Purpose.PASSWORD, account.id, ends)])
        return token, ends

    def accept(self, token: str, password: str, where: Where) -> Account:
        """Set the password that the holder of an invitation chose. The invitation is used only if it will do."""
        ticket = self.tickets.take(digest(token), Purpose.PASSWORD, self.clock())
        account = None if ticket is None or ticket.account is None else self.accounts.get(ticket.account)
        if ticket is None or account is None or not account.active:
            raise _refused("token", "the invitation is not good any more")
        try:
            self.set_password(account, account, password, where)
        except InputError:
            self.tickets.add([ticket])
            raise
        return account

    def set_password(self, who: Principal | Account, account: Account, password: str, where: Where) -> None:
        """Set an account's password; everybody who was signed in to it signs in again.

        ``who`` is its own person, or whoever runs the command line: an administrator knows nobody's password.
        """
        if who.id != account.id and not (isinstance(who, Principal) and who.known is Known.LOCAL):
            raise _refused("name", "people choose their own passwords: invite them")
        check_password(password, (account.name, account.title))
        kept = self.box.seal(self.hasher.hash(password).encode(), account.id)
        with self.teller.telling(
            Deed("access.account.change", actor_of(who), subject_of(account), where, reason="password set")
        ):
            self._put(replace(account, password=kept).changed())
            self._sign_out(account)
            self.tickets.drop(account.id, Purpose.PASSWORD)

    def forget_factor(self, who: Principal, name: str, where: Where, reason: str) -> None:
        """Take away a second factor that its person has lost; they set up another when they sign in."""
        account = self.seen(who, name)
        if account.id == who.id and who.known is not Known.LOCAL:
            raise _refused("name", "nobody takes away their own second factor")
        with self.teller.telling(
            Deed(
                "access.account.change",
                actor_of(who),
                subject_of(account),
                where,
                reason=f"second factor taken away: {_reason(reason)}",
            )
        ):
            self._put(replace(account, totp=None, totp_step=0).changed())
            self.tickets.drop(account.id, Purpose.RECOVERY)
            self._sign_out(account)

    def every(self, who: Principal) -> Sequence[Account]:
        """Return the accounts that somebody may look after."""
        _require(who)
        return [one for one in self.accounts.every() if contains(who.scope, one.scope)]

    def seen(self, who: Principal, name: str) -> Account:
        """Return an account by its name or id. One that looks where ``who`` may not is as if it were not there."""
        _require(who)
        account = self.accounts.named(fold_name(name)) or self.accounts.get(name)
        if account is None or not contains(who.scope, account.scope):
            raise _refused("name", f"there is no account {name[:60]!r}")
        return account

    def _state(self, who: Principal, name: str, state: AccountState, where: Where, reason: str) -> None:
        account = self.seen(who, name)
        if account.id == who.id and who.known is not Known.LOCAL:
            raise _refused("name", "nobody withdraws or readmits themselves")
        if account.state is state:
            return
        change = Change("/state", before=account.state.value, after=state.value)
        with self.teller.telling(
            Deed(
                "access.account.change",
                actor_of(who),
                subject_of(account),
                where,
                reason=_reason(reason),
                changes=[change],
            )
        ):
            self._put(replace(account, state=state).changed())
            self._sign_out(account)
            self.tickets.drop(account.id, Purpose.PASSWORD)

    def _allowed(self, who: Principal, wanted: Wanted) -> tuple[Separation, ...]:
        _require(who)
        if not contains(who.scope, wanted.scope):
            raise _refused("scope", "is wider than your own")
        sets = (wanted.scope.tenants or (), wanted.scope.channels, wanted.scope.regions)
        if any(len(one) > MOST_SCOPE or not all(name and len(name) <= 200 for name in one) for one in sets):
            raise _refused("scope", f"has at most {MOST_SCOPE} names of 1 to 200 characters each")
        return check_separation(wanted.roles)

    def _put(self, account: Account) -> None:
        if not self.accounts.put(account):
            raise BusyError(
                f"the account of {account.name} was changed by somebody else meanwhile",
                meaning="Nothing of this change was kept; evidence is untouched.",
                remedy="Look at the account, and try again.",
            )

    def _sign_out(self, account: Account) -> None:
        self.sessions.drop(*(one.digest for one in self.sessions.of(account.id)))


def subject_of(account: Account) -> Subject:
    """Return an account as events name it; it is its tenant's where it looks at one alone."""
    tenants = account.scope.tenants
    return Subject(
        "account", account.id, None, next(iter(tenants)) if tenants and len(tenants) == 1 else None
    )


def _require(who: Principal) -> None:
    if not who.may(Verb.ACCOUNTS_MANAGE):
        raise _refused("", "your roles do not let you look after accounts")


def _differences(old: Wanted | None, new: Wanted) -> list[Change]:
    """Return what differs, as an event tells it: sorted lists, and null for everywhere."""
    before = {} if old is None else _as_told(old)
    return [
        Change(f"/{name}", after=value)
        if old is None
        else Change(f"/{name}", before=before[name], after=value)
        for name, value in _as_told(new).items()
        if old is None or before[name] != value
    ]


def _as_told(wanted: Wanted) -> dict[str, Any]:
    scope = wanted.scope
    return {
        "roles": sorted(role.value for role in wanted.roles),
        "tenants": None if scope.tenants is None else sorted(scope.tenants),
        "channels": sorted(scope.channels) or None,
        "regions": sorted(scope.regions) or None,
        "sees_identities": wanted.sees_identities,
    }


def _told(warnings: Sequence[Separation]) -> str:
    return "; ".join(f"warned: {one.why}" for one in warnings)


def _reason(text: str) -> str:
    if not text.strip():
        raise _refused("reason", "say why; it is kept in the trail")
    return text.strip()


def _taken(name: str) -> InputError:
    return _refused(
        "name", f"there is an account {name!r} already, or one of the same person of another house"
    )


def _refused(path: str, message: str) -> InputError:
    return InputError(
        Problem(path, message),
        meaning="Nothing was changed.",
        remedy="Correct what is named, or ask who may do it.",
    )
