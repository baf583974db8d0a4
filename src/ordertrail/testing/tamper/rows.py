"""Tampering with rows of the database, one at a time, with the triggers dropped and put back.

Each function takes the place to tamper with and returns what a :class:`Tampering` applies.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

from ordertrail.testing.tamper.copies import DATABASE, flipped, seeded, unguarded
from ordertrail.testing.tamper.where import Where

Apply = Callable[[Path, int], Where]

_COPY = """
INSERT INTO entry (stream, idx, event_id, chain, number, previous, hash, entry)
SELECT stream, ?, ?, chain, number + 1000000, previous, hash, entry FROM entry WHERE idx = ?
"""
_REPLACE = """
INSERT OR REPLACE INTO entry (stream, idx, event_id, chain, number, previous, hash, entry)
SELECT stream, idx, event_id, chain, number, previous, hash, ? FROM entry WHERE idx = ?
"""


def row_of(index: int) -> str:
    """Name an entry's row as the report does."""
    return f"row of entry {index}"


def batch_of(first: int, size: int) -> str:
    """Name a batch's row as the report does."""
    return f"batch of entries {first} to {size - 1}"


def flip_entry_cell(column: str) -> Apply:
    """Change one byte of one column of one entry's row."""

    def apply(trail: Path, seed: int) -> Where:
        random = seeded(seed)
        with unguarded(trail) as database:
            index = _pick_entry(database, random)
            at = _flip_cell(database, ("entry", column, "idx"), index, random)
        return Where(DATABASE, row_of(index), index, (at, at + 1))

    return apply


def put_price_back(trail: Path, event_id: str) -> None:
    """Write the old amount over the new one in the row of a price change, as who wants to hide it would.

    Raises ValueError where the trail has no such entry.
    """
    with unguarded(trail) as database:
        wanted = (bytes.fromhex(event_id.replace("-", "")),)
        found = database.execute("SELECT idx, entry FROM entry WHERE event_id = ?", wanted).fetchone()
        if found is None:
            raise ValueError(f"there is no entry of the event {event_id}")
        index, entry = found
        change = json.loads(entry)["event"]["changes"][0]
        lowered, usual = (b'"amount":%d' % change[side]["amount"] for side in ("after", "before"))
        database.execute("UPDATE entry SET entry = ? WHERE idx = ?", (entry.replace(lowered, usual), index))


def flip_batch_cell(column: str) -> Apply:
    """Change one byte of one column of one batch's row."""

    def apply(trail: Path, seed: int) -> Where:
        random = seeded(seed)
        with unguarded(trail) as database:
            first, size = random.choice(database.execute("SELECT first, size FROM batch").fetchall())
            at = _flip_cell(database, ("batch", column, "first"), first, random)
        return Where(DATABASE, batch_of(first, size), None, (at, at + 1))

    return apply


def flip_registration_cell(table: str, column: str) -> Apply:
    """Change one byte of the log's row in ``stream`` or of its first row in ``signing_key``."""

    def apply(trail: Path, seed: int) -> Where:
        random = seeded(seed)
        with unguarded(trail) as database:
            at = _flip_cell(database, (table, column, "id" if table == "stream" else "stream"), 1, random)
        return Where(DATABASE, "table of keys", None, (at, at + 1))

    return apply


def shorten_keeping(trail: Path, seed: int) -> Where:
    """Tell the stream's row a shorter term than the log's first key signed."""
    days = seeded(seed).randrange(1, 365)
    with unguarded(trail) as database:
        database.execute("UPDATE stream SET keep_days = keep_days - ?", (days,))
    return Where(DATABASE, "table of keys")


def delete_entry(trail: Path, seed: int) -> Where:
    """Delete one entry's row."""
    with unguarded(trail) as database:
        index = _pick_entry(database, seeded(seed))
        database.execute("DELETE FROM entry WHERE idx = ?", (index,))
    return Where(DATABASE, row_of(index), index)


def truncate_entries(trail: Path, seed: int) -> Where:
    """Delete every entry's row from some index on, and leave the batches."""
    with unguarded(trail) as database:
        index = _pick_entry(database, seeded(seed))
        database.execute("DELETE FROM entry WHERE idx >= ?", (index,))
    return Where(DATABASE, row_of(index), index)


