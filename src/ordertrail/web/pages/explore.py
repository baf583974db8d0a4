"""Explore: a sentence that says what is asked, facets, when it was, and the events, each with its drawer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.numbers import count
from ordertrail.query.filters.grammar import Filter, format_filter
from ordertrail.query.filters.terms import Term as Condition
from ordertrail.query.filters.when import When
from ordertrail.query.ports import Hit
from ordertrail.query.ports import Way as Direction
from ordertrail.query.questions.histogram import histogram
from ordertrail.query.questions.search import Page, parse_cursor, search
from ordertrail.query.questions.sums import sums_of
from ordertrail.query.questions.walking import walk
from ordertrail.query.service import Query
from ordertrail.query.span import Span
from ordertrail.services import Services
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.addresses import Address, address_of
from ordertrail.web.pages.charts import Chart, draw, step_for
from ordertrail.web.pages.event import EventView, event_view, sealed_event
from ordertrail.web.pages.facets import FacetShown, shown_facets
from ordertrail.web.pages.groups import BY, Groups, grouped
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Reading, read_time
from ordertrail.web.pages.regions import Content, Region, Way, ask, empty, filtered, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import EventRow, Links, rows_of_hits
from ordertrail.web.pages.shell import reading_for, services_of

ROWS: Final = 50
"""Events of a page."""
COUNTED: Final = 10_000
"""Events up to which they are counted one by one; of more, it is said that there are more."""
_WALKED: Final = 2_000
"""Events whose money is added up; of more, the newest, and it is said."""

_NAMES: Final = ("q", "by", "before", "after", "open")
_PRESETS: Final = (
    ("Any time", ""),
    ("Last hour", "last-60-minutes"),
    ("Today", "today"),
    ("Yesterday", "yesterday"),
    ("Last 7 days", "last-7-days"),
    ("This month", "this-month"),
    ("Last month", "last-month"),
    ("Last 90 days", "last-90-days"),
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the filter in words, and the address without it."""

    words: str
    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Preset:
    """A stretch of time that is offered, or a way to put the events together."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """What the events changed money by, in one currency."""

    currency: str
    raised: str
    lowered: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How many events are meant, of how many orders, and what they moved."""

    events: str
    orders: str
    moved: tuple[Moved, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Found:
    """A page of events."""

    rows: tuple[EventRow, ...]
    links: Links
    open: str


@dataclass(frozen=True, slots=True)
class Explore:
    """What the page shows. ``summary_comes`` with the groups: both add up the same events, which are read once."""

    text: str
    sentence: str
    problems: tuple[Problem, ...]
    terms: tuple[Term, ...]
    presets: tuple[Preset, ...]
    summary: Region[Summary]
    summary_comes: bool
    chart: Region[Chart]
    facets: Region[tuple[FacetShown, ...]]
    ways: tuple[Preset, ...]
    groups: Region[Groups] | None
    found: Region[Found]
    drawer: EventView | None
    here: str
    may_save: bool
    export_href: str
    """Where these events are exported; empty where the reader may not, or the filter is wrong."""
    case_href: str
    """Where these events are taken into a case, or a sample of them; empty where they cannot be."""


@router.get("/explore", include_in_schema=False)
def explore(request: Request, who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))]) -> Response:
    """Show the events that a filter means."""
    services, reading = services_of(request), reading_for(request)
    here = address_of(request, _NAMES)
    problems: tuple[Problem, ...] = ()
    try:
        meant = services.query.parse(here.get("q"), str(reading.zone))
    except InputError as error:
        meant, problems = Filter(), error.problems
    page = _Asked(services, who, reading, here, meant, request).page(problems)
    if "region" not in request.query_params and not problems:
        rows = page.found.content.rows if page.found.content else ()
        observe(request, who, "evidence.search", "search", "explore", meant.sentence(), [("hits", len(rows))])
    return render(request, who, View("explore.html", "Explore", here.get("q")), page)


