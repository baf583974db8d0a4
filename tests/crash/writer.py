"""A process that records, seals, anchors and rotates keys until it is killed, and tells what it was told.

``python writer.py '<plan as JSON>'``. What happens is told on standard output, one line a fact, each line in
one system call and only after the fact, so that its reader knows what this process knew when it died::

    submit <id> …      is about to record these events
    ack <id> …         record returned: these are promised to be durable
    ready              warmed up; waits for a line on standard input (only if the plan says so)
    failed <json>      an error of OrderTrail's own tree, with its diagnostics
    done               came to its end

Lines are written by writev(2), which the product never calls: a test that lets write(2) fail still hears us.
"""

import ctypes
import errno
import json
import os
import random
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NoReturn

import msgspec

from ordertrail.adapters.files.vault import FileVault
from ordertrail.assembly import create_trail, open_trail
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import OrderTrailError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.sequencer import Sequencer, Step
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.services import Trail
from ordertrail.settings import Settings

ORIGIN = "crash.example/trail"
TERM = datetime(2040, 1, 1, tzinfo=UTC)
FAILED = 3
"""Exit status after an error of OrderTrail's own tree."""

_BLOB_LENGTH = 70_000
"""Characters of a value too long for an entry: it moves into a blob."""

_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)


class Kill(msgspec.Struct, frozen=True):
    """When the process kills itself: at the ``nth`` time that it comes to ``at``.

    ``at`` names a step of the sequencer, or an audit event of Python (``os.link``, ``os.rename``, …), or is
    ``any`` for every audit event that touches the trail. ``inside`` a step is a random instant after it began,
    ``after`` it is before anything else happens. ``failing`` kills nothing: the first file that the step would
    put in place is refused by an input/output error, whenever that step first does so.
    """

    at: str
    nth: int = 1
    moment: Literal["before", "inside", "after", "failing"] = "before"
    delay: float = 0.0


class Plan(msgspec.Struct, frozen=True):
    """What the process does."""

    root: str
    mode: Literal["write", "create", "keep"] = "write"
    seed: int = 0
    rounds: int = 8
    events: int = 6
    seals: bool = True
    rotates: tuple[int, ...] = ()
    again: tuple[str, ...] = ()
    kill: Kill | None = None
    waits: bool = False
    stubborn: bool = False
    immutable: bool = False


def event_of(id_: str) -> Event:
    """Return the event of an id: always the same, so that who heard nothing can submit it again."""
    number = int(id_[-6:], 16)
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(id_[:8] + id_[9:13], 16))
    order = f"SO-{number % 13}"
    long = "x" * _BLOB_LENGTH if number % 41 == 0 else "short"
    return Event(
        id=id_,
        time=format_time(moment),
        action="order.update",
        actor=Actor("writer", "service"),
        subject=Subject("order", order, order=None if number % 7 == 0 else order),
        changes=(Change("/note", before=str(number), after=f"{number} {long}"),),
        context=Context(reason="a crash test"),
    )


def objects_of(seed: int) -> list[tuple[str, bytes]]:
    """Return objects for a vault, partial tiles among them."""
    rng = random.Random(seed)
    paths = (
        "tile/0/000",
        "tile/entries/000",
        "tile/0/001.p/7",
        "tile/entries/001.p/7",
        "anchors/0000000000000263",
    )
    return [(path, rng.randbytes(rng.randrange(1, 9_000))) for path in paths]


def tell(*words: str) -> None:
    """Tell one fact, whole."""
    os.writev(1, [f"{' '.join(words)}\n".encode()])


