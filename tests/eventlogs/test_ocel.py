"""Object-centric logs: one subject and one order found among many objects, in JSON and in SQLite."""

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from eventlogs.small_logs import OCEL_MAPPING, Translated, mapping_of, translate
from ordertrail.adapters.eventlogs import open_event_log
from ordertrail.adapters.eventlogs.source import Limits

MAPPING = mapping_of(OCEL_MAPPING)
NEW_YEAR = "2026-01-01T00:00:00Z"


def link(identity: str, qualifier: str = "") -> dict[str, str]:
    """Write a relationship."""
    return {"objectId": identity, "qualifier": qualifier}


def document(*events: dict[str, Any]) -> dict[str, Any]:
    """Write an OCEL 2.0 with two orders of one item each, and a parcel of both and one of the first."""
    return {
        "eventTypes": [],
        "objects": [
            {
                "id": "o1",
                "type": "order",
                "attributes": [
                    {"name": "price", "time": NEW_YEAR, "value": 9.5},
                    {"name": "price", "time": "2026-01-02T00:00:00Z", "value": "8.25"},
                ],
                "relationships": [link("i1", "comprises")],
            },
            {"id": "o2", "type": "order", "relationships": [link("i2", "comprises")]},
            {"id": "p1", "type": "parcel", "relationships": [link("i1"), link("i2")]},
            {"id": "p2", "type": "parcel", "relationships": [link("i1")]},
            {"id": "i1", "type": "item"},
            {"id": "i2", "type": "item"},
            {"id": "anna", "type": "clerk"},
        ],
        "events": list(events),
    }


def happened(
    identity: str, what: str, *objects: dict[str, str], when: str = "2026-01-02T00:00:00Z"
) -> dict[str, Any]:
    """Write an OCEL 2.0 event."""
    return {"id": identity, "type": what, "time": when, "relationships": list(objects)}


def translated(content: dict[str, Any], folder: Path) -> Translated:
    """Translate a document."""
    return translate(json.dumps(content).encode(), MAPPING, folder)


def test_the_subject_is_chosen_by_type_and_its_order_found_by_relations(tmp_path: Path) -> None:
    """An item belongs to the order that comprises it, a parcel to the orders of its items."""
    result = translated(
        document(
            happened("e1", "place", link("o1", "order"), link("i1", "item")),
            happened("e2", "pick", link("i2", "item"), link("anna", "picker")),
            happened("e3", "ship", link("p2")),
            happened("e4", "ship", link("p1")),
        ),
        tmp_path,
    )
    assert [event["subject"] for event in result.events] == [
        {"kind": "order", "id": "o1", "order": "o1"},
        {"kind": "order_line", "id": "i2", "order": "o2"},
        {"kind": "shipment", "id": "p2", "order": "o1"},
        {"kind": "shipment", "id": "p1", "order": "p1"},
    ]
    assert [one["id"] for one in result.events[3]["links"]] == ["o1", "o2"]
    assert result.events[1]["actor"] == {"id": "anna", "kind": "person"}
    assert {"path": "/relations/clerk/anna", "after": "picker"} in result.events[1]["changes"]
    assert [record.position for record in result.records] == ["event e1", "event e2", "event e3", "event e4"]


def test_an_attribute_is_what_it_was_at_the_time(tmp_path: Path) -> None:
    """Before and after a change come from the object's history, exactly, with no float between."""
    events = (
        happened("e1", "place", link("o1"), when="2025-12-31T23:59:59Z"),
        happened("e2", "place", link("o1"), when="2026-01-01T12:00:00Z"),
        happened("e3", "place", link("o1"), when="2026-01-02T00:00:00Z"),
    )
    prices = [
        [change for change in event["changes"] if change["path"] == "/price"]
        for event in translated(document(*events), tmp_path).events
    ]
    old, new = {"amount": 950, "currency": "EUR"}, {"amount": 825, "currency": "EUR"}
    assert prices == [
        [],
        [{"path": "/price", "before": old, "after": old}],
        [{"path": "/price", "before": old, "after": new}],
    ]


