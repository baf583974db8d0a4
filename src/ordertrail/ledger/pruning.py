"""A log whose beginning was destroyed: its entries are gone, their hashes stay (C2SP tlog-tiles, "Pruning").

Only a beginning can go, up to a multiple of 256: bundles below the *minimum index* are deleted, tiles of hashes are
not. So every root, every checkpoint and every proof of what remains still adds up, and that the entries were there,
as many and no others, is proven as before. What cannot be had any more is what they said.

That it may be missing, the log itself says: an *order of destruction* is an entry of it like any other::

    action   retention.purge
    subject  kind "log", id the log's origin, and, as the order that it belongs to, ``log:<origin>``
    changes  /minimum   after: the minimum index        /root   after: the log's root at that size, in hex

Its subject's order gives orders of destruction a chain of their own, by which the newest is found; and as an entry
it stands under the log's signature. Without one, an entry that is missing is missing.
"""

import json
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.ports import EntryReader
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.tiles import TILE_WIDTH

ACTION: Final = "retention.purge"
SUBJECT: Final = "log"
MINIMUM: Final = "/minimum"
ROOT: Final = "/root"


@dataclass(frozen=True, slots=True)
class Destruction:
    """An order of destruction: entries below ``minimum``, whose tree has this root, as the entry at ``index``."""

    minimum: int
    root: bytes
    event: str
    index: int
    recorded: str


def chain_of(origin: str) -> str:
    """Return the order that a log's orders of destruction belong to."""
    return f"log:{origin}"


def require_prunable(minimum: int, published: int) -> None:
    """Raise InputError unless a log of which so much is published can be pruned there."""
    if minimum <= 0 or minimum % TILE_WIDTH or minimum > published:
        raise InputError(
            f"a log with {published:,} published entries is not pruned at {minimum:,}",
            remedy=f"Name a multiple of {TILE_WIDTH} up to what is published.",
        )


def newest_destruction(reader: EntryReader, log: LogIdentity) -> Destruction | None:
    """Return the newest order of destruction that a log holds, None where it holds none."""
    found = (
        _read(row.index, row.entry, log.origin)
        for stream, row in reader.history(chain_of(log.origin))
        if stream == log.name
    )
    return max((one for one in found if one is not None), key=lambda one: one.minimum, default=None)


def _read(index: int, entry: bytes, origin: str) -> Destruction | None:
    """Read an order of destruction; None for an entry that is not exactly one."""
    try:
        whole = json.loads(entry)
        event, subject = whole["event"], whole["event"]["subject"]
        said = {change["path"]: change.get("after") for change in event["changes"]}
        one = Destruction(
            said[MINIMUM], bytes.fromhex(said[ROOT]), event["id"], index, whole["ledger"]["recorded"]
        )
        ours = (event["action"], event["outcome"], subject["kind"], subject["id"], subject["order"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if ours != (ACTION, "success", SUBJECT, origin, chain_of(origin)) or not isinstance(one.minimum, int):
        return None
    return one if 0 < one.minimum <= index and one.minimum % TILE_WIDTH == 0 else None