class Killer:
    """Ends the process where the plan says so."""

    def __init__(self, plan: Plan) -> None:
        self._kill = plan.kill or Kill("never")
        self._root = plan.root
        self._seen = 0
        self._armed = False
        self._failed = False

    def on_step(self, step: Step) -> None:
        """Take notice of a step that begins."""
        if self._kill.moment == "failing":
            self._armed = step.name == self._kill.at and not self._failed
            return
        self.between()
        if step.name == self._kill.at:
            self._count()

    def between(self) -> None:
        """Take notice that a step has ended."""
        if self._armed and self._kill.moment != "failing":
            self._die()

    def on_audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take notice of what Python is about to ask of the operating system (PEP 578)."""
        if self._armed and event in {"os.link", "os.rename"} and self._kill.moment == "failing":
            self._armed, self._failed = False, True
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self._kill.at not in {event, "any"} or not event.startswith(("os.", "open", "sqlite3.")):
            return
        if self._root in "".join(map(str, arguments[:2])):
            self._count()

    def _count(self) -> None:
        self._seen += 1
        if self._seen != self._kill.nth:
            return
        if self._kill.moment == "before":
            self._die()
        elif self._kill.moment == "after":
            self._armed = True
        else:
            # No handler: the kernel ends the process at that very instant, whatever it is doing.
            signal.setitimer(signal.ITIMER_REAL, max(self._kill.delay, 1e-6))

    def _die(self) -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("survived SIGKILL")


class Writer:
    """Records what it makes up, and what it is asked to submit again."""

    def __init__(self, plan: Plan, trail: Trail, killer: Killer) -> None:
        self._plan = plan
        self._trail = trail
        self._killer = killer
        self._rng = random.Random(plan.seed)
        self._last: list[str] = []

    def run(self) -> None:
        """Do what the plan says."""
        self._submit(self._plan.again)
        if not self._plan.seals:
            for _ in range(self._plan.rounds):
                self._record()
            return
        with self._trail.sequencing(on_step=self._killer.on_step) as sequencer:
            for number in range(self._plan.rounds):
                with self._undeterred():
                    self._round(sequencer, number)
        self._killer.between()

    def _round(self, sequencer: Sequencer, number: int) -> None:
        if number in self._plan.rotates:
            sequencer.rotate(Actor("operator-3", "person"))
            self._killer.between()
        self._record()
        limit = self._rng.choice((2, 5, 1_000))
        while sequencer.seal_batch(limit):
            self._killer.between()
        if self._rng.random() < 0.4:
            sequencer.anchor()
            self._killer.between()

    def _record(self) -> None:
        ids = [new_id() for _ in range(self._rng.randint(1, self._plan.events))]
        # Now and then what was acknowledged before comes again, as from a client that heard nothing.
        self._submit(ids + self._last[: self._rng.choice((0, 0, 1))])
        self._last = ids

    def _submit(self, ids: Iterable[str]) -> None:
        if ids := tuple(ids):
            tell("submit", *ids)
            self._trail.record(map(event_of, ids))
            tell("ack", *ids)

    @contextmanager
    def _undeterred(self) -> Iterator[None]:
        try:
            yield
        except UnavailableError as error:
            if not self._plan.stubborn:
                raise
            tell("failed", diagnostics(error))


def diagnostics(error: OrderTrailError) -> str:
    """Write an error's family and its three answers as JSON."""
    told = error.diagnostics()
    return json.dumps([type(error).__name__, told.happened, told.meaning, told.remedy])


def main() -> int:
    """Do what the plan on the command line says."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    killer = Killer(plan)
    try:
        if plan.waits:
            _wait(plan)
        sys.addaudithook(killer.on_audit)
        if plan.mode == "create":
            create_trail(Path(plan.root), ORIGIN, settings=Settings(immutable=plan.immutable)).close()
        elif plan.mode == "keep":
            FileVault(Path(plan.root), immutable=plan.immutable).put(objects_of(plan.seed), TERM)
        else:
            tell("open")
            with open_trail(Path(plan.root)) as trail:
                Writer(plan, trail, killer).run()
    except OrderTrailError as error:
        tell("failed", diagnostics(error))
        return FAILED
    tell("done")
    return 0


def _wait(plan: Plan) -> None:
    """Do everything once, so that nothing is imported later; let a tracer attach; wait to be told to go on."""
    warming = msgspec.structs.replace(plan, rounds=1, rotates=(), again=(), seals=True)
    if plan.mode == "write":
        with open_trail(Path(plan.root)) as trail:
            Writer(warming, trail, Killer(warming)).run()
    else:
        FileVault(Path(f"{plan.root}-warm"), immutable=False).put(objects_of(plan.seed), TERM)
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _PR_SET_PTRACER_ANY, 0, 0, 0)
    tell("ready")
    os.read(0, 1)


if __name__ == "__main__":
    sys.exit(main())