class _Asked:
    """One request for the page: its filter, its reader, and which of its regions are wanted."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a question is made of
        self,
        services: Services,
        who: Principal,
        reading: Reading,
        here: Address,
        meant: Filter,
        request: Request,
    ) -> None:
        self._services = services
        self._query: Query = asked(request, who)
        self._who = who
        self._reading = reading
        self._here = here
        self._meant = meant
        self._only = request.query_params.get("region")
        self._all = "show" in request.query_params

    def page(self, problems: tuple[Problem, ...]) -> Explore:
        """Return the page, with those of its regions that are wanted."""
        fresh = self._here.with_(before=None, after=None, open=None)
        grouping = self._here.get("by") in BY
        return Explore(
            text=self._here.get("q"),
            sentence=self._meant.sentence(),
            problems=problems,
            terms=tuple(self._term(one) for one in self._meant.terms),
            presets=tuple(self._presets(fresh)),
            summary=self._lazy("Totals", "groups" if grouping else "summary", self._summary),
            summary_comes=grouping,
            chart=self._lazy("When", "chart", self._chart),
            facets=self._lazy("Narrow down", "facets", self._facets),
            ways=tuple(self._ways(fresh)),
            groups=self._lazy("Groups", "groups", self._groups) if grouping else None,
            found=self._rows() if self._only is None else loading("Events", ""),
            drawer=self._drawer() if self._only is None else None,
            here=str(fresh),
            may_save=self._who.may(Verb.VIEWS_WRITE),
            export_href="" if problems else self._export_href(),
            case_href=self._case_href() if not problems else "",
        )

    def _case_href(self) -> str:
        writes = self._who.may(Verb.CASES_WRITE) and self._services.evidence is not None
        meant = format_filter(self._meant)
        return str(Address("/cases", (("criteria", meant),))) if writes and meant else ""

    def _export_href(self) -> str:
        may = self._who.may(Verb.EXPORTS_MAKE)
        return "/exports?" + urlencode({"q": self._here.get("q")}) if may else ""

    def _lazy(
        self, name: str, region: str, question: Callable[[str, str], Region[Content]]
    ) -> Region[Content]:
        href = str(self._here.with_(region=region))
        if self._only != region and not self._all:
            return loading(name, href)
        return ask(name, lambda: question(name, href), href)

    def _asked(self, filter_: Filter) -> str:
        fresh = self._here.with_(before=None, after=None, open=None)
        return str(fresh.with_(q=format_filter(filter_)))

    def _term(self, term: Condition) -> Term:
        return Term(term.words(), term.text(), self._asked(self._meant.without(term)))

    def _presets(self, fresh: Address) -> list[Preset]:
        others = Filter(tuple(term for term in self._meant.terms if not isinstance(term, When)))
        phrases = [term.phrase for term in self._meant.terms if isinstance(term, When)]
        rest = format_filter(others)
        return [
            Preset(
                label,
                str(fresh.with_(q=f"{rest} when:{phrase}".strip() if phrase else rest)),
                phrases == [phrase] if phrase else not phrases,
            )
            for label, phrase in _PRESETS
        ]

    def _ways(self, fresh: Address) -> Iterator[Preset]:
        """Yield the ways to put the events together, and the one that is none."""
        chosen = self._here.get("by") if self._here.get("by") in BY else ""
        for name, label in (("", "not at all"), *((name, by.label) for name, by in BY.items())):
            yield Preset(label, str(fresh.with_(by=name or None)), chosen == name)

    def _groups(self, name: str, href: str) -> Region[Groups]:
        fresh = self._here.with_(before=None, after=None, open=None, by=None)

        def link(term: str) -> str:
            return str(fresh.with_(q=f"{self._here.get('q')} {term}".strip()))

        found = grouped(self._newest, BY[self._here.get("by")], self._reading, link, _WALKED)
        return ready(name, found, href=href) if found.rows else filtered(name, "Nothing to put together", ())

    @cached_property
    def _newest(self) -> list[Hit]:
        """The newest events that are meant: walked once for all that adds them up."""
        return list(walk(self._query.searches, self._meant, _WALKED, Direction.OLDER))

    def _rows(self) -> Region[Found]:
        return ask("Events", self._found, str(self._here))

    def _found(self) -> Region[Found]:
        before, after = self._here.get("before"), self._here.get("after")
        beyond = parse_cursor(after or before) if after or before else None
        way = Direction.NEWER if after else Direction.OLDER
        answer = self._query.answer(
            lambda: search(self._query.searches, self._meant, limit=ROWS, beyond=beyond, way=way)
        )
        page = answer.value
        if not page.hits:
            return self._nothing()
        rows = rows_of_hits(self._query, page.hits, self._reading)
        return ready(
            "Events", Found(rows, self._links(page), self._here.get("open")), answer.lag, str(self._here)
        )

    def _nothing(self) -> Region[Found]:
        if not self._meant.terms and not self._here.get("before"):
            return empty(
                "Events",
                "Nothing has been recorded yet",
                "Events show here as soon as they are sealed. Connect an application or a channel to begin.",
                (Way("How to begin", "/help#begin"),),
            )
        ways = [
            Way(f"Without “{term.text}”", term.without)
            for term in (self._term(one) for one in self._meant.terms)
        ]
        return filtered(
            "Events",
            f"No event is among: {self._meant.sentence()[0].lower()}{self._meant.sentence()[1:]}",
            (*ways[:6], Way("Remove the whole filter", "/explore")),
        )

    def _links(self, page: Page) -> Links:
        fresh = self._here.with_(before=None, after=None, open=None)
        first, last = page.hits[0].event.time, page.hits[-1].event.time
        note = f"{count(len(page.hits), 'event')}: {self._reading.moment(first).whole} back to "
        return Links(
            str(fresh.with_(after=str(page.newer))) if page.newer else "",
            str(fresh.with_(before=str(page.older))) if page.older else "",
            note + self._reading.moment(last).whole,
        )

    def _summary(self, name: str, href: str) -> Region[Summary]:
        sums = sums_of(hit.event for hit in self._newest)
        all_of_them = sums.events < _WALKED
        events = sums.events if all_of_them else self._query.searches.count(self._meant, COUNTED + 1)
        raised, lowered = sums.raised, sums.lowered
        moved = tuple(
            Moved(
                currency,
                self._reading.change(raised[currency], currency) if raised[currency] else "",
                self._reading.change(lowered[currency], currency) if lowered[currency] else "",
            )
            for currency in sorted(raised.keys() | lowered.keys())
        )
        many = events > sums.events
        told = Summary(
            f"{COUNTED:,}+ events" if events > COUNTED else count(events, "event"),
            f"{count(len(sums.orders), 'order')}{' or more' if many else ''}",
            moved,
            f"Orders and money are of the newest {sums.events:,}." if many else "",
        )
        return ready(name, told, href=href)

    def _facets(self, name: str, href: str) -> Region[tuple[FacetShown, ...]]:
        found = shown_facets(self._query, self._meant, self._asked)
        return ready(name, found, href=href)

    def _chart(self, name: str, href: str) -> Region[Chart]:
        span = span_of(self._query, self._meant, self._reading)
        if span is None:
            return filtered(name, "Nothing to draw", ())
        step = step_for(span)
        rest = Filter(tuple(term for term in self._meant.terms if not isinstance(term, When)))
        bars = histogram(self._query.counts, self._meant, span, step)
        words = format_filter(rest)
        fresh = self._here.with_(before=None, after=None, open=None, q=None)

        def link(term: str) -> str:
            return str(fresh.with_(q=f"{words} {term}".strip()))

        return ready(name, draw(bars, span, step, self._reading, link), href=href)

    def _drawer(self) -> EventView | None:
        event = self._here.get("open")
        if not event:
            return None
        sealed = sealed_event(self._services, self._who, event)
        return event_view(
            self._query, sealed, self._reading, beside=False, close=str(self._here.with_(open=None))
        )


def span_of(query: Query, meant: Filter, reading: Reading) -> Span | None:
    """Return the time that a filter means, its open ends closed by the first and the last event; None without any."""
    times = [term for term in meant.terms if isinstance(term, When)]
    starts = [term.start for term in times if term.start is not None]
    ends = [term.end for term in times if term.end is not None]
    start = max(starts) if starts else edge_of(query, Direction.NEWER)
    last = min(ends) if ends else edge_of(query, Direction.OLDER)
    if start is None or last is None:
        return None
    end = last if ends else last + timedelta(seconds=1)
    end = max(end, start + timedelta(minutes=1))
    return Span(start, end, reading.zone)


def edge_of(query: Query, way: Direction) -> datetime | None:
    """Return when the first event (or the last) that a reader may see happened."""
    hits = query.searches.page(Filter(), 1, None, way)
    return read_time(hits[0].event.time) if hits else None
