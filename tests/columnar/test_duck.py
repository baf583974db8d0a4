"""DuckDB is fenced in: it reads the segments, and nothing else of this machine, whatever a statement says."""

import time
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import func, literal, select

from columnar.shelves import columns_of, make, opened
from ordertrail.adapters.columnar.duck import TEXTS, Bounds, compiled
from ordertrail.kernel.errors import UnavailableError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is, Word
from ordertrail.query.segments.manifest import Block
from ordertrail.query.tables import events
from ordertrail.testing.conformance.index import SAMPLES


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '{outside}'",
        "ATTACH '{outside}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_parquet('https://example.com/x.parquet')",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "SET threads = 64",
        "SET lock_configuration = false",
        "EXPORT DATABASE '{outside}'",
    ],
)
def test_nothing_outside_is_read_written_loaded_or_set(tmp_path: Path, statement: str) -> None:
    """Each is refused as something that cannot be done, and leaves no file."""
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    with opened(tmp_path / "segments") as (_, duck), pytest.raises(UnavailableError) as caught:
        duck.rows(statement.format(outside=outside), [], {})
    assert "secret" not in str(caught.value.diagnostics())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside.txt"]


def test_what_people_write_is_a_parameter(tmp_path: Path) -> None:
    """Quotes, semicolons and signs of SQL are values: they find nothing, or just what has them."""
    statement = select(events.c.position).where(
        Filter((Is("actor", ("x'; DROP TABLE event; --",)), Word("') OR ('a' = 'a"))).sql(TEXTS)
    )
    text, parameters = compiled(statement)
    assert "DROP" not in text
    assert "x'; DROP TABLE event; --" in parameters
    with opened(tmp_path / "segments") as (shelf, duck):
        make(shelf, Block(5, 0), SAMPLES[:32])
        assert columns_of(shelf, duck).run(statement, Filter()) == []


def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """A statement ends soon after its time, and says what to do; the next one is answered."""
    with opened(tmp_path / "segments", Bounds(seconds=1)) as (_, duck):
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="took more than 1 s"):
            duck.rows("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b", [], {})
        assert time.monotonic() - began < 30
        assert duck.rows("SELECT 1", [], {}) == [(1,)]


def test_what_is_too_large_is_told(tmp_path: Path) -> None:
    """More than fits memory and the files put aside is refused, and not taken from others."""
    with opened(tmp_path / "segments", Bounds(memory=128)) as (_, duck):
        with pytest.raises(UnavailableError, match="cannot be asked now"):
            duck.rows("SELECT list(range) FROM range(100000000)", [], {})
        assert duck.rows("SELECT 1", [], {}) == [(1,)]


def test_tables_are_of_one_statement(tmp_path: Path) -> None:
    """What was handed in with one statement, another does not see."""
    with opened(tmp_path / "segments") as (_, duck):
        table = pa.table({"x": [1, 2]})
        assert duck.rows("SELECT sum(x) FROM tail", [], {"tail": table}) == [(3,)]
        with pytest.raises(UnavailableError, match="tail"):
            duck.rows("SELECT sum(x) FROM tail", [], {})


def test_nothing_is_left_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder for what does not fit memory goes with the connection."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with opened(tmp_path / "segments") as (_, duck):
        assert len(list(tmp_path.glob("ordertrail-segments-*"))) == 1
        assert duck.rows("SELECT 1", [], {}) == [(1,)]
    assert list(tmp_path.glob("ordertrail-segments-*")) == []


def test_a_statement_of_no_table_runs_too(tmp_path: Path) -> None:
    """There is no table to be named before it."""
    with opened(tmp_path / "segments") as (shelf, duck):
        make(shelf, Block(2, 0), SAMPLES[:4])
        assert columns_of(shelf, duck).run(select(func.abs(literal(-1))), Filter()) == [(1,)]


def test_a_folder_of_any_name_is_read(tmp_path: Path) -> None:
    """Signs that stand for several files, and quotes, are letters in a folder's name."""
    for name in ("it's [a-z]", "all * of ?", "{a,b}"):
        with opened(tmp_path / name / "segments") as (shelf, duck):
            make(shelf, Block(2, 0), SAMPLES[:4])
            assert columns_of(shelf, duck).run(select(func.count(events.c.position)), Filter()) == [(4,)]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Whoever may write into the folder cannot have another file of ours read by it."""
    with opened(tmp_path / "other") as (shelf, _):
        other = shelf.folder(make(shelf, Block(2, 0), SAMPLES[:4])) / "events.parquet"
    with opened(tmp_path / "segments") as (shelf, duck):
        mine = shelf.folder(make(shelf, Block(2, 0), SAMPLES[:4])) / "events.parquet"
        mine.unlink()
        mine.symlink_to(other)
        with pytest.raises(UnavailableError, match="Permission"):
            columns_of(shelf, duck).run(select(func.count(events.c.position)), Filter())
