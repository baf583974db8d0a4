"""Others put their clock and memory to each anchor: real authorities and witnesses, honest, dead and contradicting."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ordertrail.adapters.memory.witness_state import MemoryWitnessState
from ordertrail.assembly import create_trail, open_trail
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.attestation import Attested
from ordertrail.ledger.note import parse_note
from ordertrail.ledger.paths import anchor_path, stamp_path
from ordertrail.ledger.policy import parse_policy
from ordertrail.ledger.signers import Ed25519Cosigner
from ordertrail.ledger.verify.report import Report, Step
from ordertrail.ledger.vkey import format_vkey, parse_vkey
from ordertrail.ledger.witness import Witness
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.services import Trail
from ordertrail.settings import Settings
from servers.authority import TestAuthority, time_stamp_authority
from witness.growing import private, serving

ORIGIN = "orders.example.com/attested"
DEAD = "http://127.0.0.1:9"


def cosigner(name: str) -> Ed25519Cosigner:
    """Return a witness's key, which tells the time of day."""
    return Ed25519Cosigner(name, private(name), lambda: int(time.time()) + 1)


def event() -> Event:
    """Return an event of an order."""
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action="order.update",
        actor=Actor("clerk-17", "person"),
        subject=Subject("order", "SO-1", "SO-1"),
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestAuthority]:
    """A real authority."""
    with time_stamp_authority(tmp_path_factory.mktemp("authority")) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path, authority: TestAuthority) -> Path:
    """A trail that a real authority stamps and two of three witnesses cosign, whom the third fixture runs."""
    root = tmp_path / "trail"
    create_trail(root, ORIGIN, settings=Settings(immutable=False)).close()
    (root / "roots.pem").write_bytes(authority.roots)
    return root


@pytest.fixture
def witnessed(root: Path, authority: TestAuthority) -> Iterator[Path]:
    """The trail, its settings naming an authority, two living witnesses and a dead one, of whom two are enough."""
    with open_trail(root) as trail:
        logs = {ORIGIN: (parse_vkey(trail.keys()[0].vkey),)}
    names = ("witness.example/w1", "witness.example/w2", "witness.example/w3")
    one, two = (Witness(name, [cosigner(name)], logs, MemoryWitnessState()) for name in names[:2])
    with serving(one) as first, serving(two) as second:
        keys = [format_vkey(cosigner(name).key) for name in names]
        policy = "".join(
            f"witness w{number} {key} {url}\n"
            for number, (key, url) in enumerate(zip(keys, (first, second, DEAD), strict=True), 1)
        )
        (root / "witnesses.policy").write_text(f"{policy}group both 2 w1 w2 w3\nquorum both\n")
        write_settings(root, [("honest", authority.url)], policy=True)
        yield root


def write_settings(root: Path, authorities: list[tuple[str, str]], *, policy: bool = False) -> None:
    """Write the settings of a trail with these authorities, by name and URL."""
    stamps = "".join(
        f'[[timestamps]]\nname = "{name}"\nurl = "{url}"\nroots = "roots.pem"\ntimeout_seconds = 2\n'
        for name, url in authorities
    )
    witnesses = '[witnesses]\npolicy = "witnesses.policy"\ntimeout_seconds = 2\n' if policy else ""
    (root / "trail.toml").write_text(f"version = 1\nimmutable = false\n{stamps}{witnesses}")


def grow(trail: Trail, events: int = 1) -> None:
    """Record and seal some events."""
    trail.record([event() for _ in range(events)])
    assert trail.seal() >= events, "these, and whatever incident was put on record before"


def attest(trail: Trail) -> Attested:
    """Have the newest checkpoint attested."""
    attested = trail.attest()
    assert attested is not None
    return attested


def test_an_anchor_is_stamped_and_cosigned_and_both_are_checked(witnessed: Path) -> None:
    """Who is dead is named and keeps nobody waiting; the published checkpoint meets the policy."""
    with open_trail(witnessed) as trail:
        grow(trail, 3)
        attested = attest(trail)
        assert list(attested.stamped) == ["honest"]
        assert attested.cosigned == ("w1", "w2")
        assert [name for name, _ in attested.missing] == ["w3"]
        assert attested.quorum
        note = trail.log().log.publication.checkpoint() or b""
        policy = parse_policy((witnessed / "witnesses.policy").read_bytes())
        policy.check(parse_note(note), [parse_vkey(trail.keys()[0].vkey)])
        report = trail.verify()
        assert report.intact, report.findings
        assert set(report.attestations.stamps) == {"honest"}
        assert set(report.attestations.cosignatures) == {"w1", "w2"}
        (status,) = trail.status()
        assert status.timestamps[0].size == 3
        assert [one.size for one in status.witnesses] == [3, 3, None]
        assert status.quorum


def test_asked_again_nobody_says_anything_twice(witnessed: Path, authority: TestAuthority) -> None:
    """What was said is kept; only who has not answered yet is asked."""
    with open_trail(witnessed) as trail:
        grow(trail)
        attest(trail)
        asked = len(authority.queries)
        again = attest(trail)
        assert again.cosigned == ("w1", "w2")
        assert len(authority.queries) == asked
        grow(trail)
        assert attest(trail).size == 2, "and the next anchor has its own"
        assert trail.verify().intact


def test_dead_and_lying_authorities_are_reported_and_the_honest_one_counts(
    root: Path, authority: TestAuthority
) -> None:
    """Nothing is delayed but the asking, nothing is lost, and no lie is kept."""
    (root.parent / "liar").mkdir()
    with time_stamp_authority(root.parent / "liar") as liar:
        liar.behave = lambda query: liar.lie(query, nonce=1)
        write_settings(root, [("dead", DEAD), ("liar", liar.url), ("honest", authority.url)])
        with open_trail(root) as trail:
            grow(trail)
            attested = attest(trail)
            assert list(attested.stamped) == ["honest"]
            assert {name for name, _ in attested.missing} == {"dead", "liar"}
            assert trail.log().vault.kept(stamp_path(1, "liar")) is None
            assert trail.verify().intact


