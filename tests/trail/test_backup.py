"""A backup gives the trail back, whole; a tampered or an older one is never taken for it."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordertrail.assembly import back_up, create_trail, open_trail, reindex, restore
from ordertrail.assembly.restore import Request
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, ForkError, OrderTrailError
from ordertrail.record.event import Actor
from ordertrail.services import Trail
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

ORIGIN = "orders.example.com/backup"
WHO = Actor("ops-1", "person")
BECAUSE = Request(WHO, "the disk died")
BLOB = (
    b'{"time":"2026-11-21T09:00:00.000000Z","action":"order.update",'
    b'"actor":{"id":"edi-gateway","kind":"service"},"subject":{"kind":"order","id":"SO-4000","order":"SO-4000"},'
    b'"changes":[{"path":"/documents/1","after":"%b"}]}' % (b"x" * 80_000)
)


def quietly(_done: int, _all: int) -> None:
    """Show no progress."""


def record(trail: Trail, start: int, end: int) -> None:
    """Record a piece of a story, the same piece each time."""
    lines = list(islice(order_story(orders=80), end))[start:end]
    found = list(trail.record_lines((f"line {number}", line) for number, line in enumerate(lines, start)))
    assert not any(one.refused for one in found)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail of 600 events under five checkpoints and two keys, one of its payloads a blob, 50 events waiting."""
    root = tmp_path / "trail"
    with create_trail(root, ORIGIN, settings=Settings(immutable=False)) as trail:
        for start, end in ((0, 90), (90, 256), (256, 300)):
            record(trail, start, end)
            trail.seal(limit=100)
        list(trail.record_lines([("blob", BLOB)]))
        trail.rotate(WHO)
        record(trail, 300, 598)
        trail.seal()
        record(trail, 598, 648)
    return root


def sealed_bytes(root: Path) -> list[bytes]:
    """Return every sealed entry of a trail's table."""
    with open_trail(root) as trail:
        return [row.entry for row in trail.log().log.reader.rows("default", 0, 1_000)]


def test_a_restored_trail_is_the_trail(root: Path, tmp_path: Path) -> None:
    """Every entry, every proof, what waited, the blob; and it goes on from there, its keys brought back."""
    made = back_up(root, tmp_path / "backup")
    assert (made.logs[0].size, made.logs[0].waiting, made.keys) == (600, 50, False)
    (log,) = restore(tmp_path / "backup", tmp_path / "new", BECAUSE, quietly)
    assert (log.checkpoint.size, log.waiting) == (600, 50)
    assert sealed_bytes(tmp_path / "new") == sealed_bytes(root)
    shutil.copytree(root / "keys", tmp_path / "new" / "keys")
    with open_trail(tmp_path / "new") as trail:
        assert trail.verify().intact
        assert trail.verify().counts.blobs == 1
        assert trail.seal() == 51, "what waited, and that it was restored"
        report = trail.verify()
        assert report.intact
        (last,) = trail.log().log.reader.rows("default", 650, 651)
        assert b'"action":"log.restore"' in last.entry
        assert b"the disk died" in last.entry


def test_a_second_backup_copies_only_what_is_new(root: Path, tmp_path: Path) -> None:
    """The tree is write-once: what is there is right, or the restore says so."""
    first = back_up(root, tmp_path / "backup")
    assert back_up(root, tmp_path / "backup").copied == 0
    with open_trail(root) as trail:
        trail.seal()
    second = back_up(root, tmp_path / "backup")
    assert second.logs[0].size == 650
    assert 0 < second.copied < first.copied
    assert second.known == first.copied
    (log,) = restore(tmp_path / "backup", tmp_path / "new", BECAUSE, quietly)
    assert log.checkpoint.size == 650


def test_a_backup_with_its_keys_can_go_on(root: Path, tmp_path: Path) -> None:
    """And its private keys are private again."""
    back_up(root, tmp_path / "backup", with_keys=True)
    restore(tmp_path / "backup", tmp_path / "new", BECAUSE, quietly)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new" / "keys").iterdir()} == {0o600}
    with open_trail(tmp_path / "new") as trail:
        assert trail.seal() == 51
        assert trail.verify().intact


