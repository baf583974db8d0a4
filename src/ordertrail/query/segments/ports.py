"""What segments need of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Rows, Statement
from ordertrail.query.projection import Indexed
from ordertrail.query.segments.manifest import Block, Manifest
from ordertrail.query.tables import Dialect


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry as a segment has it: its leaf hash, 32 bytes, and what the index keeps of its event."""

    hash: bytes
    event: Indexed


@dataclass(frozen=True, slots=True)
class Making:
    """What a new segment is of: all of its manifest that is known before its files are there."""

    stream: str
    origin: str
    block: Block
    root: bytes
    words: str


class Shelf(Protocol):
    """Where segments are kept. They are no evidence, and can be made again from the log.

    Atomic: a segment is there whole, or not at all; what a crash left is removed by the next who writes. Durable once
    ``make`` or ``join`` returns. One writer at a time: ``writing`` raises BusyError where another process writes.
    Readers need no lock; files of a segment that was dropped may vanish under them, and then they read the list anew.
    """

    def writing(self) -> AbstractContextManager[None]:
        """Be the only one who writes."""

    def manifests(self, stream: str) -> Sequence[Manifest]:
        """Return the published segments of a log, by start and height; what cannot be read is left out."""

    def make(self, making: Making, leaves: Iterable[Leaf]) -> Manifest:
        """Publish a segment of these leaves, which come in the log's order."""

    def join(self, making: Making, parts: Sequence[Manifest]) -> Manifest:
        """Publish a segment of the leaves of others, which follow each other.

        Raises EvidenceError where a file of theirs is not what was written: what joins it would vouch for it.
        """

    def drop(self, stream: str, block: Block) -> None:
        """Remove a segment, its manifest first."""


class Inspection(Protocol):
    """Looks into published segments. Raises UnavailableError where a file is gone or cannot be read."""

    def problems(self, manifest: Manifest) -> Iterator[str]:
        """Say which files are not those of the manifest: gone, more, or of other bytes."""

    def leaves(self, manifest: Manifest) -> Sequence[bytes]:
        """Return the leaf hashes that a segment holds, in the log's order."""

    def differences(self, manifest: Manifest, leaves: Iterable[Leaf]) -> Iterator[str]:
        """Make a segment of these leaves, and say where it differs from the published one: rows, times, orders."""


class PublishedTree(Protocol):
    """The Merkle trees of the logs under their newest published checkpoints, whose signatures were checked."""

    def size(self, stream: str) -> int:
        """Return how many leaves the checkpoint commits to."""

    def origin(self, stream: str) -> str:
        """Return the log's name."""

    def root(self, stream: str, block: Block) -> bytes:
        """Return a block's node, proven to lie under the checkpoint. Raises EvidenceError where it does not."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Rows that are in no segment yet, under the names of their columns, of which some are whole numbers."""

    names: tuple[str, ...]
    numbers: frozenset[str]
    rows: Rows


class Columns(Protocol):
    """The segments as they were at one moment, as tables that statements run over; there is no ``order_standing``.

    Statements are made by this room alone; what people wrote is in their parameters. May be used by several threads.
    """

    @property
    def dialect(self) -> Dialect:
        """How texts are found there."""

    def reach(self) -> Mapping[str, int]:
        """Return the place in each log from which on no segment has anything."""

    def run(self, statement: Statement, about: Filter, tails: Mapping[str, Tail] = ...) -> Rows:
        """Return the rows of a statement that asks only for events that ``about`` means, with further tables by name.

        Raises UnavailableError for what takes too long, or more memory than is allowed.
        """
