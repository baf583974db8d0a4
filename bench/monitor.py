"""How many events a second the watch looks at with a hundred rules in force, by the time of one core.

Usage: ``bench/monitor.py [--events N] [--rules N] [--json]``.

The events are those of a generated quarter of trade. The rules are the shipped ones, and copies of them under names of
their own, with their legs, until there are so many that raise alerts. Measured are reading sealed entries (decoding),
projecting, and looking; and beside it looking alone. State is what the windows of all correlations hold in the end.
"""

import argparse
import gc
import json
import resource
import sys
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from ordertrail.ledger.entry import format_entry
from ordertrail.ledger.ports import EntryRow
from ordertrail.monitor.rules.rule import Absent, AllOf, AnyOf, Correlation, Here, Leg, Presence, Rule
from ordertrail.monitor.rules.rulebook import Rulebook, shipped_rules
from ordertrail.monitor.stream.engine import Engine
from ordertrail.query.entries import read_entry
from ordertrail.query.projection import project
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event
from ordertrail.testing.fraud.quarter import Quarter

BATCH = 4_096


@dataclass(frozen=True)
class Figures:
    """What was measured; rates are events a second on one core."""

    events: int
    rules: int
    all_rules: int
    whole_rate: float
    looking_rate: float
    findings: int
    state: int
    peak_megabytes: float


def many(least: int) -> Rulebook:
    """Return a rulebook with at least so many rules that raise alerts."""
    rules: list[Rule] = []
    book = Rulebook.of(shipped_rules())
    copy = 0
    while len(book.loud) < least:
        rules += [_copied(rule, copy) for rule in shipped_rules()]
        book = Rulebook.of(rules)
        copy += 1
    return book


def _copied(rule: Rule, copy: int) -> Rule:
    about = replace(rule.about, name=f"{rule.about.name}_{copy}", id=f"{rule.about.id}_{copy}")
    if not isinstance(rule, Correlation):
        return replace(rule, about=about)
    legs = tuple(Leg(f"{leg.rule}_{copy}", leg.by, leg.value) for leg in rule.legs)
    presence = None if rule.presence is None else _renamed(rule.presence, copy)
    return replace(rule, about=about, legs=legs, presence=presence)


def _renamed(presence: Presence, copy: int) -> Presence:
    match presence:
        case Here(leg):
            return Here(f"{leg}_{copy}")
        case AllOf(parts):
            return AllOf(tuple(_renamed(part, copy) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_renamed(part, copy) for part in parts))
        case Absent(part):
            return Absent(_renamed(part, copy))
    return presence


def measure(events: int, rules: int) -> Figures:
    """Lead so many events past so many rules."""
    book = many(rules)
    engine = Engine(book)
    told, looked, findings = Quarter(events).events(), 0, 0
    whole = looking = 0.0
    while batch := list(islice(told, BATCH)):
        rows = [_sealed(event, place) for place, event in enumerate(batch, looked)]
        gc.collect()
        began = time.process_time()
        sealed = [read_entry("default", row) for row in rows]
        indexed = [project(one.event, one.place) for one in sealed]
        between = time.process_time()
        for event in indexed:
            engine.take(event)
        findings += len(engine.taken().findings)
        ended = time.process_time()
        whole += ended - began
        looking += ended - between
        looked += len(batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return Figures(
        looked, len(book.loud), len(book.rules), looked / whole, looked / looking, findings, engine.size, peak
    )


def _sealed(event: Event, place: int) -> EntryRow:
    entry = format_entry(encode(event), place, event.time, b"\0" * 32, None)
    return EntryRow(place, b"\0" * 16, None, 0, b"\0" * 32, b"\0" * 32, entry)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    told = measure(given.events, given.rules)
    if given.json:
        print(json.dumps({name: getattr(told, name) for name in told.__dataclass_fields__}, default=round))
        return
    print(f"{told.rules} rules that raise alerts, {told.all_rules} with their legs; {told.events:,} events")
    print(f"  decoded, projected, looked at: {told.whole_rate:,.0f} events/s")
    print(f"  looked at alone:               {told.looking_rate:,.0f} events/s")
    print(
        f"  findings {told.findings:,}; state {told.state:,} events in windows; peak {told.peak_megabytes:,.0f} MB"
    )


if __name__ == "__main__":
    main()
