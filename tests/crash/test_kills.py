"""A trail outlives its processes: killed at every step, in rotations, at random and in pairs.

The short form kills each kind a few times. ``ORDERTRAIL_SOAK=1`` adds the long form: at least 500 deaths,
told at the end in figures.
"""

import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

import pytest

from crash.witness import DEADLY, Witness, await_line, end_of, kill_after, start
from crash.writer import Kill, Plan
from ordertrail.ledger.sequencer import Step

Moment = Literal["before", "inside", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "inside", "after")
CALLS = ("os.link", "os.rename", "os.remove", "open")
"""What Python announces before it asks it of the operating system, so that a writer can die in between."""

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
LONG = 500
DEATHS_OF_A_TRAIL = 25


def die(witness: Witness, plan: Plan) -> bool:
    """Let a writer run and say whether it died by its plan; one that outlives its plan must have ended well."""
    writer = start(plan)
    told, errors = end_of(writer)
    heard = witness.hear(told)
    assert writer.returncode in (*DEADLY, 0), errors
    assert heard.done == (writer.returncode == 0)
    return writer.returncode != 0


def die_at_random(witness: Witness, plan: Plan, seconds: float) -> None:
    """Kill a writer so long after it began to open the trail."""
    writer = start(plan)
    told = await_line(writer, "open")
    witness.hear(told + kill_after(writer, seconds))
    assert writer.returncode in DEADLY


def die_together(witness: Witness, seed: int) -> None:
    """Let two writers record at once, one of them sealing, and kill both, one a little before the other."""
    rng = random.Random(seed)
    root = str(witness.root)
    one = start(Plan(root, seed=seed, rounds=10_000, again=witness.unanswered))
    other = start(Plan(root, seed=seed + 1, rounds=10_000, seals=False))
    pair = [one, other]
    rng.shuffle(pair)
    told = [await_line(writer, "open") for writer in pair]
    witness.hear(told[0] + kill_after(pair[0], rng.uniform(0.0, 0.3)))
    witness.hear(told[1] + kill_after(pair[1], rng.uniform(0.0, 0.1)))
    assert {writer.returncode for writer in pair} <= set(DEADLY)


@pytest.mark.parametrize("step", [step.name for step in Step])
def test_killed_at_each_step(tmp_path: Path, step: str) -> None:
    """Before, inside and right after each numbered step, a kill loses nothing and doubles nothing."""
    witness = Witness.of_new_trail(tmp_path / "trail")
    for seed, moment in enumerate(MOMENTS):
        kill = Kill(step, 2, moment, delay=0.0002)
        assert die(witness, Plan(str(witness.root), seed=seed, again=witness.unanswered, kill=kill))
        witness.examine()


@pytest.mark.parametrize("step", ["STAGE", "SIGN", "COMMIT", "PUBLISH", "EDGE", "CHECKPOINT"])
def test_killed_while_a_key_is_rotated(tmp_path: Path, step: str) -> None:
    """A kill leaves the old key in force or the new one, and whoever knows the old one can follow."""
    witness = Witness.of_new_trail(tmp_path / "trail")
    assert die(witness, Plan(str(witness.root), seed=1, kill=Kill(step), rotates=(0,)))
    witness.examine_copy()
    assert not die(witness, Plan(str(witness.root), seed=2, rounds=2, again=witness.unanswered))
    witness.examine()


@pytest.mark.parametrize(
    ("call", "nth"), [("os.rename", 2), ("os.rename", 3), ("os.rename", 4), ("os.link", 2), ("os.remove", 3)]
)
def test_killed_between_two_files_of_a_rotation(tmp_path: Path, call: str, nth: int) -> None:
    """A kill between any two files that a rotation puts in place leaves a whole trail."""
    witness = Witness.of_new_trail(tmp_path / "trail")
    assert die(witness, Plan(str(witness.root), seed=2, rounds=3, kill=Kill(call, nth), rotates=(0, 2)))
    witness.examine()
    assert not die(witness, Plan(str(witness.root), seed=3, rounds=2, again=witness.unanswered))
    witness.examine()


def test_killed_again_while_recovering(tmp_path: Path) -> None:
    """Recovery may be killed as often as one likes: it is the same function, and starts over."""
    witness = Witness.of_new_trail(tmp_path / "trail", sealed=255)
    assert die(witness, Plan(str(witness.root), seed=4, events=200, kill=Kill("PUBLISH")))
    assert not (witness.root / "log/tile/0/000").exists(), "a tile became full, and recovery must publish it"
    witness.examine_copy()
    for nth in (1, 2):
        assert die(witness, Plan(str(witness.root), seed=5, kill=Kill("os.link", nth)))
        witness.examine_copy()
    witness.examine()


