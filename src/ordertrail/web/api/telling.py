"""Events that were found, as documents: whole, read from the log, with what they say in a sentence."""

from collections.abc import Iterator, Mapping, Sequence

from ordertrail.kernel.errors import UnavailableError
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.feeding import Lag
from ordertrail.query.ports import Cursor, Hit
from ordertrail.query.projection import Indexed
from ordertrail.query.service import Query
from ordertrail.record.actions import Action
from ordertrail.record.sentence import sentence
from ordertrail.web.api.models.document import Lag as LagDocument
from ordertrail.web.api.models.event import event_document
from ordertrail.web.api.models.found import Found

_NEAR = 16
"""Entries between two that are read with them: to skip them would cost more than to read them."""


def lag_document(lag: Lag) -> LagDocument:
    """Return a lag as it travels: whole milliseconds, since there are no floats here."""
    return LagDocument(events=lag.events, milliseconds=round(lag.seconds * 1_000))


def spelled(cursor: Cursor | None) -> str | None:
    """Write a place between pages."""
    return None if cursor is None else str(cursor)


def found(query: Query, hits: Sequence[Hit]) -> tuple[Found, ...]:
    """Return events that were found, whole, in their sequence.

    Raises UnavailableError where the log has others at their places: the index is of another log.
    """
    whole = _read(query, hits)
    return tuple(told(whole[hit.key], query.actions, hit.event.sensitive, str(hit.cursor)) for hit in hits)


def told(one: SealedEvent, actions: Mapping[str, Action], sensitive: bool, cursor: str) -> Found:  # noqa: FBT001
    """Return an event of the log as a document."""
    return Found(
        stream=one.place.stream,
        index=one.place.position,
        recorded=one.place.recorded,
        number=one.place.number,
        sensitive=sensitive,
        sentence=sentence(one.event, actions),
        cursor=cursor,
        event=event_document(one.event),
    )


def place_before(event: Indexed) -> str:
    """Return a place between pages just before an event of which the index tells no key."""
    return str(Cursor(event.time, 0))


def _read(query: Query, hits: Sequence[Hit]) -> dict[int, SealedEvent]:
    """Read the events of hits from the log, those that lie near each other at once."""
    whole: dict[int, SealedEvent] = {}
    for run in _runs(sorted(hits, key=lambda one: (one.event.stream, one.event.position))):
        stream, start, end = run[0].event.stream, run[0].event.position, run[-1].event.position + 1
        rows = {row.index: row for row in query.log.rows(stream, start, end)}
        for hit in run:
            row = rows.get(hit.event.position)
            sealed = None if row is None else read_entry(stream, row)
            if sealed is None or sealed.event.id != hit.event.id:
                raise UnavailableError(
                    f"entry {hit.event.position} of stream {stream} is not the event that the index has there",
                    meaning="The index is not of this log.",
                    remedy="Rebuild it with 'ordertrail index build --anew'; check the log with 'ordertrail verify'.",
                )
            whole[hit.key] = sealed
    return whole


def _runs(hits: Sequence[Hit]) -> Iterator[list[Hit]]:
    """Yield hits that lie near each other in one log."""
    run: list[Hit] = []
    for hit in hits:
        if run and (
            hit.event.stream != run[-1].event.stream or hit.event.position - run[-1].event.position > _NEAR
        ):
            yield run
            run = []
        run.append(hit)
    if run:
        yield run
