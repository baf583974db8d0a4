"""Segments of a real trail as Iceberg tables: each entry once, whatever happened between; what is altered is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
from pyiceberg.catalog.sql import SqlCatalog
from typer.testing import CliRunner

from iceberg.lakes import ORIGIN, STORY, findings, grow, new_trail, ranges, settings_of, share
from iceberg.readers.sums import SUMS, columns
from ordertrail.adapters.columnar.schema import FILES
from ordertrail.adapters.iceberg.tables import IcebergTables
from ordertrail.assembly.columnar import open_segments
from ordertrail.assembly.sharing import Sharing, open_sharing
from ordertrail.cli import segments as segment_verbs
from ordertrail.cli.verify import verify
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError, UnavailableError
from ordertrail.ledger.recovery import open_published
from ordertrail.query.segments.building import drop_all
from ordertrail.query.sharing.tie import TIE, check_tie, format_tie, parse_tie
from ordertrail.settings import Settings

RUNNER = CliRunner()
APP = typer.Typer()
APP.add_typer(segment_verbs.app, name="segments")
APP.command("verify")(verify)
ALL = [(0, 256), (256, 320), (320, 384), (384, 448)]
PARTS = [(0, 64), (64, 128), (128, 192)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a trail whose segments are all shared."""
    home = tmp_path_factory.mktemp("home")
    share(new_trail(home / "trail", settings_of("../lake")))
    return home


@pytest.fixture
def trail(shared: Path, tmp_path: Path) -> Path:
    """A copy of the trail, sharing into a lake of its own: tables name their files by where they are."""
    shutil.copytree(shared / "trail", tmp_path / "trail", ignore=shutil.ignore_patterns("iceberg.db"))
    share(tmp_path / "trail")
    return tmp_path / "trail"


def lake(trail: Path) -> Path:
    """Return where a trail's log is shared."""
    return trail.parent / "lake/ordertrail_default"


def folders(trail: Path) -> list[Path]:
    """Return the folders of shared segments."""
    return sorted((lake(trail) / "segments").iterdir())


def test_tables_read_what_the_segments_hold(shared: Path) -> None:
    """DuckDB counts and sums the same over the files that Iceberg lists as over the trail's own segments."""
    with open_sharing(shared / "trail") as sharing:
        for table, sums in SUMS.items():
            found = sharing.tables._find("default", table)
            assert found is not None
            listed = found.scan().to_arrow()
            own = [str(path) for path in (shared / "trail/segments").rglob(f"{table}.parquet")]
            with duckdb.connect() as connection:
                connection.register("listed", listed)
                counted = connection.execute(f"SELECT {columns(table)} FROM listed").fetchone()
                assert (
                    counted
                    == connection.execute(f"SELECT {columns(table)} FROM read_parquet($1)", [own]).fetchone()
                ), sums


def test_shared_files_are_the_trail_s_own_byte_for_byte(shared: Path) -> None:
    """Nothing is written anew: every file of every segment is there as it is in the trail, and its manifest with it."""
    there = {path.name[:25]: path for path in folders(shared / "trail")}
    for own in (shared / "trail/segments/default").iterdir():
        for path in own.iterdir():
            assert (there[own.name] / path.name).read_bytes() == path.read_bytes()


def test_each_snapshot_says_what_proves_it(shared: Path) -> None:
    """Origin, range and root are in the snapshot that brought a segment, and the root is under the named checkpoint."""
    with open_sharing(shared / "trail") as sharing:
        found = sharing.tables._find("default", "events")
        assert found is not None
        for snapshot in found.snapshots():
            assert snapshot.summary is not None
            told = snapshot.summary.additional_properties
            assert told["ordertrail.origin"] == ORIGIN
            tie = parse_tie(
                (lake(shared / "trail") / "segments" / told["ordertrail.range"] / TIE).read_bytes()
            )
            assert tie.root.hex() == told["ordertrail.root"]
            assert tie.checkpoint.decode() == told["ordertrail.checkpoint"]
            sharing.tree.check(tie)


