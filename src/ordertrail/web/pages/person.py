"""One person or service: the usual pattern, approvals given and got, what matters and what was last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.filters.terms import Is, Sensitive
from ordertrail.query.ports import Counted
from ordertrail.query.ports import Way as Direction
from ordertrail.query.questions.actors import Profile, actor_profile
from ordertrail.query.service import Query
from ordertrail.query.span import Span
from ordertrail.web.auth.admission import access_of, admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked, sees_whole_tenants
from ordertrail.web.pages.addresses import explore_href, order_href, person_href
from ordertrail.web.pages.duties import DutiesShown, duties_shown
from ordertrail.web.pages.explore import span_of
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading, read_time
from ordertrail.web.pages.regions import Content, Region, ask, denied, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import EventRow, rows_of_hits
from ordertrail.web.pages.shell import reading_for

_LATEST: Final = 10
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LEVELS: Final = 4

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a week: how much was done in it, from 0 to 4, and in words."""

    level: int
    label: str


@dataclass(frozen=True, slots=True)
class WeekDay:
    """A day of the pattern."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A value with its number of events, which it leads to."""

    label: str
    events: str
    href: str


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """What somebody's changes came to in one currency, up and down."""

    currency: str
    raised: str
    lowered: str
    events: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """What somebody does as a rule."""

    events: str
    attempts: str
    attempts_href: str
    week: tuple[WeekDay, ...]
    week_words: str
    actions: tuple[Part, ...]
    money: tuple[MoneyRow, ...]
    sessions: tuple[Part, ...]
    addresses: tuple[Part, ...]
    orders: tuple[Part, ...]
    peers: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PersonPage:
    """What the page of one shows. ``name`` is empty where the reader does not see identities."""

    id: str
    name: str
    kind: str
    roles: tuple[str, ...]
    first: Moment
    last: Moment
    span: str
    pattern: Region[Pattern]
    duties: Region[DutiesShown]
    sensitive: tuple[EventRow, ...]
    latest: tuple[EventRow, ...]
    explore_href: str
    sensitive_href: str


@router.get("/people/{actor:path}", include_in_schema=False)
def person(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.ACTIVITY_READ))], actor: str
) -> Response:
    """Show one who acted."""
    query, reading = asked(request, who), reading_for(request)
    theirs = Filter((Is("actor", (actor,), exact=True),))
    latest = query.searches.page(theirs, _LATEST, None, Direction.OLDER)
    if not latest:
        raise InputError(
            f"nobody called {actor[:80]} has done anything", remedy="Look for them among all people."
        )
    first = query.searches.page(theirs, 1, None, Direction.NEWER)[0]
    matters = query.searches.page(theirs.with_(Sensitive()), _LATEST, None, Direction.OLDER)
    span = span_of(query, theirs, reading) or Span(reading.now, reading.now + timedelta(days=1), reading.zone)
    own = Span(reading_start(first.event.time, reading), span.end, reading.zone)
    said = f"actor:={quoted(actor)}"
    names = access_of(request).names() if who.sees_identities else {}
    page = PersonPage(
        id=actor,
        name=names.get(actor, ""),
        kind=latest[0].event.actor_kind,
        roles=tuple(dict.fromkeys(m.value for hit in latest for m in hit.event.marks if m.kind == "role")),
        first=reading.moment(first.event.time),
        last=reading.moment(latest[0].event.time),
        span=reading.span(own.start, own.end),
        pattern=_pattern_of(request, query, who, actor, own),
        duties=_lazy(
            request, "Approvals given and got", actor, "duties", lambda name: duties_shown(query, actor, name)
        ),
        sensitive=rows_of_hits(query, matters, reading),
        latest=rows_of_hits(query, latest, reading),
        explore_href=explore_href(said),
        sensitive_href=explore_href(f"{said} is:sensitive"),
    )
    if "region" not in request.query_params:
        observe(request, who, "evidence.read", "person", actor)
    return render(request, who, View("person.html", actor, actor), page)


def reading_start(time: int, reading: Reading) -> datetime:
    """Return a moment in the reader's zone."""
    return read_time(time).astimezone(reading.zone)


