"""What a check reads: the stores of one log, opened anew in each process."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ordertrail.ledger.policy import Policy
from ordertrail.ledger.ports import (
    Custody,
    EntryReader,
    EntryRow,
    KeyPeriod,
    TableAudit,
    Tiles,
    Timestamper,
)
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.record.ports import Blobs


class RowGroups(Protocol):
    """The table's rows as fast as the store can give them."""

    def row_groups(self, stream: str, start: int, end: int, size: int) -> Iterator[Sequence[EntryRow]]:
        """Yield the rows of each range of ``size``, as tuples in the order of EntryRow's fields."""


@dataclass(frozen=True, slots=True)
class Source:
    """One log's stores, for reading, and whose stamps and cosignatures it may show: ``timestampers``, ``policy``."""

    log: LogIdentity
    reader: EntryReader
    rows: RowGroups
    audit: TableAudit
    tiles: Tiles
    custody: Custody
    blobs: Blobs
    blob_custody: Custody
    keys: tuple[KeyPeriod, ...]
    published_keys: bytes | None
    published: bytes | None
    key_problems: tuple[str, ...] = ()
    database_name: str = "ordertrail.db"
    timestampers: tuple[Timestamper, ...] = ()
    policy: Policy | None = None
    close: Callable[[], None] = lambda: None


OpenSource = Callable[[], Source]
"""Opens the stores; picklable, so that each process of a parallel check opens its own."""
