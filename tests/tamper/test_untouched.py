"""No false alarms: what nobody tampered with is intact, however it was copied and wherever sealing stopped."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ordertrail.assembly import create_trail, open_trail
from ordertrail.kernel.clock import utc_now
from ordertrail.ledger.sequencer import Sequencer, Step
from ordertrail.ledger.verify.full import Options
from ordertrail.record.event import Actor
from ordertrail.services import Trail
from ordertrail.settings import Settings
from tamper.subjects import ORIGIN, Subject, build_small, check, small_event


class _KilledError(Exception):
    """Stands for the end of the process, which unwinds nothing."""


def _record(trail: Trail, start: int, end: int) -> None:
    lines = [(f"line {number}", small_event(number)) for number in range(start, end)]
    assert sum(outcome.recorded for outcome in trail.record_lines(lines)) == end - start


def _seal_until(trail: Trail, last: Step | None, limit: int = 100) -> None:
    """Seal as a process does that is killed when it comes to a step: the lock goes, and nothing else happens."""

    def stop(step: Step) -> None:
        if step is last:
            raise _KilledError

    log = trail.log().log
    log.lock.acquire()
    try:
        sequencer = Sequencer(log, utc_now, stop)
        while sequencer.seal_batch(limit):
            pass
        if last is not None:
            sequencer.anchor()
    except _KilledError:
        pass
    finally:
        log.lock.release()


def test_trails_as_they_were_built(small: Subject, large: Subject) -> None:
    """Both trails verify, alone and against a checkpoint kept elsewhere, in one process and in two."""
    assert check(small.root, Options(elsewhere=[("mine", small.checkpoint)])).intact
    assert check(large.root, Options(elsewhere=[("mine", large.checkpoint)], processes=2)).intact


@pytest.mark.parametrize("how", ["copytree", "cp -r", "cp -a", "copy_trail"])
def test_copies(how: str, small: Subject, tmp_path: Path) -> None:
    """A copy is as good as the trail, with whatever tool it was made."""
    copy = tmp_path / "copy"
    if how == "copytree":
        shutil.copytree(small.root, copy)
    elif how == "copy_trail":
        small.copy(copy)
    else:
        subprocess.run([*how.split(), str(small.root), str(copy)], check=True)
    report = check(copy)
    assert report.intact, report.findings
    assert report.verdict.startswith("All 700 events, recorded from ")
    assert report.counts.blobs == 1


def test_an_auditors_copy_without_the_private_keys(small: Subject, tmp_path: Path) -> None:
    """Who checks needs no private key."""
    copy = small.copy(tmp_path / "copy")
    shutil.rmtree(copy / "keys")
    assert check(copy).intact


def test_an_empty_trail(tmp_path: Path) -> None:
    """A trail without any event is empty and intact."""
    with create_trail(tmp_path / "trail", ORIGIN, settings=Settings(immutable=False)) as trail:
        report = trail.verify()
    assert report.intact
    assert report.verdict == f"The log {ORIGIN} is empty and intact."


def test_events_that_wait_in_the_journal(small: Subject, tmp_path: Path) -> None:
    """What is recorded and not yet sealed is nobody's tampering."""
    copy = small.copy(tmp_path / "copy")
    with open_trail(copy) as trail:
        _record(trail, 0, 50)
        assert trail.verify().intact


def test_entries_that_are_sealed_and_not_yet_anchored(small: Subject, tmp_path: Path) -> None:
    """A process that dies before it anchors leaves sealed entries and full tiles that no checkpoint shows yet."""
    copy = small.copy(tmp_path / "copy")
    with open_trail(copy) as trail:
        _record(trail, 0, 900)
        _seal_until(trail, None)
        report = trail.verify()
        assert report.intact, report.findings
        assert (report.size, report.published) == (1_600, 700)
        trail.seal()
        assert trail.verify().published == 1_600


@pytest.mark.parametrize("step", Step)
def test_a_process_that_dies_at_any_step(step: Step, small: Subject, tmp_path: Path) -> None:
    """Right after the death, after the next one takes over and dies too, and after a clean end, all is intact."""
    copy = small.copy(tmp_path / "copy")
    for start in (0, 300):
        with open_trail(copy) as trail:
            _record(trail, start, start + 300)
            _seal_until(trail, step)
            report = trail.verify()
            assert report.intact, report.findings
    with open_trail(copy) as trail:
        trail.seal()
        report = trail.verify(Options(elsewhere=[("mine", small.checkpoint)]))
    assert report.intact, report.findings
    assert (report.size, report.published) == (1_300, 1_300)


def test_a_log_whose_key_was_rotated(small: Subject, tmp_path: Path) -> None:
    """A new key takes nothing from what the old one signed."""
    copy = small.copy(tmp_path / "copy")
    with open_trail(copy) as trail:
        trail.rotate(Actor("operator", "person"))
        _record(trail, 0, 20)
        trail.seal()
        report = trail.verify(Options(elsewhere=[("mine", small.checkpoint)]))
    assert report.intact, report.findings


def test_a_log_with_a_second_signature(tmp_path: Path) -> None:
    """A log that also signs with ML-DSA-44 is intact."""
    settings = Settings(immutable=False, post_quantum=True)
    with create_trail(tmp_path / "trail", ORIGIN, settings=settings) as trail:
        _record(trail, 0, 300)
        trail.seal()
        assert trail.verify().intact


def test_the_same_story_makes_the_same_trail(tmp_path: Path, small: Subject) -> None:
    """Two trails of one story differ by their keys and times only, so what is tampered with is the same."""
    again = build_small(tmp_path / "trail")
    places = [
        sorted(path.relative_to(one.root).as_posix() for path in (one.root / "log").rglob("*"))
        for one in (small, again)
    ]
    assert places[0] == places[1]
