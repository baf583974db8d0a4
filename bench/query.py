"""How fast questions are answered: fifteen of them, over a generated trail, warm, cold, and while events come in.

Usage: ``bench/query.py [--events N | --large] [--only sqlite|postgresql] [--runs N] [--dir DIR] [--json]``.

The trail is told by a generator and fed through the product's own feeder; its orders, actors and words are skewed as in
a shop: a few clerks and services do most, most orders have a dozen events, a third of the events are readings. Cold is
with a new connection after the system's caches were dropped, which needs root; a server's own buffers stay.
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
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

if __name__ == "__main__":
    sys.path[:0] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

from ordertrail.adapters.index.counting import SqlCounts
from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.postgresql import PostgresqlIndex
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.kernel.clock import format_time
from ordertrail.ledger.entry import Link, format_entry
from ordertrail.ledger.ports import EntryRow
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
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Subject
from ordertrail.record.event import Link as Elsewhere

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
EVENTS_AN_ORDER = 12
_ACTIONS = (
    ("order.read", 30), ("order.update", 15), ("order.status.change", 20), ("order.line.update", 10),
    ("shipment.update", 8), ("payment.capture", 6), ("order.price.change", 4), ("order.cancel", 2),
    ("payment.refund", 1), ("order.status.revert", 1),
)  # fmt: skip
_REASONS = (
    "customer called",
    "price match promised",
    "wrong address",
    "duplicate",
    "damaged in transit",
    None,
    None,
)
_CHANNELS = ("web", "web", "web", "edi", "marketplace", "backoffice")


class Generated:
    """Implements :class:`ordertrail.query.ports.LogReader`: the n-th entry is always the same."""

    def __init__(self, events: int) -> None:
        self.events = events

    def size(self, stream: str) -> int:
        """See the port."""
        del stream
        return self.events

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port."""
        del stream
        for index in range(start, end):
            event = event_of(index)
            link = Link(index // 997 + 1, bytes(32))
            entry = format_entry(encode(event), index, event.time, bytes(32), link)
            yield EntryRow(index, bytes(16), None, 0, bytes(32), bytes(32), entry)


def event_of(index: int) -> Event:
    """Return the n-th event; ten orders are worked on at a time, and time goes on by 9 seconds and a bit an event."""
    draw = random.Random(index)  # noqa: S311 - the same trail each time
    order = f"SO-{100_000 + index // (10 * EVENTS_AN_ORDER) * 10 + draw.randrange(10)}"
    action = draw.choices([name for name, _ in _ACTIONS], [weight for _, weight in _ACTIONS])[0]
    if index % (10 * EVENTS_AN_ORDER) < 10:
        action = "order.create"
        order = f"SO-{100_000 + index // (10 * EVENTS_AN_ORDER) * 10 + index % 10}"
    clerk = int(draw.paretovariate(0.7)) % 2_000
    actor = Actor(f"clerk-{clerk}", "person", ("order.editor",), None, f"s-{clerk}-{index // 2_000}")
    price = draw.randrange(1_000, 200_000)
    return Event(
        id=_id(index),
        time=format_time(NOW - YEARS + timedelta(microseconds=index * 9_460_800)),
        action=action,
        actor=actor if draw.random() < 0.7 else Actor(f"service-{draw.randrange(12)}", "service"),
        subject=Subject("order", order, order),
        outcome="denied" if draw.random() < 0.01 else "success",
        changes=_changes(action, price, draw),
        context=Context(
            ip=f"10.20.{clerk % 250}.{clerk % 199}", request=f"r-{index // 3:09x}", reason=draw.choice(_REASONS),
            channel=draw.choice(_CHANNELS), source="oms",
        ),
        cause=Cause("event", _id(index - draw.randrange(1, 9))) if index > 9 and draw.random() < 0.2 else None,
        links=(Elsewhere("stripe", "payment_intent", f"pi_{index:09x}"),) if action.startswith("payment") else (),
    )  # fmt: skip


def _id(index: int) -> str:
    return f"01935f6e-9c1a-7cc2-b0a5-{index:012x}"


def _changes(action: str, price: int, draw: random.Random) -> tuple[Change, ...]:
    money = {"amount": price, "currency": "EUR"}
    match action:
        case "order.create":
            return Change("/status", after="received"), Change("/total", after=money)
        case "order.price.change":
            before = {"amount": draw.randrange(1_000, 200_000), "currency": "EUR"}
            return (Change("/lines/1/unit_price", before, money),)
        case "order.status.change":
            return (Change("/status", "received", draw.choice(["accepted", "processing", "fulfilled"])),)
        case "order.cancel":
            return (Change("/status", "accepted", "cancelled"),)
        case "order.update" | "order.line.update":
            return (Change("/note", after=f"gate {price}"),)
        case _:
            return ()


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
        end = NOW - YEARS + timedelta(microseconds=self.events * 9_460_800)
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


def measure(kind: str, opener: Opener, options: argparse.Namespace) -> dict[str, object]:
    """Feed an index, ask it, and print what each question took."""
    with closing(opener()) as database:
        index = SqlIndex(database)
        began, worked = time.perf_counter(), time.process_time()
        feed(index, Generated(options.events), ["default"], CATALOGUE)
        fed, work = time.perf_counter() - began, time.process_time() - worked
        index.settle()
        print(f"\n{kind}: {options.events:,} events fed in {fed:,.0f} s, {options.events / fed:,.0f} a second; "
              f"{options.events / work:,.0f} a second of our own processor")  # fmt: skip
        warm = Asking(SqlSearches(database), SqlCounts(database), options.events)
        told: dict[str, object] = {"fed_a_second": options.events / fed}
        print(f"  {'milliseconds':36} {'P50':>8} {'P95':>8} {'P99':>8}   aim   cold P50      P95")
        for number, (name, (aim, question)) in enumerate(QUESTIONS.items()):
            took = measured(warm, question, options.runs, number, lambda: None)
            cold = _cold(opener, question, options)
            told[name] = {"warm": took, "cold": cold}
            print(_line(name, took) + f" {aim:5}" + _shown(cold))
        for number, (name, other) in enumerate(EXTRA.items()):
            print(_line(name, measured(warm, other, options.runs, number, lambda: None)))
    under, rate = busy(opener, options.events, options.seconds)
    print(
        f"  the same, asked by eight while {rate:,.0f} events a second came in, for {options.seconds:.0f} s"
    )
    for name, took in under.items():
        if took:
            print(_line(name, took))
    return told | {"busy": under, "busy_rate": rate}


def _cold(opener: Opener, question: Question, options: argparse.Namespace) -> list[float]:
    if options.cold == 0:
        return []
    took = []
    for run in range(options.cold):
        try:
            drop_caches()
        except OSError:
            return []
        with closing(opener()) as database:
            asking = Asking(SqlSearches(database), SqlCounts(database), options.events)
            took += measured(asking, question, 1, 1_000 + run, lambda: None)
    return sorted(took)


def _line(name: str, took: Sequence[float]) -> str:
    return f"  {name:36}" + "".join(f" {percentile(took, share):8.1f}" for share in (0.5, 0.95, 0.99))


def _shown(cold: Sequence[float]) -> str:
    if not cold:
        return "   not measured"
    return f"   {percentile(cold, 0.5):8.1f} {percentile(cold, 0.95):8.1f}"


def main() -> int:
    """Measure what was asked for; return 0."""
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
    parser.add_argument("--json", type=Path, help="a file for every figure")
    options = parser.parse_args()
    if options.large:
        options.events = 10_000_000
    told: dict[str, object] = {"events": options.events}
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="ordertrail-query-", dir=options.dir))
        )
        if options.only != "postgresql":
            told["sqlite"] = measure("SQLite", OnSqlite(folder / "index.db"), options)
        if options.only != "sqlite":
            from servers.postgresql import running  # noqa: PLC0415 - a server of the tests, where one is wanted

            server = stack.enter_context(running("shared_buffers=1GB", "max_wal_size=4GB"))
            told["postgresql"] = measure("PostgreSQL", OnPostgresql(server.url()), options)
    if options.json is not None:
        options.json.write_text(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