def test_a_tie_is_checked_without_the_trail(shared: Path) -> None:
    """Checkpoint, proof and root are enough; any other root, block or proof is refused."""
    with open_sharing(shared / "trail") as sharing:
        tie = parse_tie((folders(shared / "trail")[1] / TIE).read_bytes())
        checkpoint = open_published(tie.checkpoint, ORIGIN, sharing.source.log.keys("default"))  # type: ignore[attr-defined]
    check_tie(tie, checkpoint)
    for other in (
        replace(tie, root=bytes(32)),
        replace(tie, block=replace(tie.block, number=tie.block.number + 1)),
        replace(tie, proof=tie.proof[:-1]),
        replace(tie, proof=(*tie.proof[:-1], bytes(32))),
    ):
        with pytest.raises((EvidenceError, InputError)):
            check_tie(other, checkpoint)


def test_a_tie_is_read_strictly(shared: Path) -> None:
    """What is read is written to the same bytes, and nothing else is read."""
    data = (folders(shared / "trail")[0] / TIE).read_bytes()
    assert format_tie(parse_tie(data)) == data
    told = json.loads(data)
    for other in (b"", b"{}", b"[]", data + b" ", json.dumps(told | {"form": 2}).encode(), b"[" * 100_000):
        with pytest.raises(EvidenceError):
            parse_tie(other)


def test_sharing_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after any commit, the next call brings every table to the same segments, each entry once."""
    trail = new_trail(tmp_path / "trail", settings_of("../lake"), STORY[:200])
    commit = IcebergTables.commit
    for stop in range(1, 27, 5):
        shutil.rmtree(tmp_path / "lake", ignore_errors=True)
        (trail / "iceberg.db").unlink(missing_ok=True)
        commits = 0

        def stopping(self: IcebergTables, *arguments: Any, last: int = stop) -> None:
            nonlocal commits
            if commits == last:
                raise KeyboardInterrupt
            commits += 1
            commit(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(IcebergTables, "commit", stopping)
            with pytest.raises(KeyboardInterrupt):
                share(trail)
        share(trail)
        assert [ranges(trail, file.name.removesuffix(".parquet")) for file in FILES] == [PARTS] * len(FILES)
        assert findings(trail, deep=False) == []
    assert share(trail).came == []


def test_a_joined_segment_takes_the_place_of_its_parts_in_one_snapshot(tmp_path: Path) -> None:
    """No snapshot has an entry twice or lacks one that it had; files of parts go the next time."""
    trail = new_trail(tmp_path / "trail", settings_of("../lake"), STORY[:200])
    share(trail)
    grow(trail, STORY[200:])
    done = share(trail)
    assert [(one.start, one.end) for one in done.left] == PARTS
    assert ranges(trail) == ALL
    with open_sharing(trail) as sharing:
        found = sharing.tables._find("default", "events")
        assert found is not None
        sizes = [found.scan(snapshot_id=one.snapshot_id).count() for one in found.snapshots()]
    assert sizes == [64, 128, 192, 256, 320, 384, 448]
    assert len(folders(trail)) == 7
    assert len(share(trail).removed) == 3
    assert len(folders(trail)) == 4
    assert findings(trail) == []


def test_what_the_trail_has_no_segment_of_is_gone_at_once(trail: Path) -> None:
    """Segments that were dropped, as when their entries were destroyed, leave tables, snapshots and storage."""
    with open_segments(trail) as work:
        drop_all(work.shelf, work.streams)
    assert len(share(trail).removed) == 4
    assert ranges(trail) == []
    assert folders(trail) == []
    with open_sharing(trail) as sharing:
        for table in sharing.tables.names:
            found = sharing.tables._find("default", table)
            assert found is not None
            assert len(found.snapshots()) == 1


def test_anew_shares_everything_again(trail: Path) -> None:
    """A file that was altered where it is shared is mended by sharing anew."""
    path = folders(trail)[0] / "marks.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    assert findings(trail, deep=False) != []
    assert share(trail).came == []
    assert len(share(trail, anew=True).came) == 4
    assert findings(trail) == []


@pytest.mark.parametrize("name", [file.name for file in FILES])
def test_every_altered_file_is_named(trail: Path, name: str) -> None:
    """One bit of one shared file: the check names that file of that segment, and ends with status 1."""
    path = folders(trail)[1] / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = RUNNER.invoke(APP, ["verify", "--segments", "--trail", str(trail), "--json"])
    told = json.loads(done.stdout)["findings"]
    assert done.exit_code == 1
    assert any(f"{path.parent.name} of stream default: {name} is not what was written" in one for one in told)
    assert all(path.parent.name in one for one in told)


def _table(sharing: Sharing, table: str) -> Any:
    found = sharing.tables._find("default", table)
    assert found is not None
    return found


def _delete_rows(trail: Path) -> None:
    """Delete events of one actor by Iceberg's own means."""
    with open_sharing(trail) as sharing:
        _table(sharing, "events").delete("position < 3")


