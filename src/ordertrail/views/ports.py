"""What views need of the outside world."""

from collections.abc import Sequence
from typing import Protocol

from ordertrail.views.saved import Link, SavedView


class Views(Protocol):
    """Keeps views and links. Durable when a call returns; may be used by several threads and processes.

    Raises UnavailableError where it cannot be reached now.
    """

    def save(self, view: SavedView) -> bool:
        """Keep a view; False, and nothing is kept, where its owner has one of that name, or too many."""

    def remove(self, view: str, owner: str) -> bool:
        """Forget an owner's view; False where there is none of theirs."""

    def seen_by(self, owner: str) -> Sequence[SavedView]:
        """Return the views of an owner, and those of everybody, by name."""

    def add_link(self, link: Link) -> None:
        """Keep a link, for good: nothing removes it."""

    def link(self, name: str) -> Link | None:
        """Return a link by its id."""