def test_a_witness_that_has_seen_more_is_an_incident_on_record(witnessed: Path, tmp_path: Path) -> None:
    """A trail that was rolled back, whole, tells on itself as soon as it asks."""
    shutil.copytree(witnessed, tmp_path / "old")
    with open_trail(witnessed) as trail:
        grow(trail, 5)
        attest(trail)
    with open_trail(tmp_path / "old") as rolled_back:
        grow(rolled_back, 2)
        attested = attest(rolled_back)
        assert {one.kind.value for one in attested.incidents} == {"rollback"}
        assert not attested.quorum
        assert rolled_back.seal() == 2, "one event for each witness that remembers more"
        (row,) = rolled_back.log().log.reader.rows("default", 2, 3)
        told = json.loads(row.entry)["event"]
        assert told["action"] == "log.incident"
        assert "w1 has cosigned" in told["context"]["reason"]


def test_a_fork_is_an_incident(witnessed: Path, tmp_path: Path) -> None:
    """A second history of the same size, and a larger one, are refused by whoever saw the first."""
    shutil.copytree(witnessed, tmp_path / "fork")
    with open_trail(witnessed) as trail:
        grow(trail, 2)
        attest(trail)
    with open_trail(tmp_path / "fork") as fork:
        grow(fork, 2)
        assert {one.kind.value for one in attest(fork).incidents} == {"split-view"}
        grow(fork, 5)
        assert {one.kind.value for one in attest(fork).incidents} == {"split-view"}


def findings_of(report: Report, step: Step) -> list[str]:
    """Return what was found at a step."""
    return [str(one) for one in report.findings if one.step is step]


def test_a_clock_that_was_ahead_is_found(root: Path, authority: TestAuthority) -> None:
    """An entry that says it was recorded after the authority saw it."""
    write_settings(root, [("honest", authority.url)])
    with open_trail(root, clock=lambda: datetime.now(UTC) + timedelta(seconds=30)) as trail:
        grow(trail)
        attest(trail)
        found = findings_of(trail.verify(), Step.TIME)
        assert len(found) == 1
        assert "this machine's clock was ahead" in found[0]


def test_a_clock_that_was_set_back_is_found(tmp_path: Path, authority: TestAuthority) -> None:
    """Entries that say that they are older than a checkpoint that was stamped before them."""
    root, past = tmp_path / "past", datetime.now(UTC) - timedelta(hours=1)
    create_trail(root, ORIGIN, settings=Settings(immutable=False), clock=lambda: past).close()
    (root / "roots.pem").write_bytes(authority.roots)
    write_settings(root, [("honest", authority.url)])
    with open_trail(root, clock=lambda: past) as trail:
        grow(trail)
        attest(trail)
        assert trail.verify().intact, "one checkpoint may be stamped late"
        grow(trail)
        found = findings_of(trail.verify(), Step.TIME)
        assert len(found) == 1
        assert "this machine's clock was set back" in found[0]


@pytest.mark.parametrize("what", ["stamp", "cosignature"])
def test_what_others_said_cannot_be_changed_unseen(witnessed: Path, what: str) -> None:
    """A flipped byte, another checkpoint's, none."""
    with open_trail(witnessed) as trail:
        for _ in range(2):
            grow(trail)
            attest(trail)
        folder = witnessed / "log" / ("timestamps" if what == "stamp" else "cosignatures")
        (first, second) = (min((folder / f"{size:016d}").glob("[!.]*")) for size in (1, 2))
        before = first.read_bytes()
        first.chmod(0o644)
        flipped = bytearray(before)
        flipped[-10] ^= 1
        for data in (bytes(flipped), second.read_bytes(), b""):
            first.write_bytes(data)
            assert not trail.verify().intact, data[:20]
        first.write_bytes(before)
        first.chmod(0o444)
        assert trail.verify().intact
        first.unlink()
        assert not trail.verify().intact


def test_an_authority_that_the_settings_no_longer_name_is_said(root: Path, authority: TestAuthority) -> None:
    """Its stamps are not believed, and not silently passed over."""
    write_settings(root, [("honest", authority.url)])
    with open_trail(root) as trail:
        grow(trail)
        attest(trail)
    write_settings(root, [])
    with open_trail(root) as trail:
        report = trail.verify()
        assert report.intact, report.findings
        assert any("1 stamp or cosignature could not be checked" in note for note in report.notes)


def test_following_attests_each_anchor(witnessed: Path) -> None:
    """Events that come while it runs are sealed, anchored, stamped and cosigned; a clean end leaves nothing open."""
    stop = threading.Event()
    told: list[Attested] = []
    sealed = 0

    def tell(count: int, attested: Attested | None) -> None:
        nonlocal sealed
        sealed += count
        if attested is not None:
            told.append(attested)
        if sealed == 4:
            stop.set()

    with open_trail(witnessed) as trail, open_trail(witnessed) as writer:
        following = threading.Thread(target=lambda: trail.follow(stop.is_set, tell))
        following.start()
        for _ in range(4):
            writer.record([event()])
        following.join(60)
        assert not following.is_alive()
    with open_trail(witnessed) as trail:
        report = trail.verify()
        assert report.intact, report.findings
        assert report.published == 4
        assert told[-1].size == 4
        assert told[-1].quorum
        assert trail.log().vault.kept(stamp_path(4, "honest")) is not None
        assert trail.log().vault.kept(anchor_path(4)) is not None
