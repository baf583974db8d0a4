"""Segments of a real trail: made of what is published and nothing else, once, whole, and held against the log."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import typer
from msgspec import structs
from typer.testing import CliRunner

from ordertrail.adapters.columnar import shelf as shelf_module
from ordertrail.adapters.columnar.schema import FILES
from ordertrail.adapters.columnar.shelf import PART
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.columnar import SegmentWork, open_segments
from ordertrail.assembly.index import open_query
from ordertrail.cli import segments as segment_verbs
from ordertrail.kernel.errors import BusyError, ConfigurationError, EvidenceError
from ordertrail.query import engines
from ordertrail.query.engines import Engine
from ordertrail.query.questions.facts import ranking
from ordertrail.query.segments.bloom import Bloom
from ordertrail.query.segments.building import build, drop_all
from ordertrail.query.segments.checking import check
from ordertrail.query.segments.manifest import MANIFEST, Manifest, SegmentFile, format_manifest
from ordertrail.query.segments.planning import Heights, current
from ordertrail.record.actions import Action, Catalogue
from ordertrail.record.event import Change
from ordertrail.record.parse import parse_event
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

STORY = list(order_story())
HEIGHTS = Heights(6, 8)
SEGMENTS = "segments/default"
RUNNER = CliRunner()
APP = typer.Typer()
APP.add_typer(segment_verbs.app, name="segments")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail that holds the story, and its segments: one of 256 entries, three of 64."""
    root = tmp_path_factory.mktemp("home") / "trail"
    with create_trail(root, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in STORY))
        trail.seal()
    with open_segments(root) as work:
        assert made(work) == 448
    return root


@pytest.fixture
def trail(sealed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(sealed, tmp_path / "trail")
    return tmp_path / "trail"


def made(work: SegmentWork) -> int:
    """Make what is to be made."""
    return build(work.shelf, work.source, work.streams, HEIGHTS)


def names(trail: Path) -> list[str]:
    """Return the folders of segments."""
    return sorted(path.name for path in (trail / SEGMENTS).iterdir())


def findings(trail: Path, *, deep: bool = True) -> list[str]:
    """Return what is wrong with all segments."""
    with open_segments(trail) as work:
        return [
            str(one)
            for manifest in work.shelf.manifests("default")
            for one in check(manifest, work.inspection, work.source, deep=deep)
        ]


ALL = [
    "000000000000-000000000256",
    "000000000256-000000000320",
    "000000000320-000000000384",
    "000000000384-000000000448",
]


def test_segments_are_made_once(trail: Path) -> None:
    """What is there is not made again, byte for byte; what is removed is, and is the same again but for compression."""
    before = {path: path.read_bytes() for path in (trail / SEGMENTS).rglob("*") if path.is_file()}
    with open_segments(trail) as work:
        assert made(work) == 0
    assert names(trail) == ALL
    assert before == {path: path.read_bytes() for path in (trail / SEGMENTS).rglob("*") if path.is_file()}
    manifests = {name: manifest_of(trail, name) for name in ALL}
    with open_segments(trail) as work:
        drop_all(work.shelf, work.streams)
        assert names(trail) == []
        assert made(work) == 448
    assert {name: manifest_of(trail, name) for name in ALL} == manifests


def manifest_of(trail: Path, name: str) -> dict[str, Any]:
    """Return a manifest's own words."""
    told: dict[str, Any] = json.loads((trail / SEGMENTS / name / MANIFEST).read_bytes())
    return told


def test_nothing_is_made_of_what_is_not_sealed_and_published(tmp_path: Path) -> None:
    """Events that wait are in no segment; sealed and published they are, and small segments are joined in time."""
    root = tmp_path / "trail"
    with create_trail(root, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in STORY[:100]))
        with open_segments(root) as work:
            assert made(work) == 0
            trail.seal()
            assert made(work) == 64
            assert names(root) == ["000000000000-000000000064"]
            for start in range(100, 448, 60):
                list(trail.record_lines(("story", line) for line in STORY[start : start + 60]))
                trail.seal()
                made(work)
            assert made(work) == 0
            assert names(root) == ALL
    assert findings(root) == []


def test_joined_segments_say_what_was_in_their_parts(trail: Path, tmp_path: Path) -> None:
    """A segment joined of four has the same rows, in the same sequence, as one made of the log."""
    whole = trail / SEGMENTS / ALL[0]
    kept = shutil.copytree(whole, tmp_path / "kept")
    with open_segments(trail) as work:
        drop_all(work.shelf, work.streams)
        build(work.shelf, work.source, work.streams, Heights(6, 6))
        assert len(names(trail)) == 7
        joined: list[Manifest] = []
        build(work.shelf, work.source, work.streams, HEIGHTS, joined.append)
        assert [one.block.name for one in joined] == [ALL[0]]
        assert len(names(trail)) == 8  # whoever reads the parts now, may
        assert [one.block.name for one in current(work.shelf.manifests("default"))] == ALL
        made(work)
        assert names(trail) == ALL
    for file in FILES:
        assert pq.read_table(whole / file.name).equals(pq.read_table(kept / file.name)), file.name


