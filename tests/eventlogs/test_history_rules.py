"""Histories: what a mapping may say, laws of versions and values, and that no bytes bring the reader down."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from eventlogs.history_shops import told
from eventlogs.small_logs import Translated, mapping_of
from ordertrail.adapters.eventlogs import builtin_mapping
from ordertrail.adapters.eventlogs.history.steps import Chain, fit, sides_between
from ordertrail.kernel.errors import InputError
from ordertrail.record.parse import parse_event
from ordertrail.record.values import is_plainly_fine

SMALL = """
version = 1
log = "small"
format = "history"
[tables.thing]
kind = "order"
actions = { create = "order.create", update = "order.update", delete = "order.delete" }
"""
VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.booleans())
STATES = st.dictionaries(st.sampled_from("abcd"), VALUES)


@given(STATES, STATES)
def test_what_changed_makes_the_one_version_of_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Nothing that differs is left out, nothing that is alike is told, and the before sides lead back."""
    sides = sides_between(before, after)
    assert {n: v for n, v in (before | {n: s.after for n, s in sides.items()}).items() if v is not None} == {
        n: v for n, v in after.items() if v is not None
    }
    assert all(side.before == before.get(name) != side.after for name, side in sides.items())
    made = sides_between(None, after)
    assert {n: s.after for n, s in made.items()} == {n: v for n, v in after.items() if v is not None}
    assert all(side.before is UNSET for side in made.values())


@given(
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary())
)
def test_whatever_sqlite_holds_fits_an_event(value: Any) -> None:
    """No float comes out, no number that another reader would round; the same value always alike."""
    found = fit(value, "")
    assert not isinstance(found, float)
    assert is_plainly_fine(found)
    assert fit(value, "") == found


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        (129, "NUMERIC(12, 2)", "129"),
        (99.5, "decimal", "99.5"),
        (1, "bool", True),
        (1e-7, "real", "0.0000001"),
    ],
)
def test_a_column_s_declared_type_decides_how_it_reads(value: Any, declared: str, expected: Any) -> None:
    """A decimal is text whether SQLite kept it as an integer or not; a boolean is none of 0 and 1."""
    found = fit(value, declared)
    assert found == expected
    assert type(found) is type(expected)


def test_an_object_may_be_made_again_after_it_was_deleted() -> None:
    """That is no contradiction, and is told as a creation of everything."""
    versions = Chain()
    assert versions.begins((1,))
    assert versions.add("create", {"a": 1})[2] == []
    assert versions.add("delete", {"a": 1})[2] == []
    sides, tags, problems = versions.add("create", {"a": 2})
    assert (sides["a"].before, sides["a"].after, tags, problems) == (UNSET, 2, (), [])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('log = "small"', 'tool = "django"', "tool: is 'django'; must be sqlalchemy-continuum"),
        ("[tables.thing]", "[table.thing]", "table: is not known here; did you mean 'tables'?"),
        ('"order.update"', '"order.upgrade"', "tables.thing.actions.update: 'order.upgrade' is not in"),
        ('kind = "order"', 'kin = "order"', "tables.thing.kind: is missing"),
        (
            'kind = "order"',
            'kind = "order"\ntabkey = ["VBELN"]',
            "tables.thing.tabkey: 'VBELN' is not a column",
        ),
        ('kind = "order"', 'kind = "order"\nfields = { a = { as = "mony" } }', "fields.a.as: is 'mony'"),
        (
            'kind = "order"',
            'kind = "order"\nfields = { a = { currency = "EUR" } }',
            "fields.a.currency: is only for",
        ),
        (
            'kind = "order"',
            'kind = "x"\norder = { of = "y", key = "{k}" }',
            "order.of names 'y', which must stand",
        ),
        ("[tables.thing]", '[time]\nzone = "Mars"\n[tables.thing]', "time.zone: 'Mars' is not a time zone"),
        ("[tables.thing]", '[actor]\nkind = "robot"\n[tables.thing]', "actor.kind: is 'robot'"),
    ],
)
def test_a_mistake_in_a_mapping_is_named(old: str, new: str, problem: str) -> None:
    """With its place, before anything is read."""
    with pytest.raises(InputError) as refused:
        mapping_of(SMALL, (old, new))
    assert problem in str(refused.value)


