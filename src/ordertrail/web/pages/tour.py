"""The tour: a few stops on real pages, each with what to look at there. ``?tour=2`` in an address is its second stop.

It keeps nothing: where one is stands in the address, and a stop that no role of the reader's opens is left out.
"""

from dataclasses import dataclass
from typing import Final

from fastapi import Request

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.web.pages.addresses import Address


@dataclass(frozen=True, slots=True)
class Stop:
    """A page, what its reader may do, and what there is to see."""

    address: Address
    verb: Verb
    title: str
    text: str


STOPS: Final = (
    Stop(
        Address("/"),
        Verb.STATUS_READ,
        "Is the trail whole, and what needs you?",
        "The first card answers in a sentence. Below it stands what waits for you, and each figure opens the"
        " events that it counts.",
    ),
    Stop(
        Address("/explore", (("q", "lowered:unit_price>20%"),)),
        Verb.EVENTS_SEARCH,
        "Ask, without a query language",
        "This is every price that was lowered by more than a fifth. The sentence says the question in words;"
        " narrow it by the values on the left, or by a stretch of the chart. The address is the question: it can"
        " be kept and sent. Open a row: what changed, and under “Proof” the numbered steps, run for you.",
    ),
    Stop(
        Address("/orders"),
        Verb.EVENTS_SEARCH,
        "One order, whole",
        "Open one: its life across systems, the gaps in it, what departs from the expected path, and the order as"
        " it stood at any moment. It says how many of its events are proven, and prints as a dossier.",
    ),
    Stop(
        Address("/people"),
        Verb.ACTIVITY_READ,
        "What somebody does, and usually does",
        "Open a person or a service: the hours they work, the money they moved, who approved whom. Each number"
        " opens what it counts. That you looked is on record too.",
    ),
    Stop(
        Address("/alerts"),
        Verb.ALERTS_READ,
        "What the watch found",
        "Each alert says why it was raised, with the numbers and the events. It is taken, decided with a reason,"
        " and becomes a case in one click.",
    ),
    Stop(
        Address("/integrity"),
        Verb.STATUS_READ,
        "Check all of it",
        "“Check now” hashes every byte of every entry again and holds it against what was signed. If somebody"
        " edited the database, it names the row, and says what is still provable.",
    ),
    Stop(
        Address("/verify"),
        Verb.STATUS_READ,
        "Believe nobody",
        "This page checks an evidence file in the browser that shows it. It asks no server and needs no account:"
        " hand the file to whoever doubts it.",
    ),
)


@dataclass(frozen=True, slots=True)
class Tour:
    """Where a reader is on the tour; ``before``, ``after`` and ``leave`` are addresses."""

    number: int
    stops: int
    title: str
    text: str
    before: str | None
    after: str | None
    leave: str


def tour_of(request: Request, who: Principal) -> Tour | None:
    """Return the stop that the address names; None where it names none, or not one on this page."""
    named = request.query_params.get("tour", "")
    open_ = [stop for stop in STOPS if who.may(stop.verb)]
    number = int(named) if named.isascii() and named.isdecimal() and len(named) < 3 else 0
    if not 1 <= number <= len(open_):
        return None
    stop = open_[number - 1]
    if stop.address.path != request.url.path:
        return None
    before, after = (_at(open_, place) for place in (number - 1, number + 1))
    return Tour(number, len(open_), stop.title, stop.text, before, after, str(stop.address))


def _at(stops: list[Stop], number: int) -> str | None:
    return str(stops[number - 1].address.with_(tour=str(number))) if 1 <= number <= len(stops) else None
