"""The archive: ranges as columns, write-once, held against the tree, put back where they are lost, let go in time."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ordertrail.assembly.archive import open_archive
from ordertrail.assembly.index import open_query
from ordertrail.cli.retention import app
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.query.engines import Engine, telling
from ordertrail.query.questions.facts import ranking
from ordertrail.retention.archive import cut_between
from ordertrail.retention.archiving import Archiving
from ordertrail.retention.service import RetentionRefusedError
from ordertrail.settings import Settings
from ordertrail.settings.segments import SegmentSettings
from retention.house import ANNA, BEN, House

HEIGHT = 8
"""Ranges of 256 entries."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A trail of two thousand events over twenty months, whose term is a year."""
    settings = Settings(immutable=False, segments=SegmentSettings(height=HEIGHT, joined_height=HEIGHT))
    house = House(tmp_path / "trail").begin(settings)
    house.pass_months(20)
    return house


@contextmanager
def archive(house: House) -> Iterator[Archiving]:
    """Open its archive."""
    with open_archive(house.root, clock=house.clock) as archiving:
        yield archiving


def test_what_is_sealed_is_archived_once_and_locked(house: House) -> None:
    """By whole ranges, each once, for as long as its newest entry; what is put on record names every file."""
    with archive(house) as archiving:
        with pytest.raises(InputError, match="why"):
            archiving.run(ANNA, "default", " ")
        done = archiving.run(ANNA, "default", "yearly")
        assert [(one.start, one.end) for one in done] == [(n, n + 256) for n in range(0, 1_792, 256)]
        assert archiving.run(ANNA, "default", "again") == []
        told = archiving.ranges("default")
        assert [one.files for one in told] == [one.files for one in done]
        assert list(archiving.check("default")) == []
        for one in done:
            for file in one.files:
                kept = archiving.vault.kept(f"default/{one.name}/{file.name}")
                assert kept is not None
                assert kept.until is not None
                assert kept.until >= house.now - timedelta(days=30 * 20) + timedelta(days=365)
                with pytest.raises(EvidenceError):
                    archiving.vault.put([(f"default/{one.name}/{file.name}", b"other")], kept.until)
    house.pass_months(3)
    with archive(house) as archiving:
        (more,) = archiving.run(ANNA, "default", "yearly")
        assert (more.start, more.end) == (1_792, 2_048)
    assert house.problems() == []


def test_the_archive_is_smaller_and_any_reader_reads_it(house: House) -> None:
    """It is plain Parquet, with each entry's leaf hash, and a part of what the log needs for the same."""
    with archive(house) as archiving:
        done = archiving.run(ANNA, "default", "yearly")
    first = house.root / "archive/default" / done[0].name
    table = pq.read_table(first / "events.parquet")
    assert table.num_rows == 256
    assert {"position", "leaf", "action", "actor"} <= set(table.column_names)
    log = sum(path.stat().st_size for path in (house.root / "log/tile/entries").rglob("*") if path.is_file())
    assert sum(one.size for one in done) < log


def test_lost_columns_come_back_and_are_asked(house: House) -> None:
    """What the disk lost is put back from the archive, checked against the signed tree, and answers as before."""

    def asked() -> tuple[object, set[Engine]]:
        with open_query(house.root, clock=house.clock) as query:
            query.feed()
            with telling() as told:
                found = ranking(query.counts, query.parse(""), ("actor",), 50)
                return found, set(told().engines)

    with archive(house) as archiving:
        done = archiving.run(ANNA, "default", "yearly")
        before = asked()
    shutil.rmtree(house.root / "segments/default")
    with archive(house) as archiving:
        assert archiving.columns.sealed("default") == []
        assert [one.name for one in archiving.restore("default")] == [one.name for one in done]
        assert archiving.restore("default") == []
        assert len(archiving.columns.sealed("default")) == len(done)
    assert asked() == before


def test_what_was_altered_is_named_and_not_put_back(house: House) -> None:
    """A file of other bytes is found by the check, and nothing of its range comes back."""
    with archive(house) as archiving:
        done = archiving.run(ANNA, "default", "yearly")
    victim = house.root / "archive/default" / done[1].name / "events.parquet"
    victim.chmod(0o644)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    shutil.rmtree(house.root / "segments/default")
    with archive(house) as archiving:
        assert any("events.parquet is not what was archived" in one for one in archiving.check("default"))
        with pytest.raises(EvidenceError, match="not what was archived"):
            archiving.restore("default")
        assert [one.name for one in archiving.columns.sealed("default")] == [done[0].name]


def test_a_purge_takes_archived_ranges_whole(house: House) -> None:
    """What is destroyed goes from the archive too, and no range is cut: the rest waits for its neighbours."""
    with archive(house) as archiving:
        archiving.run(ANNA, "default", "yearly")
    assert (house.root / "archive/default/000000000000-000000000256").exists()
    minimum = house.purge()
    assert minimum == 512
    left = {path.parent.name for path in (house.root / "archive/default").rglob("*.parquet")}
    assert min(left) == "000000000512-000000000768"
    assert house.problems() == []
    with archive(house) as archiving:
        assert [one.start for one in archiving.ranges("default")] == list(range(512, 1_792, 256))
        assert list(archiving.check("default")) == []
        assert archiving.run(ANNA, "default", "after") == []
        with pytest.raises(InputError, match="destroyed"):
            archiving.restore("default")


def test_what_is_to_be_archived_is_not_destroyed(house: House) -> None:
    """While its class says archive, nobody can ask for its destruction; that it may be destroyed, two people say."""
    policy = """\
version = 1
[[classes]]
name = "default"
basis = "kept for history"
term_days = 365
action = "archive"
"""
    with house.retention() as retention:
        retention.change_policy(ANNA, policy, "as the board says")
        assert retention.due("default").entries
        with pytest.raises(RetentionRefusedError, match="is not destroyed"):
            retention.request(ANNA, "default", "space")
        purge = policy.replace('"archive"', '"purge"')
        with pytest.raises(RetentionRefusedError, match="four eyes"):
            retention.change_policy(ANNA, purge, "space")
        retention.change_policy(ANNA, purge, "space", BEN)
        assert retention.request(ANNA, "default", "space").entries == 512


def test_from_the_command_line(house: House) -> None:
    """Archived, listed with what is wrong, put back."""

    def run(*words: str, code: int = 0) -> dict[str, list[object]]:
        done = CliRunner().invoke(app, [*words, "--trail", str(house.root), "--json"])
        assert done.exit_code == code, done.output
        found: dict[str, list[object]] = json.loads(done.output)
        return found

    assert len(run("archive", "--by", "anna", "--reason", "yearly")["archived"]) == 7
    assert run("archived")["findings"] == []
    shutil.rmtree(house.root / "segments")
    assert len(run("restore-archive")["restored"]) == 7
    victim = next((house.root / "archive/default").rglob("changes.parquet"))
    victim.chmod(0o644)
    victim.write_bytes(b"no parquet")
    assert run("archived", code=1)["findings"]


blocks = st.tuples(st.integers(0, 40), st.integers(4, 11)).map(
    lambda one: (one[0] << one[1], (one[0] + 1) << one[1])
)


@given(st.integers(0, 5_000), st.lists(blocks))
def test_no_range_is_cut_in_two(minimum: int, ranges: list[tuple[int, int]]) -> None:
    """Whatever is archived: the minimum is a multiple of 256, no higher than asked for, and inside of no range."""
    cut = cut_between(minimum, ranges)
    assert cut % 256 == 0
    assert cut <= minimum
    assert not any(start < cut < end for start, end in ranges)
