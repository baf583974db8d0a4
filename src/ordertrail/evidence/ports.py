"""What cases and custody ask of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Sequence
from typing import Protocol

from ordertrail.evidence.cases import Act
from ordertrail.evidence.custody import CustodyAct, Kept


class CaseBook(Protocol):
    """Acts of cases, only ever added.

    Durable once ``append`` returns. Fenced: of two that add the same number to one case, one gets False and has added
    nothing. Nothing is updated or deleted. Any number of threads and processes. Raises UnavailableError where the store
    cannot be used now.
    """

    def append(self, act: Act) -> bool:
        """Add an act; False where the case has one of this number already."""

    def acts(self, case: str) -> Sequence[Act]:
        """Return a case's acts in their order; none where there is no such case."""

    def cases(self, limit: int = 100, before: str | None = None) -> Sequence[str]:
        """Return the ids of cases, the newest first; ``before`` is the last of the page before."""


class CustodyBook(Protocol):
    """Bundles and what happened to them, with the guarantees of :class:`CaseBook`."""

    def keep(self, kept: Kept) -> None:
        """Add a bundle; its custody is not looked at. One that is there already is left as it is."""

    def append(self, act: CustodyAct) -> bool:
        """Add what happened; False where the bundle has one of this number already."""

    def find(self, bundle: str) -> Kept | None:
        """Return a bundle with its custody in order; None where there is none."""

    def bundles(self, limit: int = 100, before: str | None = None) -> Sequence[Kept]:
        """Return bundles with their custody, the newest first; ``before`` is the last of the page before."""


class Shelf(Protocol):
    """The bundles' bytes. Durable once ``put`` or ``remove`` returns; written once; any number of processes."""

    def put(self, bundle: str, data: bytes) -> None:
        """Keep a bundle. Raises EvidenceError where another one of this name is there."""

    def get(self, bundle: str) -> bytes | None:
        """Return a bundle's bytes; None where there are none."""

    def bundles(self) -> Sequence[str]:
        """Return the ids of the bundles that are there."""

    def remove(self, bundle: str) -> int:
        """Delete a bundle with all that was begun of it; return its bytes, 0 where it was not there."""
