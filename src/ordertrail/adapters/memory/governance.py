"""A governance log in memory, with its payloads, for tests."""

import hashlib
from collections.abc import Iterator, Sequence

from ordertrail.record.event import Event


class MemoryGovernance:
    """Implements :class:`ordertrail.monitor.governance.GovernanceLog` and :class:`ordertrail.record.ports.Blobs`."""

    def __init__(self) -> None:
        self._events: dict[str, Event] = {}
        self._payloads: dict[str, bytes] = {}

    def events(self) -> Iterator[Event]:
        """See the port."""
        return iter(list(self._events.values()))

    def write(self, events: Sequence[Event]) -> None:
        """See the port."""
        for event in events:
            self._events.setdefault(event.id, event)

    def put(self, data: bytes) -> str:
        """See the port."""
        name = hashlib.sha256(data).hexdigest()
        self._payloads.setdefault(name, data)
        return name

    def get(self, sha256: str) -> bytes | None:
        """See the port."""
        return self._payloads.get(sha256)
