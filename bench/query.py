"""How fast questions are answered: fifteen of them, over a generated trail, warm, cold, and while events come in.

Usage: ``bench/query.py [--events N | --large] [--only sqlite|postgresql] [--runs N] [--cold N]
[--seconds N] [--keep DIR] [--json FILE] [--against FILE]``.

The trail is that of ``generated_trail``, fed through the product's own feeder. Cold is with a new connection after the
system's caches were dropped, which needs root; a PostgreSQL server is restarted too, so that its own buffers are empty.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if __name__ == "__main__":
    sys.path[:0] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

from bench.generated_trail import EVERY, NOW, YEARS, Generated, event_of
from ordertrail.adapters.index.counting import SqlCounts
from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.postgresql import PostgresqlIndex
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.query.feeding import feed
from ordertrail.query.filters.grammar import Filter, parse_filter
from ordertrail.query.ports import Cursor
from ordertrail.query.projection import microseconds
from ordertrail.query.questions.actors import actor_profile
from ordertrail.query.questions.causes import cause_chain
from ordertrail.query.questions.facets import facets
from ordertrail.query.questions.facts import ranking
from ordertrail.query.questions.fields import field_history
from ordertrail.query.questions.histogram import Step, histogram
from ordertrail.query.questions.neighbours import neighbours
from ordertrail.query.questions.reads import who_saw
from ordertrail.query.questions.search import search
from ordertrail.query.span import Span
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.event import Event

if TYPE_CHECKING:
    from servers.postgresql import Server


@dataclass(frozen=True, slots=True)
class Asking:
    """An index, and the size of what it is of."""

    searches: SqlSearches
    counts: SqlCounts
    events: int

    def parse(self, text: str) -> Filter:
        """Read a filter."""
        return parse_filter(text, NOW, ZoneInfo("UTC"))

    def page(self, text: str, beyond: Cursor | None = None) -> object:
        """Return the newest hundred."""
        return search(self.searches, self.parse(text), beyond=beyond)

    def some(self, draw: random.Random) -> Event:
        """Return any event."""
        return event_of(draw.randrange(self.events))

    def span(self, days: int) -> Span:
        """Return the last days of the trail."""
        end = NOW - YEARS + timedelta(microseconds=self.events * EVERY)
        return Span(end - timedelta(days=days), end, ZoneInfo("Europe/Berlin"))


Question = Callable[[Asking, random.Random], object]


def _beside(asking: Asking, draw: random.Random) -> object:
    (hit,) = asking.searches.find([asking.some(draw).id])
    return neighbours(asking.searches, hit, Filter()), cause_chain(asking.searches, hit, Filter())


def _deep(asking: Asking, draw: random.Random) -> object:
    return asking.page("is:sensitive", Cursor(microseconds(asking.some(draw).time), 0))


def _price(asking: Asking, _: random.Random) -> object:
    filter_ = asking.parse("lowered:unit_price>20% actor:clerk-*").with_(asking.span(30).term())
    return search(asking.searches, filter_)


def _facets(asking: Asking, draw: random.Random) -> object:
    return facets(asking.counts, asking.parse(f"actor:{asking.some(draw).actor.id}"))


def _histogram(asking: Asking, _: random.Random) -> object:
    return histogram(asking.counts, asking.parse("damaged"), asking.span(30), Step.DAY)


def _profile(asking: Asking, draw: random.Random) -> object:
    return actor_profile(asking.counts, asking.some(draw).actor.id, asking.span(90))


def _sensitive(asking: Asking, draw: random.Random) -> object:
    return asking.page(f"actor:{asking.some(draw).actor.id} is:sensitive")


def _ranking(asking: Asking, _: random.Random) -> object:
    return ranking(asking.counts, asking.parse("action:order.cancel"), ["actor"])


QUESTIONS: Mapping[str, tuple[int, Question]] = {
    "newest events": (20, lambda asking, _: asking.page("")),
    "an order": (20, lambda asking, draw: asking.page(f"order:{asking.some(draw).subject.order}")),
    "an event by id": (20, lambda asking, draw: asking.searches.find([asking.some(draw).id])),
    "an actor's sensitive acts": (20, _sensitive),
    "a page far back": (20, _deep),
    "neighbours and causes": (200, _beside),
    "part of an order number": (
        150,
        lambda asking, draw: asking.page((asking.some(draw).subject.order or "")[-5:]),
    ),
    "frequent words": (150, lambda asking, _: asking.page("customer called")),
    "words of a rare kind": (150, lambda asking, _: asking.page('"attempt denied" refunded duplicate')),
    "prices lowered by a fifth": (200, _price),
    "cancelled orders over 1,500 EUR": (200, lambda asking, _: asking.page("state:cancelled value:>1500EUR")),
    "facets of an actor": (150, _facets),
    "histogram of words": (150, _histogram),
    "an actor's profile": (200, _profile),
    "who cancels most, ever": (200, _ranking),
}
"""By name: the 95th percentile that is aimed at, in milliseconds at 10 million events, and the question."""

EXTRA: Mapping[str, Question] = {
    "who saw an order": lambda asking, draw: who_saw(
        asking.searches, asking.parse(f"order:{asking.some(draw).subject.order}"), CATALOGUE
    ),
    "changes of a field": lambda asking, _: field_history(asking.searches, "unit_price", Filter()),
}


def measured(
    asking: Asking, question: Question, runs: int, seed: int, before: Callable[[], None]
) -> list[float]:
    """Ask again and again, with other parameters each time; return milliseconds, sorted."""
    took = []
    for run in range(runs):
        draw = random.Random(seed * 10_007 + run)  # noqa: S311 - the same questions each time
        before()
        begin = time.perf_counter()
        question(asking, draw)
        took.append((time.perf_counter() - begin) * 1e3)
    return sorted(took)


def percentile(sorted_: Sequence[float], share: float) -> float:
    """Return a percentile by nearest rank."""
    return sorted_[min(len(sorted_) - 1, max(0, round(share * len(sorted_) + 0.5) - 1))]


def drop_caches() -> None:
    """Have the system forget what it read from disks. Raises OSError where we are not let."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


