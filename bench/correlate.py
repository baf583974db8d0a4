"""What correlation finds in a month of trade with known truth, and how fast what led to an event is told.

Usage: ``bench/correlate.py [--orders N] [--events N] [--json FILE]``.

The month is that of ``tests/correlate/trade.py``: documents of six providers, some lost and found by a poll, late, sent
twice, out of sequence, without a name. The incidents are those of ``tests/correlate/incidents.py``, each on a day of
its own amid the events of ordinary orders.
"""

import argparse
import sys
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from time import perf_counter

if __name__ == "__main__":
    # This file's own folder goes: it would hide the tests' folder of the same name.
    sys.path[:1] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

from datetime import timedelta

from bench.figures import Figure, Target
from correlate import incidents
from correlate.books import keep_books
from correlate.trade import trade
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.kernel.clock import format_time
from ordertrail.ledger.entry import Link, format_entry
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.feeding import feed
from ordertrail.query.ports import Hit
from ordertrail.query.reconstruction.asking import reconstruct
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.encoding import encode

_CHUNK = 2_000
_ASKED = 200


class FileLog:
    """A log whose entries are in a file: as many as there is room for on disk."""

    def __init__(self, place: Path) -> None:
        self._file = place.open("w+b")
        self._starts = array("q", [0])
        self._numbers: dict[str, int] = {}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def append(self, body: bytes, recorded: str, order: str | None) -> None:
        """Add an event's bytes."""
        link = None
        if order is not None:
            self._numbers[order] = self._numbers.get(order, 0) + 1
            link = Link(self._numbers[order], bytes(32))
        entry = format_entry(body, len(self._starts) - 1, recorded, bytes(32), link)
        self._file.write(entry)
        self._starts.append(self._starts[-1] + len(entry))

    def size(self, stream: str) -> int:
        """See the port."""
        return len(self._starts) - 1 if stream == "default" else 0

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port."""
        del stream
        self._file.flush()
        for index in range(start, end):
            self._file.seek(self._starts[index])
            entry = self._file.read(self._starts[index + 1] - self._starts[index])
            yield EntryRow(index, bytes(16), None, 0, bytes(32), bytes(32), entry)

    def read(self, hit: Hit) -> SealedEvent:
        """Return an event."""
        (row,) = self.rows("default", hit.event.position, hit.event.position + 1)
        return read_entry("default", row)


def month(orders: int) -> list[Figure]:
    """Take a month of trade through reading, matching and reconciling."""
    made = trade(orders)
    books = keep_books(made)
    right = sum(made.links.get(thing) == order for thing, order in books.links.items())
    found = {one.key for one in books.discrepancies}
    told = {(one.system, one.currency): one.told.captured for one in books.totals if one.told.captured}
    off = sum(abs(told.get(place, 0) - amount) for place, amount in made.captured.items())
    rate = len(made.deliveries) / books.seconds["read"]
    note = f"{orders:,} orders, {len(made.deliveries):,} deliveries"
    wrong = f"{len(made.wrong):,} of {len({kind for _, kind in made.wrong})} kinds"
    return [
        Figure(
            "links_precision",
            "links that are right",
            right / len(books.links),
            "",
            Target("min", 0.999),
            note,
        ),
        Figure(
            "links_recall", "links that are made", right / len(made.links), "", Target("min", 0.995), note
        ),
        Figure("missed", "discrepancies missed", len(made.wrong - found), "", Target("max", 0), wrong),
        Figure("invented", "discrepancies invented", len(found - made.wrong), "", Target("max", 0), wrong),
        Figure(
            "cents", "minor units by which totals differ", off, "", Target("max", 0), "by system and currency"
        ),
        Figure("read_rate", "deliveries read", rate, "/s", None, "one process"),
        Figure(
            "reconcile_rate",
            "orders reconciled",
            orders / books.seconds["reconcile"],
            "/s",
            None,
            "one process",
        ),
    ]


def reconstruction(events: int) -> list[Figure]:
    """Ask what led to scripted incidents, and to any events, amid so many events."""
    with tempfile.TemporaryDirectory() as folder:
        log = FileLog(Path(folder) / "log")
        with closing(log), closing(SqliteIndex(Path(folder) / "index.db")) as database:
            scripted = _incidents(log)
            _ordinary(log, events)
            feed(SqlIndex(database), log, ["default"], CATALOGUE)
            searches = SqlSearches(database)
            ranks, times = [], []
            for asked, root in scripted:
                begun = perf_counter()
                (hit,) = searches.find([asked])
                told = reconstruct(searches, log.read, hit)
                times.append(perf_counter() - begun)
                ids = [one.hit.event.id for one in told.candidates]
                ranks.append(ids.index(root) + 1 if root in ids else 99)
            random, size = Random(5), log.size("default")  # noqa: S311 - seeded, so that it is the same each time
            for _ in range(_ASKED):
                (row,) = log.rows("default", place := random.randrange(size), place + 1)
                (hit,) = searches.find([read_entry("default", row).event.id])
                begun = perf_counter()
                reconstruct(searches, log.read, hit)
                times.append(perf_counter() - begun)
    times.sort()
    first, note = sum(rank == 1 for rank in ranks), f"{len(ranks)} incidents amid {size:,} events"
    return [
        Figure("root_first", "roots named first", first / len(ranks), "", Target("min", 7 / 8), note),
        Figure("root_worst", "place of the worst", max(ranks), "", Target("max", 3), note),
        Figure(
            "p95",
            "what led to it, P95",
            times[int(0.95 * len(times))] * 1_000,
            "ms",
            Target("max", 200),
            note,
        ),
        Figure("p50", "what led to it, P50", times[len(times) // 2] * 1_000, "ms", None, note),
    ]


def _incidents(log: FileLog) -> list[tuple[str, str]]:
    """Write each incident on days of its own, with people and orders of its own."""
    begin, scripted = incidents.DAY, []
    for place, make in enumerate(incidents.INCIDENTS):
        incidents.DAY = begin - timedelta(days=30 * (place + 1))
        incident = make(500 + place)
        for event, recorded in zip(incident.events, incident.recorded, strict=True):
            body = encode(event)
            for name in (b"clerk-", b"SO-", b"loyalty", b"summer-sale", b"bulk", b"erp-export"):
                body = body.replace(name, b"i%d-%s" % (place, name))
            order = event.subject.order
            log.append(body, recorded, None if order is None else order.replace("SO-", f"i{place}-SO-"))
        scripted.append((incident.asked, incident.root))
    incidents.DAY = begin
    return scripted


def _ordinary(log: FileLog, events: int) -> None:
    """Write events of ordinary orders until there are so many."""
    chunk = 0
    while log.size("default") < events:
        told = incidents.Script(Random(chunk))  # noqa: S311 - as above
        for n in range(_CHUNK):
            number = chunk * _CHUNK + n
            told.order(
                f"SO-N{number}", incidents.DAY + timedelta(seconds=37 * number), 1_000 + number % 50_000
            )
        for at, event in told.events:
            log.append(encode(event), format_time(at), event.subject.order)
        chunk += 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = [*month(chosen.orders), *reconstruction(chosen.events)]
    for one in figures:
        met = "" if one.met is None else " met" if one.met else " MISSED"
        print(f"{one.label:40} {one.value:12,.4f} {one.unit:3}{met:8} {one.note}")
    if chosen.json is not None:
        import json  # noqa: PLC0415 - only where a file was asked for
        from dataclasses import asdict  # noqa: PLC0415 - as above

        chosen.json.write_text(json.dumps([asdict(one) for one in figures], indent=1))


if __name__ == "__main__":
    main()
