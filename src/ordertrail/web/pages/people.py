"""People and services: who did how much, and whose changes moved money."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.filters.terms import Attempt, Sensitive, Term
from ordertrail.query.filters.when import When
from ordertrail.query.questions.facts import money_by_actor, ranking
from ordertrail.query.service import Query
from ordertrail.web.auth.admission import access_of, admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked, sees_whole_tenants
from ordertrail.web.pages.addresses import Address, address_of, explore_href, person_href
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Reading
from ordertrail.web.pages.regions import Region, Way, ask, denied, empty, filtered, ready
from ordertrail.web.pages.rendering import View, render
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
        said = f"actor:={quoted(actor)}"
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
