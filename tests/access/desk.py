"""Access on memory with a clock that stands still, cheap hashes, and the events that the trail's door took.

``desk.told`` are the events as the strict parser read them: one that the trail would refuse fails the test.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ordertrail.access.account import Account, Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.entrance import Admitted
from ordertrail.access.federation import Partner
from ordertrail.access.passwords import Cost, Hasher
from ordertrail.access.principal import Principal, Scope
from ordertrail.access.recognising import Recognised
from ordertrail.access.roles import Role
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import Box
from ordertrail.access.service import Access, Outside, Stores, build_access, local_principal
from ordertrail.access.telling import Where
from ordertrail.adapters.access.memory import memory_stores
from ordertrail.kernel.errors import UnavailableError
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event
from ordertrail.record.parse import read_event

PASSWORD = "nineteen copper kettles sing"  # noqa: S105 - a test's own
HERE = Where(ip="203.0.113.7", user_agent="tests")
START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
CHEAP = Hasher(Cost(1, 1, 64))


@dataclass(slots=True)
class Desk:
    """Access, and what a test holds of it."""

    stores: Stores = field(default_factory=memory_stores)
    rules: Rules = field(default_factory=lambda: Rules(origin="https://trail.example.com"))
    partner: Partner | None = None
    hasher: Hasher = CHEAP
    told: list[Event] = field(default_factory=list)
    now: datetime = START
    broken: bool = False
    """Whether the trail's door takes nothing."""
    key: bytes = field(default_factory=lambda: os.urandom(32))
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        """Put access together."""
        outside = Outside(self.stores, Box(self.key), self.record, lambda: self.now)
        self.access = build_access(outside, self.rules, hasher=self.hasher, partner=self.partner)

    def record(self, events: Sequence[Event]) -> None:
        """Take events as the trail's door does."""
        if self.broken:
            raise UnavailableError("the journal cannot be reached")
        self.told += [read_event(encode(event))[0] for event in events]

    def wait(self, **time: float) -> None:
        """Let time go by."""
        self.now += timedelta(**time)

    def person(
        self,
        name: str,
        *roles: Role,
        scope: Scope | None = None,
        sees: bool = False,
        password: str = PASSWORD,
    ) -> Account:
        """Add a person who has the password."""
        people = self.access.people
        wanted = Wanted(roles, scope or Scope(), sees)
        account = people.add(local_principal(), name, name.title(), wanted, HERE).account
        people.set_password(local_principal(), account, password, HERE)
        return self.stores.accounts.get(account.id) or account

    def service(self, name: str, *roles: Role, scope: Scope | None = None) -> Account:
        """Add a service."""
        wanted = Wanted(roles, scope or Scope())
        return self.access.people.add(
            local_principal(), name, name.title(), wanted, HERE, kind=Kind.SERVICE
        ).account

    def token(self, name: str, password: str = PASSWORD, where: Where = HERE) -> str:
        """Sign a person in who has no second factor; return the session's token."""
        attempt = self.access.entrance.sign_in(name, password, where)
        assert attempt.admitted is Admitted.IN, attempt
        assert attempt.token is not None
        return attempt.token

    def known(self, token: str | None) -> Recognised | None:
        """Return whose session a token is."""
        return None if token is None else self.access.recognising.by_session(token)

    def session(self, token: str | None) -> Recognised:
        """Return whose session a token is, which it must be."""
        found = self.known(token)
        assert found is not None
        return found

    def who(self, name: str) -> Principal:
        """Sign a person in; return who they are."""
        found = self.session(self.token(name))
        assert found.who is not None
        return found.who

    def actions(self) -> list[tuple[str, str]]:
        """Return what was told so far, action and outcome; and forget it."""
        told: list[tuple[str, str]] = [(event.action, event.outcome) for event in self.told]
        self.told.clear()
        return told
