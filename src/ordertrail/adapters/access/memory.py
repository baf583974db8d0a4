"""What access keeps, in memory: the fake of its ports, for tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock

from ordertrail.access.account import Account, Bound
from ordertrail.access.key import ApiKey
from ordertrail.access.service import Stores
from ordertrail.access.session import Session
from ordertrail.access.throttle import Bucket, Held, tried
from ordertrail.access.ticket import Purpose, Ticket


@dataclass(slots=True)
class MemoryAccounts:
    """Implements :class:`ordertrail.access.ports.Accounts`."""

    kept: dict[str, Account] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def get(self, account: str) -> Account | None:
        """See the port."""
        return self.kept.get(account)

    def named(self, name: str) -> Account | None:
        """See the port."""
        return next((one for one in self.every() if one.name == name), None)

    def bound(self, bound: Bound) -> Account | None:
        """See the port."""
        return next((one for one in self.every() if one.bound == bound), None)

    def every(self) -> Sequence[Account]:
        """See the port."""
        with self.lock:
            return sorted(self.kept.values(), key=lambda one: one.name)

    def put(self, account: Account) -> bool:
        """See the port."""
        with self.lock:
            known = self.kept.get(account.id)
            fits = account.version == 0 if known is None else known.version == account.version - 1
            others = [one for one in self.kept.values() if one.id != account.id]
            taken = any(
                one.name == account.name or (one.bound is not None and one.bound == account.bound)
                for one in others
            )
            if not fits or taken:
                return False
            self.kept[account.id] = account
            return True


@dataclass(slots=True)
class MemorySessions:
    """Implements :class:`ordertrail.access.ports.Sessions`."""

    kept: dict[str, Session] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def get(self, digest: str) -> Session | None:
        """See the port."""
        return self.kept.get(digest)

    def add(self, session: Session, instead_of: str | None = None) -> None:
        """See the port."""
        with self.lock:
            if instead_of is not None:
                self.kept.pop(instead_of, None)
            self.kept[session.digest] = session

    def touch(self, digest: str, seen: datetime) -> None:
        """See the port."""
        with self.lock:
            if digest in self.kept:
                self.kept[digest] = replace(self.kept[digest], seen=seen)

    def drop(self, *digests: str) -> None:
        """See the port."""
        with self.lock:
            for digest in digests:
                self.kept.pop(digest, None)

    def of(self, account: str) -> Sequence[Session]:
        """See the port."""
        with self.lock:
            return sorted(
                (one for one in self.kept.values() if one.account == account), key=lambda one: one.created
            )


@dataclass(slots=True)
class MemoryApiKeys:
    """Implements :class:`ordertrail.access.ports.ApiKeys`."""

    kept: dict[str, ApiKey] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def get(self, key: str) -> ApiKey | None:
        """See the port."""
        return self.kept.get(key)

    def of(self, account: str | None) -> Sequence[ApiKey]:
        """See the port."""
        with self.lock:
            found = [one for one in self.kept.values() if account is None or one.account == account]
        return sorted(found, key=lambda one: (one.created, one.id))

    def add(self, key: ApiKey) -> None:
        """See the port."""
        with self.lock:
            self.kept[key.id] = key

    def used(self, key: str, moment: datetime) -> None:
        """See the port."""
        with self.lock:
            if key in self.kept:
                self.kept[key] = replace(self.kept[key], used=moment)

    def withdraw(self, key: str, moment: datetime) -> bool:
        """See the port."""
        with self.lock:
            known = self.kept.get(key)
            if known is None or known.withdrawn is not None:
                return False
            self.kept[key] = replace(known, withdrawn=moment)
            return True


@dataclass(slots=True)
class MemoryTickets:
    """Implements :class:`ordertrail.access.ports.Tickets`."""

    kept: dict[str, Ticket] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def add(self, tickets: Sequence[Ticket]) -> None:
        """See the port."""
        with self.lock:
            self.kept.update({one.digest: one for one in tickets})

    def take(self, digest: str, purpose: Purpose, now: datetime) -> Ticket | None:
        """See the port."""
        with self.lock:
            known = self.kept.get(digest)
            if known is None or known.purpose is not purpose or known.ends <= now:
                return None
            return self.kept.pop(digest)

    def left(self, account: str, purpose: Purpose, now: datetime) -> int:
        """See the port."""
        with self.lock:
            return sum(
                one.account == account and one.purpose is purpose and one.ends > now
                for one in self.kept.values()
            )

    def drop(self, account: str, purpose: Purpose) -> None:
        """See the port."""
        self._keep(lambda one: one.account != account or one.purpose is not purpose)

    def sweep(self, now: datetime) -> None:
        """See the port."""
        self._keep(lambda one: one.ends > now)

    def _keep(self, meant: Callable[[Ticket], bool]) -> None:
        with self.lock:
            self.kept = {digest: one for digest, one in self.kept.items() if meant(one)}


@dataclass(slots=True)
class MemoryAttempts:
    """Implements :class:`ordertrail.access.ports.Attempts`."""

    kept: dict[str, Held] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def begin(self, buckets: Sequence[Bucket], now: datetime) -> datetime | None:
        """See the port."""
        with self.lock:
            after = {one.key: tried(one, self.kept.get(one.key), now) for one in buckets}
            waiting = [self.kept[key].until for key, one in after.items() if one is None]
            if waiting:
                return max(waiting)
            self.kept.update({key: one for key, one in after.items() if one is not None})
            return None

    def succeeded(self, cleared: Sequence[Bucket], given_back: Sequence[Bucket]) -> None:
        """See the port."""
        with self.lock:
            for bucket in cleared:
                self.kept.pop(bucket.key, None)
            for bucket in given_back:
                known = self.kept.get(bucket.key)
                if known is not None:
                    self.kept[bucket.key] = Held(max(0, known.failures - 1), known.last, known.last)

    def sweep(self, before: datetime) -> None:
        """See the port."""
        with self.lock:
            self.kept = {key: one for key, one in self.kept.items() if one.last >= before}


def memory_stores() -> Stores:
    """Return stores that keep nothing beyond the process."""
    return Stores(MemoryAccounts(), MemorySessions(), MemoryApiKeys(), MemoryTickets(), MemoryAttempts())
