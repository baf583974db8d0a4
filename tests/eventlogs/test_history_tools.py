"""Histories that SQLAlchemy-Continuum, django-auditlog and django-simple-history have really written."""

import gzip
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from eventlogs.history_shops import TOOLS, change, export, mapping_of_tool, shop, told
from eventlogs.make_history_tables import CLERK, CLERK_ADDRESS
from ordertrail.kernel.errors import InputError
from ordertrail.record.parse import parse_event

EVERY_TOOL = pytest.mark.parametrize("tool", TOOLS)
ROWS = {
    "sqlalchemy-continuum": ("order_version", "order_line_version", "order_tag_version"),
    "django-auditlog": ("auditlog_logentry",),
    "django-simple-history": ("shop_historicalorder", "shop_historicalorderline"),
}
EARLIER = {
    "sqlalchemy-continuum": [
        statement.format(table)
        for table in ROWS["sqlalchemy-continuum"]
        for statement in (
            "DELETE FROM {} WHERE transaction_id > 8",
            "UPDATE {} SET end_transaction_id = NULL WHERE end_transaction_id > 8",
        )
    ],
    "django-auditlog": ["DELETE FROM auditlog_logentry WHERE id > 12"],
    "django-simple-history": [
        f"DELETE FROM {name} WHERE history_id > 6" for name in ROWS["django-simple-history"]
    ],
}
"""What makes a database one of an earlier day."""


def rows_of(path: Path, tool: str) -> int:
    """Count the rows of a tool's tables."""
    with closing(sqlite3.connect(path)) as connection:
        return sum(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ROWS[tool])


def of_order(events: list[dict[str, Any]], order: str) -> list[str]:
    """Return the actions of an order's events, in their sequence."""
    return [event["action"] for event in events if event["subject"]["order"] == order]


@EVERY_TOOL
def test_every_row_becomes_one_event_that_the_strict_door_takes(tool: str, tmp_path: Path) -> None:
    """Nothing is lost, nothing is doubled, and every line is what the trail records."""
    path = shop(tool, tmp_path)
    found = told(path, mapping_of_tool(tool))
    assert found.sentences == []
    assert len(found.records) == rows_of(path, tool) == len({event["id"] for event in found.events})
    for record in found.records:
        assert parse_event(record.line).id


@EVERY_TOOL
def test_the_same_story_is_told_whichever_tool_remembers_it(tool: str, tmp_path: Path) -> None:
    """The orders' lives are alike, step by step, and in the sequence in which they happened."""
    events = told(shop(tool, tmp_path), mapping_of_tool(tool)).events
    life = [
        "order.create",
        "order.line.add",
        "order.line.add",
        "order.price.change",
        "order.quantity.change",
        "order.update",
        "shipment.dispatch",
        "order.line.delete",
    ]
    assert of_order(events, "SO-1") == life
    assert Counter(of_order(events, "SO-2")[: len(life)]) == Counter(life)
    assert {"order.delete", "order.line.delete"} <= set(of_order(events, "SO-2")[len(life) :])
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)


@EVERY_TOOL
def test_what_changed_stands_with_both_its_sides(tool: str, tmp_path: Path) -> None:
    """A price is money in minor units, a quantity an integer; what did not change is not told."""
    events = told(shop(tool, tmp_path), mapping_of_tool(tool)).events
    price = next(event for event in events if event["action"] == "order.price.change")
    assert price["changes"] == [
        {
            "path": "/total",
            "before": {"amount": 12900, "currency": "EUR"},
            "after": {"amount": 9950, "currency": "EUR"},
        }
    ]
    quantity = next(event for event in events if event["action"] == "order.quantity.change")
    assert quantity["changes"] == [{"path": "/quantity", "before": 2, "after": 20}]
    line = next(event for event in events if event["action"] == "order.line.delete")
    sides = {one["path"]: one for one in line["changes"]}
    assert sides["/sku"] == {"path": "/sku", "before": "A-1"}
    assert sides["/weight"] == {
        "path": "/weight",
        "before": "0.1",
    }  # A float is the decimal that was written.