def _add_file(trail: Path) -> None:
    """Add rows that no log has."""
    with open_sharing(trail) as sharing:
        found = _table(sharing, "events")
        found.append(found.scan(limit=1).to_arrow())


def _copy_from_next(trail: Path, name: str) -> None:
    shutil.copy(folders(trail)[1] / name, folders(trail)[0])


def _drop_table(trail: Path) -> None:
    catalog = SqlCatalog("ordertrail", uri=f"sqlite:///{trail / 'iceberg.db'}", warehouse="file:///")
    catalog.drop_table("ordertrail_default.marks")
    catalog.close()


def tampering() -> dict[str, tuple[Callable[[Path], None], str]]:
    """Return what somebody does to what is shared, and what the check must say."""
    return {
        "a file is gone": (
            lambda trail: (folders(trail)[0] / "days.parquet").unlink(),
            "days.parquet is gone",
        ),
        "no manifest": (
            lambda trail: (folders(trail)[0] / "manifest.json").unlink(),
            "manifest.json is gone",
        ),
        "no tie": (lambda trail: (folders(trail)[0] / TIE).unlink(), "tie.json is gone"),
        "another's manifest": (
            lambda trail: _copy_from_next(trail, "manifest.json"),
            "not the one that its folder is named after",
        ),
        "another's tie": (
            lambda trail: _copy_from_next(trail, TIE),
            "tie.json is of another segment",
        ),
        "a whole folder is gone": (lambda trail: shutil.rmtree(folders(trail)[2]), "manifest.json is gone"),
        "rows are deleted": (_delete_rows, "table events of stream default"),
        "rows are added": (_add_file, "which is no file of a shared segment"),
        "a table is dropped": (_drop_table, "table marks of stream default: does not read"),
    }


@pytest.mark.parametrize("what", tampering())
def test_what_somebody_does_to_what_is_shared_is_found(trail: Path, what: str) -> None:
    """Whoever can write the warehouse or the catalogue can change neither rows, files nor tables unseen."""
    do, said = tampering()[what]
    do(trail)
    assert [one for one in findings(trail, deep=False) if said in one], findings(trail, deep=False)


def test_an_altered_segment_is_not_shared(tmp_path: Path) -> None:
    """What is no longer what was written is named, and no table reads it."""
    trail = new_trail(tmp_path / "trail", settings_of("../lake"), STORY[:200])
    path = trail / "segments/default/000000000064-000000000128/marks.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(EvidenceError, match=r"marks\.parquet is not what was written"):
        share(trail)
    assert ranges(trail) == [(0, 64)]


def test_the_verbs_say_what_was_done(tmp_path: Path) -> None:
    """``segments share`` and ``verify --segments`` tell people and programs the same."""
    trail = new_trail(tmp_path / "trail", settings_of("../lake"), STORY[:130])
    first = RUNNER.invoke(APP, ["segments", "share", "--trail", str(trail)])
    assert first.exit_code == 0
    assert "Shared 2 segments; 0 left" in first.stdout
    told = json.loads(RUNNER.invoke(APP, ["segments", "share", "--trail", str(trail), "--json"]).stdout)
    assert (told["came"], told["reach"]) == ([], {"default": 128})
    assert set(told["tables"]["default"]) == set(SUMS)
    checked = RUNNER.invoke(APP, ["verify", "--segments", "--deep", "--trail", str(trail)])
    assert (checked.exit_code, checked.stdout) == (0, "128 shared entries: all as in the signed log.\n")


def test_without_a_warehouse_nothing_is_shared(tmp_path: Path) -> None:
    """The settings must say where; a catalogue that cannot be opened is said to be so."""
    trail = new_trail(tmp_path / "trail", Settings(immutable=False), STORY[:70])
    with pytest.raises(ConfigurationError, match="no place where segments are shared"):
        share(trail)
    (tmp_path / "lake").write_text("a file")
    other = new_trail(tmp_path / "other", settings_of("../lake"), STORY[:70])
    with pytest.raises(UnavailableError):
        share(other)
