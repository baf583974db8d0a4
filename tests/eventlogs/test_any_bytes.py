"""Whatever the bytes: records and problems come out, and never another error."""

import contextlib
import gzip
import json
import sqlite3
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlogs.small_logs import (
    CSV_MAPPING,
    OCEL_MAPPING,
    XES_MAPPING,
    event,
    mapping_of,
    trace,
    translate,
    xes,
)
from ordertrail.adapters.eventlogs import Mapping
from ordertrail.kernel.errors import InputError
from ordertrail.record.parse import parse_event

HEADER = b"order,what,when,who,price\n"
TABLE = HEADER + b'o1,Priced,2026-11-22T14:02:10Z,"a, b",1.25\no1,Placed,2026-11-22T14:02:10Z,,\n' * 3
DOCUMENT = json.dumps(
    {
        "objects": [
            {"id": "o1", "type": "order", "attributes": [{"name": "price", "time": "x", "value": 1.5}]}
        ],
        "events": [
            {
                "id": "e1",
                "type": "place",
                "time": "2026-01-01T00:00:00Z",
                "relationships": [{"objectId": "o1"}],
            }
        ],
    }
).encode()


def _database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        """
        CREATE TABLE event (ocel_id TEXT, ocel_type TEXT);
        CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);
        CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
        CREATE TABLE object (ocel_id TEXT, ocel_type TEXT);
        CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);
        CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT);
        CREATE TABLE event_Pick (ocel_id TEXT, ocel_time TEXT);
        INSERT INTO event VALUES ('e1', 'pick');
        INSERT INTO event_map_type VALUES ('pick', 'Pick');
        INSERT INTO event_Pick VALUES ('e1', '2026-01-01T00:00:00Z');
        INSERT INTO object VALUES ('i1', 'item');
        INSERT INTO event_object VALUES ('e1', 'i1', 'x');
        """
    )
    content = connection.serialize()
    connection.close()
    return content


LOGS = {
    "csv": (TABLE, mapping_of(CSV_MAPPING)),
    "xes": (xes(trace("o1", event(), event("Paid"))), mapping_of(XES_MAPPING)),
    "json": (DOCUMENT, mapping_of(OCEL_MAPPING)),
    "sqlite": (_database(), mapping_of(OCEL_MAPPING)),
    "gzip": (gzip.compress(TABLE, mtime=0), mapping_of(CSV_MAPPING)),
    "zstd": (zstandard.compress(TABLE), mapping_of(CSV_MAPPING)),
}
CHANGES = st.lists(
    st.tuples(st.integers(0), st.binary(max_size=3), st.integers(0, 4)), min_size=1, max_size=6
)


def change(content: bytes, changes: list[tuple[int, bytes, int]]) -> bytes:
    """Put some bytes in the place of some others."""
    for at, new, gone in changes:
        place = at % (len(content) + 1)
        content = content[:place] + new + content[place + gone :]
    return content


def check(content: bytes, mapping: Mapping) -> None:
    """Translate; what comes out as a record must be what the trail's strict door takes or names."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = translate(content, mapping, Path(folder))
        except InputError:
            return
    for record in result.records:
        # Ids with control characters and the like are the door's to refuse, by name.
        with contextlib.suppress(InputError):
            parse_event(record.line)
    for problem in result.problems:
        assert problem.problems
        assert str(problem).encode()


@pytest.mark.parametrize("kind", LOGS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES)
def test_a_spoilt_log_never_breaks_its_reader(kind: str, changes: list[tuple[int, bytes, int]]) -> None:
    """Bytes changed, cut out or put in anywhere."""
    content, mapping = LOGS[kind]
    check(change(content, changes), mapping)


@pytest.mark.parametrize("kind", ["csv", "xes", "json"])
@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_noise_never_breaks_a_reader(kind: str, noise: bytes) -> None:
    """Bytes that are no log at all, behind the first characters of one."""
    check({"csv": b"a,", "xes": b"<log>", "json": b"{"}[kind] + noise, LOGS[kind][1])
