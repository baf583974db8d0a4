"""Destroying what is due: nothing more, nothing less, in no copy, provably, by two people, whenever it is stopped."""

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.assembly import back_up, open_trail, reindex, restore
from ordertrail.assembly.columnar import open_segments
from ordertrail.assembly.index import open_query
from ordertrail.assembly.restore import Request
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.merkle import range_fold
from ordertrail.ledger.pruning import ACTION, ROOT, SUBJECT, chain_of
from ordertrail.ledger.pruning import MINIMUM as MINIMUM_PATH
from ordertrail.ledger.tiles import Tile, TileReader
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.offline import check_entry
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.query.questions.search import search
from ordertrail.query.segments.building import build
from ordertrail.query.segments.planning import Heights
from ordertrail.record.event import Change, Event, Subject
from ordertrail.retention.purging import Destruction
from ordertrail.retention.service import RetentionRefusedError
from retention.house import ANNA, BEN, House, on_server
from servers.databases import TrailDatabase, trail_on_postgresql
from servers.postgresql import postgresql_server

__all__ = ["postgresql_server", "trail_on_postgresql"]


MONTHS, MINIMUM = 20, 512
"""Months of a hundred events, and the minimum index when all that is over a year old is due."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A trail of twenty months, whose term is a year."""
    house = House(tmp_path / "trail").begin()
    house.pass_months(MONTHS)
    return house


def secrets_of(events: list[Event]) -> list[bytes]:
    """Return what only these events say."""
    return [str(event.changes[0].after)[:43].encode() for event in events]


def test_what_is_due_is_gone_and_everything_else_is_proven(house: House) -> None:
    """No byte of a destroyed event is in any file; the rest is intact, and so is all that was ever signed."""
    before = house.bytes_found(secrets_of(house.events()[:1]))
    assert before
    minimum = house.purge()
    assert minimum == MINIMUM
    gone, rest = house.events()[:minimum], house.events()[minimum:]
    assert house.bytes_found(secrets_of(gone)) == []
    assert {one for _, one in house.bytes_found(secrets_of(rest))} == set(secrets_of(rest))
    report = house.verify()
    assert report.findings == []
    assert (report.destroyed, report.counts.entries) == (minimum, report.size - minimum)
    assert "destroyed under the order" in " ".join(report.notes)
    assert house.problems() == []


def test_space_is_given_back(house: House) -> None:
    """Database and vault are smaller by what was certified."""
    size = sum(path.stat().st_size for path in house.root.rglob("*") if path.is_file())
    house.purge()
    after = sum(path.stat().st_size for path in house.root.rglob("*") if path.is_file())
    with house.retention() as retention:
        (certificate,) = retention.register().certificates.values()
    assert certificate.freed.rows == MINIMUM
    assert size - after > certificate.freed.octets > 0


def test_the_log_goes_on_and_is_pruned_again(house: House) -> None:
    """Events are sealed, proven and found after a destruction, an order that was destroyed begins anew."""
    house.purge()
    house.pass_months(20)
    assert house.problems() == []
    with open_trail(house.root, clock=house.clock) as trail:
        proof = trail.prove(house.months[-1][0].id)
        assert proof.sealed.entry.event == house.months[-1][0]
        assert trail.verify(Options(processes=2)).findings == []
    second = house.purge()
    assert second > MINIMUM
    assert house.problems() == []
    ours = house.events()[: second - 1]  # one entry of the log is the first order itself
    assert house.bytes_found(secrets_of(ours)) == []


def test_a_hold_keeps_its_events_with_their_proofs(house: House) -> None:
    """What is held is lifted out and proven to who trusts the key; released, it is gone for good."""
    house.hold("H-1", "actor:clerk-3")
    minimum = house.purge()
    held = [event for event in house.events()[:minimum] if event.actor.id == "clerk-3"]
    with house.retention() as retention:
        assert retention.lifted() == sorted(event.id for event in held)
        (certificate,) = retention.register().certificates.values()
        assert (certificate.held, certificate.holds_checked) == (len(held), ("H-1",))
    with open_trail(house.root, clock=house.clock) as trail:
        keys = [parse_vkey(period.vkey) for period in trail.keys()]  # noqa: SIM118 - no mapping
    for event in held:
        entry = (house.root / "held" / f"{event.id}.json").read_bytes()
        proof = (house.root / "held" / f"{event.id}.tlog-proof").read_bytes()
        assert check_entry(proof, entry, keys).steps
        assert json.loads(entry)["event"]["id"] == event.id
    assert house.problems() == []
    with house.retention() as retention:
        assert retention.release_hold(BEN, "H-1", "it was settled") == len(held)
        assert retention.lifted() == []
    assert house.bytes_found(secrets_of(house.events()[:minimum])) == []


