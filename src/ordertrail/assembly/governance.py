"""The governance log of the trail in a directory: begun when something is first written to it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from ordertrail.adapters.files.lock import FileLock
from ordertrail.assembly.trail import add_log, open_trail
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import BusyError, EvidenceError, UnavailableError
from ordertrail.kernel.ids import parse_id
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.monitor.governance import GOVERNANCE
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Event
from ordertrail.services import LogService, Trail
from ordertrail.vault.keeping import KeptBlobs

LOCK: Final = "governance.lock"

_PATIENCE = 30.0
"""Seconds to wait for another process to seal what is written."""
_NAP = 0.02

_AT_ONCE = 4_096


class TrailGovernance:
    """Implements :class:`ordertrail.monitor.governance.GovernanceLog` on a trail's directory."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._lock = Lock()
        self._trail = open_trail(root, clock=clock)

    @property
    def keep_days(self) -> int:
        """The days for which this log and its payloads, model files among them, are kept: as the trail's first log."""
        return next(iter(self._trail.logs.values())).identity.keep_days

    def begin(self) -> None:
        """Begin the log, where it was not."""
        if self._found() is None:
            self._begin()

    def events(self) -> Iterator[Event]:
        """See the port."""
        service = self._found()
        if service is None:
            return
        size = service.log.store.head(GOVERNANCE).size
        for start in range(0, size, _AT_ONCE):
            for row in service.log.reader.rows(GOVERNANCE, start, min(size, start + _AT_ONCE)):
                if leaf_hash(row.entry) != row.hash:
                    raise EvidenceError(
                        f"entry {row.index} of the governance log was altered after it was sealed"
                    )
                yield read_entry(row.entry).event

    def write(self, events: Sequence[Event]) -> None:
        """See the port."""
        self.begin()
        with self._lock:
            self._trail.record(events, stream=GOVERNANCE)
            last = parse_id(events[-1].id)
            until = time.monotonic() + _PATIENCE
            while not self._is_sealed(last):
                if time.monotonic() > until:
                    raise UnavailableError(
                        f"what was decided was not sealed within {_PATIENCE:g} seconds",
                        meaning="It is recorded, and counts once it is sealed.",
                        remedy="See that 'ordertrail seal --follow' runs for every stream, then look again.",
                    )
                time.sleep(_NAP)

    def _is_sealed(self, event: bytes) -> bool:
        """Seal what waits, or leave it to whoever seals; say whether an event is in the log."""
        with suppress(BusyError):
            self._trail.seal(stream=GOVERNANCE)
        return self._trail.log(GOVERNANCE).log.reader.find(event) is not None

    def close(self) -> None:
        """Close the trail."""
        self._trail.close()

    def _found(self) -> LogService | None:
        """Return the log; another process may have begun it since the trail was opened."""
        with self._lock:
            if GOVERNANCE not in self._trail.logs:
                self._reopen()
            return self._trail.logs.get(GOVERNANCE)

    def _begin(self) -> None:
        """Begin the log, unless another process does just that: then it is there when it has."""
        with self._lock, self._alone():
            self._reopen()
            if GOVERNANCE in self._trail.logs:
                return
            name = f"{next(iter(self._trail.logs.values())).identity.origin}/{GOVERNANCE}"
            begun = format_time(self._clock())
            add_log(self._root, LogIdentity(GOVERNANCE, name, self.keep_days, begun), self._clock)
            self._reopen()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of whoever begins the log."""
        lock, until = FileLock(self._root / LOCK), time.monotonic() + _PATIENCE
        while True:
            try:
                lock.acquire()
                break
            except BusyError:
                if time.monotonic() > until:
                    raise
                time.sleep(_NAP)
        try:
            yield
        finally:
            lock.release()

    def _reopen(self) -> None:
        fresh: Trail = open_trail(self._root, clock=self._clock)
        self._trail.close()
        self._trail = fresh


@dataclass(frozen=True, slots=True)
class GovernancePayloads:
    """Implements :class:`ordertrail.record.ports.Blobs` for the log: what it names is kept from its beginning on."""

    log: TrailGovernance
    kept: KeptBlobs

    def put(self, data: bytes) -> str:
        """See the port. The log is begun first: the full check asks that a payload outlives a term of the log."""
        self.log.begin()
        return self.kept.put(data)

    def get(self, sha256: str) -> bytes | None:
        """See the port."""
        return self.kept.get(sha256)


@contextmanager
def open_governance(root: Path, clock: Clock) -> Iterator[TrailGovernance]:
    """Open the governance log of the trail in a directory. Raises ConfigurationError where there is no trail."""
    log = TrailGovernance(root, clock)
    try:
        yield log
    finally:
        log.close()