def test_one_object_in_two_roles_is_one_link_and_both_roles(tmp_path: Path) -> None:
    """No role of an object is lost."""
    (event,) = translated(
        document(happened("e1", "pick", link("i1"), link("anna", "a"), link("anna", "b"))), tmp_path
    ).events
    assert event["links"] == [{"system": "objects", "kind": "clerk", "id": "anna"}]
    assert {"path": "/relations/clerk/anna", "after": "a, b"} in event["changes"]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (happened("x", "pick", link("nobody")), "event x: objects: 'nobody' is not among the log's objects"),
        (happened("x", "pick", link("anna")), "subject: names no object of parcel, item, order"),
        (happened("x", "pick"), "subject: names no object"),
        (happened("x", "place", link("i1")), "subject: names no object of order"),
        (happened("x", "dance", link("i1")), "activity: 'dance' has no action in the mapping"),
        (happened("x", "pick", link("i1"), when="2026-01-02T00:00:00"), "has no zone"),
        ({"id": "x", "type": "pick", "relationships": [link("i1")]}, "time: is missing"),
        ({"type": "pick", "time": NEW_YEAR, "relationships": [link("i1")]}, "id: is missing"),
        ({"id": 5, "type": "pick", "time": NEW_YEAR, "relationships": [link("i1")]}, "id: must be text"),
        (
            {"id": "x", "type": "pick", "time": NEW_YEAR, "relationships": "i1"},
            "relationships: must be an array",
        ),
        ("nonsense", "must be an object"),
    ],
)
def test_one_bad_event_is_one_problem_between_two_records(bad: Any, sentence: str, tmp_path: Path) -> None:
    """The events around it are translated."""
    good = happened("e1", "pick", link("i1")), happened("e2", "pick", link("i2"))
    result = translated(document(good[0], bad, good[1]), tmp_path)
    assert [record.position for record in result.records] == ["event e1", "event e2"]
    assert len(result.problems) == 1
    assert sentence in result.sentences[0]
    assert result.problems[0].original


def test_a_key_that_stands_twice_is_a_problem_of_its_event(tmp_path: Path) -> None:
    """Readers would disagree which one counts."""
    text = json.dumps(document(happened("e1", "pick", link("i1")), happened("e2", "pick", link("i1"))))
    result = translate(text.replace('"id": "e1"', '"id": "e1", "id": "e1"').encode(), MAPPING, tmp_path)
    assert len(result.records) == 1
    assert "event e1: id: is named twice" in result.sentences[0]


def test_objects_of_the_wrong_shape_are_named(tmp_path: Path) -> None:
    """An object that cannot be understood is a problem of its own; events are not lost by it."""
    content = document(happened("e1", "pick", link("i1")))
    content["objects"] += [
        {"id": "o9"},
        {"id": "i9", "type": "item", "relationships": [{"qualifier": "x"}]},
        {"id": "o8", "type": "order", "attributes": [{"name": "price", "time": "soon", "value": 1}]},
    ]
    result = translated(content, tmp_path)
    assert len(result.records) == 1
    assert sorted(result.sentences) == [
        "object i9: relationships.0.objectId: must be text",
        "object o8: attributes.price.time: 'soon' is not an ISO 8601 date and time",
        "object o9: type: is missing",
    ]


def test_version_one_learns_the_order_from_events_that_name_both(tmp_path: Path) -> None:
    """OCEL 1.0 relates no objects; an item belongs to the order that it was placed with."""

    def old(what: str, *objects: str, **attributes: Any) -> dict[str, Any]:
        return {
            "ocel:activity": what,
            "ocel:timestamp": NEW_YEAR,
            "ocel:omap": list(objects),
            "ocel:vmap": attributes,
        }

    content = {
        "ocel:global-log": {"ocel:version": "1.0"},
        "ocel:events": {
            "1": old("place", "o1", "i1"),
            "2": old("pick", "i1", weight=1.50, shelf=None, fragile=True),
            "3": old("ship", "p1", "i1"),
            "4": old("ship", "p1"),
        },
        "ocel:objects": {
            "o1": {"ocel:type": "order", "ocel:ovmap": {"price": 12}},
            "i1": {"ocel:type": "item", "ocel:ovmap": {}},
            "p1": {"ocel:type": "parcel", "ocel:ovmap": {}},
        },
    }
    result = translated(content, tmp_path)
    assert result.problems == []
    assert [event["subject"]["order"] for event in result.events] == ["o1", "o1", "o1", "o1"]
    assert {"path": "/source/weight", "after": "1.5"} in result.events[1]["changes"]
    assert {"path": "/source/fragile", "after": "true"} in result.events[1]["changes"]


