"""Killed at every step on PostgreSQL and S3: nothing acknowledged is lost, nothing doubled, all of it intact."""

import os
import random
from pathlib import Path

import pytest

from crash.witness import DEADLY, Witness, await_line, end_of, kill_after, start
from crash.writer import Kill, Plan
from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.ledger.sequencer import Step
from production.conftest import settings_of
from servers.databases import TrailDatabase

DEATHS = 60 if os.environ.get("ORDERTRAIL_SOAK") == "1" else 6


@pytest.fixture
def witness(stores: tuple[TrailDatabase, Bucket], tmp_path: Path) -> Witness:
    """The witness of a new trail in PostgreSQL and S3."""
    (tmp_path / "settings.toml").write_text(settings_of(*stores))
    return Witness.of_new_trail(tmp_path / "trail", settings_file=tmp_path / "settings.toml")


@pytest.mark.parametrize("moment", ["before", "inside"])
def test_killed_at_each_step(witness: Witness, moment: str) -> None:
    """In one trail's life: at READ, STAGE, SIGN, COMMIT, PUBLISH, DISCARD, EDGE and CHECKPOINT."""
    for seed, step in enumerate(Step):
        kill = Kill(step.name, 1, moment, delay=0.002)  # type: ignore[arg-type]
        writer = start(Plan(str(witness.root), seed=seed, rounds=2, again=witness.unanswered, kill=kill))
        told, errors = end_of(writer)
        witness.hear(told)
        assert writer.returncode in DEADLY, (step, errors)
        witness.examine()


@pytest.mark.parametrize("step", ["SIGN", "COMMIT", "PUBLISH", "CHECKPOINT"])
def test_killed_while_a_key_is_rotated(witness: Witness, step: str) -> None:
    """The old key is in force or the new one, and whoever knows the old one can follow."""
    writer = start(Plan(str(witness.root), seed=1, rounds=1, kill=Kill(step), rotates=(0,)))
    witness.hear(end_of(writer)[0])
    assert writer.returncode in DEADLY
    witness.examine()


def test_killed_at_random(witness: Witness) -> None:
    """Whatever it is doing, over the network or not."""
    rng = random.Random(7)
    for seed in range(DEATHS):
        writer = start(Plan(str(witness.root), seed=seed, rounds=10_000, again=witness.unanswered))
        told = await_line(writer, "open")
        witness.hear(told + kill_after(writer, rng.uniform(0.1, 1.5)))
        witness.examine()
    assert witness.deaths == DEATHS
