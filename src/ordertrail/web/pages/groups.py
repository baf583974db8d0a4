"""The events that a filter means, put together: by who, what, order, day, channel or system, with the money of each."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.numbers import count
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.ports import Hit
from ordertrail.query.projection import Indexed
from ordertrail.query.questions.sums import Sums
from ordertrail.web.pages.reading import Reading, read_time

_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class By:
    """A way to put events together: its label, the value of an event (empty where it has none), and its term."""

    label: str
    value: Callable[[Indexed, Reading], str]
    term: str


def _day(event: Indexed, reading: Reading) -> str:
    return read_time(event.time).astimezone(reading.zone).date().isoformat()


BY: Final = {
    "actor": By("who", lambda event, _: event.actor, "actor"),
    "action": By("what", lambda event, _: event.action, "action"),
    "order": By("order", lambda event, _: event.order or "", "order"),
    "day": By("day", _day, "when"),
    "channel": By("channel", lambda event, _: event.channel or "", "channel"),
    "source": By("system", lambda event, _: event.source or "", "source"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Events that have a value in common; amounts are empty where none was moved."""

    value: str
    href: str
    events: str
    orders: str
    lowered: str
    raised: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups with the most events, and what is to be known of them."""

    label: str
    rows: tuple[Group, ...]
    note: str


def grouped(hits: Iterable[Hit], by: By, reading: Reading, link: Callable[[str], str], most: int) -> Groups:
    """Put events together. ``link`` makes the address of a group of its term; ``most`` is how many were asked for."""
    sums: dict[str, Sums] = {}
    looked = 0
    for hit in hits:
        looked += 1
        sums.setdefault(by.value(hit.event, reading), Sums()).add(hit.event)
    ranked = sorted(sums.items(), key=lambda item: (-item[1].events, item[0]))
    told = (
        [count(len(ranked), "group")]
        if len(ranked) <= _SHOWN
        else [f"the largest {_SHOWN} of {len(ranked):,}"]
    )
    if looked >= most:
        told.append(f"of the newest {looked:,} events")
    rows = tuple(
        Group(
            value or "none",
            link(_term(by, value)) if value else "",
            f"{one.events:,}",
            f"{len(one.orders):,}",
            _amounts(one.lowered, reading),
            _amounts(one.raised, reading),
        )
        for value, one in ranked[:_SHOWN]
    )
    return Groups(by.label, rows, ", ".join(told))


def _term(by: By, value: str) -> str:
    return f"{by.term}:{value}" if by.term == "when" else f"{by.term}:={quoted(value)}"


def _amounts(sums: Counter[str], reading: Reading) -> str:
    return " · ".join(reading.change(amount, currency) for currency, amount in sorted(sums.items()))
