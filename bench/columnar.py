"""How fast segments are made, and questions over years answered from them: at 10 and at 100 million events.

Usage: ``bench/columnar.py --dir DIR [--events N] [--runs N] [--cold N] [--json FILE]``.

The first block of 1,048,576 events is that of ``generated_trail``, through the product's own projection. Every further
one is the same moved on: times, places, ids and orders are others, texts are not. It goes on where it stopped; no log
of that size is sealed for it, so that its hashes are of nothing. What is measured is the product's own: files,
statements, pruning and DuckDB; the tail that only an index has is left out.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

if __name__ == "__main__":
    sys.path[:0] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

import pyarrow as pa
import pyarrow.compute as pc

from bench.generated_trail import EVENTS_AN_ORDER, EVERY, NOW, YEARS, Generated, event_of
from bench.query import drop_caches, percentile
from ordertrail.adapters.columnar.arrow import Told, told_by
from ordertrail.adapters.columnar.columns import DuckColumns
from ordertrail.adapters.columnar.duck import Bounds, Duck
from ordertrail.adapters.columnar.schema import TOLD
from ordertrail.adapters.columnar.shelf import DirectoryShelf, read
from ordertrail.kernel.clock import format_time
from ordertrail.ledger.hashing import HASH_SIZE
from ordertrail.ledger.merkle import root as tree_root
from ordertrail.query import statements
from ordertrail.query.entries import read_entry
from ordertrail.query.filters.grammar import Filter, parse_filter
from ordertrail.query.ports import Rows
from ordertrail.query.projection import project
from ordertrail.query.segments.manifest import Block
from ordertrail.query.segments.ports import Leaf, Making
from ordertrail.query.tables import DAY, HOUR
from ordertrail.record.actions import CATALOGUE

HEIGHT = 20
STREAM = "default"
_PREFIX = "01935f6e-9c1a-7cc2-b0a5-"


def first_block() -> Told:
    """Return the first block, projected from its entries."""
    rows = Generated(1 << HEIGHT).rows(STREAM, 0, 1 << HEIGHT)
    sealed = (read_entry(STREAM, row) for row in rows)
    return told_by(Leaf(os.urandom(HASH_SIZE), project(one.event, one.place, CATALOGUE)) for one in sealed)


def moved(told: Told, blocks: int) -> Told:
    """Return a block moved on by so many blocks."""
    shift = blocks << HEIGHT
    first = told.events.column("position").to_pylist()
    # Orders follow each other without a hole, as they would in one long trail.
    orders = shift // (10 * EVENTS_AN_ORDER) * 10
    set_ = {
        "leaf": pa.array([os.urandom(HASH_SIZE) for _ in first], pa.binary(HASH_SIZE)),
        "id": pa.array([f"{_PREFIX}{place + shift:012x}" for place in first], pa.string()),
    }
    return Told(
        _moved(told.events, shift, orders, set_),
        _moved(told.changes, shift, orders, {}),
        _moved(told.marks, shift, orders, {}),
    )


def _moved(table: pa.Table, shift: int, orders: int, others: Mapping[str, pa.Array]) -> pa.Table:
    for name in ("position", "time", "recorded"):
        if name in table.schema.names:
            by = shift if name == "position" else shift * EVERY
            table = _with(table, name, pc.add(table.column(name), by))
    if "happened" in table.schema.names:
        table = _with(table, "happened", table.column("time").cast(table.schema.field("happened").type))
    if "order" in table.schema.names:
        number = pc.add(pc.utf8_slice_codeunits(table.column("order"), 3).cast(pa.int64()), orders)
        table = _with(table, "order", pc.binary_join_element_wise("SO-", number.cast(pa.string()), ""))
    for name, values in others.items():
        table = _with(table, name, values)
    return table


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def make(shelf: DirectoryShelf, events: int) -> tuple[int, float]:
    """Make the segments that are not there yet; return how many, and the seconds that each took."""
    there = {one.block.number: one for one in shelf.manifests(STREAM)}
    wanted = [number for number in range(events >> HEIGHT) if number not in there]
    if not wanted:
        return 0, 0.0
    with shelf.writing():
        known = there.get(0)
        told = Told(*(read(shelf.folder(known), file) for file in TOLD)) if known else first_block()
        began = time.perf_counter()
        for number in wanted:
            one = told if number == 0 else moved(told, number)
            leaves = one.events.sort_by("position").column("leaf").to_pylist()
            shelf.publish(Making(STREAM, "bench", Block(HEIGHT, number), tree_root(leaves), "0" * 64), one)
            print(f"  segment {number}: {time.perf_counter() - began:,.0f} s", flush=True)
    return len(wanted), (time.perf_counter() - began) / len(wanted)


def _text(columns: DuckColumns, text: str) -> Filter:
    del columns
    return parse_filter(text, NOW, ZoneInfo("UTC"))


def _last(days: int, events: int, text: str = "") -> Filter:
    end = NOW - YEARS + timedelta(microseconds=events * EVERY)
    span = f"when:{format_time(end - timedelta(days=days))}..<{format_time(end)}"
    return parse_filter(f"{text} {span}", NOW, ZoneInfo("UTC"))


Question = Callable[[DuckColumns, int, random.Random], Rows]


def _bulk(columns: DuckColumns, text: str) -> Rows:
    one = _text(columns, text)
    rows = statements.burst_rows(one, columns.dialect, HOUR)
    return columns.run(statements.bursts(rows, 5, 50), one)


def _after(columns: DuckColumns) -> Rows:
    first, then = _text(columns, "action:order.approve"), Filter()
    rows = (
        statements.first_occasion_rows(first, columns.dialect),
        statements.netted_move_rows(then, columns.dialect),
    )
    return columns.run(statements.moved_after(*rows, 200), Filter())


def _order(columns: DuckColumns, events: int, draw: random.Random) -> Rows:
    order = event_of(draw.randrange(min(events, 1 << HEIGHT))).subject.order
    one = _text(columns, f"order:{order}")
    return columns.run(statements.values(one, columns.dialect, "action"), one)


def _steps(columns: DuckColumns, one: Filter) -> Rows:
    return columns.run(statements.steps(one, columns.dialect, DAY), one)


def _values(columns: DuckColumns, one: Filter, name: str) -> Rows:
    return columns.run(statements.values(one, columns.dialect, name), one)


QUESTIONS: Mapping[str, Question] = {
    "who cancels most, ever": lambda columns, _, __: columns.run(
        statements.ranked(_text(columns, "action:order.cancel"), ["actor"], 50),
        _text(columns, "action:order.cancel"),
    ),
    "events by actor, ever": lambda columns, _, __: columns.run(
        statements.ranked(Filter(), ["actor"], 50), Filter()
    ),
    "events by actor and day, 90 days": lambda columns, events, _: columns.run(
        statements.counts_by_day(_whole_days(90, events), ["actor"]), _whole_days(90, events)
    ),
    "bulk cancellers, ever": lambda columns, _, __: _bulk(columns, "action:order.cancel is:sensitive"),
    "money changed after approval, ever": lambda columns, _, __: _after(columns),
    "money moved by actor and day, 90 days": lambda columns, events, _: columns.run(
        statements.money_by_day(_whole_days(90, events)), _whole_days(90, events)
    ),
    "channels of denied events, ever": lambda columns, _, __: _values(
        columns, _text(columns, "outcome:denied"), "channel"
    ),
    "days of a channel, ever": lambda columns, _, __: _steps(columns, _text(columns, "channel:edi")),
    "days of a word, 30 days": lambda columns, events, _: _steps(columns, _last(30, events, "damaged")),
    "an order": _order,
}
"""Each of the whole time, unless it says so."""


def _whole_days(days: int, events: int) -> Filter:
    end = (NOW - YEARS + timedelta(microseconds=events * EVERY)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    span = f"when:{end - timedelta(days=days):%Y-%m-%d}..<{end:%Y-%m-%d}"
    return parse_filter(span, NOW, ZoneInfo("UTC"))


def ask(folder: Path, events: int, runs: int, cold: int) -> dict[str, object]:
    """Ask every question over so many events; print and return milliseconds."""
    told: dict[str, object] = {}
    print(f"  {'milliseconds':36} {'P50':>8} {'P95':>8}   cold P50 {'rows':>8}")
    for name, question in QUESTIONS.items():
        warm, found = _timed(folder, events, question, runs, lambda: None)
        first, _ = _timed(folder, events, question, cold, drop_caches) if cold else ([], 0)
        told[name] = {"warm": warm, "cold": first}
        shown = f"{percentile(first, 0.5):8.1f}" if first else "       -"
        print(
            f"  {name:36} {percentile(warm, 0.5):8.1f} {percentile(warm, 0.95):8.1f}   {shown} {found:8,}",
            flush=True,
        )
    return told


def _timed(
    folder: Path, events: int, question: Question, runs: int, before: Callable[[], None]
) -> tuple[Sequence[float], int]:
    """Ask again and again; warm within one process of DuckDB, cold with a new one after ``before`` each time."""
    took, rows = [], 0
    fresh = before is drop_caches
    for chunk in range(runs if fresh else 1):
        before()
        with closing(Duck(folder, Bounds())) as duck:
            shelf = DirectoryShelf(folder, duck)
            manifests = [one for one in shelf.manifests(STREAM) if one.block.end <= events]
            columns = DuckColumns(duck, [(one, shelf.folder(one)) for one in manifests])
            for run in range(1 if fresh else runs + 1):
                draw = random.Random(chunk * 1_000 + run)  # noqa: S311 - the same questions each time
                began = time.perf_counter()
                rows = len(question(columns, events, draw))
                took.append((time.perf_counter() - began) * 1e3)
    return sorted(took if fresh else took[1:]), rows


def main() -> int:
    """Make what is missing and ask; return 0."""
    parser = argparse.ArgumentParser(prog="bench/columnar.py", description="Measure questions over segments.")
    parser.add_argument(
        "--dir", type=Path, required=True, help="a folder that is kept: segments are made once"
    )
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--cold", type=int, default=0)
    parser.add_argument("--json", type=Path, help="a file for every figure")
    options = parser.parse_args()
    with closing(Duck(options.dir, Bounds(seconds=3_600))) as duck:
        shelf = DirectoryShelf(options.dir, duck)
        made, each = make(shelf, options.events)
        there = [one for one in shelf.manifests(STREAM) if one.block.end <= options.events]
    events, size = len(there) << HEIGHT, sum(one.size for one in there)
    print(f"{events:,} events in {len(there)} segments, {size / events:,.0f} bytes an event; "
          f"{made} made just now, {each:,.1f} s each")  # fmt: skip
    told = ask(options.dir, events, options.runs, options.cold)
    if options.json is not None:
        options.json.write_text(json.dumps({"events": events, "bytes": size, "milliseconds": told}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
