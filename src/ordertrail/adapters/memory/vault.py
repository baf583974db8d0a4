"""A vault in memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock

from ordertrail.adapters.memory.availability import Availability
from ordertrail.adapters.memory.tiles import require_same
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
from ordertrail.vault.keeping import require_due
from ordertrail.vault.ports import Kept


class MemoryVault:
    """Implements :class:`ordertrail.vault.ports.Vault` and ``Holds``, but for durability.

    Objects count as read-only, for no method changes one, and as not locked, for Python would.
    """

    def __init__(self) -> None:
        self.availability = Availability()
        self._objects: dict[str, bytes] = {}
        self._terms: dict[str, datetime] = {}
        self._held: set[str] = set()
        self._lock = Lock()

    def put(self, objects: Sequence[tuple[str, bytes]], until: datetime) -> None:
        """See the port. All objects or, where one differs, none."""
        with self._lock:
            self.availability.require()
            require_same(self._objects, objects)
            for path, data in objects:
                self._objects[path] = data
                self._terms[path] = max(until, self._terms.get(path, until))

    def get(self, path: str) -> bytes | None:
        """See the port."""
        with self._lock:
            self.availability.require()
            return self._objects.get(path)

    def kept(self, path: str) -> Kept | None:
        """See the port."""
        with self._lock:
            self.availability.require()
            data = self._objects.get(path)
            if data is None:
                return None
            held = path in self._held
            return Kept(self._terms[path], len(data), read_only=True, locked=False, legal_hold=held)

    def extend(self, path: str, until: datetime) -> None:
        """See the port."""
        with self._lock:
            known = self._require(path)
            if until < known:
                raise InputError(
                    f"{path} is kept until {format_time(known)}; a term is lengthened, never shortened"
                )
            self._terms[path] = until

    def hold(self, path: str) -> None:
        """See the port."""
        with self._lock:
            self._require(path)
            self._held.add(path)

    def release(self, path: str) -> None:
        """See the port."""
        with self._lock:
            self._require(path)
            self._held.discard(path)

    def dispose(self, path: str, now: datetime) -> int:
        """See :class:`ordertrail.vault.ports.Disposal`."""
        kept = self.kept(path)
        if kept is None:
            return 0
        require_due(path, kept, now)
        with self._lock:
            self._terms.pop(path, None)
            return len(self._objects.pop(path, b""))

    def paths(self, prefix: str) -> Iterator[str]:
        """See the port."""
        with self._lock:
            self.availability.require()
            below = f"{prefix.rstrip('/')}/" if prefix else ""
            found = [path for path in self._objects if path.startswith(below)]
        yield from found

    def _require(self, path: str) -> datetime:
        """Return an object's term. Raises InputError where there is none."""
        self.availability.require()
        known = self._terms.get(path)
        if known is None:
            raise InputError(f"there is no {path} in the vault")
        return known