@pytest.mark.parametrize("damage", ["altered", "gone"])
def test_a_damaged_part_is_not_joined(trail: Path, damage: str) -> None:
    """What joins a part would vouch for it: where a file of one is not what was written, the log is read again."""
    with open_segments(trail) as work:
        drop_all(work.shelf, work.streams)
        build(work.shelf, work.source, work.streams, Heights(6, 6))
        path = trail / SEGMENTS / "000000000064-000000000128" / "changes.parquet"
        if damage == "gone":
            path.unlink()
        else:
            table = pq.read_table(path)
            place = table.schema.get_field_index("actor")
            pq.write_table(table.set_column(place, "actor", [["nobody"] * len(table)]), path)
        assert made(work) == 256
        assert made(work) == 0
    assert names(trail) == ALL
    assert findings(trail) == []


class Stopped(BaseException):
    """The machine stops here."""


@pytest.mark.parametrize("call", [0, 1, 5, 8, 9, 10, 11, 12, 13, 14, 30])
def test_a_crash_at_any_step_leaves_nothing_half(
    trail: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Stopped before any write, rename or removal of a file, whole segments are there, and the next start goes on."""
    with open_segments(trail) as work:
        drop_all(work.shelf, work.streams)
        calls = iter(range(call, -1, -1))

        def stop(*_: object, **__: object) -> None:
            if next(calls, -1) == 0:
                raise Stopped

        with monkeypatch.context() as stopping:
            stopping.setattr(shelf_module, "_sync", stop)
            stopping.setattr(shutil, "rmtree", stop)  # nothing is tidied up when a machine stops
            with pytest.raises(Stopped):
                made(work)
        whole = [name for name in names(trail) if not name.startswith(PART)]
        assert all((trail / SEGMENTS / name / MANIFEST).exists() for name in whole)
        made(work)
    assert names(trail) == ALL
    assert findings(trail) == []


def test_one_makes_segments_at_a_time(trail: Path) -> None:
    """A second maker is told, and changes nothing; readers are not kept out."""
    with open_segments(trail) as work, open_segments(trail) as other, work.shelf.writing():
        with pytest.raises(BusyError, match="another process is making segments"):
            made(other)
        assert len(other.shelf.manifests("default")) == 4


def test_no_segment_is_made_of_an_altered_entry(trail: Path) -> None:
    """What is not as sealed is refused before anything is written, even where its row hash was made to fit."""
    shutil.rmtree(trail / "segments")
    for also_hash in (False, True):
        with sqlite3.connect(trail / "ordertrail.db") as connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f'DROP TRIGGER "{name}"')
            connection.execute(
                "UPDATE entry SET entry = CAST(replace(CAST(entry AS TEXT), 'web', 'wob') AS BLOB) WHERE idx < 200"
            )
            if also_hash:
                rehash(connection)
        with open_segments(trail) as work, pytest.raises(EvidenceError, match=r"altered after|are not what"):
            made(work)
        assert names(trail) == [] if (trail / SEGMENTS).exists() else True


def rehash(connection: sqlite3.Connection) -> None:
    """Make the leaf hashes fit the texts again."""
    from ordertrail.ledger.hashing import leaf_hash

    rows = connection.execute("SELECT idx, entry FROM entry").fetchall()
    connection.executemany(
        "UPDATE entry SET hash = ? WHERE idx = ?", [(leaf_hash(bytes(text)), row) for row, text in rows]
    )


@pytest.mark.parametrize("file", [*(one.name for one in FILES), MANIFEST])
def test_a_changed_byte_of_any_file_is_named(trail: Path, file: str) -> None:
    """Of whatever file, without looking into it; a manifest that is none takes its segment out."""
    path = trail / SEGMENTS / ALL[1] / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    if file == MANIFEST:
        with open_segments(trail) as work:
            assert [one.block.name for one in work.shelf.manifests("default")] == [ALL[0], *ALL[2:]]
            assert len(current(work.shelf.manifests("default"))) == 1
            assert made(work) == 64
        assert findings(trail) == []
        return
    assert any(
        f"{file} is not what was written" in one and ALL[1] in one for one in findings(trail, deep=False)
    )


def test_files_more_and_files_gone_are_named(trail: Path) -> None:
    """A segment has its files, and no others."""
    folder = trail / SEGMENTS / ALL[1]
    (folder / "notes.parquet").write_bytes(b"")
    (folder / "marks.parquet").unlink()
    told = findings(trail)
    assert any("notes.parquet is not one of its files" in one for one in told)
    assert any("marks.parquet is gone" in one for one in told)
    shutil.rmtree(folder)
    folder.mkdir()
    assert findings(trail) == []
    with open_segments(trail) as work:
        assert made(work) == 64


@pytest.mark.parametrize(
    ("file", "column", "value"),
    [
        ("events.parquet", "actor", "nobody"),
        ("changes.parquet", "actor", "nobody"),
        ("marks.parquet", "value", "none"),
        ("orders.parquet", "actor", "nobody"),
        ("days.parquet", "events", 99),
        ("money.parquet", "actor", "nobody"),
    ],
)
def test_a_row_that_was_changed_with_its_digest_is_found_by_the_log(
    trail: Path, file: str, column: str, value: object
) -> None:
    """Whoever writes file and manifest anew deceives the files' check; files made anew of the log tell."""
    folder = trail / SEGMENTS / ALL[0]
    table = pq.read_table(folder / file)
    values = [value, *table.column(column).to_pylist()[1:]]
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, table.schema.field(place), [values]), folder / file)
    with open_segments(trail) as work:
        (before, *_) = work.shelf.manifests("default")
    files = tuple(
        SegmentFile(one.name, (folder / one.name).stat().st_size, shelf_module.digest(folder / one.name))
        for one in before.files
    )
    (folder / MANIFEST).write_bytes(format_manifest(replace(before, files=files)))
    assert findings(trail, deep=False) == []
    (told,) = findings(trail)
    assert f"{file} says something else than the log, from row 0 on" in told


