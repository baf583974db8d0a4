"""The logs of an open trail: those that it had when it was opened, and those that were begun since."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ordertrail.ledger.rotation import LogIdentity
from ordertrail.services import LogService

_LOOK: Final = 1.0
"""Seconds between two looks for logs that nobody asked for by name."""


class TrailLogs(Mapping[str, LogService]):
    """The logs of a trail by their streams, the first one first.

    A log may be begun at any time, by a policy that names a new class for one: whoever serves for months finds it by
    its name at once, and among all of them within a second. Any number of threads.
    """

    def __init__(
        self, identities: Callable[[], Sequence[LogIdentity]], service: Callable[[LogIdentity], LogService]
    ) -> None:
        self._identities = identities
        self._service = service
        self._found: dict[str, LogService] = {}
        self._looked = 0.0
        self._look()

    def __getitem__(self, stream: str) -> LogService:
        """Return a log; the database is asked where it is not known yet. Raises KeyError where there is none."""
        if stream not in self._found:
            self._look()
        return self._found[stream]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the streams."""
        if time.monotonic() - self._looked >= _LOOK:
            self._look()
        return iter(self._found)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(list(iter(self)))

    def _look(self) -> None:
        """Open what is there and not known. What is known stays the object that it is."""
        self._looked = time.monotonic()
        there = [one for one in self._identities() if one.name not in self._found]
        if there:
            self._found = {**self._found, **{one.name: self._service(one) for one in there}}
