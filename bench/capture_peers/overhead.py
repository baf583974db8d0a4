"""The same work in turns on every library and on the unaudited application: what each costs, and what it records.

Each contestant has a process and a database of its own, on one disk and one server. One works at a time, a few
transactions in its turn, so that whatever else the machine does meets all alike. Commits are durable: PostgreSQL with
its defaults, SQLite in WAL mode with synchronous=FULL.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.capture_peers.catalogue import BASELINES, Contestant, Framework
from bench.capture_peers.processes import BrokenError, Job, Worker, python_of

_PLACE = Path("/var/tmp")  # noqa: S108 - mkdtemp makes a private folder in it
_ENOUGH = 8.0
"""Seconds after which a contestant's work is not repeated."""

_LONG = 3.0
"""Seconds of a work that need no warming."""

_MANY = 100
"""Rows after which a database is vacuumed, as autovacuum would in its time."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is measured: its name, how many rows one time changes, and how much of it; one time where rows are many."""

    name: str
    rows: int
    rounds: int
    times: int


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: rounds and times of single transactions, rounds of bulk ones, and of the slowest."""

    rounds: int = 40
    times: int = 4
    bulk_rounds: int = 3
    slow_rounds: int = 1


QUICK = Amount(rounds=5, times=3, bulk_rounds=1)


@dataclass(slots=True)
class Cost:
    """A contestant's seconds, those of each turn; how many changes of one time it recorded; or why it could not."""

    turns: list[list[float]] = field(default_factory=list)
    recorded: int | None = None
    error: str | None = None

    @property
    def median(self) -> float | None:
        """The median of all, None where nothing was measured."""
        return statistics.median(self._seconds) if self.turns else None

    @property
    def spent(self) -> float:
        """All that was measured, in seconds."""
        return sum(self._seconds)

    @property
    def _seconds(self) -> list[float]:
        return [one for turn in self.turns for one in turn]

    def times(self, plain: "Cost") -> float | None:
        """Return how many times another's it is: in the median round, since rounds meet the machine in one mood."""
        rounds = [
            statistics.median(own) / statistics.median(other)
            for own, other in zip(self.turns, plain.turns, strict=False)
        ]
        return statistics.median(rounds) if rounds else None


@dataclass(frozen=True, slots=True)
class Measured:
    """A work on a database: what it costs without audit, and with each contestant."""

    framework: Framework
    vendor: str
    work: Work
    baseline: Cost
    costs: tuple[tuple[Contestant, Cost], ...]


def works(framework: Framework, amount: Amount) -> list[Work]:
    """Return what is measured under a framework: first what changes all rows, before others are added."""
    single = (amount.rounds, amount.times)
    bulk, slow = (amount.bulk_rounds, 1), (amount.slow_rounds, 1)
    if framework == "sqlalchemy":
        told = [
            ("10,000 rows, one statement", 10_000, bulk),
            ("10,000 rows, by key", 10_000, bulk),
            ("10,000 rows, unit of work", 10_000, bulk),
            ("order with three lines", 4, single),
            ("one field of one row", 1, single),
        ]
    else:
        told = [
            ("10,000 rows, queryset.update()", 10_000, bulk),
            ("10,000 rows, bulk_update()", 10_000, bulk),
            ("10,000 rows, a loop of save()", 10_000, slow),
            ("order with three lines", 4, single),
            ("save of one field", 1, single),
        ]
    return [Work(name, rows, rounds, times) for name, rows, (rounds, times) in told]


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: the libraries' Python, how much is measured, and whom to tell what is under way."""

    python: Path
    amount: Amount
    say: Callable[[str], None]

    def run(self, contestants: Sequence[Contestant]) -> Iterator[Measured]:
        """Measure all work on both databases under both frameworks."""
        with _places() as places:
            for framework in BASELINES:
                for vendor, where in places.items():
                    taking = [
                        one for one in contestants if one.framework == framework and vendor in one.vendors
                    ]
                    if taking:
                        yield from self._measure(framework, vendor, where, taking)

    def _measure(
        self, framework: Framework, vendor: str, where: str, taking: Sequence[Contestant]
    ) -> Iterator[Measured]:
        with ExitStack() as stack:
            workers: list[Worker] = []
            for one in (None, *taking):
                module = BASELINES[framework] if one is None else one.module
                job = Job("overhead", framework, module, vendor, where)
                workers.append(Worker(job.command(python_of(one, self.python))))
                stack.callback(workers[-1].end)
            for work in works(framework, self.amount):
                self.say(f"{framework} on {vendor}: {work.name}")
                baseline, *costs = _in_turns(work, workers)
                yield Measured(framework, vendor, work, baseline, tuple(zip(taking, costs, strict=True)))


def _in_turns(work: Work, workers: Sequence[Worker]) -> list[Cost]:
    costs = [Cost() for _ in workers]
    for worker, cost in zip(workers, costs, strict=True):
        _warm(worker, cost, work)
    for number in range(work.rounds):
        turns = list(zip(workers, costs, strict=True))
        for worker, cost in turns if number % 2 else reversed(turns):
            if cost.error is None and cost.spent < _ENOUGH:
                _ask(worker, cost, work, first=1 + number * work.times, times=work.times)
    return costs


def _warm(worker: Worker, cost: Cost, work: Work) -> None:
    """Have statements compiled, plans made and files grown before time counts; unless that itself takes long."""
    if work.rounds * work.times > 1:
        _ask(worker, cost, work, first=0, times=1)
        if cost.spent < _LONG:
            cost.turns.clear()


def _ask(worker: Worker, cost: Cost, work: Work, *, first: int, times: int) -> None:
    counting = cost.recorded is None
    try:
        told = worker.ask(work=work.name, first=first, times=times, count=counting, vacuum=work.rows > _MANY)
    except BrokenError as error:
        told = {"error": str(error)}
    cost.error = told.get("error")
    if cost.error is None:
        cost.turns.append(told["seconds"])
        if counting:
            cost.recorded = round(told["recorded"] / times)


@contextmanager
def _places() -> Iterator[dict[str, str]]:
    """Yield where databases are made, on a disk: a folder, and a server with its defaults."""
    from servers.postgresql import running  # noqa: PLC0415 - of the tests, and needed here alone

    with (
        tempfile.TemporaryDirectory(prefix="ordertrail-peers-", dir=_PLACE) as folder,
        running(place=_PLACE) as server,
    ):
        yield {"postgresql": server.url(), "sqlite": folder}
