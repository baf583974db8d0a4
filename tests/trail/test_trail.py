"""A trail through its public interface: recording, sealing, streams, refusals, proofs."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ordertrail
from ordertrail.assembly import add_log, create_trail, open_trail
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import (
    ConfigurationError,
    EvidenceError,
    ForkError,
    InputError,
    UnavailableError,
)
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import Step
from ordertrail.ledger.tlog_proof import check_tlog_proof
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.record.parse import parse_event
from ordertrail.services import Trail
from ordertrail.settings import Settings

NOW = datetime(2026, 11, 22, 14, 2, 10, 120_000, tzinfo=UTC)


def event(
    order: str | None = "SO-1042", *, after: object = 1, tenant: str | None = None, id_: str | None = None
) -> Event:
    """Return an event of an order."""
    return Event(
        id=id_ or new_id(),
        time=format_time(NOW),
        action="order.update",
        actor=Actor("clerk-17", "person", ("order.editor",)),
        subject=Subject("order", order or "config", order, tenant),
        changes=(Change("/status", "open", after),),
        context=Context(reason="customer called"),
    )


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    """An empty trail."""
    with create_trail(tmp_path / "trail", "shop.example/log", settings=Settings(immutable=False)) as created:
        yield created


def size(trail: Trail) -> int:
    """Return how many entries the default log has."""
    return trail.log().log.store.head("default").size


def test_five_lines_record_seal_verify_prove(trail: Trail) -> None:
    """The API's promise: record, seal, verify, prove, tell."""
    events = [event(), event(), event("SO-2")]
    assert trail.record(events).recorded == 3
    assert trail.seal() == 3
    assert trail.verify().intact
    proof = trail.prove(events[1].id)
    key = parse_vkey(trail.keys()[-1].vkey)
    assert check_tlog_proof(proof.proof, proof.sealed.row.entry, key).checkpoint.size == 3
    assert [item.row.number for item in trail.history("SO-1042")] == [1, 2]
    assert trail.find(events[2].id).entry.event == events[2]


def test_opening_again_finds_everything(trail: Trail) -> None:
    """What was sealed is there after the process ends; open() is the public way in."""
    trail.record([event()])
    trail.seal()
    trail.close()
    with ordertrail.open(trail.location) as again:
        assert size(again) == 1
        assert again.verify().intact
    with pytest.raises(ConfigurationError, match="there is no trail"):
        open_trail(Path(trail.location) / "nowhere")


def test_an_entry_holds_the_event_untouched(trail: Trail) -> None:
    """What was captured stands beside what the ledger adds, never mixed into it."""
    sent = event()
    trail.record([sent])
    trail.seal()
    entry = json.loads(trail.find(sent.id).row.entry)
    assert entry.keys() == {"event", "ledger"}
    assert parse_event(json.dumps(entry["event"]).encode()) == sent
    assert entry["ledger"].keys() == {"index", "order", "previous", "recorded"}


def test_record_is_all_or_none_and_idempotent(trail: Trail) -> None:
    """One bad event refuses the call; the same event twice counts once; other content under its id is refused."""
    good, bad = event(), event("bad\torder")
    with pytest.raises(InputError, match=r"event 1: subject\.id"):
        trail.record([good, bad])
    assert trail.log().log.journal.waiting("default") == 0
    assert trail.record([good, good]).recorded == 1
    assert trail.record([good]).repeated == 1
    trail.seal()
    assert trail.record([good]).repeated == 1
    with pytest.raises(InputError, match="other content"):
        trail.record([event(id_=good.id, after=2)])
    assert trail.seal() == 0
    assert size(trail) == 1


