"""Exports are what the standards say: OCEL 2.0 as JSON and SQLite, XES; the same counts in each, for any event."""

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.correlate.ocel_sqlite import write_ocel_sqlite
from ordertrail.correlate.export.event_log import EventLog, attribute_name, event_log
from ordertrail.correlate.export.ocel import ocel_json
from ordertrail.correlate.export.xes import xes
from ordertrail.kernel.errors import InputError
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.parse import parse_event
from ordertrail.testing.story import order_story
from query.generated import EVENTS

_XES = "{http://www.xes-standard.org/}"


@pytest.fixture(scope="module")
def story() -> EventLog:
    """The story of a shop."""
    return event_log(parse_event(line, CATALOGUE) for line in order_story())


def test_ocel_json_holds_every_event_object_and_relation(story: EventLog) -> None:
    """What the log has, the JSON has; every name that is used is declared, and every object is there."""
    told = json.loads("".join(ocel_json(story)))
    assert set(told) == {"objectTypes", "eventTypes", "objects", "events"}
    assert len(told["events"]) == len(story.events)
    objects = {one["id"]: one for one in told["objects"]}
    assert len(objects) == len(story.objects)
    declared = {one["name"]: {each["name"] for each in one["attributes"]} for one in told["objectTypes"]}
    events = {one["name"] for one in told["eventTypes"]}
    for one in told["objects"]:
        assert {each["name"] for each in one["attributes"]} <= declared[one["type"]]
    for one in told["events"]:
        assert one["type"] in events
        assert all(each["objectId"] in objects for each in one["relationships"])


def test_ocel_sqlite_holds_the_same(story: EventLog, tmp_path: Path) -> None:
    """The tables have as many events, objects, relations and values as the log; a file that is there stays."""
    place = tmp_path / "log.sqlite"
    write_ocel_sqlite(story, place)
    with closing(sqlite3.connect(place)) as database:
        counts = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("event", "object", "event_object")
        }
        assert counts == {
            "event": len(story.events),
            "object": len(story.objects),
            "event_object": sum(len(event.relations) for event in story.events),
        }
        maps = dict(database.execute("SELECT ocel_type, ocel_type_map FROM object_map_type"))
        values = sum(
            database.execute(
                f'SELECT count(*) FROM "object_{name}" WHERE ocel_changed_field IS NOT NULL'
            ).fetchone()[0]
            for name in maps.values()
        )
        assert values == sum(len(one.attributes) for one in story.objects)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    with pytest.raises(InputError, match="there already"):
        write_ocel_sqlite(story, place)


def test_xes_has_a_trace_an_order_and_says_what_has_none(story: EventLog) -> None:
    """Each order is a trace with its events by time; events of no order are counted."""
    root = ElementTree.fromstring("".join(xes(story)))
    traces = root.findall(f"{_XES}trace")
    orders = Counter(event.order for event in story.events)
    without = orders.pop(None, 0)
    assert len(traces) == len(orders)
    assert sum(len(trace.findall(f"{_XES}event")) for trace in traces) == sum(orders.values())
    (said,) = [one for one in root.findall(f"{_XES}int") if one.get("key") == "ordertrail:without_order"]
    assert said.get("value") == str(without)
    for trace in traces:
        times = [one.get("value") for one in trace.iter(f"{_XES}date")]
        assert times == sorted(times, key=str)


@given(st.lists(EVENTS, max_size=6))
def test_any_event_is_exported_well(tmp_path_factory: pytest.TempPathFactory, events: list[object]) -> None:
    """Whatever an event says, all three are well formed and say as much as each other."""
    log = event_log(events)  # type: ignore[arg-type]
    told = json.loads("".join(ocel_json(log)))
    assert len(told["events"]) == len(log.events)
    ElementTree.fromstring("".join(xes(log)))
    place = tmp_path_factory.mktemp("ocel") / "log.sqlite"
    write_ocel_sqlite(log, place)
    with closing(sqlite3.connect(place)) as database:
        assert database.execute("SELECT count(*) FROM event").fetchone()[0] == len(log.events)


def test_actions_that_look_alike_have_tables_of_their_own(tmp_path: Path) -> None:
    """Two actions whose names differ in a sign alone are two types, each with its table."""
    first, second = (parse_event(line, CATALOGUE) for line in list(order_story())[:2])
    events = [
        msgspec.structs.replace(first, action="parcel.take_in"),
        msgspec.structs.replace(second, action="parcel.take.in"),
    ]
    place = tmp_path / "log.sqlite"
    write_ocel_sqlite(event_log(events), place)
    with closing(sqlite3.connect(place)) as database:
        names = dict(database.execute("SELECT ocel_type, ocel_type_map FROM event_map_type"))
        assert names == {"parcel.take.in": "parcel_take_in", "parcel.take_in": "parcel_take_in_2"}


@given(st.text(max_size=80))
def test_names_are_such_as_every_reader_takes(path: str) -> None:
    """A place becomes a name of small letters, digits and underscores that begins with a letter."""
    name = attribute_name(path)
    assert name.isascii()
    assert name.replace("_", "a").isalnum()
    assert name[0].isalpha()
    assert name == name.lower()


_COUNT = """
import sys, pm4py
for read, place in ((pm4py.read_ocel2_json, sys.argv[1]), (pm4py.read_ocel2_sqlite, sys.argv[2])):
    log = read(place)
    print(len(log.events), len(log.objects), len(log.relations), len(log.object_changes))
log = pm4py.read_xes(sys.argv[3])
print(len(log), log["case:concept:name"].nunique())
"""


_REQUIREMENTS = Path(__file__).parent / "process_mining/requirements.txt"
_BUILT = Path(__file__).parents[2] / "build/process-mining"


@pytest.fixture(scope="module")
def pm4py() -> str:
    """A Python of its own with pm4py, as locked: it is under the AGPL, and never a dependency of the project.

    The long proofs make it, where it is not there or was made of other locks; else it is used where it is there.
    """
    digest = sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    stamp, python = _BUILT / "made", str(_BUILT / "bin/python")
    if stamp.exists() and stamp.read_text() == digest:
        return python
    if os.environ.get("ORDERTRAIL_SOAK") != "1":
        pytest.skip("pm4py is not made: ORDERTRAIL_SOAK=1 makes it, in build/process-mining")
    subprocess.run([sys.executable, "-m", "venv", "--clear", _BUILT], check=True)
    locked = ["--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(_REQUIREMENTS)]
    subprocess.run([python, "-m", "pip", "install", *locked], check=True)
    stamp.write_text(digest)
    return python


def test_pm4py_reads_the_same_counts(story: EventLog, pm4py: str, tmp_path: Path) -> None:
    """pm4py, in an environment of its own, loads all three with equal counts."""
    files = [tmp_path / "log.jsonocel", tmp_path / "log.sqlite", tmp_path / "log.xes"]
    files[0].write_text("".join(ocel_json(story)))
    write_ocel_sqlite(story, files[1])
    files[2].write_text("".join(xes(story)))
    told = subprocess.run(
        [pm4py, "-W", "ignore", "-c", _COUNT, *map(str, files)], capture_output=True, text=True, check=True
    )
    lines = [line for line in told.stdout.splitlines() if line and line[0].isdigit()]
    relations = sum(len(event.relations) for event in story.events)
    values = sum(len(one.attributes) for one in story.objects)
    ocel = f"{len(story.events)} {len(story.objects)} {relations} {values}"
    in_cases = [event for event in story.events if event.order is not None]
    assert lines == [ocel, ocel, f"{len(in_cases)} {len({event.order for event in in_cases})}"]
