"""What sending on needs of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Destination(Protocol):
    """Where events are sent.

    When ``send`` returns, the other side has all of them: it answered so (HTTP), its system has taken every byte
    (TCP), or they are on disk (file). Over UDP nobody can know. Raises UnavailableError otherwise, and then any part of
    them may have arrived: the caller sends all of them again. Used by one thread.
    """

    def send(self, messages: Sequence[str]) -> None:
        """Send messages in order, none of which has a line end."""

    def close(self) -> None:
        """Let go of connections."""


class Places(Protocol):
    """How far an exporter is in each stream: the index of the first entry that it has not sent.

    Durable and atomic: a reader sees what was written last, whole.
    """

    def read(self) -> Mapping[str, int] | None:
        """Return the places; None before anything was written."""

    def write(self, places: Mapping[str, int]) -> None:
        """Replace them."""