def append_entry(trail: Path, seed: int) -> Where:
    """Slip a row in behind the last one, which no batch sealed."""
    random = seeded(seed)
    with unguarded(trail) as database:
        (end,) = database.execute("SELECT max(idx) + 1 FROM entry").fetchone()
        _copy_entry(database, _pick_entry(database, random), end, random)
    return Where(DATABASE, "table of entries", end)


def insert_entry(trail: Path, seed: int) -> Where:
    """Slip a row in between two others: all that follow move up by one."""
    random = seeded(seed)
    with unguarded(trail) as database:
        index = _pick_entry(database, random)
        for (later,) in database.execute(
            "SELECT idx FROM entry WHERE idx >= ? ORDER BY idx DESC", (index,)
        ).fetchall():
            database.execute("UPDATE entry SET idx = idx + 1 WHERE idx = ?", (later,))
        _copy_entry(database, index + 1, index, random)
    return Where(DATABASE, row_of(index), index)


def swap_entries(trail: Path, seed: int) -> Where:
    """Let two rows change places."""
    random = seeded(seed)
    with unguarded(trail) as database:
        one, other = sorted(random.sample(range(_count(database)), 2))
        for old, new in ((one, -1), (other, one), (-1, other)):
            database.execute("UPDATE entry SET idx = ? WHERE idx = ?", (new, old))
    return Where(DATABASE, row_of(one), one)


def replace_entry(trail: Path, seed: int) -> Where:
    """Replace a row by INSERT OR REPLACE, which fires no trigger unless recursive triggers are on."""
    random = seeded(seed)
    database = sqlite3.connect(trail / DATABASE)
    with database:
        index = _pick_entry(database, random)
        (entry,) = database.execute("SELECT entry FROM entry WHERE idx = ?", (index,)).fetchone()
        entry, at = flipped(entry, random)
        database.execute(_REPLACE, (entry, index))
    database.close()
    return Where(DATABASE, row_of(index), index, (at, at + 1))


def delete_batch(trail: Path, seed: int) -> Where:
    """Delete one batch's row and leave its entries."""
    with unguarded(trail) as database:
        firsts = [first for (first,) in database.execute("SELECT first FROM batch ORDER BY first")]
        first = seeded(seed).choice(firsts)
        database.execute("DELETE FROM batch WHERE first = ?", (first,))
    return Where(DATABASE, entry=first)


def edit_without_triggers(trail: Path, seed: int) -> Where:
    """Drop the triggers, change an entry, and do not put them back."""
    random = seeded(seed)
    with unguarded(trail, restore=False) as database:
        index = _pick_entry(database, random)
        at = _flip_cell(database, ("entry", "entry", "idx"), index, random)
    return Where(DATABASE, row_of(index), index, (at, at + 1))


def drop_triggers(trail: Path, _seed: int) -> Where:
    """Drop the triggers and change nothing else, yet."""
    with unguarded(trail, restore=False):
        pass
    return Where(DATABASE)


def _count(database: sqlite3.Connection) -> int:
    count: int = database.execute("SELECT count(*) FROM entry").fetchone()[0]
    return count


def _pick_entry(database: sqlite3.Connection, random: Random) -> int:
    return random.randrange(_count(database))


def _copy_entry(database: sqlite3.Connection, source: int, target: int, random: Random) -> None:
    """Insert a row like another one, at another index, under an event id that is not there yet."""
    database.execute(_COPY, (target, random.randbytes(16), source))


def _flip_cell(database: sqlite3.Connection, place: tuple[str, str, str], key: int, random: Random) -> int:
    """Change one byte of the cell at (table, column, key column); return which.

    Of a text only its lowest bit, at its beginning: it stays text, and collides with no other. Of a number
    a high bit, for the same reason.
    """
    table, column, key_column = place
    found = ("SELECT", column, "FROM", table, "WHERE", key_column, "= ? LIMIT 1")
    (value,) = database.execute(" ".join(found), (key,)).fetchone()
    at = 0
    if isinstance(value, bytes):
        value, at = flipped(value, random)
    elif isinstance(value, str):
        value = chr(ord(value[0]) ^ 1) + value[1:]
    else:
        value = (value or 0) ^ 1 << random.randrange(10, 20)
    change = ("UPDATE", table, "SET", column, "= ? WHERE", key_column, "= ?")
    database.execute(" ".join(change), (value, key))
    return at
