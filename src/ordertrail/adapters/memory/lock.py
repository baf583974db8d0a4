"""A sealing lock in memory. It keeps threads apart, and ends with the process because everything does."""

from threading import Lock

from ordertrail.kernel.errors import BusyError


class LockPlace:
    """What a lock's file is to a file lock: where those that want the same lock meet."""

    def __init__(self) -> None:
        self.holder: MemoryLock | None = None
        self.mutex = Lock()


class MemoryLock:
    """Implements :class:`ordertrail.ledger.ports.SealingLock` among those that share a place."""

    def __init__(self, place: LockPlace, name: str) -> None:
        self._place = place
        self.name = name

    def acquire(self) -> None:
        """See the port."""
        with self._place.mutex:
            if self._place.holder is not None:
                raise BusyError(
                    f"{self._place.holder.name} is sealing this trail; only one process seals",
                    meaning="Nothing is lost: what you recorded is in the journal, and the other seals it.",
                    remedy="Wait for it, or stop it; its lock ends with it.",
                )
            self._place.holder = self

    def check(self) -> None:
        """See the port."""
        with self._place.mutex:
            if self._place.holder is not self:
                raise BusyError(f"{self.name} does not hold the lock for sealing this trail")

    def release(self) -> None:
        """See the port. Only the holder's own lock is given back."""
        with self._place.mutex:
            if self._place.holder is self:
                self._place.holder = None
