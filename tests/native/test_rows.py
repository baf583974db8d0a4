import json
from collections.abc import Callable
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from native.sealed_rows import Group, events, seal, texts
from ordertrail.ledger.entry import NO_HASH, view_entry
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.verify import rows as verify_rows
from ordertrail.ledger.verify.rows import Regular

same_machine = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def by_extension(native: ModuleType, group: Group, rows: list[Any] | None = None) -> Regular | None:
    """What the extension alone says; where it says nothing, it must have changed nothing."""
    before = dict(group.tails)
    first = group.rows[0].index
    found = native.check_rows(
        group.rows if rows is None else rows, first, group.before, group.recorded, group.tails
    )
    if found is None:
        assert group.tails == before
        return None
    return Regular(*found)


def by_python(group: Group) -> Regular | None:
    """What plain Python says."""
    return verify_rows._regular_plainly(
        group.rows, group.rows[0].index, group.before, group.recorded, group.tails
    )


def both(native: ModuleType, group: Group) -> tuple[Regular | None, Regular | None]:
    """Both answers; where the extension has one, Python has the same, and the chains stand at the same place."""
    other = Group(group.rows, group.before, group.recorded, dict(group.tails))
    found, plainly = by_extension(native, group), by_python(other)
    if found is not None:
        assert plainly is not None
        assert found[:3] == plainly[:3]
        assert group.tails == other.tails
    return found, plainly


def is_plain(row: EntryRow) -> bool:
    """Whether no name has an escape in it, so that the extension reads it itself."""
    event = json.loads(row.entry)["event"]
    names = [*event, *event["subject"], event["subject"].get("order"), event["subject"].get("tenant")]
    return all("\\" not in json.dumps(name, ensure_ascii=False) for name in names)


def rehashed(rows: list[EntryRow], index: int, entry: bytes) -> list[EntryRow]:
    """Put another entry into a row, and its hash with it."""
    changed = rows.copy()
    hash_ = sha256(b"\x00" + entry).digest()
    changed[index] = changed[index]._replace(entry=entry, hash=hash_)
    if index + 1 < len(rows):
        changed[index + 1] = changed[index + 1]._replace(previous=hash_)
    return changed


@same_machine
@given(some=events(), split=st.integers(0, 12))
def test_what_the_sequencer_writes_is_regular(
    native: ModuleType, some: list[dict[str, Any]], split: int
) -> None:
    """Rows as they are sealed are known at once, group after group, and the same follows from them."""
    whole = seal(some)
    tails: dict[str, tuple[int, bytes]] = {}
    before, recorded = NO_HASH, ""
    for part in (whole.rows[:split], whole.rows[split:]):
        if part:
            group = Group(part, before, recorded, tails)
            assume(all(map(is_plain, part)))
            found, _ = both(native, group)
            assert found is not None
            assert found.leaves == [row.hash for row in part]
            assert found.blobs == any(b'"blob":{' in row.entry for row in part)
            before, recorded, tails = found.leaves[-1], found.times[-1], group.tails


@same_machine
@given(some=events(orders=texts))
def test_what_python_knows_too(native: ModuleType, some: list[dict[str, Any]]) -> None:
    """Names with escapes in them are left to Python, which finds the same rows right."""
    group = seal(some)
    found, plainly = both(native, group)
    assert plainly is not None
    assert (found is not None) == all(map(is_plain, group.rows))


