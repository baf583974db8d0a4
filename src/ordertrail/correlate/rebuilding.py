"""The projections, made again from the trail: facts, links and discrepancies as its events leave them.

What is kept beside the trail is worth nothing by itself: it can be lost, or doubted, and made again by one pass over
the events in the sequence in which they were sealed. Cards are made of the orders; tokens of payers are in no event,
and come back with the next payment of theirs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ordertrail.correlate.events import fact_of
from ordertrail.correlate.matching.links import Link, link_of
from ordertrail.correlate.matching.ports import Facts, Links
from ordertrail.correlate.reconciling.exceptions import Exceptional, Standing, exceptional_of
from ordertrail.correlate.reconciling.ports import Exceptions
from ordertrail.record.event import Event

if TYPE_CHECKING:
    from ordertrail.correlate.facts import Fact

BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many events told of what."""

    facts: int
    links: int
    exceptions: int


def rebuild(events: Iterable[Event], facts: Facts, links: Links, exceptions: Exceptions) -> Rebuilt:
    """Put what events say into projections that are empty."""
    told: list[Fact] = []
    kept: list[Link] = []
    open_: dict[tuple[str, str], Exceptional] = {}
    counts = [0, 0, 0]
    for event in events:
        if (fact := fact_of(event)) is not None:
            told.append(fact)
            counts[0] += 1
        elif (link := link_of(event)) is not None:
            kept.append(link)
            counts[1] += 1
        elif (one := exceptional_of(event)) is not None:
            _turn(open_, one)
            counts[2] += 1
        if len(told) >= BATCH:
            facts.add(told, {})
            told = []
        if len(kept) >= BATCH:
            links.apply(kept)
            kept = []
    facts.add(told, {})
    links.apply(kept)
    exceptions.apply(open_.values())
    return Rebuilt(*counts)


def _turn(known: dict[tuple[str, str], Exceptional], one: Exceptional) -> None:
    """Let a discrepancy turn; one that was open already keeps when it was found, one that ended what it was."""
    key = one.discrepancy.key
    before = known.get(key)
    if before is not None and before.standing is Standing.OPEN:
        one = replace(one, opened=before.opened)
    if before is not None and one.standing is not Standing.OPEN:
        one = replace(one, discrepancy=before.discrepancy)
    known[key] = one