def test_killed_at_random(tmp_path: Path) -> None:
    """A kill at no particular moment, opening included, loses nothing and doubles nothing."""
    witness = Witness.of_new_trail(tmp_path / "trail")
    rng = random.Random(6)
    for seed in range(4):
        plan = Plan(str(witness.root), seed=seed, rounds=10_000, again=witness.unanswered, rotates=(2, 5))
        die_at_random(witness, plan, rng.uniform(0.0, 0.3))
        witness.examine()


def test_two_writers_killed(tmp_path: Path) -> None:
    """Two processes that record at once, one of them sealing, may die in either order."""
    witness = Witness.of_new_trail(tmp_path / "trail")
    for seed in range(3):
        die_together(witness, seed)
        witness.examine()


@dataclass(slots=True)
class Soak:
    """The long form: many deaths of every kind, and its figures."""

    folder: Path
    rng: random.Random = field(default_factory=lambda: random.Random(2026))
    kills: Counter[str] = field(default_factory=Counter)
    witnesses: list[Witness] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    outlived: int = 0

    def run(self, deaths: int) -> None:
        """Kill until there were so many deaths, a fresh trail now and then."""
        kinds = [f"{step.name} {moment}" for step, moment in product(Step, MOMENTS)]
        kinds += [*CALLS, *CALLS, "random", "random", "random", "pair", "pair"]
        while self.kills.total() < deaths:
            self.rng.shuffle(kinds)
            for kind in kinds:
                self._kill(kind)

    def _kill(self, kind: str) -> None:
        if not self.witnesses or self.witnesses[-1].deaths >= DEATHS_OF_A_TRAIL:
            self.witnesses.append(Witness.of_new_trail(self.folder / f"trail-{len(self.witnesses)}"))
        witness, rng = self.witnesses[-1], self.rng
        seed = rng.randrange(1 << 30)
        if kind == "pair":
            die_together(witness, seed)
        elif kind == "random":
            plan = self._plan(seed, rounds=10_000)
            die_at_random(witness, plan, rng.uniform(0.0, 0.4))
        elif not die(witness, self._plan(seed, self._moment(kind))):
            self.outlived += 1
            return
        self.kills[kind] += 1
        self.story.append(kind)
        try:
            witness.examine_copy() if rng.random() < 0.3 else witness.examine()
        except AssertionError as error:
            error.add_note(f"{witness.root} died of: {', '.join(self.story[-witness.deaths :])}")
            raise

    def _plan(self, seed: int, kill: Kill | None = None, rounds: int = 12) -> Plan:
        rng = self.rng
        rotates = (rng.randrange(8),) if rng.random() < 0.5 else ()
        events = rng.choice((3, 20, 150))
        again = self.witnesses[-1].unanswered
        root = str(self.witnesses[-1].root)
        return Plan(root, seed=seed, rounds=rounds, events=events, rotates=rotates, again=again, kill=kill)

    def _moment(self, kind: str) -> Kill:
        if kind in CALLS:
            return Kill(kind, self.rng.randint(1, 40 if kind == "open" else 12))
        step, moment = kind.split(" ")
        nth = self.rng.randint(1, 2 if step in {"EDGE", "CHECKPOINT"} else 12)
        for known in MOMENTS:
            if known == moment:
                return Kill(step, nth, known, delay=self.rng.uniform(0.0, 0.004))
        raise AssertionError(kind)

    def report(self) -> dict[str, object]:
        """Return the figures; each loss or doubling would have failed the proof before."""
        return {
            "kills": self.kills.total(),
            "kills_by_kind": dict(sorted(self.kills.items())),
            "trails": len(self.witnesses),
            "events_submitted": sum(len(one.submitted) for one in self.witnesses),
            "events_acknowledged": sum(len(one.acknowledged) for one in self.witnesses),
            "checkpoints_followed": sum(len(one.checkpoints) for one in self.witnesses),
            "writers_that_outlived_their_plan": self.outlived,
            "lost": 0,
            "doubled": 0,
        }


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="the long form runs with ORDERTRAIL_SOAK=1")
def test_five_hundred_deaths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over 500 kills of every kind lose no acknowledged event and double none."""
    soak = Soak(tmp_path)
    soak.run(LONG)
    for witness in soak.witnesses:
        witness.examine()
    figures = soak.report()
    with capsys.disabled():
        print(f"\n{json.dumps(figures)}")  # noqa: T201 - the report is what the long form is run for
        print(  # noqa: T201 - as above
            f"{figures['kills']} kills over {figures['trails']} trails: {figures['events_acknowledged']:,} events "
            "acknowledged, 0 lost, 0 doubled"
        )
