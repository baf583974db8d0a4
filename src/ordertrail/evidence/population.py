"""The population of a sample: what a filter finds, up to a checkpoint, in the order of the log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ordertrail.evidence.gathering import LogSource
from ordertrail.evidence.samples import Item, Method, Sampled, certify, draw
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.money import EXPONENTS
from ordertrail.kernel.numbers import count
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.vkey import format_base64
from ordertrail.query.filters.grammar import format_filter
from ordertrail.query.ports import Hit, Way
from ordertrail.query.projection import Indexed
from ordertrail.query.questions.walking import walk
from ordertrail.query.service import Query

MOST = 1_000_000
"""Events of the largest population that is drawn from at once."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a sample is drawn: from what a filter finds, by which method, of which size, with which seed."""

    criteria: str
    method: Method
    size: int
    seed: str
    zone: str = "UTC"


def draw_sample(query: Query, source: LogSource, drawing: Drawing) -> Sampled:
    """Draw a sample from what a trail's index finds in one log, up to its newest published checkpoint.

    Raises InputError where the drawing cannot be meant, or the index has not read the log up to that checkpoint:
    a population must be whole.
    """
    stream = source.identity.name
    note = source.log.publication.checkpoint()
    if note is None:
        raise EvidenceError(f"the log {source.identity.origin} has published no checkpoint")
    tree = read_checkpoint(note)
    if query.index.places().get(stream, 0) < tree.size:
        raise InputError(
            "the index has not read the whole log, and a population must be whole",
            remedy="Bring it up to date with 'ordertrail index build', and draw again.",
        )
    meant = query.parse(drawing.criteria, drawing.zone).fixed()  # "the last week" is another week tomorrow
    hits = list(walk(query.searches, meant, MOST + 1, Way.NEWER))
    if len(hits) > MOST:
        raise InputError(f"the population has more than {count(MOST, 'event')}; narrow the filter")
    events = events_of(hits, stream, tree.size)
    if not events:
        raise InputError("nothing is in the population", remedy="Try the filter with 'ordertrail search'.")
    items = [item_of(event) for event in events]
    interval = (_time(min(event.time for event in events)), _time(max(event.time for event in events)))
    population = certify(items, format_filter(meant), interval, (stream, tree.size, format_base64(tree.root)))
    return draw(items, population, drawing.method, drawing.size, drawing.seed)


def events_of(hits: Iterable[Hit], stream: str, size: int) -> list[Indexed]:
    """Return the events of a population: hits of one stream below a size, in the log's order."""
    found = [hit.event for hit in hits if hit.event.stream == stream and hit.event.position < size]
    return sorted(found, key=lambda event: event.position)


def item_of(event: Indexed) -> Item:
    """Return an event with the largest amount that one of its changes moves; what was added moves all of itself."""
    moved = [
        (abs(change.delta if change.delta is not None else change.after_number or 0), change.unit)
        for change in event.changes
        if change.unit in EXPONENTS
    ]
    if not moved:
        return Item(event.id)
    amount, currency = max(moved)
    return Item(event.id, amount, currency)


def _time(micros: int) -> str:
    return format_time(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))
