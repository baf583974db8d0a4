"""What access needs of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordertrail.access.account import Account, Bound
from ordertrail.access.key import ApiKey
from ordertrail.access.session import Session
from ordertrail.access.throttle import Bucket
from ordertrail.access.ticket import Purpose, Ticket


class Accounts(Protocol):
    """Who may come in.

    Durable once a call returns; any number of processes. Names are unique, and so is whom another house knows somebody
    as. Raises UnavailableError when the store cannot be reached.
    """

    def get(self, account: str) -> Account | None:
        """Return an account by its id."""

    def named(self, name: str) -> Account | None:
        """Return an account by its folded name."""

    def bound(self, bound: Bound) -> Account | None:
        """Return the account that another house knows so."""

    def every(self) -> Sequence[Account]:
        """Return all accounts, by name."""

    def put(self, account: Account) -> bool:
        """Keep an account: a new one of version 0, or one whose kept version is the one before.

        False, and nothing is kept, where somebody else was first: another version, or another account with its name or
        bound as it is.
        """


class Sessions(Protocol):
    """Who is signed in. Durable once a call returns, but for ``touch``; any number of processes."""

    def get(self, digest: str) -> Session | None:
        """Return a session by the hash of its token."""

    def add(self, session: Session, instead_of: str | None = None) -> None:
        """Keep a session; in the same transaction, forget another, by its digest."""

    def touch(self, digest: str, seen: datetime) -> None:
        """Remember that it was used. Never brings one back that is gone."""

    def drop(self, *digests: str) -> None:
        """Forget sessions."""

    def of(self, account: str) -> Sequence[Session]:
        """Return all sessions of an account."""


class ApiKeys(Protocol):
    """Keys of programs. Durable once a call returns, but for ``used``; any number of processes."""

    def get(self, key: str) -> ApiKey | None:
        """Return a key by its id."""

    def of(self, account: str | None) -> Sequence[ApiKey]:
        """Return the keys of an account, or all, by when they were made."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""

    def used(self, key: str, moment: datetime) -> None:
        """Remember when it was used last."""

    def withdraw(self, key: str, moment: datetime) -> bool:
        """Withdraw a key for good; False where there is none, or it was withdrawn before."""


class Tickets(Protocol):
    """Secrets that are good once. Durable once a call returns; any number of processes."""

    def add(self, tickets: Sequence[Ticket]) -> None:
        """Keep new tickets."""

    def take(self, digest: str, purpose: Purpose, now: datetime) -> Ticket | None:
        """Return a ticket and forget it; of many who take it at once, one has it. None where it is gone or ended."""

    def left(self, account: str, purpose: Purpose, now: datetime) -> int:
        """Return how many an account still has."""

    def drop(self, account: str, purpose: Purpose) -> None:
        """Forget all that an account has."""

    def sweep(self, now: datetime) -> None:
        """Forget what has ended."""


class Attempts(Protocol):
    """Tries to sign in, counted. Atomic: many at once are counted one after another. Any number of processes."""

    def begin(self, buckets: Sequence[Bucket], now: datetime) -> datetime | None:
        """Count a try in every bucket, and return None; or, where any must wait, count it in none and say until when.

        As :func:`ordertrail.access.throttle.tried` says.
        """

    def succeeded(self, cleared: Sequence[Bucket], given_back: Sequence[Bucket]) -> None:
        """Forget what is held against the first, and one try in each of the others."""

    def sweep(self, before: datetime) -> None:
        """Forget buckets in which nothing was counted since."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a browser is sent to sign in with another house, and what must come back the same."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom another house says somebody is. ``claims`` are the values of those claims that settings name, as texts."""

    bound: Bound
    title: str
    claims: frozenset[tuple[str, str]]


class House(Protocol):
    """Another house that people sign in with (OpenID Connect). May be used by several threads.

    Raises UnavailableError where it cannot be reached, InputError where what came back does not prove anything.
    """

    @property
    def name(self) -> str:
        """What people call it, on the button."""

    def depart(self) -> Departure:
        """Return where to send a browser, with a state, a nonce and a verifier that nobody had before."""

    def arrive(self, code: str, nonce: str, verifier: str) -> Identity:
        """Exchange the code that came back for an identity whose every proof was checked."""