def test_a_hold_that_is_placed_late_still_keeps(house: House) -> None:
    """Between approval and destruction: what the hold keeps is lifted all the same."""
    disposal = house.ask()
    house.hold("H-2", "actor:clerk-5")
    house.purge(disposal)
    with house.retention() as retention:
        assert len(retention.lifted()) == sum(e.actor.id == "clerk-5" for e in house.events()[:MINIMUM])


def test_nobody_destroys_alone(house: House) -> None:
    """Who asked cannot approve; what is not approved is not destroyed; both attempts are on record as denied."""
    with house.retention() as retention:
        disposal = retention.request(ANNA, "default", "its term is over")
        for attempt in (
            lambda: retention.approve(ANNA, disposal.id, "me"),
            lambda: retention.purge(ANNA, disposal.id),
        ):
            with pytest.raises(RetentionRefusedError):
                attempt()
        assert retention.due("default").entries == MINIMUM
    denied = denials(house)
    assert [rule.split(":")[0] for rule in denied] == [
        "nobody approves what they asked for",
        "destruction needs four eyes",
    ]


def test_what_is_in_its_term_is_not_destroyed(tmp_path: Path) -> None:
    """To the day: nothing is due before its term is over, whoever asks."""
    house = House(tmp_path / "trail").begin()
    house.pass_months(3)
    house.now += timedelta(days=274)
    with house.retention() as retention:
        assert retention.due("default").entries == 0
        with pytest.raises(RetentionRefusedError, match="term"):
            retention.request(ANNA, "default", "to save room")
    house.now += timedelta(days=100)
    with house.retention() as retention:
        assert retention.due("default").entries == 256


def test_the_deletion_log_is_never_pruned(house: House) -> None:
    """It is the proof of what was; there is no asking for it."""
    with house.retention() as retention, pytest.raises(InputError, match="never pruned"):
        retention.request(ANNA, "deletions", "to cover it up")


def test_segments_forget(house: House) -> None:
    """What segments had of a destroyed range is in no file of theirs; none is made of a log without its beginning."""
    with open_segments(house.root, clock=house.clock) as work:
        assert build(work.shelf, work.source, work.streams, Heights(6, 8)) >= 512
        assert work.shelf.manifests("default")
    assert list((house.root / "segments/default").iterdir())
    house.purge()
    assert not (house.root / "segments/default").exists()
    with open_segments(house.root, clock=house.clock) as work:
        assert build(work.shelf, work.source, ["default"], Heights(6, 8)) == 0
        assert work.shelf.manifests("default") == []
    assert house.problems() == []


def test_the_index_forgets(house: House) -> None:
    """What was destroyed is found by no search."""
    with open_query(house.root, clock=house.clock) as query:
        query.feed()
        assert len(search(query.searches, query.parse(f"id:{house.events()[0].id}")).hits) == 1
    house.purge()
    with open_query(house.root, clock=house.clock) as query:
        assert search(query.searches, query.parse(f"id:{house.events()[0].id}")).hits == ()
        assert len(search(query.searches, query.parse(f"id:{house.events()[-1].id}")).hits) == 1


STEPS: list[tuple[Any, str]] = [
    (Destruction, "_lift"),
    (Destruction, "_order"),
    (SqlEntries, "destroy"),
    (Destruction, "_empty_vault"),
]


@pytest.mark.parametrize(("owner", "step"), STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_stopped_anywhere_it_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, when: str
) -> None:
    """A stop before or after any step: the full check is clean in between, and the same call finishes it."""
    house.hold("H-1", "actor:clerk-3")
    disposal = house.ask()
    done = getattr(owner, step)

    def stopping(*arguments: Any) -> Any:
        if when == "after":
            done(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, step, stopping)
    with pytest.raises(KeyboardInterrupt):
        house.purge(disposal)
    monkeypatch.undo()
    assert house.problems() == []
    house.purge(disposal)
    assert house.problems() == []
    left = [event for event in house.events()[:MINIMUM] if event.actor.id != "clerk-3"]
    assert house.bytes_found(secrets_of(left)) == []
    with house.retention() as retention:
        (certificate,) = retention.register().certificates.values()
        assert certificate.held == MINIMUM - len(left)
        assert len(retention.lifted()) == certificate.held


