"""Events that were found, as documents: whole, read from the log, with what they say in a sentence."""

from collections.abc import Mapping, Sequence

from ordertrail.query.entries import SealedEvent
from ordertrail.query.feeding import Lag
from ordertrail.query.ports import Cursor, Hit
from ordertrail.query.projection import Indexed
from ordertrail.query.service import Query
from ordertrail.record.actions import Action
from ordertrail.record.sentence import sentence
from ordertrail.web.api.models.document import Lag as LagDocument
from ordertrail.web.api.models.event import event_document
from ordertrail.web.api.models.found import Found


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
    whole = query.read_all(hits)
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
        intact=one.intact,
        cursor=cursor,
        event=event_document(one.event),
    )


def place_before(event: Indexed) -> str:
    """Return a place between pages just before an event of which the index tells no key."""
    return str(Cursor(event.time, 0))