def test_an_older_backup_is_refused_where_a_newer_checkpoint_is_shown(root: Path, tmp_path: Path) -> None:
    """Nothing opens what was refused; forced, it is an incident on record."""
    back_up(root, tmp_path / "backup", with_keys=True)
    with open_trail(root) as trail:
        trail.seal()
    newer = (root / "log" / "checkpoint").read_bytes()
    asked = Request(WHO, "the disk died", [("kept.checkpoint", newer)])
    with pytest.raises(ForkError, match=r"kept\.checkpoint has 650 entries and the backup 600: 50 are lost"):
        restore(tmp_path / "backup", tmp_path / "new", asked, quietly)
    with pytest.raises(ConfigurationError, match="never created to its end"):
        open_trail(tmp_path / "new")
    forced = Request(WHO, "the disk died", [("kept.checkpoint", newer)], force=True)
    restore(tmp_path / "backup", tmp_path / "forced", forced, quietly)
    with open_trail(tmp_path / "forced") as trail:
        assert trail.seal() == 51
        (last,) = trail.log().log.reader.rows("default", 650, 651)
        assert b'"action":"log.incident"' in last.entry
        assert b"50 are lost" in last.entry


def test_a_checkpoint_of_another_history_refuses_the_restore(root: Path, tmp_path: Path) -> None:
    """Of the same log and keys, and not on the backup's past."""
    shutil.copytree(root, tmp_path / "fork")
    with open_trail(root) as trail:
        trail.seal()
    back_up(root, tmp_path / "backup")
    with open_trail(tmp_path / "fork") as trail:
        trail.seal(limit=7)
    forked = (tmp_path / "fork" / "log" / "checkpoint").read_bytes()
    asked = Request(WHO, "the disk died", [("other.checkpoint", forked)])
    with pytest.raises(ForkError, match=r"other\.checkpoint has another root at 650 entries"):
        restore(tmp_path / "backup", tmp_path / "new", asked, quietly)


def objects(backup: Path) -> list[Path]:
    """Return the files of a backup that a restore must not believe: trees and blobs."""
    return sorted(
        path for part in ("trees", "blobs") for path in (backup / part).rglob("*") if path.is_file()
    )


