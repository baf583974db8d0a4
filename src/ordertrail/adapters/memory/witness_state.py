"""What a witness remembers, in memory."""

from threading import Lock

from ordertrail.adapters.memory.availability import Availability


class MemoryWitnessState:
    """Implements :class:`ordertrail.ledger.ports.WitnessState`, but for durability.

    A witness on it forgets when it ends, and would then cosign a second history: it is for trying things out.
    """

    def __init__(self) -> None:
        self.availability = Availability()
        self._latest: dict[str, bytes] = {}
        self._conflicts: dict[str, bytes] = {}
        self._lock = Lock()

    def latest(self, origin: str) -> bytes | None:
        """See the port."""
        with self._lock:
            self.availability.require()
            return self._latest.get(origin)

    def advance(self, origin: str, expected: bytes | None, new: bytes) -> bool:
        """See the port."""
        with self._lock:
            self.availability.require()
            if self._latest.get(origin) != expected:
                return False
            self._latest[origin] = new
            return True

    def keep_conflict(self, origin: str, note: bytes) -> None:
        """See the port."""
        with self._lock:
            self.availability.require()
            self._conflicts.setdefault(origin, note)

    def conflict(self, origin: str) -> bytes | None:
        """See the port."""
        with self._lock:
            self.availability.require()
            return self._conflicts.get(origin)