@same_machine
@given(some=events(), data=st.data())
def test_no_changed_entry_is_taken_for_another(
    native: ModuleType, some: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Whatever bytes are changed, with all hashes made anew: what the extension calls right, Python does too."""
    group = seal(some)
    index = data.draw(st.integers(0, len(group.rows) - 1))
    entry = group.rows[index].entry
    at = data.draw(st.integers(0, len(entry) - 1))
    piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=3))
    group.rows = rehashed(group.rows, index, entry[:at] + piece + entry[at + data.draw(st.integers(0, 3)) :])
    both(native, group)


PIECES = [
    b"", b'"', b"\\", b"\\u0041", b"\\u00e4", b"{", b"}", b"[", b",", b":", b" ", b"\n", b"\x00", b"\x7f", b"\xc3\xa4",
    b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"0", b"-0", b"1.5", b"1e3", b"null", b'"id":"x",', b'"order":"x",',
    b'"subject":{},', b'"blob":{},', b'"ledger":{},', b"9" * 19,
]  # fmt: skip


CHANGES: dict[str, Callable[[EntryRow], tuple[Any, ...]]] = {
    "another index": lambda row: row._replace(index=row.index + 1),
    "an index beyond all": lambda row: row._replace(index=2**64),
    "another id": lambda row: row._replace(id=bytes(16)),
    "a short id": lambda row: row._replace(id=row.id[:15]),
    "another chain": lambda row: row._replace(chain="SO-1\tx"),
    "no chain": lambda row: row._replace(chain=None),
    "half a surrogate": lambda row: row._replace(chain="\ud800"),
    "another number": lambda row: row._replace(number=row.number + 1),
    "a number beyond all": lambda row: row._replace(number=-(2**70)),
    "another previous hash": lambda row: row._replace(previous=b"\x01" * 32),
    "another hash": lambda row: row._replace(hash=b"\x01" * 32),
    "a long hash": lambda row: row._replace(hash=row.hash + b"x"),
    "another entry": lambda row: row._replace(entry=row.entry + b" "),
    "no entry": lambda row: row._replace(entry=b""),
    "text for bytes": lambda row: row._replace(entry=row.entry.decode()),  # type: ignore[arg-type]
    "bytes for text": lambda row: row._replace(chain=b"SO-1\t"),  # type: ignore[arg-type]
    "a float": lambda row: row._replace(number=1.0),  # type: ignore[arg-type]
    "nothing at all": lambda row: row._replace(id=None),  # type: ignore[arg-type]
    "a column less": lambda row: tuple(row)[:6],
    "a column more": lambda row: (*row, 1),
    "no tuple": list,  # type: ignore[dict-item]
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("index", [0, 3, 11])
def test_no_changed_column_is_regular(path: ModuleType, what: str, index: int) -> None:
    """Whatever stands in a column but what the entry says, whatever its type: the row is not called right."""
    group = seal([{"subject": {"id": "x", "order": "SO-1"}} for _ in range(12)])
    changed: list[Any] = list(group.rows)
    changed[index] = CHANGES[what](group.rows[index])
    assert by_extension(path, group, changed) is None
    assert by_extension(path, group) is not None


def test_rows_follow_what_is_before_them(native: ModuleType) -> None:
    """Hash, time and chain of the rows before are held against the first ones."""
    whole = seal([{"subject": {"id": "x", "order": "SO-1"}} for _ in range(12)])
    rows, last = whole.rows[6:], whole.rows[5]
    known = {"SO-1\t": (6, last.hash)}
    time = view_entry(last.entry).ledger.recorded
    found = by_extension(native, Group(rows, last.hash, time, dict(known)))
    assert found is not None
    assert found.opened == []
    for group in (
        Group(rows, NO_HASH, time, dict(known)),
        Group(rows, last.hash, "2026-11-22T14:02:06", dict(known)),
        Group(rows, last.hash, time, {"SO-1\t": (5, last.hash)}),
        Group(rows, last.hash, time, {"SO-1\t": (6, NO_HASH)}),
        Group(rows, last.hash, time, {"SO-1\t": (6, b"short")}),
    ):
        assert by_extension(native, group) is None
    unknown = by_extension(native, Group(rows, last.hash, time, {}))
    assert unknown is not None
    assert unknown.opened == [("SO-1\t", 7, last.hash.hex(), 6)]


def test_an_entry_may_be_as_long_as_a_bundle_allows(native: ModuleType) -> None:
    """65,535 bytes are read; an entry of one more is left to be named."""
    for size, regular in ((65_535, True), (65_536, False)):
        short = seal([{"subject": {"id": ""}, "changes": ""}]).rows[0].entry
        group = seal([{"subject": {"id": ""}, "changes": '"' * 9 + "x" * (size - len(short) - 18)}])
        assert len(group.rows[0].entry) == size
        assert (both(native, group)[0] is not None) == regular


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), TypeError),
        (([], 0, bytes(32), ""), TypeError),
        (([], 0, bytes(31), "", {}), ValueError),
        (([], 0, bytearray(32), "", {}), TypeError),
        (([], -1, bytes(32), "", {}), ValueError),
        (([], 2**63, bytes(32), "", {}), OverflowError),
        (([], "0", bytes(32), "", {}), TypeError),
        (([], 0, bytes(32), b"", {}), TypeError),
        (([], 0, bytes(32), "", []), TypeError),
        ((7, 0, bytes(32), "", {}), TypeError),
    ],
)
def test_wrong_arguments_are_refused(
    native: ModuleType, arguments: tuple[object, ...], error: type[Exception]
) -> None:
    """What the caller brings is checked too."""
    with pytest.raises(error):
        native.check_rows(*arguments)


def test_no_rows_are_regular(native: ModuleType) -> None:
    """Of nothing, nothing follows."""
    assert native.check_rows([], 5, bytes(32), "", {}) == ([], [], [], False)
