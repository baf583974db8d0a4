"""Making and withdrawing API keys. A key's text is shown once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ordertrail.access.account import Account, checked_title
from ordertrail.access.administration import subject_of
from ordertrail.access.key import ApiKey, key_digest, new_key
from ordertrail.access.ports import Accounts, ApiKeys
from ordertrail.access.principal import Known, Principal, Scope
from ordertrail.access.recognising import contains
from ordertrail.access.roles import NOT_BY_KEY, verbs_of
from ordertrail.access.telling import Deed, Teller, Where, actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.record.event import Change

LONGEST_LIFE: Final = timedelta(days=366)
MOST_KEYS: Final = 50
"""Keys of one account that are good at once."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made, and its text, which is shown now and never again."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys of programs: people make and withdraw their own, whoever looks after accounts those of services too."""

    accounts: Accounts
    keys: ApiKeys
    teller: Teller
    clock: Clock

    def make(  # noqa: PLR0913, PLR0917 - who asks, from where, and all that a key is
        self,
        who: Principal,
        account: Account,
        label: str,
        verbs: frozenset[Verb],
        life: timedelta,
        where: Where,
        scope: Scope | None = None,
    ) -> NewKey:
        """Make a key. It may do no more than its account may, and look no further than its scope."""
        self._check_owner(who, account)
        label, narrowed = checked_title(label), scope or Scope()
        allowed = verbs_of(account.roles) - NOT_BY_KEY
        problems = [
            Problem("verbs", f"the account may not {verb} by a key") for verb in sorted(verbs - allowed)
        ]
        if not verbs:
            problems.append(Problem("verbs", "names none; a key that may do nothing is none"))
        if not timedelta(0) < life <= LONGEST_LIFE:
            problems.append(Problem("days", f"is 1 to {LONGEST_LIFE.days}"))
        now = self.clock()
        if sum(one.alive(now) for one in self.keys.of(account.id)) >= MOST_KEYS:
            problems.append(Problem("", f"the account has {MOST_KEYS} keys already"))
        if problems:
            raise InputError(problems, meaning="No key was made.")
        name, text = new_key()
        key = ApiKey(name, account.id, label, key_digest(text), verbs, narrowed, now, now + life)
        told = [
            Change("/key", after=key.id),
            Change("/verbs", after=sorted(verb.value for verb in verbs)),
            Change("/ends", after=format_time(key.ends)),
        ]
        with self.teller.telling(
            Deed("access.key.create", actor_of(who), subject_of(account), where, reason=label, changes=told)
        ):
            self.keys.add(key)
        return NewKey(key, text)

    def withdraw(self, who: Principal, key_id: str, where: Where, reason: str) -> None:
        """Withdraw a key for good. One of somebody else's is as if it were not there."""
        key = self.keys.get(key_id)
        account = None if key is None else self.accounts.get(key.account)
        if key is None or account is None or not self._may(who, account):
            raise InputError(
                Problem("key", f"there is no key {key_id[:40]!r}"), meaning="Nothing was changed."
            )
        if key.withdrawn is not None:
            return
        with self.teller.telling(
            Deed(
                "access.key.withdraw",
                actor_of(who),
                subject_of(account),
                where,
                reason=reason,
                changes=[Change("/key", before=key.id)],
            )
        ):
            self.keys.withdraw(key.id, self.clock())

    def of(self, who: Principal, account: Account | None = None) -> Sequence[ApiKey]:
        """Return the keys of an account, or all that somebody may look after."""
        if account is not None:
            self._check_owner(who, account)
            return self.keys.of(account.id)
        known = {one.id: one for one in self.accounts.every()}
        return [
            key for key in self.keys.of(None) if key.account in known and self._may(who, known[key.account])
        ]

    def _may(self, who: Principal, account: Account) -> bool:
        if who.known is Known.KEY:
            return False
        return who.id == account.id or (who.may(Verb.ACCOUNTS_MANAGE) and contains(who.scope, account.scope))

    def _check_owner(self, who: Principal, account: Account) -> None:
        """Nobody makes a key in another person's name: what it does would be told of that person."""
        own = who.id == account.id and who.known is not Known.KEY
        if not own and not (
            self._may(who, account) and (account.kind == "service" or who.known is Known.LOCAL)
        ):
            raise InputError(
                Problem(
                    "account",
                    "people make their own keys; whoever looks after accounts makes those of services",
                ),
                meaning="Nothing was changed.",
            )