def test_large_values_move_into_blobs(trail: Trail) -> None:
    """A payload over the entry limit becomes a blob named by its SHA-256, which the check reads."""
    sent = event(after="x" * 100_000)
    trail.record([sent])
    trail.seal()
    value: Any = trail.find(sent.id).entry.event.changes[0].after
    assert value["blob"]["length"] == 100_002  # with its quotation marks: a value's canonical JSON
    blob = next(Path(trail.location, "blobs").glob("*/" + value["blob"]["sha256"]))
    assert blob.stat().st_size == 100_002
    report = trail.verify()
    assert report.intact
    assert report.counts.blobs == 1
    blob.chmod(0o644)
    blob.write_bytes(b"y" + blob.read_bytes()[1:])
    first = trail.verify().first
    assert first is not None
    assert "does not hash to its name" in first.message
    with pytest.raises(InputError, match="at most"):
        trail.record([msgspec.structs.replace(event(), context=Context(reason="x" * 70_000))])
    with pytest.raises(InputError, match="not stored"):
        trail.record([event(after={"blob": {"sha256": "0" * 64, "length": 1}})])


def test_events_without_an_order_and_of_tenants(trail: Trail) -> None:
    """Each tenant's order of one number has a chain of its own; what has no order has none."""
    trail.record([event("A", tenant="x"), event("A", tenant="y"), event("A", tenant="x"), event(None)])
    trail.seal()
    assert [item.row.number for item in trail.history("A", tenant="x")] == [1, 2]
    assert [item.row.number for item in trail.history("A", tenant="y")] == [1]
    assert len(trail.history("A")) == 3
    assert trail.standing(trail.history("A")).problems == ()
    assert trail.verify().intact


def test_recorded_times_never_run_backwards(tmp_path: Path) -> None:
    """A clock that is set back does not make the log's times run backwards."""
    now = [NOW]
    with create_trail(
        tmp_path / "t", "shop.example/log", settings=Settings(immutable=False), clock=lambda: now[0]
    ) as trail:
        for offset in (0, -3600, 60):
            now[0] = NOW + timedelta(seconds=offset)
            trail.record([event()])
            trail.seal()
        times = [item.entry.ledger.recorded for item in trail.history("SO-1042")]
        assert times == sorted(times)
        assert times[1] == times[0] == format_time(NOW)
        assert trail.verify().intact


def test_streams_are_logs_of_their_own(trail: Trail) -> None:
    """Another stream has its own tree, key and chain; an order's history is the merge of its streams."""
    root = Path(trail.location)
    add_log(root, LogIdentity("invoices", "shop.example/invoices", 3_650, format_time(NOW)))
    with open_trail(root) as both:
        both.record([event("A")])
        both.record([event("A")], stream="invoices")
        both.seal()
        both.seal(stream="invoices")
        assert both.verify().intact
        assert both.verify(stream="invoices").intact
        assert {(item.stream, item.row.number) for item in both.history("A")} == {
            ("default", 1),
            ("invoices", 1),
        }
        assert both.keys()[0].vkey != both.keys("invoices")[0].vkey
        assert (root / "streams" / "invoices" / "checkpoint").exists()
        with pytest.raises(ConfigurationError, match="no stream"):
            both.record([event()], stream="nope")


def test_only_one_sequencer(trail: Trail) -> None:
    """A second sequencer is told who seals; recording goes on meanwhile."""
    with trail.sequencing():
        trail.record([event()])
        with pytest.raises(UnavailableError, match="is sealing this trail"), trail.sequencing():
            pass
    assert trail.seal() == 1


def _grow(trail: Trail, count: int) -> None:
    trail.record([event(f"SO-{number % 7}") for number in range(count)])
    trail.seal()


def test_a_database_rolled_back_is_not_signed_on(trail: Trail, tmp_path: Path) -> None:
    """Where the published tree knows more than the database, nothing is signed, and what was seen is said."""
    _grow(trail, 300)
    trail.close()
    database = Path(trail.location) / "ordertrail.db"
    shutil.copy(database, tmp_path / "old.db")
    with open_trail(Path(trail.location)) as more:
        _grow(more, 10)
    shutil.copy(tmp_path / "old.db", database)
    with open_trail(Path(trail.location)) as rolled_back:
        rolled_back.record([event()])
        with pytest.raises(ForkError, match="rolled back"):
            rolled_back.seal()
        assert rolled_back.log().log.journal.waiting("default") == 1
        first = rolled_back.verify().first
        assert first is not None
        assert "rolled back" in first.message