def test_a_manifest_that_hides_an_order_is_found_by_the_log(trail: Path) -> None:
    """A segment whose manifest says that no order is in it, or that it ended earlier, would be left out of answers."""
    folder = trail / SEGMENTS / ALL[1]
    with open_segments(trail) as work:
        before = work.shelf.manifests("default")[1]
    for wrong in (replace(before, bloom=Bloom(bytes(64))), replace(before, last=before.first)):
        (folder / MANIFEST).write_bytes(format_manifest(wrong))
        assert findings(trail, deep=False) == []
        (told,) = findings(trail)
        assert "other times or orders" in told


def test_a_segment_of_another_log_is_not_asked(trail: Path, tmp_path: Path) -> None:
    """Another log's segment, put in place under its name, has a root that is not in this tree: left out, and told."""
    other = tmp_path / "other"
    with create_trail(other, "shop.example/log", settings=Settings(immutable=False)) as second:
        list(second.record_lines(("story", line) for line in STORY[100:400]))
        second.seal()
    with open_segments(other) as work:
        made(work)
    shutil.rmtree(trail / SEGMENTS / ALL[0])
    shutil.copytree(other / SEGMENTS / ALL[0], trail / SEGMENTS / ALL[0])
    assert any("its root is not in the tree" in one for one in findings(trail, deep=False))
    with open_query(trail) as query:
        query.feed()
        answer = query.answer(
            lambda: query.analytics.bursts(query.parse("action:order.cancel"), 1 << 40, 1, 9)
        )
        assert answer.reach.engines == (Engine.INDEX,)
        assert sum(one.events for one in answer.value) == sum(b'"order.cancel"' in line for line in STORY)


def test_other_words_are_told(trail: Path) -> None:
    """Where the settings name an action anew since, rows may say less than the index: it is told, and made anew."""
    with open_segments(trail) as work:
        actions = Catalogue([Action("order.gift.wrap", "wrapped as a gift")])
        source = type(work.source)(work.source.log, work.source.tree, actions)
        (first, *_) = work.shelf.manifests("default")
        told = [str(one) for one in check(first, work.inspection, source, deep=True)]
    assert len(told) == 1
    assert "other words for actions" in told[0]


@contextmanager
def widest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let segments answer what they can."""
    with monkeypatch.context() as patch:
        patch.setattr(engines, "SUMMED", 0)
        patch.setattr(engines, "NARROW", 0)
        yield


def test_a_query_takes_segments_as_they_come(trail: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was opened before there were any asks them as soon as there are, and says so."""
    shutil.rmtree(trail / "segments")
    with open_query(trail) as query, widest(monkeypatch):
        query.feed()
        asked = query.parse("action:order.cancel")
        before = query.answer(lambda: ranking(query.counts, asked, ["actor"]))
        assert before.reach.engines == (Engine.ROLLUP,)
        assert before.reach.segments == {}
        with open_segments(trail) as work:
            build(work.shelf, work.source, work.streams, Heights(7, 7))
        after = query.answer(lambda: ranking(query.counts, asked, ["actor"]))
        assert after.reach.engines == (Engine.SEGMENTS,)
        assert after.reach.segments == {"default": 384}
        assert after.value == before.value
        with open_segments(trail) as work:
            drop_all(work.shelf, work.streams)
        assert query.answer(lambda: ranking(query.counts, asked, ["actor"])).reach.engines == (Engine.ROLLUP,)