def small(folder: Path, *rows: tuple[Any, ...], columns: str = "id INTEGER, name TEXT") -> Path:
    """Make a table of historical records by hand."""
    path = folder / "small.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"CREATE TABLE historicalthing ({columns}, history_id INTEGER PRIMARY KEY, history_date, history_type)"
        )
        for row in rows:
            connection.execute(f"INSERT INTO historicalthing VALUES ({', '.join('?' * len(row))})", row)
        connection.commit()
    return path


def test_a_key_that_nobody_names_is_asked_for(tmp_path: Path) -> None:
    """The table is left out with the line of the mapping that would say it."""
    path = small(tmp_path, ("A", 1, "2026-01-01", "+"), columns="code TEXT")
    assert told(path, mapping_of(SMALL)).sentences == [
        "the table historicalthing: does not say which columns are its key; the mapping may: tables.thing.key"
    ]
    keyed = mapping_of(SMALL, ('kind = "order"', 'kind = "order"\nkey = "code"'))
    path = tmp_path / "small.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE historicalthing SET history_date = '2026-01-01 10:00:00+00'")
        connection.commit()
    assert [event["subject"]["id"] for event in told(path, keyed).events] == ["A"]


def test_a_key_with_leading_zeros_stays_what_it_is(tmp_path: Path) -> None:
    """An export says nothing of types, and 007 is not 7."""
    (tmp_path / "app_historicalthing.csv").write_text(
        "id;name;history_id;history_date;history_type\n007;bond;1;2026-01-01 10:00:00;+\n"
    )
    mapping = mapping_of(SMALL, ("[tables.thing]", "[tables.app_thing]"))
    assert [event["subject"]["id"] for event in told(tmp_path, mapping).events] == ["007"]


def test_text_that_is_not_utf_8_spoils_its_row_alone(tmp_path: Path) -> None:
    """The row is refused, the next is told."""
    at = "2026-01-01 10:00:00"
    path = small(tmp_path, (1, "x", 1, at, "+"), (2, "y", 2, at, "+"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE historicalthing SET name = CAST(x'ff' AS TEXT) WHERE id = 1")
        connection.commit()
    found = told(path, mapping_of(SMALL))
    assert found.sentences == ["historicalthing 1: holds bytes that are not text in UTF-8"]
    assert len(found.records) == 1


def test_a_mapping_for_another_tool_is_refused(tmp_path: Path) -> None:
    """The file is named, and what is read at all."""
    path = small(tmp_path, (1, "x", 1, "2026-01-01 10:00:00", "+"))
    with pytest.raises(InputError, match="holds no tables of sap-change-documents"):
        told(path, builtin_mapping("sap-change-documents"))


def safely(path: Path) -> Translated:
    """Read whatever it is; an InputError is an answer too."""
    try:
        found = told(path, mapping_of(SMALL))
    except InputError:
        return Translated(iter(()))
    for record in found.records:
        parse_event(record.line)
    return found


@given(st.binary(max_size=300), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_told_or_named(noise: bytes, at: int) -> None:
    """A damaged export never brings the reader down."""
    good = b"id,name,history_id,history_date,history_type\n1,x,1,2026-01-01 10:00:00,+\n1,y,2,2026-01-02 10:00:00,~\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "historicalthing.csv"
        path.write_bytes(good[:at] + noise + good[at:])
        safely(path)


@given(st.integers(100, 8191), st.binary(min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_damaged_database_is_told_or_named(at: int, noise: bytes) -> None:
    """Nor does a damaged database."""
    with tempfile.TemporaryDirectory() as folder:
        path = small(Path(folder), *((n, "x", n, "2026-01-01 10:00:00", "+") for n in range(1, 40)))
        data = path.read_bytes()
        path.write_bytes(data[:at] + noise + data[at + len(noise) :])
        safely(path)
