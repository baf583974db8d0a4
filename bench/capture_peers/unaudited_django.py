"""The Django application without any audit: what the others are measured against."""

from contextlib import AbstractContextManager, nullcontext

from bench.capture_peers.ports import DjangoPeer
from bench.capture_peers.verdict import Change


class Unaudited:
    """Nothing is recorded."""

    def prepare(self) -> None:
        """Nothing."""

    def settle(self) -> None:
        """Nothing."""

    def acting(self) -> AbstractContextManager[object]:
        """Nobody acts."""
        return nullcontext()

    def recorded(self) -> list[Change]:
        """Nothing."""
        return []

    def count(self) -> int:
        """None."""
        return 0

    def relay(self) -> None:
        """Nothing."""


def peer() -> DjangoPeer:
    """Return the application as it is."""
    return Unaudited()