Opener = Callable[[], IndexDatabase]


def ask_for(opener: Opener, events: int, seconds: float, seed: int) -> list[tuple[str, float]]:
    """Be one of several readers: ask any questions for some seconds; return what each took."""
    draw = random.Random(seed)  # noqa: S311 - as above
    told: list[tuple[str, float]] = []
    with closing(opener()) as database:
        asking = Asking(SqlSearches(database), SqlCounts(database), events)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name = draw.choice(list(QUESTIONS))
            begin = time.perf_counter()
            QUESTIONS[name][1](asking, draw)
            told.append((name, (time.perf_counter() - begin) * 1e3))
    return told


def busy(opener: Opener, events: int, seconds: float) -> tuple[dict[str, list[float]], float]:
    """Let eight readers ask while 1,000 events a second are fed; return what they waited, and the rate that was fed."""
    told: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    with multiprocessing.get_context("fork").Pool(8) as pool, closing(opener()) as database:
        waiting = pool.starmap_async(_reader, [(opener, events, seconds, seed) for seed in range(8)])
        index, log = SqlIndex(database), Generated(events)
        begin = time.monotonic()
        while not waiting.ready():
            log.events = events + int((time.monotonic() - begin) * 1_000)
            feed(index, log, ["default"], CATALOGUE)
            time.sleep(0.2)
        rate = (log.events - events) / (time.monotonic() - begin)
        for reader in waiting.get():
            for name, took in reader:
                told[name].append(took)
    return {name: sorted(took) for name, took in told.items()}, rate


def _reader(opener: Opener, events: int, seconds: float, seed: int) -> list[tuple[str, float]]:
    return ask_for(opener, events, seconds, seed)


@dataclass(frozen=True, slots=True)
class OnSqlite:
    """Opens an index in a file."""

    path: Path

    def __call__(self) -> IndexDatabase:
        """Open it."""
        return SqliteIndex(self.path)


@dataclass(frozen=True, slots=True)
class OnPostgresql:
    """Opens an index on a server."""

    url: str

    def __call__(self) -> IndexDatabase:
        """Open it."""
        return PostgresqlIndex(self.url, None)


@dataclass(frozen=True, slots=True)
class Measured:
    """Where an index is: what it is called, what opens it, and what makes it forget all that it read."""

    kind: str
    opener: Opener
    forget: Callable[[], None]


