"""What sharing segments needs of the outside world. Guarantees stand in each port's docstring."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from ordertrail.kernel.errors import EvidenceError
from ordertrail.query.segments.manifest import Manifest, format_manifest
from ordertrail.query.segments.ports import PublishedTree
from ordertrail.query.sharing.tie import Tie

_NAME = re.compile(r"(\d{12,19})-(\d{12,19})-([0-9a-f]{16})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """A shared segment as its folder names it: entries ``[start, end)``, and 16 digits of its manifest's SHA-256.

    The same bytes have the same name; a segment that is made anew with other bytes has another one, so that no file is
    ever written over under those who read it.
    """

    start: int
    end: int
    digest: str

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.start:012d}-{self.end:012d}-{self.digest}"

    def meets(self, other: "Share") -> bool:
        """Say whether both hold an entry."""
        return self.start < other.end and other.start < self.end


def share_of(manifest: Manifest) -> Share:
    """Return what a segment is called where it is shared."""
    digest = sha256(format_manifest(manifest)).hexdigest()
    return Share(manifest.block.start, manifest.block.end, digest[:16])


def parse_share(name: str) -> Share:
    """Read a folder's name. Raises EvidenceError for what :attr:`Share.name` would not be."""
    found = _NAME.fullmatch(name)
    share = Share(int(found[1]), int(found[2]), found[3]) if found else None
    if share is None or share.name != name or share.start >= share.end:
        raise EvidenceError(f"{name!r} names no shared segment")
    return share


@dataclass(frozen=True, slots=True)
class Listing:
    """What a table's current snapshot reads.

    ``strange`` says, in sentences, what in it is no file of a shared segment. ``leaving`` are shares that no longer
    are in it, and whose files wait to be removed.
    """

    shares: tuple[Share, ...]
    strange: tuple[str, ...] = ()
    leaving: tuple[Share, ...] = ()


class SharedTables(Protocol):
    """Tables of one open format, one for each file of a segment, over files that are the segments' own, byte for byte.

    A table changes by one commit, whole or not at all, and readers keep the snapshot that they began with; tables
    change one after the other. What changes one raises BusyError where somebody else committed meanwhile. Durable as
    the storage is. Raises UnavailableError where storage or catalogue cannot be reached.
    """

    @property
    def names(self) -> Sequence[str]:
        """The tables, in the sequence in which they are to change."""

    def listing(self, stream: str, table: str) -> Listing:
        """Return what a table of a log holds now; nothing where it was not begun."""

    def commit(self, table: str, manifest: Manifest, tie: Tie, leaving: Sequence[Share]) -> None:
        """Let a table read a segment that was placed, and no longer read those that leave."""

    def withdraw(self, stream: str, table: str, leaving: Sequence[Share]) -> None:
        """Let a table no longer read segments."""

    def forget(self, stream: str, table: str) -> None:
        """Let go of a table's earlier snapshots, and of what is leaving."""


class SharedFiles(Protocol):
    """The folders of shared segments. Raises UnavailableError where storage cannot be reached, or refuses."""

    def place(self, manifest: Manifest, tie: Tie) -> None:
        """Bring a segment's files to where they are shared, with its manifest and what ties it.

        Raises EvidenceError where a file is not what the manifest says: it is not shared.
        """

    def fetch(self, stream: str, share: Share, into: Path) -> None:
        """Bring what is in a shared segment's folder to a folder here: what is gone there, is not here."""

    def remove(self, stream: str, share: Share) -> None:
        """Remove a segment's folder; one that is gone is removed."""


@dataclass(frozen=True, slots=True)
class Lake:
    """Where segments are shared."""

    tables: SharedTables
    files: SharedFiles


class Proven(PublishedTree, Protocol):
    """The published trees, and what ties a segment of theirs to their newest checkpoint."""

    def tie(self, manifest: Manifest) -> Tie:
        """Tie a segment to the newest checkpoint. Raises EvidenceError where its root is not in the tree."""

    def check(self, tie: Tie) -> None:
        """Check a tie with the log's keys, whichever was in force. Raises EvidenceError where it does not hold."""