@EVERY_TOOL
def test_every_event_says_that_it_is_imported_and_from_where(tool: str, tmp_path: Path) -> None:
    """Tag, source and first link: whoever reads an event can go to the row that it is from."""
    path = shop(tool, tmp_path)
    events = told(path, mapping_of_tool(tool)).events
    for event in events:
        assert event["context"]["tags"] == ["imported"]
        assert event["context"]["source"] == "shop"
        assert event["context"]["channel"] == "backoffice"
        assert event["links"][0]["system"] == tool
        assert event["links"][0]["kind"] in ROWS[tool]
    assert len({(event["links"][0]["kind"], event["links"][0]["id"]) for event in events}) == len(events)


@EVERY_TOOL
def test_who_and_from_where_is_what_the_tool_says(tool: str, tmp_path: Path) -> None:
    """The user by the name that the mapping asks for, the address where the tool keeps one."""
    events = told(shop(tool, tmp_path), mapping_of_tool(tool)).events
    assert {(event["actor"]["id"], event["actor"]["kind"]) for event in events} == {(CLERK, "person")}
    address = None if tool == "django-simple-history" else CLERK_ADDRESS
    assert {event["context"].get("ip") for event in events} == {address}
    if tool == "django-simple-history":
        assert {event["context"].get("reason") for event in events} == {None, "customer called"}


@EVERY_TOOL
def test_a_second_import_makes_the_same_lines(tool: str, tmp_path: Path) -> None:
    """So it adds nothing; and where the history has grown meanwhile, the old lines are as they were."""
    path = shop(tool, tmp_path)
    first = [record.line for record in told(path, mapping_of_tool(tool)).records]
    assert [record.line for record in told(path, mapping_of_tool(tool)).records] == first
    change(path, *EARLIER[tool])
    earlier = told(path, mapping_of_tool(tool))
    assert earlier.sentences == []
    assert 0 < len(earlier.records) < len(first)
    assert {record.line for record in earlier.records} < set(first)