def test_other_engines_read_the_files(trail: Path) -> None:
    """Arrow, DuckDB, pandas and polars read every file, and see the same rows and times."""
    folder = trail / SEGMENTS / ALL[0]
    for file in FILES:
        path = str(folder / file.name)
        rows = pq.read_table(path).num_rows
        assert duckdb.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchall() == [(rows,)]
        assert len(pd.read_parquet(path)) == rows == pl.read_parquet(path).height
    path = str(folder / "events.parquet")
    (told,) = duckdb.execute(
        "SELECT count(*), min(epoch_us(happened)) - min(time), count(DISTINCT leaf) FROM read_parquet(?)",
        [path],
    ).fetchall()
    assert told == (256, 0, 256)
    frame = pl.read_parquet(path)
    assert frame["time"].is_sorted()
    assert str(frame["happened"].dtype) == "Datetime(time_unit='us', time_zone='UTC')"
    assert pd.read_parquet(path)["happened"].dt.tz is not None


def test_what_is_sealed_stays_sealed(tmp_path: Path) -> None:
    """No column of any file has what was personal, nor anything that it can be made of without its key."""
    root = tmp_path / "trail"
    name = "Ada Lovelace 0xc0ffee"
    with create_trail(root, "shop.example/log", settings=Settings(immutable=False)) as trail:
        sealer = trail.personal()
        for number, line in enumerate(STORY[:64]):
            told = structs.replace(parse_event(line), changes=(Change("/customer/name", after=name),))
            trail.record([sealer.seal(told, {"/changes/0/after": f"customer-{number}"})])
        trail.seal()
    with open_segments(root) as work:
        assert made(work) == 64
    for path in (root / SEGMENTS).rglob("*.parquet"):
        assert name not in str(pq.read_table(path).to_pylist())
    table = pq.read_table(root / SEGMENTS / "000000000000-000000000064" / "changes.parquet")
    assert set(table.column("path").to_pylist()) == {"/customer/name"}
    assert set(table.column("after").to_pylist()) == {None}


def run(trail: Path, *arguments: str, code: int = 0) -> str:
    """Run a verb; return what it said."""
    done = RUNNER.invoke(APP, ["segments", *arguments, "--trail", str(trail)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_at_the_command_line(trail: Path) -> None:
    """Built, told and verified; what is wrong ends with status 1 and says what to do."""
    assert json.loads(run(trail, "build", "--json")) == {"read": 0, "made": []}
    told = json.loads(run(trail, "status", "--json"))["streams"][0]
    assert (told["reached"], told["published"], len(told["segments"])) == (448, 448, 4)
    assert "448" in run(trail, "status")
    assert "4 segments of 448 entries: all as in the signed log" in run(trail, "verify", "--deep")
    path = trail / SEGMENTS / ALL[2] / "days.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert "build --anew" in run(trail, "verify", code=1)
    assert len(json.loads(run(trail, "verify", "--json", code=1))["findings"]) == 1
    assert "Made 0 segments" in run(
        trail, "build", "--anew"
    )  # a small trail: its segments would hold 65,536 entries
    assert names(trail) == []


def test_where_there_is_no_trail_nothing_is_made(tmp_path: Path) -> None:
    """Somebody's empty folder stays empty."""
    with pytest.raises(ConfigurationError, match="no trail"):
        run(tmp_path, "build")
    assert list(tmp_path.iterdir()) == []


def test_a_log_without_a_checkpoint_is_told(trail: Path) -> None:
    """Nothing is made where nothing is published, and it is said why."""
    (trail / "log" / "checkpoint").unlink()
    with (
        open_segments(trail) as work,
        pytest.raises(EvidenceError, match="no published checkpoint"),
    ):
        made(work)
    with open_query(trail) as query:
        query.feed()
        assert query.answer(lambda: query.analytics.bursts(query.parse(""), 1, 1, 9)).reach.engines == (
            Engine.INDEX,
        )


def test_the_story_is_all_sealed(sealed: Path) -> None:
    """The figures above are of the whole story."""
    with open_trail(sealed) as trail:
        assert trail.status()[0].published == len(STORY) == 448
