"""Parameters that several addresses take, each with its bounds and an example."""

from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import Header, Path, Query

from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import LONGEST
from ordertrail.query.ports import Cursor, Way
from ordertrail.query.questions.search import MOST, parse_cursor
from ordertrail.query.service import zone_of
from ordertrail.query.span import Span
from ordertrail.record.values import MAX_IDENTIFIER
from ordertrail.web.api.models.document import EVENT_ID, TIME
from ordertrail.web.api.models.found import CURSOR
from ordertrail.web.api.models.problem import Fault, ProblemKind
from ordertrail.web.api.problems import RefusedError

_NOT_ACCEPTABLE = HTTPStatus.NOT_ACCEPTABLE
_FIRST, _LAST = 1900, 2999
"""Years of a stretch of time: the calendar itself ends where zones and months reach beyond it."""
UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
STREAM = "^[a-z][a-z0-9-]{0,62}$"
PLAIN = "^[^\u0000-\u001f\u007f]*$"
"""Without control characters, which no id has."""

Asked = Annotated[
    str,
    Query(
        max_length=LONGEST,
        description="A filter, as in docs/reference/filters.md; without one, everything is meant.",
        examples=["actor:clerk-17 when:last-7-days lowered:unit_price>20%"],
    ),
]
Zone = Annotated[
    str,
    Query(
        max_length=64,
        description="Zone of the IANA database in which times of the filter are meant.",
        examples=["Europe/Berlin"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Events of a page.", examples=[50])]
Beyond = Annotated[
    str | None,
    Query(max_length=64, description="Go on at a place that an answer named.", examples=[CURSOR]),
]
EventId = Annotated[
    str,
    Path(pattern=UUID, description="The event's id, a UUID in lower case.", examples=[EVENT_ID]),
]
OrderId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=MAX_IDENTIFIER,
        pattern=PLAIN,
        description="The order's number; a slash in it is written %2F.",
        examples=["SO-1042"],
    ),
]
Tenant = Annotated[
    str | None,
    Query(
        max_length=MAX_IDENTIFIER,
        pattern=PLAIN,
        description="Whose order, where several have one of that number; empty for the one of no tenant.",
        examples=["main"],
    ),
]
Stream = Annotated[
    str, Query(pattern=STREAM, max_length=63, description="Which log of the trail.", examples=["default"])
]
Moment = Annotated[
    str, Query(max_length=40, description="A moment, RFC 3339 with any offset.", examples=[TIME])
]
Accept = Annotated[
    str, Header(max_length=1_000, description="Media types that are wanted.", include_in_schema=False)
]


class Towards(StrEnum):
    """Which way a page runs."""

    OLDER = "older"
    NEWER = "newer"


WayTo = Annotated[
    Towards,
    Query(description="Which way to go on from ``beyond``, or from the very end.", examples=["older"]),
]


def way_of(towards: Towards) -> Way:
    """Return a way as the index knows it."""
    return Way(towards.value)


def place(text: str | None) -> Cursor | None:
    """Read a place between pages. Refuses what is none, naming the parameter."""
    if text is None:
        return None
    try:
        return parse_cursor(text)
    except InputError as error:
        raise wrong("beyond", error.message) from None


def moment_of(text: str, parameter: str) -> datetime:
    """Read a moment. Refuses what is none, naming the parameter."""
    try:
        return parse_time(text)
    except ValueError as error:
        raise wrong(parameter, f"{text[:40]!r} {error}") from None


def span_of(start: str, end: str, zone: str) -> Span:
    """Read a stretch of time in a zone. Refuses one that does not end after it begins."""
    try:
        here = zone_of(zone)
    except InputError as error:
        raise wrong("zone", error.message) from None
    span = Span(moment_of(start, "start"), moment_of(end, "end"), here)
    for name, moment in (("start", span.start), ("end", span.end)):
        if not _FIRST <= moment.year <= _LAST:
            raise wrong(name, f"is of a year from {_FIRST} to {_LAST}")
    if span.end <= span.start:
        raise wrong("end", "a stretch of time ends after it begins")
    return span


def wrong(parameter: str, detail: str) -> RefusedError:
    """Return the refusal of a parameter."""
    return RefusedError(
        ProblemKind.INPUT, f"{parameter}: {detail}", errors=[Fault(detail=detail, parameter=parameter)]
    )


def accepts(accept: str, offered: tuple[str, ...]) -> str:
    """Return which of the media types offered is wanted most (RFC 9110 section 12.5.1); the first where all are alike.

    Refuses where none of them is wanted.
    """
    best: tuple[float, int] | None = None
    chosen = ""
    ranges = [_range(one) for one in accept.split(",") if one.strip()] or [("*/*", 1.0)]
    for position, kind in enumerate(offered):
        weights = [
            (specific, weight)
            for specific, weight in ((_fits(kind, wanted), weight) for wanted, weight in ranges)
            if specific
        ]
        weight = max(weights)[1] if weights else 0.0
        if weight > 0 and (best is None or (weight, -position) > best):
            best, chosen = (weight, -position), kind
    if best is None:
        raise RefusedError(
            ProblemKind.MEDIA, f"what can be had is {', '.join(offered)}", status=_NOT_ACCEPTABLE
        )
    return chosen


def _range(text: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return kind, min(1.0, max(0.0, float(weight)))
    except ValueError:
        return kind, 0.0


def _fits(kind: str, wanted: str) -> int:
    """Return how exactly a media range means a type: 3 by its name, 2 by its family, 1 as anything, 0 not at all."""
    if wanted == kind:
        return 3
    if wanted == kind.partition("/")[0] + "/*":
        return 2
    return int(wanted == "*/*")