def test_stopped_between_two_bundles_it_goes_on(house: House) -> None:
    """In the midst of emptying the vault: what is left says so, and goes with the next call."""
    disposal = house.ask()
    calls = iter(range(2))  # the rows, and the first bundle

    def some(_step: str, _done: int) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    with house.retention() as retention, pytest.raises(KeyboardInterrupt):
        retention.purge(ANNA, disposal, some)
    report = house.verify()
    assert report.findings == []
    assert any("still kept" in note for note in report.notes)
    house.purge(disposal)
    assert house.bytes_found(secrets_of(house.events()[:MINIMUM])) == []
    assert not any("still kept" in note for note in house.verify().notes)


def unguarded(connection: sqlite3.Connection, guard: str, statement: str) -> None:
    """Do a statement as the file's owner can: the trigger that refuses it is away meanwhile."""
    (made,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [guard]).fetchone()
    connection.execute(f"DROP TRIGGER {guard}")
    connection.execute(statement)
    connection.execute(made)


def damage_row(house: House) -> None:
    """Delete a row above the minimum index, as the file's owner can."""
    with sqlite3.connect(house.root / "ordertrail.db") as connection:
        unguarded(connection, "entry_no_delete", "DELETE FROM entry WHERE idx = 600 AND stream = 1")


def damage_order(house: House) -> None:
    """Delete the order of destruction's own row."""
    with sqlite3.connect(house.root / "ordertrail.db") as connection:
        unguarded(connection, "entry_no_delete", "DELETE FROM entry WHERE chain LIKE 'log:%' AND stream = 1")


def damage_hash_tile(house: House) -> None:
    """Alter a hash of what was destroyed."""
    path = house.root / "log" / Tile(0, 2).path
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def damage_upper_tile(house: House) -> None:
    """Alter a partial tile above."""
    (path, *_) = sorted((house.root / "log" / "tile" / "1").rglob("*"), key=str)[-1:]
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def damage_batch(house: House) -> None:
    """Alter the signed root of a batch whose entries are gone."""
    with sqlite3.connect(house.root / "ordertrail.db") as connection:
        unguarded(
            connection,
            "batch_no_update",
            "UPDATE batch SET tree_root = zeroblob(32) WHERE first = 300 AND stream = 1",
        )


def damage_anchor(house: House) -> None:
    """Take away a checkpoint that was published over what is gone."""
    (house.root / "log" / "anchors" / f"{500:016d}").unlink()