def ends(root: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield new directories."""
    for number in range(10_000):
        yield tmp_path / f"{root.name}-{number}"


def test_one_flipped_byte_of_a_backup_is_found_or_harmless(root: Path, tmp_path: Path) -> None:
    """No restore of a tampered backup gives another trail: it is refused, or every entry is as it was."""
    back_up(root, tmp_path / "backup")
    expected, targets = sealed_bytes(root), ends(root, tmp_path)
    found = objects(tmp_path / "backup")

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def law(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(found))
        before = path.read_bytes()
        at = data.draw(st.integers(0, len(before) - 1))
        flipped = before[:at] + bytes([before[at] ^ data.draw(st.integers(1, 255))]) + before[at + 1 :]
        path.chmod(0o644)
        path.write_bytes(flipped)
        target = next(targets)
        try:
            restore(tmp_path / "backup", target, BECAUSE, quietly)
        except OrderTrailError:
            return
        finally:
            path.write_bytes(before)
        assert sealed_bytes(target) == expected
        shutil.rmtree(target)

    law()


@pytest.mark.parametrize("gone", ["identity", "anchors", "tile/entries", "checkpoint", "keys.txt"])
def test_what_is_missing_from_a_backup_is_named(root: Path, tmp_path: Path, gone: str) -> None:
    """A backup that lost a part is not restored as if it were whole."""
    back_up(root, tmp_path / "backup")
    path = tmp_path / "backup" / "trees" / "default" / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(EvidenceError):
        restore(tmp_path / "backup", tmp_path / "new", BECAUSE, quietly)


@pytest.mark.parametrize(
    "line", ["{", "{}", '{"stream": "default", "chain": null, "event": "{}"}', "[]", "\udcff"]
)
def test_damaged_events_that_waited_are_named(root: Path, tmp_path: Path, line: str) -> None:
    """A line of what waited that is no event stops the restore in words."""
    back_up(root, tmp_path / "backup")
    (tmp_path / "backup" / "waiting.jsonl").write_bytes(line.encode(errors="surrogateescape") + b"\n")
    with pytest.raises(EvidenceError, match="cannot be read"):
        restore(tmp_path / "backup", tmp_path / "new", BECAUSE, quietly)


def test_a_backup_that_was_never_finished_is_none(root: Path, tmp_path: Path) -> None:
    """Its manifest is written last."""
    back_up(root, tmp_path / "backup")
    (tmp_path / "backup" / "backup.json").unlink()
    with pytest.raises(ConfigurationError, match="is not a backup, or its making was never finished"):
        restore(tmp_path / "backup", tmp_path / "new", BECAUSE, quietly)


def test_a_backup_is_of_one_trail(root: Path, tmp_path: Path) -> None:
    """Another trail's objects never get among its own."""
    back_up(root, tmp_path / "backup")
    create_trail(tmp_path / "other", "elsewhere.example/log", settings=Settings(immutable=False)).close()
    with pytest.raises(ConfigurationError, match=f"is a backup of {ORIGIN}"):
        back_up(tmp_path / "other", tmp_path / "backup")


def test_a_backup_s_manifest_tells_what_it_is_of(root: Path, tmp_path: Path) -> None:
    """For a person who finds it years later."""
    back_up(root, tmp_path / "backup")
    told = json.loads((tmp_path / "backup" / "backup.json").read_text())
    assert told["logs"][0]["origin"] == ORIGIN
    assert told["logs"][0]["size"] == 600


def test_the_vault_alone_rebuilds_the_database(root: Path) -> None:
    """Lost, it comes back with every entry, key and batch under the newest checkpoint; sealing goes on."""
    with open_trail(root) as trail:
        trail.seal()
    before = sealed_bytes(root)
    for path in root.glob("ordertrail.db*"):
        path.unlink()
    (log,) = reindex(root, BECAUSE, quietly)
    assert log.checkpoint.size == 650
    assert sealed_bytes(root) == before
    with open_trail(root) as trail:
        assert len(trail.keys()) == 2
        assert trail.verify().intact
        assert trail.seal() == 1, "that it was rebuilt"
        assert trail.verify().intact


def test_a_rebuilt_database_replaces_a_tampered_one(root: Path) -> None:
    """What was edited in the table is as it was published again, and what waited still waits."""
    expected = sealed_bytes(root)
    with sqlite3.connect(root / "ordertrail.db") as database:
        database.execute("DROP TRIGGER entry_no_update")
        database.execute(
            "UPDATE entry SET entry = CAST(replace(entry, 'order', 'odrer') AS BLOB) WHERE idx = 5"
        )
    database.close()
    with open_trail(root) as trail:
        assert not trail.verify().intact
    with pytest.raises(ConfigurationError, match="has a database"):
        reindex(root, BECAUSE, quietly)
    (log,) = reindex(root, BECAUSE, quietly, replace_existing=True)
    assert log.waiting == 50
    assert sealed_bytes(root) == expected
    assert list(root.glob("replaced-*.db")), "the tampered one is evidence too"
    with open_trail(root) as trail:
        assert trail.verify().intact
        assert trail.seal() == 51


def test_a_rebuild_names_the_first_object_that_does_not_fit(root: Path) -> None:
    """The vault is believed no more than anything else."""
    bundle = root / "log" / "tile" / "entries" / "000"
    bundle.chmod(0o644)
    data = bytearray(bundle.read_bytes())
    data[1_000] ^= 1
    bundle.write_bytes(data)
    with pytest.raises(EvidenceError):
        reindex(root, BECAUSE, quietly, replace_existing=True)
    with open_trail(root) as trail:
        assert trail.log().log.store.head("default").size == 600, "the database is still in its place"
