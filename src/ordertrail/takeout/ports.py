"""What exports in the background ask of the outside world. Guarantees stand in the port's docstring."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from ordertrail.takeout.takeout import Takeout


class Takeouts(Protocol):
    """Exports and their files.

    Durable when a call returns; may be used by several threads and processes. Raises UnavailableError where it cannot
    be used now.
    """

    def put(self, takeout: Takeout) -> None:
        """Keep an export as it stands."""

    def get(self, takeout: str) -> Takeout | None:
        """Return an export by its id."""

    def every(self) -> Sequence[Takeout]:
        """Return all exports, the oldest first."""

    def hold(self, takeout: str) -> AbstractContextManager[bool]:
        """Hold an export against everybody else; yields False where another holds it.

        It is let go when the block ends, and when the process ends, however it ends.
        """

    def begin(self, takeout: str) -> BinaryIO:
        """Open a new file to write to; nobody else sees it. One that was begun before is gone."""

    def finish(self, takeout: str, file: BinaryIO) -> None:
        """Put the written file in place, whole and on disk."""

    def file(self, takeout: str) -> BinaryIO | None:
        """Open the finished file to be read; None where there is none."""

    def discard(self, takeout: str) -> None:
        """Remove the file, finished or not."""

    def forget(self, takeout: str) -> None:
        """Remove an export and its file for good."""
