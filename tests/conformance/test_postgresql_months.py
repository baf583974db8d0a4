"""Entries lie in a partition a month: they are found over all of them by indexes, and tampering with any is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.opening import open_database
from ordertrail.adapters.sql.streams import add_stream
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.services import Trail
from ordertrail.testing.conformance.samples import RECORDED, STREAM, SampleLog, captured
from ordertrail.testing.story import order_story
from servers.databases import TrailDatabase, trail_on_postgresql
from servers.postgresql import postgresql_server
from servers.trails import create_on_postgresql

__all__ = ["postgresql_server", "trail_on_postgresql"]

MONTHS = ("2026-10", "2026-11", "2027-01")
IN_A_MONTH = 2_000
_SCANS = """
SELECT sum(seq_scan)::int8 FROM pg_stat_user_tables WHERE schemaname = 'ordertrail' AND relname LIKE 'entry%'
"""


@pytest.fixture
def filled(trail_on_postgresql: TrailDatabase) -> Iterator[Callable[[], SqlEntries]]:
    """Entries of three months, one of them without any in between; a function that opens the table."""
    opened = []

    def open_once_more() -> SqlEntries:
        opened.append(open_database(trail_on_postgresql.url()))
        return SqlEntries(opened[-1])

    entries = open_once_more()
    add_stream(opened[0], LogIdentity(STREAM, "orders.example.com/log", 2_557, RECORDED))
    log = SampleLog()
    for place, month in enumerate(MONTHS):
        first = IN_A_MONTH * place
        events = (captured(number, f"SO-{number % 500}") for number in range(first, first + IN_A_MONTH))
        sample = log.then(*events)
        entries.commit(STREAM, sample.rows, replace(sample.batch, sealed=f"{month}-05{RECORDED[10:]}"))
        log = sample.after
    yield open_once_more
    for database in opened:
        database.close()


def test_partitions_are_those_of_the_months_and_one_ahead(
    filled: Callable[[], SqlEntries], trail_on_postgresql: TrailDatabase
) -> None:
    """Each month's entries lie in its own, and the next month's is there before it begins."""
    del filled
    found = trail_on_postgresql.run(
        "SELECT tableoid::regclass::text, count(*) FROM entry GROUP BY 1 ORDER BY 1"
    )
    assert found == [(f"entry_{month.replace('-', '_')}", IN_A_MONTH) for month in MONTHS]
    there = trail_on_postgresql.run(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'entry_2%' ORDER BY 1"
    )
    assert [name for (name,) in there] == [
        f"entry_{month}" for month in ("2026_10", "2026_11", "2026_12", "2027_01", "2027_02")
    ]


def test_what_is_read_is_found_by_indexes(
    filled: Callable[[], SqlEntries], trail_on_postgresql: TrailDatabase
) -> None:
    """Events, orders, tails, places, ranges over the end of a month: no table of entries is read from end to end."""
    entries, size = filled(), IN_A_MONTH * len(MONTHS)
    (before,) = trail_on_postgresql.run(_SCANS)
    for _ in range(8):  # a statement's plan may change once it is known to come again
        assert entries.head(STREAM).size == size
        found = entries.find(captured(IN_A_MONTH + 1).id)
        assert found is not None
        assert found[1].index == IN_A_MONTH + 1
        assert len(list(entries.history("SO-7"))) == size // 500
        assert len(list(entries.history("SO-7", ""))) == size // 500
        assert len(entries.tails(STREAM, [f"SO-{number}\t" for number in range(40)])) == 40
        assert len(entries.linked(STREAM, [("SO-3\t", 1), ("SO-4\t", 12)])) == 2
        around = range(IN_A_MONTH - 5, IN_A_MONTH + 5)
        assert [row.index for row in entries.rows(STREAM, around.start, around.stop)] == list(around)
        assert len(entries.hashes(STREAM, around.start, around.stop)) == len(around)
    entries._database.close()
    trail_on_postgresql.run("SELECT pg_stat_clear_snapshot()")
    assert trail_on_postgresql.run(_SCANS) == [before]


def test_everything_is_read_in_order_over_all_months(filled: Callable[[], SqlEntries]) -> None:
    """However it is divided; and nothing is a stray or out of place."""
    entries, size = filled(), IN_A_MONTH * len(MONTHS)
    assert [row.index for row in entries.rows(STREAM, 0, size)] == list(range(size))
    assert len(entries.hashes(STREAM, 0, size)) == size
    assert entries.strays(STREAM) == 0
    assert list(entries.enforcement_problems(deep=True)) == []


def test_a_batch_whose_time_was_changed_hides_no_entry(
    filled: Callable[[], SqlEntries], trail_on_postgresql: TrailDatabase
) -> None:
    """Where a batch says is where one looks first, not where one looks only; and text that is no time stops nothing."""
    for sealed in ("2031-01-01T00:00:00.000000Z", "tomorrow", ""):
        tamper(trail_on_postgresql, f"UPDATE batch SET sealed = '{sealed}' WHERE first = 0")
        entries = filled()
        assert len(list(entries.rows(STREAM, 0, 10))) == 10
        assert len(entries.hashes(STREAM, 0, 10)) == 10
        assert entries.strays(STREAM) >= IN_A_MONTH


def tamper(trail: TrailDatabase, statement: str) -> None:
    """Do what a superuser can, who switches all triggers off for the moment."""
    trail.run(f"SET session_replication_role = replica; {statement}")


TAMPERINGS = {
    "an entry": (
        "UPDATE entry SET entry = set_byte(entry, 99, get_byte(entry, 99) # 1) WHERE idx = 150",
        150,
    ),
    "a hash": ("UPDATE entry SET hash = sha256('x') WHERE idx = 150", 150),
    "an event's id": ("UPDATE entry SET event_id = substr(sha256('x'), 1, 16) WHERE idx = 150", 150),
    "a row deleted": ("DELETE FROM entry WHERE idx = 150", 150),
    "a row and its key deleted": (
        "DELETE FROM entry WHERE idx = 150; DELETE FROM entry_key WHERE idx = 150",
        150,
    ),
    "the end cut off": ("DELETE FROM entry WHERE idx >= 150", 150),
    "two rows exchanged": (
        """
        UPDATE entry SET idx = 9999 WHERE idx = 150;
        UPDATE entry SET idx = 150 WHERE idx = 151;
        UPDATE entry SET idx = 151 WHERE idx = 9999
        """,
        150,
    ),
    "a row slipped in behind": (
        """
        INSERT INTO entry SELECT stream, 9999, substr(sha256('x'), 1, 16), chain, 99, previous, hash, entry, month
        FROM entry WHERE idx = 150
        """,
        None,
    ),
    "a row slipped in twice": (
        """
        SELECT add_month('2020-01-01');
        INSERT INTO entry SELECT stream, idx, event_id, chain, number, previous, hash, entry, '2020-01-01'
        FROM entry WHERE idx = 150
        """,
        None,
    ),
    "a batch deleted": ("DELETE FROM batch WHERE first = 100", None),
    "a batch's time": ("UPDATE batch SET sealed = '2020-01-01T00:00:00.000000Z' WHERE first = 100", None),
    "the log's key": ("UPDATE signing_key SET vkey = reverse(vkey)", None),
    "the log's term": ("UPDATE stream SET keep_days = 1", None),
}


@pytest.fixture
def story(trail_on_postgresql: TrailDatabase, tmp_path: Path) -> Iterator[Trail]:
    """A shop's story in 300 events and three batches, on PostgreSQL."""
    lines = [(f"line {number}", line) for number, line in enumerate(islice(order_story(orders=40), 300))]
    with create_on_postgresql(
        tmp_path / "trail", "orders.example.com/log", trail_on_postgresql.url()
    ) as trail:
        assert sum(outcome.recorded for outcome in trail.record_lines(lines)) == 300
        trail.seal(limit=100)
        assert trail.verify().intact
        yield trail


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found(story: Trail, trail_on_postgresql: TrailDatabase, what: str) -> None:
    """Whatever a superuser changes in the tables is named, and where it is one entry's row, that entry."""
    statement, index = TAMPERINGS[what]
    tamper(trail_on_postgresql, statement)
    report = story.verify()
    assert report.first is not None, what
    if index is not None:
        assert report.first.index == index, report.findings