DAMAGES: list[Callable[[House], None]] = [
    damage_row,
    damage_order,
    damage_hash_tile,
    damage_upper_tile,
    damage_batch,
    damage_anchor,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_tampering_with_a_pruned_log_is_named(house: House, damage: Callable[[House], None]) -> None:
    """What is destroyed hides nothing: whatever is altered below or above the minimum index is found."""
    house.purge()
    damage(house)
    assert house.verify().findings


def test_entries_that_are_gone_without_an_order_are_missing(house: House) -> None:
    """Deleting the beginning oneself is no destruction: the first missing entry is named."""
    with sqlite3.connect(house.root / "ordertrail.db") as connection:
        unguarded(connection, "entry_no_delete", "DELETE FROM entry WHERE idx < 512 AND stream = 1")
    first = house.verify().first
    assert first is not None
    assert "row of entry 0" in first.where


def test_more_than_was_ordered_is_missing(house: House) -> None:
    """An order for less does not cover more: rows above its index are missed."""
    house.purge()
    with sqlite3.connect(house.root / "ordertrail.db") as connection:
        unguarded(connection, "entry_no_delete", "DELETE FROM entry WHERE idx < 768 AND stream = 1")
    first = house.verify().first
    assert first is not None
    assert "512" in first.where


def test_an_order_before_the_term_is_named(house: House) -> None:
    """Whoever gets an order into the log before the term, and deletes what it names, is told by the full check."""
    minimum = 1_024
    with open_trail(house.root, clock=house.clock) as trail:
        log = trail.log().log
        root = range_fold(0, minimum, TileReader(log.tiles.get, log.store.head("default").size))
        origin = trail.log().identity.origin
        changes = (Change(MINIMUM_PATH, after=minimum), Change(ROOT, after=root.hex()))
        subject = Subject(SUBJECT, origin, chain_of(origin))
        time = format_time(house.now)
        trail.record(
            [Event(id=new_id(), time=time, action=ACTION, actor=ANNA, subject=subject, changes=changes)]
        )
        trail.seal()
    with sqlite3.connect(house.root / "ordertrail.db") as connection:
        unguarded(connection, "entry_no_delete", f"DELETE FROM entry WHERE idx < {minimum} AND stream = 1")
    found = [str(one) for one in house.verify().findings]
    assert len(found) == 1
    assert "their term was over at" in found[0]


@pytest.fixture
def served(tmp_path: Path, trail_on_postgresql: TrailDatabase) -> House:
    """The same on PostgreSQL: the sealing role cannot destroy, its administrator can."""
    urls = trail_on_postgresql.url(), trail_on_postgresql.url("admin")
    house = House(tmp_path / "trail").begin(on_server(*urls))
    house.pass_months(MONTHS)
    return house


def test_on_a_server_as_well(served: House) -> None:
    """Rows leave the partitions and the keys, the guards are up again, and the check is clean."""
    served.hold("H-1", "actor:clerk-3")
    assert served.purge() == MINIMUM
    assert served.problems() == []
    served.pass_months(2)
    assert served.problems() == []
    with served.retention() as retention:
        (certificate,) = retention.register().certificates.values()
    assert certificate.freed.rows == MINIMUM


def denials(house: House) -> list[str]:
    """Return the reasons of attempts that were denied."""
    with open_trail(house.root, clock=house.clock) as trail:
        log = trail.log("deletions").log
        size = log.store.head("deletions").size
        events = [json.loads(row.entry)["event"] for row in log.reader.rows("deletions", 0, size)]
    return [event["context"]["reason"] for event in events if event["outcome"] == "denied"]


def restored(house: House, backup: Path) -> House:
    """Restore a backup beside the trail."""
    again = House(house.root.parent / "again", house.now, house.months)
    restore(backup, again.root, Request(ANNA, "a drill"), lambda _done, _all: None, house.clock)
    with open_trail(again.root, clock=house.clock) as trail:
        for stream in trail.logs:
            trail.seal(stream=stream)
    return again


def test_a_pruned_trail_is_backed_up_and_restored(house: House) -> None:
    """An older backup loses what was destroyed when it is brought up to date; restored, all is intact and held."""
    backup = house.root.parent / "backup"
    back_up(house.root, backup, with_keys=True, clock=house.clock)
    house.hold("H-1", "actor:clerk-3")
    gone = [event for event in house.events()[: house.purge()] if event.actor.id != "clerk-3"]
    back_up(house.root, backup, with_keys=True, clock=house.clock)
    in_backup = House(backup).bytes_found(secrets_of(gone))
    assert in_backup == []
    again = restored(house, backup)
    assert again.problems() == []
    assert again.verify().destroyed == MINIMUM
    with again.retention() as retention:
        assert len(retention.lifted()) == MINIMUM - len(gone)
        assert retention.release_hold(BEN, "H-1", "settled") == MINIMUM - len(gone)
    again.pass_months(20)
    assert again.purge() > MINIMUM
    assert again.problems() == []


def test_the_database_of_a_pruned_trail_is_rebuilt_from_its_tree(house: House) -> None:
    """'reindex' stands the hashes in for what was destroyed, and the check is as before."""
    house.purge()
    reindex(
        house.root,
        Request(ANNA, "a drill"),
        lambda _done, _all: None,
        replace_existing=True,
        clock=house.clock,
    )
    assert house.problems() == []
    house.pass_months(1)
    assert house.problems() == []


def test_a_tree_whose_beginning_was_taken_away_is_not_rebuilt(house: House) -> None:
    """Without an order of the log's own, missing bundles are missing."""
    for path in (house.root / "log" / "tile" / "entries").rglob("*"):
        if path.is_file() and path.name.startswith("000"):
            path.unlink()
    for path in (house.root / "log" / "tile" / "entries" / "000.p").glob("*"):
        path.unlink()
    with pytest.raises(EvidenceError):
        reindex(
            house.root, Request(ANNA, "x"), lambda _done, _all: None, replace_existing=True, clock=house.clock
        )