def test_a_forked_database_is_not_signed_on(trail: Trail, tmp_path: Path) -> None:
    """Where the database sealed something else than was published, nothing more is signed."""
    _grow(trail, 300)
    trail.close()
    root = Path(trail.location)
    shutil.copytree(root, tmp_path / "other")
    for place in (root, tmp_path / "other"):
        with open_trail(place) as grown:
            _grow(grown, 10)
    shutil.copy(tmp_path / "other" / "ordertrail.db", root / "ordertrail.db")
    with open_trail(root) as forked:
        forked.record([event()])
        with pytest.raises(ForkError, match="forked"):
            forked.seal()
        assert not forked.verify().intact


def test_altered_rows_are_not_signed_on(trail: Trail) -> None:
    """A sequencer that finds its own table altered refuses to start."""
    _grow(trail, 10)
    trail.close()
    with trail.log().log.store._database.write() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("DROP TRIGGER entry_no_update")
        connection.exec_driver_sql("UPDATE entry SET hash = zeroblob(32) WHERE idx = 9")
    trail.record([event()])
    with pytest.raises(EvidenceError, match="do not add up"):
        trail.seal()


def test_unpublished_tiles_are_published_at_the_next_start(trail: Trail) -> None:
    """A crash after the commit leaves tiles unpublished: checking is clean, and the next start publishes them."""

    class Crash(BaseException):
        """Stands for a machine that stops."""

    def stop(step: Step) -> None:
        if step is Step.PUBLISH:
            raise Crash

    trail.record([event(f"SO-{number}") for number in range(600)])
    with pytest.raises(Crash), trail.sequencing(on_step=stop) as sequencer:
        sequencer.seal()
    assert size(trail) == 600
    assert not (Path(trail.location) / "log" / "tile" / "entries" / "000").exists()
    assert trail.verify().intact
    assert trail.log().log.journal.waiting("default") == 600
    assert trail.seal() == 600  # their journal rows are left; the entries are there already
    assert size(trail) == 600
    report = trail.verify()
    assert report.intact
    assert report.counts.tiles >= 7


def test_rotation_is_followed_from_the_first_key(trail: Trail) -> None:
    """Each new key is named by the one before; events before, between and after stay proven."""
    ids = []
    for _ in range(3):
        sent = event()
        ids.append(sent.id)
        trail.record([sent])
        trail.seal()
        trail.rotate(Actor("operator", "person"))
    assert [period.first for period in trail.keys("default")] == [0, 2, 4, 6]
    assert trail.verify().intact
    for id_ in ids:
        assert trail.prove(id_).proof.index in {0, 2, 4}
    assert trail.verify(Options(elsewhere=[("here", trail.log().log.publication.checkpoint() or b"")])).intact


def test_a_parallel_check_is_the_same_check(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes find what one finds."""
    monkeypatch.setattr("ordertrail.ledger.verify.full._PARALLEL_FROM", 0)
    monkeypatch.setattr("ordertrail.ledger.verify.segment.SEGMENT", 500)
    for _ in range(3):
        _grow(trail, 700)
    one, two = trail.verify(), trail.verify(Options(processes=2))
    assert one.intact
    assert two.intact
    assert one.counts == two.counts


def test_personal_values_are_sealed_found_opened_and_erased(trail: Trail) -> None:
    """A sealed value is found and opened until its person is erased; the entry and its proof stand for ever."""
    sealer = trail.personal()
    sent = sealer.seal(event(after="anna@example.com"), {"/changes/0/after": "customer-9"})
    trail.record([sent])
    trail.seal()
    kept = trail.find(sent.id)
    assert b"anna" not in kept.row.entry
    assert sealer.find("anna@example.com") == [(sent.id, "/changes/0/after")]
    assert sealer.open(kept.entry.event, "/changes/0/after") == "anna@example.com"
    assert trail.erase("customer-9", Actor("dpo", "person"), "request R-7")
    assert trail.seal() == 1
    with pytest.raises(InputError, match="erased"):
        trail.personal().open(kept.entry.event, "/changes/0/after")
    assert trail.personal().find("anna@example.com") == []
    assert trail.find(sent.id).row.entry == kept.row.entry
    assert trail.prove(sent.id).proof.index == 0
    assert trail.verify().intact
