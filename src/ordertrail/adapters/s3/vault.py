"""A vault in an S3 bucket with Object Lock: one object a path, locked until the end of its term.

**The first version is the evidence.** A bucket with versions keeps whatever is put over an object beside it,
and a delete marker only hides it. What this vault reads, compares and reports on is always the *oldest*
version of a key, so that whoever may write to the bucket can neither replace an object nor make it vanish;
that somebody tried is told by :meth:`S3Vault.kept`.

**Write-once is ours to enforce.** ``If-None-Match: *`` goes with every write, and some stores ignore it
(Ceph's gateway does in a bucket with versions). So the key is looked at before the write, and its versions
are listed after it: of two that were written at once the first counts, and whoever wrote the other hears of it.

**Terms.** A term ends at a whole second, rounded up. After each write the lock is read back: there are stores
that take a date and keep another one (Ceph's gateway does beyond the year 2105, and sets no lock on what is
uploaded in parts until it is told again).

**Speed.** Objects of one call are written side by side. What must be there before something else is put by an
earlier call. Which version is the first is remembered, for it cannot change; the first read of an object costs
one request more, to learn it, unless a listing or a write has told it already.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ordertrail.adapters.s3.bucket import Bucket, Lock, State, whole_second
from ordertrail.adapters.s3.errors import code_of_cause
from ordertrail.adapters.s3.versions import History, Version
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError, UnavailableError
from ordertrail.vault.keeping import require_due
from ordertrail.vault.ports import Kept

_REMEMBERED = 200_000
"""Keys whose first version is remembered, about 50 MB."""

_LONGEST_KEY = 1_024
"""Bytes of the longest key ("Creating object key names")."""

_LEAST = timedelta(days=1)
"""The shortest lock: whoever keeps again what was due to go meanwhile may still want to look at it."""

_REFUSED = {"AccessDenied", "403"}

_TRIES = 3
"""Times that a write is begun again because another one of the same key failed at the same moment."""


class S3Vault:
    """Implements :class:`ordertrail.vault.ports.Vault` and :class:`ordertrail.vault.ports.Holds`."""

    def __init__(self, bucket: Bucket, below: str = "", *, clock: Clock = utc_now) -> None:
        """Keep objects in a bucket, below its place's prefix and, there, in the folder ``below``."""
        self._bucket = bucket
        self._prefix = bucket.place.prefix + (f"{below.strip('/')}/" if below.strip("/") else "")
        self._clock = clock
        self._first: dict[str, str] = {}

    def put(self, objects: Sequence[tuple[str, bytes]], until: datetime) -> None:
        """See the port. First all keys are looked at, and nothing is written if one holds other bytes.

        *If we stop here*: an object may be there without a lock, if the store sets none on what is uploaded in
        parts, until it is put again.
        """
        lock = Lock(self._bucket.place.mode, whole_second(until))
        wanted: dict[str, bytes] = {}
        for path, data in objects:
            if wanted.setdefault(path, data) != data:
                raise _other_bytes(path)
        held = self._bucket.side_by_side(lambda item: self._held(*item), wanted.items())
        todo = zip(wanted.items(), held, strict=True)
        self._bucket.side_by_side(lambda one: self._keep(*one[0], one[1], lock), todo)

    def get(self, path: str) -> bytes | None:
        """See the port. Of the first version, whatever was put over it."""
        key = self._key(path)
        version = self._first.get(key) or self._look_up(key)
        body = self._bucket.get(key, version) if version else None
        if body is None and self._first.pop(key, None) is not None:  # it was erased since we looked
            version = self._look_up(key)
            body = self._bucket.get(key, version) if version else None
        return None if body is None else body.data

    def kept(self, path: str) -> Kept | None:
        """See the port."""
        history = self._bucket.history(self._key(path))
        return None if history is None else self._kept(history)

    def extend(self, path: str, until: datetime) -> None:
        """See the port."""
        key = self._key(path)
        state = self._state(path)
        end = whole_second(until)
        if state.lock is not None and end < state.lock.until:
            raise InputError(
                f"{path} is kept until {format_time(state.lock.until)}; a term is lengthened, never shortened"
            )
        self._lengthen(key, state, Lock(self._bucket.place.mode, end))

    def dispose(self, path: str, now: datetime) -> int:
        """See :class:`ordertrail.vault.ports.Disposal`. The version that counts goes last, so that it can be told."""
        key, freed = self._key(path), 0
        history = self._bucket.history(key)
        if history is None:
            return 0
        kept = self._kept(history)
        if kept is not None:
            require_due(path, kept, now)
        for marker in history.markers:
            self._bucket.erase(key, marker)
        for version in reversed(history.versions):
            self._bucket.erase(key, version.id)
            freed += version.length
        self._first.pop(key, None)
        return freed

    def paths(self, prefix: str) -> Iterator[str]:
        """See the port. A key of which only a delete marker is left is among them: something was there."""
        for history in self._below(prefix):
            yield history.key.removeprefix(self._prefix)

    def inventory(self, prefix: str) -> Iterator[tuple[str, Kept | None]]:
        """See :class:`ordertrail.vault.ports.Inventory`: one listing, then how each is kept, side by side."""
        waiting: list[History] = []
        for history in self._below(prefix):
            waiting.append(history)
            if len(waiting) == 16 * self._bucket.place.connections:
                yield from self._all_kept(waiting)
                waiting = []
        yield from self._all_kept(waiting)

    def hold(self, path: str) -> None:
        """See :class:`ordertrail.vault.ports.Holds`."""
        self._bucket.hold(self._key(path), self._state(path).version, on=True)

    def release(self, path: str) -> None:
        """See :class:`ordertrail.vault.ports.Holds`."""
        self._bucket.hold(self._key(path), self._state(path).version, on=False)

    def _held(self, path: str, data: bytes) -> Version | None:
        """Return the version that is kept. Raises EvidenceError where it has other bytes than these."""
        key = self._key(path)
        history = self._bucket.history(key)
        first = history.first if history else None
        if first is None:
            return None
        self._remember(key, first.id)
        if first.length != len(data) or self.get(path) != data:
            raise _other_bytes(path)
        return first

    def _keep(self, path: str, data: bytes, held: Version | None, lock: Lock) -> None:
        """Write an object that is not there yet, and see to it that its first version is locked long enough."""
        key = self._key(path)
        for _ in range(_TRIES):
            version = held.id if held else self._write(path, data, lock)
            state = self._bucket.state(key, version) if version else None
            if state is not None:
                self._lengthen(key, state, lock)
                return
            held = None
        raise UnavailableError(f"{path} is written and erased again by somebody at the same time")

    def _write(self, path: str, data: bytes, lock: Lock) -> str | None:
        """Write an object; return its first version, which may be another writer's with the same bytes."""
        key = self._key(path)
        mine = self._bucket.put(key, data, self._acceptable(lock))
        if mine is not None and self._look_up(key) == mine:
            return mine
        # Somebody was faster: what is there is compared, whether the store saw it or not.
        held = self._held(path, data)
        return held.id if held else None

    def _lengthen(self, key: str, state: State, lock: Lock) -> None:
        """Lock a version until then at least, in the mode that it is locked in: only a bypass could change that."""
        if _reaches(state.lock, lock) or lock.until <= self._clock():
            return
        mode = lock.mode if state.lock is None else state.lock.mode
        refusal: ConfigurationError | None = None
        try:
            self._bucket.retain(key, state.version, Lock(mode, lock.until))
        except ConfigurationError as error:
            if code_of_cause(error) not in _REFUSED:
                raise
            refusal = error  # another process may have lengthened it even further meanwhile
        now = self._bucket.state(key, state.version)
        if now is not None and _reaches(now.lock, lock):
            return
        if refusal is not None:
            raise refusal
        until = (
            "without a lock" if now is None or now.lock is None else f"until {format_time(now.lock.until)}"
        )
        raise ConfigurationError(
            f"{key} was to be locked until {format_time(lock.until)}, and the store keeps it {until}",
            meaning="The store does not keep what it acknowledges; its copy is not kept for the log's term.",
            remedy="Choose a term that the store can keep (Ceph's ends in 2105), or another store.",
        )

    def _acceptable(self, lock: Lock) -> Lock:
        """Return a lock that ends in the future, or the store would refuse it: a term that is over is a day more."""
        return Lock(lock.mode, max(lock.until, whole_second(self._clock() + _LEAST)))

    def _state(self, path: str) -> State:
        """Return the state of the version that is kept. Raises InputError where there is none."""
        key = self._key(path)
        version = self._look_up(key)
        state = self._bucket.state(key, version) if version else None
        if state is None:
            raise InputError(f"there is no {path} in the vault")
        return state

    def _look_up(self, key: str) -> str | None:
        history = self._bucket.history(key)
        if history is None or history.first is None:
            return None
        self._remember(key, history.first.id)
        return history.first.id

    def _below(self, prefix: str) -> Iterator[History]:
        folder = f"{prefix.rstrip('/')}/" if prefix else ""
        for history in self._bucket.histories(self._prefix + folder):
            if history.first is not None:
                self._remember(history.key, history.first.id)
            yield history

    def _all_kept(self, known: Sequence[History]) -> Iterator[tuple[str, Kept | None]]:
        paths = (history.key.removeprefix(self._prefix) for history in known)
        return zip(paths, self._bucket.side_by_side(self._kept, known), strict=True)

    def _kept(self, history: History) -> Kept | None:
        first = history.first
        state = self._bucket.state(history.key, first.id) if first else None
        if first is None or state is None:
            return None
        lock = state.lock
        return Kept(
            until=lock.until if lock else None,
            length=state.length,
            read_only=first.id != "null",  # a version never changes; what has none is written over
            locked=state.legal_hold or (lock is not None and lock.until > self._clock()),
            mode=lock.mode if lock else "",
            version=first.id,
            legal_hold=state.legal_hold,
            flaws=tuple(self._flaws(history, first)),
        )

    def _flaws(self, history: History, first: Version) -> Iterator[str]:
        """Say what was put over a version. The same bytes once more are no flaw: a retry may leave them."""
        if history.hidden:
            yield "is hidden by a delete marker; its first version is still there"
        others = [one for one in history.versions[1:] if not self._same(history.key, first, one)]
        if others:
            yield (
                f"was overwritten: it has {len(history.versions)} versions with different bytes; "
                f"the first, {first.id}, is the kept one"
            )

    def _same(self, key: str, first: Version, other: Version) -> bool:
        if first.length != other.length:
            return False
        digests = set()
        for version in (first, other):
            body = self._bucket.get(key, version.id)
            digests.add(None if body is None else hashlib.sha256(body.data).digest())
        return len(digests) == 1

    def _remember(self, key: str, version: str) -> None:
        if len(self._first) >= _REMEMBERED:
            self._first.clear()
        self._first[key] = version

    def _key(self, path: str) -> str:
        key = self._prefix + path
        odd = {"", ".", ".."} & set(path.split("/"))
        if odd or not path.isprintable() or len(key.encode()) > _LONGEST_KEY:
            raise ConfigurationError(f"{path!r} is not a path in the vault")
        return key


def _reaches(known: Lock | None, asked: Lock) -> bool:
    return known is not None and known.until >= asked.until


def _other_bytes(path: str) -> EvidenceError:
    return EvidenceError(
        f"{path} is in the vault already, with other bytes",
        meaning="Either the kept object was altered, or history was forked; it was not overwritten.",
    )