@pytest.mark.parametrize(
    ("tail", "sentence"),
    [
        ("", "the JSON breaks off or is malformed"),
        ("oops", "the JSON breaks off or is malformed: Expecting value"),
        ('{"a": NaN}', "NaN is not a number that JSON has"),
        ("[" * 100_000, "nested too deeply"),
        ('"' + "x" * 2_000_000, "is malformed or longer than 1048576 bytes"),
        ('{"id":"e3"} {', "stands where ']' must stand: or a comma"),
    ],
)
def test_good_events_come_before_the_place_where_a_document_breaks(
    tail: str, sentence: str, tmp_path: Path
) -> None:
    """What stands before the damage is translated; the last problem names the line."""
    whole = json.dumps(
        document(happened("e1", "pick", link("i1")), happened("e2", "pick", link("i2"))), indent=1
    )
    content = whole.removesuffix("\n ]\n}") + ",\n" + tail
    result = translate(content.encode(), MAPPING, tmp_path, limits=Limits(element=1 << 20))
    assert [record.position for record in result.records] == ["event e1", "event e2"]
    assert sentence in result.sentences[-1]
    assert result.problems[-1].position.startswith("line ")


def test_a_packed_document_that_is_cut_short_gives_what_arrived(tmp_path: Path) -> None:
    """A truncated gzip is one problem, named once, behind the events that arrived."""
    events = [happened(f"e{number}", "pick", link("i1")) for number in range(3_000)]
    data = gzip.compress(json.dumps(document(*events)).encode(), compresslevel=1)
    result = translate(data[: len(data) * 3 // 4], MAPPING, tmp_path)
    assert 1_000 < len(result.records) < 3_000
    assert len(result.problems) == 1
    assert "the gzip stream is cut short; the JSON stops after line 1" in result.sentences[0]


def test_other_json_is_named_for_what_it_is(tmp_path: Path) -> None:
    """A document without events and objects is no OCEL."""
    assert "it is not an OCEL" in translate(b'{"cases": [1, 2], "n": 17}', MAPPING, tmp_path).sentences[0]
    assert "an OCEL in JSON is one object" in translate(b"[1, 2]", MAPPING, tmp_path).sentences[0]
    assert "something follows" in translate(b'{"events": []} x', MAPPING, tmp_path).sentences[0]


SCHEMA = """
CREATE TABLE event (ocel_id TEXT, ocel_type TEXT);
CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);
CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
CREATE TABLE object (ocel_id TEXT, ocel_type TEXT);
CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);
CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
CREATE TABLE event_Place (ocel_id TEXT, ocel_time TEXT);
CREATE TABLE event_Pick (ocel_id TEXT, ocel_time TEXT, "shelf ""A" TEXT);
CREATE TABLE object_Order (ocel_id INTEGER, ocel_time TEXT, ocel_changed_field TEXT, price REAL);
INSERT INTO event_map_type VALUES ('place', 'Place'), ('pick', 'Pick');
INSERT INTO object_map_type VALUES ('order', 'Order'), ('item', 'Item');
INSERT INTO object VALUES ('1', 'order'), ('i1', 'item');
INSERT INTO object_object VALUES ('1', 'i1', 'comprises');
INSERT INTO object_Order VALUES (1, '2026-01-01T00:00:00Z', NULL, 2591.97),
  (1, '2026-01-02T00:00:00Z', 'price', 2000.0),
  (1, '2026-01-03T00:00:00Z', 'discount', 17.0);
INSERT INTO event VALUES ('e1', 'place'), ('e2', 'pick'), ('e3', 'place');
INSERT INTO event_Place VALUES ('e1', '2026-01-01T10:00:00Z'), ('e3', '2026-01-04T10:00:00Z');
INSERT INTO event_Pick VALUES ('e2', '2026-01-02T10:00:00Z', 'low');
INSERT INTO event_object VALUES ('e1', '1', 'order'), ('e2', 'i1', 'item'), ('e3', '1', 'order');
"""


def database(folder: Path, *statements: str) -> Path:
    """Write a small OCEL 2.0 in SQLite, and then what spoils it."""
    path = folder / "log.db"
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def test_the_database_is_read_in_the_sequence_of_its_events(tmp_path: Path) -> None:
    """Types have tables of their own; the events come as the table event has them."""
    result = Translated(open_event_log(database(tmp_path), MAPPING))
    assert result.problems == []
    assert [record.position for record in result.records] == ["event e1", "event e2", "event e3"]
    assert [event["subject"]["order"] for event in result.events] == ["1", "1", "1"]
    assert {"path": '/source/shelf "A', "after": "low"} in result.events[1]["changes"]
    prices = [change for change in result.events[2]["changes"] if change["path"] == "/price"]
    amount = {"amount": 200_000, "currency": "EUR"}
    assert prices == [{"path": "/price", "before": amount, "after": amount}]


@pytest.mark.parametrize(
    ("statement", "records", "sentence"),
    [
        ("INSERT INTO event VALUES ('e4', 'place')", 3, "event e4: type: the event has no row in the table"),
        ("INSERT INTO event VALUES ('e4', 'dance')", 3, "event e4: type: the event has no row in the table"),
        ("INSERT INTO event VALUES ('e4', NULL)", 3, "event e4: type: the event has no row"),
        ("INSERT INTO event_Pick VALUES ('e9', 't', 'x')", 3, "event e9: type: stands in event_Pick and not"),
        ("INSERT INTO event_object VALUES ('e9', '1', '')", 3, "event e9: has objects in event_object"),
        ("INSERT INTO event VALUES (NULL, 'pick')", 3, "event None: type: the event has no row"),
        (
            "INSERT INTO event_Pick VALUES (NULL, 't', 'x')",
            3,
            "event None: type: stands in event_Pick and not",
        ),
        (
            "INSERT INTO event_Pick VALUES ('e2', 't', 'x')",
            2,
            "event e2: has 2 rows in the table of its type",
        ),
        ("UPDATE event_Pick SET ocel_time = NULL", 2, "event e2: time: is missing"),
        ("UPDATE event_Pick SET ocel_time = 'soon'", 2, "event e2: time: 'soon' is not an ISO 8601"),
        (
            "DELETE FROM object WHERE ocel_id = 'i1'",
            2,
            "event e2: objects: 'i1' is not among the log's objects",
        ),
        ("DELETE FROM event_object WHERE ocel_event_id = 'e2'", 2, "event e2: subject: names no object"),
        ("UPDATE object_Order SET ocel_time = 'soon' WHERE price = 2000", 3, "object 1: price.time: 'soon'"),
        (
            """UPDATE event_Pick SET "shelf ""A" = CAST(x'6cff' AS TEXT)""",
            2,
            "is not UTF-8: byte 0xff after 1",
        ),
    ],
)
def test_what_is_wrong_in_a_database_spoils_its_event_alone(
    statement: str, records: int, sentence: str, tmp_path: Path
) -> None:
    """Rows without partners are named, not skipped."""
    result = Translated(open_event_log(database(tmp_path, statement), MAPPING))
    assert len(result.records) == records
    assert any(sentence in found for found in result.sentences), result.sentences


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (["DROP TABLE event_object"], "is not an OCEL 2.0: it has no event_object.ocel_event_id"),
        (
            ["DROP TABLE event", "CREATE VIEW event AS SELECT 1 AS ocel_id, 2 AS ocel_type"],
            "it has no event.ocel_id",
        ),
        (["ALTER TABLE event RENAME COLUMN ocel_type TO kind"], "it has no event.ocel_type"),
    ],
)
def test_a_database_without_the_tables_is_no_ocel(
    statements: list[str], sentence: str, tmp_path: Path
) -> None:
    """A view in a table's place counts as missing: it could hold anything."""
    result = Translated(open_event_log(database(tmp_path, *statements), MAPPING))
    assert result.records == []
    assert sentence in result.sentences[0]


def test_a_database_is_opened_read_only(tmp_path: Path) -> None:
    """Reading leaves the file as it was, and no other file beside it."""
    path = database(tmp_path)
    before = path.read_bytes()
    list(open_event_log(path, MAPPING))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_damaged_database_is_a_problem(tmp_path: Path) -> None:
    """What SQLite cannot read ends the reading with its own words."""
    path = database(tmp_path)
    path.write_bytes(path.read_bytes()[:6_000])
    result = Translated(open_event_log(path, MAPPING))
    assert result.problems[-1].position == "the database"
    assert "cannot be read further" in result.sentences[-1]


def test_a_packed_database_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """SQLite needs the file itself."""
    result = translate(gzip.compress(database(tmp_path).read_bytes()), MAPPING, tmp_path)
    assert "is a packed database; unpack" in result.sentences[0]


def test_progress_of_a_database_ends_at_its_size(tmp_path: Path) -> None:
    """The events read stand for the bytes read."""
    path = database(tmp_path)
    seen: list[tuple[int, int]] = []
    list(open_event_log(path, MAPPING, lambda done, size: seen.append((done, size))))
    assert seen == [(path.stat().st_size, path.stat().st_size)]