def _pattern_of(request: Request, query: Query, who: Principal, actor: str, span: Span) -> Region[Pattern]:
    """Return what somebody usually does; later, where the page itself is asked for."""
    name, reading = "Usual pattern", reading_for(request)
    if not sees_whole_tenants(who.scope):
        return denied(name, "see counts over whole tenants", str(Verb.ACTIVITY_READ), ("a wider scope",))

    def question(_name: str) -> Region[Pattern]:
        answer = query.answer(lambda: actor_profile(query.counts, actor, span))
        return ready(name, _pattern(answer.value, query, reading), answer.lag, person_href(actor))

    return _lazy(request, name, actor, "pattern", question)


def _lazy(
    request: Request, name: str, actor: str, key: str, question: Callable[[str], Region[Content]]
) -> Region[Content]:
    """Return a part of the page; later, where the page itself is asked for."""
    href = f"{person_href(actor)}?region={key}"
    if request.query_params.get("region") != key and "show" not in request.query_params:
        return loading(name, href)
    return ask(name, lambda: question(name), href)


def _pattern(profile: Profile, query: Query, reading: Reading) -> Pattern:
    said = f"actor:={quoted(profile.actor)}"
    peak = max((events for row in profile.hours for events in row), default=0)
    sums: dict[str, tuple[int, int, int]] = {}
    for one in profile.money:
        raised, lowered, events = sums.get(one.currency, (0, 0, 0))
        sums[one.currency] = (raised + one.raised, lowered + abs(one.lowered), events + one.events)
    return Pattern(
        events=f"{profile.events:,}",
        attempts=f"{profile.attempts:,}",
        attempts_href=explore_href(f"{said} is:attempt"),
        week=tuple(
            WeekDay(
                name,
                tuple(Cell(_level(n, peak), f"{name} {hour:02d}:00: {n:,}") for hour, n in enumerate(row)),
            )
            for name, row in zip(_DAYS, profile.hours, strict=True)
        ),
        week_words=_busiest(profile),
        actions=tuple(
            Part(
                query.actions[str(one.value)].phrase if one.value in query.actions else str(one.value),
                f"{one.events:,}",
                explore_href(f"{said} action:{one.value}"),
            )
            for one in profile.actions[:12]
        ),
        money=tuple(
            MoneyRow(
                unit,
                reading.change(raised, unit) if raised else "",
                reading.change(-lowered, unit) if lowered else "",
                count(events, "event"),
            )
            for unit, (raised, lowered, events) in sorted(sums.items())
        ),
        sessions=_parts(profile.sessions, "session", said),
        addresses=_parts(profile.addresses, "ip", said),
        orders=tuple(
            Part(str(o.value), f"{o.events:,}", order_href(str(o.value))) for o in profile.orders[:12]
        ),
        peers=tuple(
            Part(str(o.value), f"{o.events:,}", person_href(str(o.value))) for o in profile.peers[:12]
        ),
    )


def _parts(values: tuple[Counted, ...], field: str, said: str) -> tuple[Part, ...]:
    return tuple(
        Part(
            str(one.value),
            f"{one.events:,}",
            "/explore?q=" + quote(f"{said} {field}:={quoted(str(one.value))}"),
        )
        for one in values[:8]
    )


def _level(events: int, peak: int) -> int:
    return 0 if not events else max(1, min(_LEVELS, -(-events * _LEVELS // peak)))


def _busiest(profile: Profile) -> str:
    """Return the pattern as a sentence: what a picture of hours says to whoever cannot see it."""
    cells = [(n, day, hour) for day, row in enumerate(profile.hours) for hour, n in enumerate(row) if n]
    if not cells:
        return "No event by the clock."
    n, day, hour = max(cells)
    hours = sorted({hour for _, _, hour in cells})
    night = sum(n for n, _, hour in cells if hour < 6 or hour >= 22)
    return (
        f"Most on {_DAYS[day]} from {hour:02d}:00 ({n:,}); between {hours[0]:02d}:00 and {hours[-1]:02d}:59 in all; "
        f"{night:,} between 22:00 and 06:00."
    )