@EVERY_TOOL
def test_exports_tell_what_the_database_tells(tool: str, tmp_path: Path) -> None:
    """A directory of CSV files has the same events, with the same ids; packed or not."""
    path = shop(tool, tmp_path)
    folder = export(path, tmp_path / "exports")
    packed = folder / f"public.{ROWS[tool][0]}.csv"
    packed.with_suffix(".csv.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    from_tables, from_files = told(path, mapping_of_tool(tool)), told(folder, mapping_of_tool(tool))
    assert from_files.sentences == []
    told_alike = ("id", "time", "action", "actor", "subject", "context", "links")
    for one, other in zip(from_tables.events, from_files.events, strict=True):
        assert [one[key] for key in told_alike] == [other[key] for key in told_alike]


def test_a_related_object_that_is_added_is_a_change(tmp_path: Path) -> None:
    """Many-to-many fields: the keys in simple-history, the objects' names in auditlog, a row in Continuum."""
    found: dict[str, Any] = {}
    for tool in TOOLS:
        events = told(shop(tool, tmp_path), mapping_of_tool(tool)).events
        found[tool] = next(event for event in events if event["action"] == "order.update")["changes"]
    assert found["django-simple-history"] == [{"path": "/tags", "before": None, "after": [1]}]
    assert found["django-auditlog"] == [{"path": "/tags", "after": ["Tag object (1)"]}]
    assert found["sqlalchemy-continuum"] == [
        {"path": "/order_id", "after": 1},
        {"path": "/tag_id", "after": 1},
    ]


def test_two_histories_in_one_database_are_not_mixed(tmp_path: Path) -> None:
    """They tell the same changes twice, so a mapping must choose; without a choice nothing is read."""
    with pytest.raises(InputError, match="django-auditlog and django-simple-history") as refused:
        told(shop("django-auditlog", tmp_path))
    assert 'tool = "django-auditlog"' in refused.value.remedy


def test_without_a_mapping_the_shipped_one_is_taken(tmp_path: Path) -> None:
    """Orders and lines are found by usual names; a table that is no order's is named, with its rows."""
    found = told(shop("sqlalchemy-continuum", tmp_path))
    assert found.sentences == [
        "the history of tag: 2 events left out: the mapping has no tables.tag, and does not ignore it"
    ]
    assert {event["subject"]["order"] for event in found.events} == {"1", "2"}
    assert {event["context"]["source"] for event in found.events} == {"sqlalchemy-continuum"}


def test_a_version_that_is_missing_is_missed(tmp_path: Path) -> None:
    """Continuum: the one after the hole is refused, and every other row is told."""
    path = shop("sqlalchemy-continuum", tmp_path)
    change(path, "DELETE FROM order_version WHERE id = 1 AND transaction_id = 2")
    found = told(path, mapping_of_tool("sqlalchemy-continuum"))
    (refused,) = found.sentences
    assert refused == (
        "order_version 1/5: transaction_id: the version before it, of transaction 1, is followed by one of "
        "transaction 2: versions are missing or were changed"
    )
    assert len(found.records) == rows_of(path, "sqlalchemy-continuum") - 1


def test_a_last_version_that_is_missing_is_missed(tmp_path: Path) -> None:
    """Continuum: the version before it says that another followed."""
    path = shop("sqlalchemy-continuum", tmp_path)
    change(path, "DELETE FROM order_version WHERE id = 1 AND transaction_id = 5")
    found = told(path, mapping_of_tool("sqlalchemy-continuum"))
    (missed,) = found.sentences
    assert missed == (
        "order_version 1/2: end_transaction_id: is followed by a version of transaction 5, and there is none: "
        "versions are missing"
    )
    assert len(found.records) == rows_of(path, "sqlalchemy-continuum")


def test_a_version_without_its_transaction_has_no_time(tmp_path: Path) -> None:
    """It is refused with its transaction's number; nothing is guessed."""
    path = shop("sqlalchemy-continuum", tmp_path)
    change(path, 'DELETE FROM "transaction" WHERE id = 2')
    found = told(path, mapping_of_tool("sqlalchemy-continuum"))
    assert found.sentences == ["order_version 1/2: time: its transaction 2 is not in the table transaction"]


def test_a_history_that_begins_late_says_so(tmp_path: Path) -> None:
    """A first record that is no creation has no before side, and is tagged: what went before is not known."""
    path = shop("django-simple-history", tmp_path)
    change(path, "DELETE FROM shop_historicalorder WHERE history_id IN (1, 5)")
    found = told(path, mapping_of_tool("django-simple-history"))
    begun = [event for event in found.events if "history-begins" in event["context"]["tags"]]
    assert [event["links"][0]["id"] for event in begun] == ["2", "6"]
    assert all("before" not in one for event in begun for one in event["changes"])


def test_a_record_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """Created though it was there, changed though it was gone, a type that nobody knows."""
    path = shop("django-simple-history", tmp_path)
    change(
        path,
        "UPDATE shop_historicalorder SET history_type = '+' WHERE history_id = 2",
        "UPDATE shop_historicalorderline SET history_type = '-' WHERE history_id = 2",
        "UPDATE shop_historicalorder SET history_type = '?' WHERE history_id = 7",
    )
    assert told(path, mapping_of_tool("django-simple-history")).sentences == [
        "shop_historicalorder 2: is created, and the version before it says that it was there already",
        "shop_historicalorder 7: history_type: is '?'; +, ~ and - are known",
        "shop_historicalorderline 3: is a step update, and the version before it says that it was deleted",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ('{"total": ["1", ', "changes: is not JSON"),
        ("[]", "changes: is not an object"),
        ('{"total": ["1"]}', "changes.total: is neither"),
        ('{"total": ["a", "b"]}', "total.before: 'a' is not a number; total.after: 'b' is not a number"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_alone(changes: str, reason: str, tmp_path: Path) -> None:
    """The entry is named with what is wrong, and kept; all others are told."""
    path = shop("django-auditlog", tmp_path)
    change(
        path,
        "PRAGMA ignore_check_constraints = ON",
        f"UPDATE auditlog_logentry SET changes = '{changes}' WHERE id = 4",
    )
    found = told(path, mapping_of_tool("django-auditlog"))
    (refused,) = found.problems
    assert str(refused).startswith(f"auditlog_logentry 4: {reason}")
    assert b'"timestamp"' in refused.original
    assert len(found.records) == rows_of(path, "django-auditlog") - 1


def test_numbers_in_an_entry_are_never_floats(tmp_path: Path) -> None:
    """Where auditlog was told to store JSON, a fraction stays the text that was written."""
    path = shop("django-auditlog", tmp_path)
    change(path, """UPDATE auditlog_logentry SET changes = '{"w": [0.10, 90071992547409930]}' WHERE id = 4""")
    event = next(
        e for e in told(path, mapping_of_tool("django-auditlog")).events if e["links"][0]["id"] == "4"
    )
    assert event["changes"] == [{"path": "/w", "before": "0.10", "after": "90071992547409930"}]


def test_what_no_entry_says_is_asked_of_the_table(tmp_path: Path) -> None:
    """Auditlog switched on late: whose line it is, the line's own table knows; without ``live`` it is refused."""
    path = shop("django-auditlog", tmp_path)
    change(path, "DELETE FROM auditlog_logentry WHERE id = 3")
    (refused,) = told(path, mapping_of_tool("django-auditlog")).sentences
    assert refused == "auditlog_logentry 5: subject.order: cannot be found: {order_id} is not known"
    live = mapping_of_tool(
        "django-auditlog", ('kind = "order_line"', 'kind = "order_line"\nlive = "shop_orderline"')
    )
    found = told(path, live)
    assert found.sentences == []
    assert (
        next(event for event in found.events if event["links"][0]["id"] == "5")["subject"]["order"] == "SO-1"
    )


def test_a_naive_time_is_read_in_the_zone_that_the_mapping_names(tmp_path: Path) -> None:
    """UTC where it names none, as all three tools write it."""
    path = shop("sqlalchemy-continuum", tmp_path)
    change(path, "UPDATE \"transaction\" SET issued_at = '2026-07-01 12:00:00.000000' WHERE id = 1")
    utc = told(path, mapping_of_tool("sqlalchemy-continuum")).events[0]
    assert utc["time"] == "2026-07-01T12:00:00.000000Z"
    berlin = ("[actor]", '[time]\nzone = "Europe/Berlin"\n\n[actor]')
    here = told(path, mapping_of_tool("sqlalchemy-continuum", berlin)).events[0]
    assert here["time"] == "2026-07-01T10:00:00.000000Z"


def test_a_database_with_changes_beside_it_is_refused(tmp_path: Path) -> None:
    """Read as immutable, it would lack what stands in its write-ahead log."""
    path = shop("sqlalchemy-continuum", tmp_path)
    path.with_name(path.name + "-wal").write_bytes(b"something")
    with pytest.raises(InputError, match=r"still in continuum\.sqlite-wal") as refused:
        told(path, mapping_of_tool("sqlalchemy-continuum"))
    assert "VACUUM INTO" in refused.value.remedy


def test_a_source_is_left_as_it_was(tmp_path: Path) -> None:
    """Nothing is written to a database, nor beside it."""
    path = shop("sqlalchemy-continuum", tmp_path)
    before, beside = path.read_bytes(), sorted(tmp_path.iterdir())
    told(path, mapping_of_tool("sqlalchemy-continuum"))
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == (before, beside)