def measure(where: Measured, options: argparse.Namespace, earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Feed an index, or go on with one that was kept; ask it, and print what each question took."""
    with closing(where.opener()) as database:
        told: dict[str, Any] = _fed(database, where.kind, options.events)
    warm = {}
    with closing(where.opener()) as database:
        asking = Asking(SqlSearches(database), SqlCounts(database), options.events)
        for number, (name, (_, question)) in enumerate(QUESTIONS.items()):
            measured(
                asking, question, 2, 5_000 + number, lambda: None
            )  # the first looks at pages of all kinds
            warm[name] = measured(asking, question, options.runs, number, lambda: None)
        others = {
            name: measured(asking, question, options.runs, number, lambda: None)
            for number, (name, question) in enumerate(EXTRA.items())
        }
    print(f"  {'milliseconds':36} {'P50':>8} {'P95':>8} {'P99':>8}   aim   cold P50      P95   grown")
    for name, (aim, question) in QUESTIONS.items():
        cold = _cold(where, question, options)
        told[name] = {"warm": warm[name], "cold": cold}
        before = earlier.get(name, {}).get("warm")
        grown = f"{percentile(warm[name], 0.5) / percentile(before, 0.5):8.1f}" if before else ""
        print(_line(name, warm[name]) + f" {aim:5}" + _shown(cold) + grown, flush=True)
    for name, took in others.items():
        print(_line(name, took))
    if options.seconds:
        told |= _under_load(where, options)
    return told


def _fed(database: IndexDatabase, kind: str, events: int) -> dict[str, Any]:
    """Feed an index what it has not yet, and say how fast."""
    index = SqlIndex(database)
    there = sum(index.places().values())
    began, worked = time.perf_counter(), time.process_time()
    fed = feed(index, Generated(events), ["default"], CATALOGUE)
    took, work = time.perf_counter() - began, time.process_time() - worked
    index.settle()
    if not fed:
        print(f"\n{kind}: {there:,} events, kept from before")
        return {}
    print(f"\n{kind}: {fed:,} events fed in {took:,.0f} s, {fed / took:,.0f} a second; "
          f"{fed / work:,.0f} a second of our own processor")  # fmt: skip
    return {"fed_a_second": fed / took}


def _under_load(where: Measured, options: argparse.Namespace) -> dict[str, Any]:
    under, rate = busy(where.opener, options.events, options.seconds)
    print(
        f"  the same, asked by eight while {rate:,.0f} events a second came in, for {options.seconds:.0f} s"
    )
    for name, took in under.items():
        if took:
            print(_line(name, took) + f" {QUESTIONS[name][0]:5}")
    return {"busy": under, "busy_rate": rate}


def _cold(where: Measured, question: Question, options: argparse.Namespace) -> list[float]:
    """Ask after everything was forgotten: the first question of a new connection, each time."""
    took = []
    for run in range(options.cold):
        try:
            where.forget()
        except OSError:
            return []
        with closing(where.opener()) as database:
            asking = Asking(SqlSearches(database), SqlCounts(database), options.events)
            took += measured(asking, question, 1, 1_000 + run, lambda: None)
    return sorted(took)


def _line(name: str, took: Sequence[float]) -> str:
    return f"  {name:36}" + "".join(f" {percentile(took, share):8.1f}" for share in (0.5, 0.95, 0.99))


def _shown(cold: Sequence[float]) -> str:
    if not cold:
        return "   not measured   "
    return f"   {percentile(cold, 0.5):8.1f} {percentile(cold, 0.95):8.1f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/query.py", description="Measure how fast questions are answered."
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--large", action="store_true", help="10 million events")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--runs", type=int, default=40, help="askings of each question, warm")
    parser.add_argument("--cold", type=int, default=5, help="askings of each question, cold")
    parser.add_argument("--seconds", type=float, default=20, help="of asking while events come in")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"))  # noqa: S108 - mkdtemp makes a folder in it
    parser.add_argument(
        "--keep", type=Path, help="a folder that indexes stay in: feeding goes on where it stopped"
    )
    parser.add_argument("--json", type=Path, help="a file for every figure")
    parser.add_argument(
        "--against", type=Path, help="such a file of a smaller trail: how much slower it is now"
    )
    options = parser.parse_args()
    if options.large:
        options.events = 10_000_000
    return options


def main() -> int:
    """Measure what was asked for; return 0."""
    options = _options()
    told: dict[str, Any] = {"events": options.events}
    earlier = {} if options.against is None else json.loads(options.against.read_text())
    with ExitStack() as stack:
        folder = options.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="ordertrail-query-", dir=options.dir))
        )
        folder.mkdir(exist_ok=True)
        if options.only != "postgresql":
            where = Measured("SQLite", OnSqlite(folder / f"index-{options.events}.db"), drop_caches)
            told["sqlite"] = measure(where, options, earlier.get("sqlite", {}))
        if options.only != "sqlite":
            server = stack.enter_context(_server(folder / f"postgresql-{options.events}"))

            def restart() -> None:
                server.stop()
                drop_caches()
                server.start()

            where = Measured("PostgreSQL", OnPostgresql(server.url()), restart)
            told["postgresql"] = measure(where, options, earlier.get("postgresql", {}))
    if options.json is not None:
        options.json.write_text(json.dumps(told))
    return 0


@contextmanager
def _server(folder: Path) -> Iterator["Server"]:
    """Run a server of our own on data that stay where they are; made where there are none."""
    from servers.postgresql import Server  # noqa: PLC0415 - a server of the tests, where one is wanted

    server = Server(folder, ("shared_buffers=1GB", "max_wal_size=4GB", "random_page_cost=1.1"))
    if not (folder / "data").exists():
        folder.mkdir()
        server.create()
    server.start()
    try:
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
