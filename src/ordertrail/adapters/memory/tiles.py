"""A published tree in memory."""

from collections.abc import Mapping, Sequence
from threading import Lock

from ordertrail.kernel.errors import EvidenceError


class MemoryTiles:
    """Implements :class:`ordertrail.ledger.ports.Tiles`, but for durability."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self.since: str | None = None
        self._lock = Lock()

    def put(self, objects: Sequence[tuple[str, bytes]], since: str) -> None:
        """See the port. All objects or, where one differs, none."""
        with self._lock:
            require_same(self._objects, objects)
            self._objects.update(objects)
            self.since = since

    def get(self, path: str) -> bytes | None:
        """See the port."""
        with self._lock:
            return self._objects.get(path)


def require_same(held: Mapping[str, bytes], objects: Sequence[tuple[str, bytes]]) -> None:
    """Raise EvidenceError where a path is to get other bytes than it has, or two kinds of bytes at once."""
    first: dict[str, bytes] = {}
    for path, data in objects:
        if held.get(path, first.setdefault(path, data)) != data:
            raise EvidenceError(
                f"{path} is kept already, with other bytes",
                meaning="Either the kept object was altered, or history was forked; it was not overwritten.",
            )
