"""The newest checkpoint and the verifier keys of a published log, in memory."""

from collections.abc import Sequence
from threading import Lock

from ordertrail.vault.publication import refuse_setback


class MemoryPublication:
    """Implements :class:`ordertrail.ledger.ports.Publication`, but for durability."""

    def __init__(self) -> None:
        self._published: tuple[bytes | None, tuple[str, ...]] = (None, ())
        self._lock = Lock()

    def checkpoint(self) -> bytes | None:
        """See the port."""
        with self._lock:
            return self._published[0]

    def publish(self, checkpoint: bytes, vkeys: Sequence[str]) -> None:
        """See the port."""
        with self._lock:
            refuse_setback(self._published[0], checkpoint)
            self._published = (checkpoint, tuple(vkeys))

    def keys(self) -> bytes | None:
        """Return the published verifier keys, one a line."""
        with self._lock:
            checkpoint, vkeys = self._published
        return None if checkpoint is None else "".join(f"{vkey}\n" for vkey in vkeys).encode()
