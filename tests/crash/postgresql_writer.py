"""A process that records into a trail on PostgreSQL, or seals it, until it is told to end; it tells what it was told.

``python postgresql_writer.py '<task as JSON>'``; its words are those of ``writer.py``, and with them::

    sealed <size>      a batch was committed; the log has so many entries
    paused             is about to stop itself, as SIGSTOP from outside would at that moment

Nothing that is unavailable deters it: it submits the same events again, or takes the lock again. It ends well when
its standard input does.
"""

import os
import random
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crash.writer import diagnostics, event_of, tell
from ordertrail.adapters.sql.dialects.postgresql.layout import PostgresqlLayout
from ordertrail.kernel.errors import BusyError, ForkError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.sequencer import Step
from ordertrail.services import DEFAULT_STREAM, Trail
from servers.trails import open_on_postgresql

_AGAIN = 0.03
"""Seconds before what failed is tried again."""

_BREATH = 0.05
"""Seconds between two calls of a recording process: a load, and not a race with the checks that follow."""

INSIDE = "INSIDE"
"""In the midst of step 4: rows are inserted and not committed."""


class Task(msgspec.Struct, frozen=True):
    """What the process does. It pauses itself at the ``nth`` time that it comes to the step ``pauses``."""

    root: str
    url: str
    seals: bool = False
    seed: int = 0
    events: int = 30
    lease: float = 10
    pauses: str = ""
    nth: int = 1
    once: bool = False


class Pauser:
    """Stops this process where its task says so, as if somebody had sent it SIGSTOP just then."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._seen = 0
        if task.pauses == INSIDE:
            add = PostgresqlLayout.add

            def paused(*arguments: Any) -> None:
                add(*arguments)
                self.come_to(INSIDE)

            setattr(PostgresqlLayout, "add", paused)  # noqa: B010 - a method is not for assigning to

    def on_step(self, step: Step) -> None:
        """Take notice of a step that begins."""
        self.come_to(step.name)

    def come_to(self, place: str) -> None:
        """Stop here, if it is the place and the time."""
        if place == self._task.pauses:
            self._seen += 1
            if self._seen == self._task.nth:
                tell("paused")
                os.kill(os.getpid(), signal.SIGSTOP)


def told_to_end() -> bool:
    """Say whether standard input has ended."""
    readable, _, _ = select.select([0], [], [], 0)
    return bool(readable) and os.read(0, 1) == b""


def record(task: Task, trail: Trail) -> None:
    """Record until told to end; what is not acknowledged is submitted again, and nothing else meanwhile."""
    rng = random.Random(task.seed)
    ids: list[str] = []
    while ids or not told_to_end():
        if not ids:
            ids = [new_id() for _ in range(rng.randint(1, task.events))]
            tell("submit", *ids)
        try:
            trail.record(map(event_of, ids))
        except UnavailableError as error:
            tell("failed", diagnostics(error))
            time.sleep(_AGAIN)
            continue
        tell("ack", *ids)
        ids = []
        time.sleep(_BREATH)


def seal(task: Task, trail: Trail) -> None:
    """Seal whatever comes until told to end and nothing waits; take the lock again whenever it was lost."""
    rng = random.Random(task.seed)
    pauser = Pauser(task)
    while True:
        try:
            with trail.sequencing(on_step=pauser.on_step) as sequencer:
                while True:
                    ending = told_to_end()
                    trail.log().log.journal.wait(DEFAULT_STREAM, 0.0 if ending else 0.2)
                    if sequencer.seal_batch(rng.choice((7, 100, 1_000))):
                        tell("sealed", str(sequencer.head.size))
                    elif ending:
                        break
                    if rng.random() < 0.2:
                        sequencer.anchor()
        except (UnavailableError, ForkError) as error:
            tell("failed", diagnostics(error))
            if task.once or (isinstance(error, BusyError) and told_to_end()):
                return
            time.sleep(_AGAIN)
        else:
            return


def main() -> int:
    """Do the task on the command line."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    while True:
        try:
            with open_on_postgresql(Path(task.root), task.url, lease=task.lease) as trail:
                tell("open")
                (seal if task.seals else record)(task, trail)
        except UnavailableError as error:
            tell("failed", diagnostics(error))
            time.sleep(_AGAIN)
            continue
        tell("done")
        return 0


if __name__ == "__main__":
    sys.exit(main())
