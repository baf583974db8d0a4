"""People and services: who did how much, and whose changes moved money; and one of them, with the usual pattern."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Is, Sensitive, Term
from ordertrail.query.filters.when import When
from ordertrail.query.ports import Counted
from ordertrail.query.ports import Way as Direction
from ordertrail.query.questions.actors import Profile, actor_profile
from ordertrail.query.questions.facts import money_by_actor, ranking
from ordertrail.query.service import Query
from ordertrail.query.span import Span
from ordertrail.web.auth.admission import access_of, admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked, sees_whole_tenants
from ordertrail.web.pages.addresses import Address, address_of, explore_href, order_href, person_href
from ordertrail.web.pages.explore import span_of
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading, read_time
from ordertrail.web.pages.regions import Region, Way, ask, denied, empty, filtered, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import EventRow, rows_of_hits
from ordertrail.web.pages.shell import reading_for

_MOST: Final = 100
_LATEST: Final = 10
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LEVELS: Final = 4
_TIMES: Final = (
    ("All time", ""),
    ("Today", "today"),
    ("Last 7 days", "last-7-days"),
    ("Last 30 days", "last-30-days"),
    ("This year", "this-year"),
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """A stretch of time that is offered."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Who acted: how much, of it what matters, and what their changes moved."""

    id: str
    name: str
    href: str
    events: str
    events_href: str
    days: str
    sensitive: str
    sensitive_href: str
    attempts: str
    attempts_href: str
    money: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """What the page of all shows."""

    times: tuple[Choice, ...]
    people: Region[tuple[PersonRow, ...]]


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
    sensitive: tuple[EventRow, ...]
    latest: tuple[EventRow, ...]
    explore_href: str
    sensitive_href: str


@router.get("/people", include_in_schema=False)
def people(request: Request, who: Annotated[Principal, Depends(admit(Verb.ACTIVITY_READ))]) -> Response:
    """Show who acted."""
    query, reading = asked(request, who), reading_for(request)
    here = address_of(request, ("when",))
    when = here.get("when")
    try:
        meant = query.parse(f"when:{when}" if when else "")  # days are of UTC, as rollups count them
    except InputError:
        meant, when = Filter(), ""
    names = access_of(request).names() if who.sees_identities else {}
    found = (
        ask("People and services", lambda: _people(query, meant, names, reading), str(here))
        if sees_whole_tenants(who.scope)
        else denied(
            "People and services",
            "see counts over whole tenants",
            str(Verb.ACTIVITY_READ),
            ("a wider scope",),
        )
    )
    times = tuple(
        Choice(label, str(Address("/people").with_(when=phrase)), phrase == when) for label, phrase in _TIMES
    )
    observe(request, who, "evidence.read", "people", "people", meant.sentence())
    return render(request, who, View("people.html", "People"), PeoplePage(times, found))


def _people(
    query: Query, meant: Filter, names: Mapping[str, str], reading: Reading
) -> Region[tuple[PersonRow, ...]]:
    days = _whole_days(meant)
    answer = query.answer(lambda: ranking(query.counts, days, ("actor",), _MOST))
    if not answer.value:
        if meant.terms:
            return filtered(
                "People and services", "Nobody did anything in this time", (Way("All time", "/people"),)
            )
        return empty("People and services", "Nobody has done anything yet")
    sensitive = {
        one.key[0]: one.events for one in ranking(query.counts, days.with_(Sensitive()), ("actor",), 10_000)
    }
    attempts = {
        one.key[0]: one.events for one in ranking(query.counts, days.with_(Attempt()), ("actor",), 10_000)
    }
    money: dict[str, list[str]] = {}
    for one in money_by_actor(query.counts, days):
        if one.lowered:
            money.setdefault(one.actor, []).append(reading.change(-abs(one.lowered), one.currency))
        if one.raised:
            money.setdefault(one.actor, []).append(reading.change(one.raised, one.currency))
    rows = []
    for ranked in answer.value:
        actor = ranked.key[0]
        said = f'actor:="{actor}"'
        rows.append(
            PersonRow(
                actor,
                names.get(actor, ""),
                person_href(actor),
                f"{ranked.events:,}",
                explore_href(said),
                f"{ranked.days:,}",
                f"{sensitive.get(actor, 0):,}",
                explore_href(f"{said} is:sensitive"),
                f"{attempts.get(actor, 0):,}",
                explore_href(f"{said} is:attempt"),
                tuple(money.get(actor, ())),
            )
        )
    return ready("People and services", tuple(rows), answer.lag, "/people")


def _whole_days(meant: Filter) -> Filter:
    """Return a filter whose times begin and end at midnight of UTC: what is counted by day knows no less."""
    terms: list[Term] = []
    for term in meant.terms:
        if isinstance(term, When) and term.start is not None and term.end is not None:
            start = term.start.replace(hour=0, minute=0, second=0, microsecond=0)
            last = term.end + timedelta(days=1) - timedelta(microseconds=1)
            terms.append(When("", start, last.replace(hour=0, minute=0, second=0, microsecond=0)).fixed())
        else:
            terms.append(term)
    return Filter(tuple(terms))


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
    said = f'actor:="{actor}"'
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
    href = f"{person_href(actor)}?region=pattern"
    if request.query_params.get("region") != "pattern" and "show" not in request.query_params:
        return loading(name, href)

    def question() -> Region[Pattern]:
        answer = query.answer(lambda: actor_profile(query.counts, actor, span))
        return ready(name, _pattern(answer.value, query, reading), answer.lag, person_href(actor))

    return ask(name, question, href)


def _pattern(profile: Profile, query: Query, reading: Reading) -> Pattern:
    said = f'actor:="{profile.actor}"'
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
                f"{events:,}",
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
        Part(str(one.value), f"{one.events:,}", "/explore?q=" + quote(f'{said} {field}:="{one.value}"'))
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
