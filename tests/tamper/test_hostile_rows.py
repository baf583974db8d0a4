"""Rows written to stop the check rather than to deceive it: they are named like any other."""

from pathlib import Path

import pytest

from ordertrail.ledger.hashing import leaf_hash
from ordertrail.testing.tamper.copies import unguarded
from tamper.subjects import Subject, check

VICTIM = 333
"""The entry that names a blob."""

_EVENT = (
    b'{"event":{"id":"x","subject":{},"changes":%b},"ledger":{"index":333,"previous":"","recorded":"%b"}}'
)


def _entry(changes: bytes, recorded: bytes = b"2026-11-22T14:02:10.120000Z") -> bytes:
    return _EVENT % (changes, recorded)


ENTRIES = {
    "nothing": b"",
    "no JSON": b"\xff\xfe",
    "a JSON array": b"[]",
    "no event": b'{"ledger":{}}',
    "brackets within brackets": _entry(b"[" * 20_000 + b"]" * 20_000),
    "more bytes than an entry can have": _entry(b'"%b"' % (b"x" * 70_000)),
    "a time that is none": _entry(b"[]", b"tomorrow"),
    "a time at the end of all times": _entry(b"[]", b"9999-12-31T23:59:59.000000Z"),
    "a blob whose name is a path": _entry(b'[{"blob":{"sha256":"../../keys","length":1}}]'),
    "a blob whose name is a number": _entry(b'[{"blob":{"sha256":7,"length":"x"}}]'),
    "a blob in no JSON": b'{"blob":{',
}


@pytest.mark.parametrize("row_hash", ["left", "made anew"])
@pytest.mark.parametrize("what", ENTRIES)
def test_an_entry_that_no_sequencer_writes(what: str, row_hash: str, small: Subject, tmp_path: Path) -> None:
    """Whatever bytes stand in a row, the check goes on to its end and names that row's entry."""
    copy = small.copy(tmp_path / "copy")
    with unguarded(copy) as database:
        database.execute("UPDATE entry SET entry = ? WHERE idx = ?", (ENTRIES[what], VICTIM))
        if row_hash == "made anew":
            database.execute("UPDATE entry SET hash = ? WHERE idx = ?", (leaf_hash(ENTRIES[what]), VICTIM))
    report = check(copy)
    assert report.first is not None
    assert report.first.index == VICTIM
    assert report.provable is not None
    assert report.provable.by_tiles == small.size
    assert report.provable.by_table <= VICTIM


def test_a_chain_that_is_no_text(small: Subject, tmp_path: Path) -> None:
    """SQLite takes any bytes for a text; the row is named all the same, and the others are read."""
    copy = small.copy(tmp_path / "copy")
    with unguarded(copy) as database:
        database.execute("UPDATE entry SET chain = CAST(X'FFFE' AS TEXT) WHERE idx = ?", (VICTIM,))
    report = check(copy)
    assert report.first is not None
    assert report.first.index == VICTIM
    assert report.provable is not None
    assert report.provable.by_tiles == small.size
