"""What is out of the ordinary, for the Overview: work at hours when nobody works, and days unlike the days before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ordertrail.kernel.numbers import count
from ordertrail.monitor.rules.expression import All, Either, Node, Not
from ordertrail.monitor.rules.hours import OutsideHours
from ordertrail.monitor.rules.rule import Detection
from ordertrail.monitor.rules.rulebook import shipped_rules
from ordertrail.monitor.service import Monitor
from ordertrail.query.filters.grammar import Filter, format_filter
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.filters.terms import Is, Sensitive
from ordertrail.query.filters.terms import Not as AllBut
from ordertrail.query.ports import Way as Direction
from ordertrail.query.questions.closing import BusinessHours, Closed, off_hours
from ordertrail.query.questions.facts import ranking
from ordertrail.query.questions.usual import (
    LEAST,
    LOOKED,
    DayAsked,
    Mover,
    Usual,
    comparable_days,
    midnight,
    movers,
)
from ordertrail.query.service import Query
from ordertrail.query.span import Span
from ordertrail.web.pages.addresses import explore_href, person_href
from ordertrail.web.pages.charts import when_of
from ordertrail.web.pages.explore import edge_of
from ordertrail.web.pages.reading import Reading
from ordertrail.web.pages.regions import Region, Way, empty, ready
from ordertrail.web.pages.telling import channel_words

_ONE_DAY: Final = timedelta(days=1)
_DAYS: Final = 30
_SHOWN: Final = 6
_WHO: Final = 3
_LOOKED: Final = 5_000
_ACTORS: Final = 60
"""Actors, by how much they did that matters, of which it is asked whether they are people."""
_DEFAULT: Final = OutsideHours("UTC", 6 * 60, 20 * 60, (0, 1, 2, 3, 4, 5))
_COLUMNS: Final = {"actor": "who", "channel": "channel"}


@dataclass(frozen=True, slots=True)
class Part:
    """Whose events they mostly are."""

    actor: str
    events: str
    href: str


@dataclass(frozen=True, slots=True)
class ClosedRow:
    """A night or a weekend, its events, and how many it has as a rule."""

    when: str
    events: str
    href: str
    usual: str
    above: bool
    who: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class OffHours:
    """What happened outside business hours: in a sentence, the stretches with the most, and all others."""

    sentence: str
    basis: str
    rows: tuple[ClosedRow, ...]
    others: tuple[ClosedRow, ...]


@dataclass(frozen=True, slots=True)
class MoverRow:
    """A value with a day unlike the days before. ``word`` says how: above, below, or never before.

    ``column`` says what it is a value of; of an action it is the action itself, whose words alone say too little.
    """

    column: str
    value: str
    value_href: str
    day: str
    events: str
    href: str
    usual: str
    word: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Movers:
    """What lay outside its usual range, the farthest first."""

    sentence: str
    rows: tuple[MoverRow, ...]


def off_hours_shown(query: Query, monitor: Monitor | None, reading: Reading, name: str) -> Region[OffHours]:
    """Return what people did that matters while nobody was to be at work, in the last thirty days with events."""
    first, last = edge_of(query, Direction.NEWER), edge_of(query, Direction.OLDER)
    if first is None or last is None:
        return empty(name, "Nothing has been recorded yet", "", (Way("How to begin", "/help#begin"),))
    hours, basis = business_hours(monitor)
    end = midnight(last) + _ONE_DAY
    span = Span(max(end - _DAYS * _ONE_DAY, midnight(first)), end, reading.zone)
    meant = _by_people(query, span)
    known = BusinessHours(ZoneInfo(hours.zone), hours.begin, hours.end, frozenset(hours.days))
    answer = query.answer(lambda: off_hours(query.counts, meant, span, known))
    some = [one for one in answer.value if one.events]
    if not some:
        return empty(name, "Nobody did anything that matters outside business hours", basis)
    ranked = sorted(some, key=lambda one: (not one.above, -one.events, one.span.start))
    total = sum(one.events for one in some)
    told = OffHours(
        f"{count(total, 'sensitive event')} by people {hours.words()}, since {reading.day(span.start)}.",
        basis,
        tuple(_closed(one, query, meant, reading) for one in ranked[:_SHOWN]),
        tuple(_closed(one, query, meant, reading, who=False) for one in ranked[_SHOWN:]),
    )
    return ready(name, told, answer.lag, "/?region=offhours")


def business_hours(monitor: Monitor | None) -> tuple[OutsideHours, str]:
    """Return the hours that the rules in force name, those of the house's own rules first; and where they stand."""
    shipped = {rule.about.id for rule in shipped_rules()}
    rules = monitor.rules().rules if monitor is not None else ()
    for rule in sorted(rules, key=lambda one: one.about.id in shipped):
        if isinstance(rule, Detection):
            for hours in _hours_of(rule.node):
                return hours, f"Business hours are those of the rule “{rule.about.title}”."
    return _DEFAULT, "No rule in force names business hours; these are taken."


def _hours_of(node: Node) -> Iterator[OutsideHours]:
    match node:
        case OutsideHours():
            yield node
        case All(parts=parts) | Either(parts=parts):
            for part in parts:
                yield from _hours_of(part)
        case Not(part=part):
            yield from _hours_of(part)
        case _:
            return


def _by_people(query: Query, span: Span) -> Filter:
    """Return the filter of what matters without the services that are busiest with it: rollups know no kinds."""
    sensitive = Filter((Sensitive(),))
    machines = tuple(
        one.key[0]
        for one in ranking(query.counts, sensitive.with_(span.term()), ("actor",), _ACTORS)
        if _is_machine(query, one.key[0])
    )
    return sensitive.with_(AllBut(Is("actor", machines, exact=True))) if machines else sensitive


def _is_machine(query: Query, actor: str) -> bool:
    hits = query.searches.page(Filter((Is("actor", (actor,), exact=True),)), 1, None, Direction.OLDER)
    return bool(hits) and hits[0].event.actor_kind != "person"


def _closed(one: Closed, query: Query, meant: Filter, reading: Reading, *, who: bool = True) -> ClosedRow:
    during = meant.with_(one.span.term())
    people = query.counts.tally(during, ("actor",), _WHO, _LOOKED)["actor"].values if who else ()
    when = when_of(one.span.start, one.span.end)
    return ClosedRow(
        _stretch(one.span, reading),
        f"{one.events:,}",
        explore_href(format_filter(during)),
        _usual(one.usual),
        one.above,
        tuple(
            Part(
                str(found.value),
                f"{found.events:,}",
                explore_href(f"is:sensitive actor:={quoted(str(found.value))} {when}"),
            )
            for found in people
        ),
    )


def _stretch(span: Span, reading: Reading) -> str:
    """Return a stretch as people say it: ``Fri 20 Nov, 20:00 to Sat 21 Nov, 06:00 UTC``."""
    start, end = (moment.astimezone(reading.zone) for moment in (span.start, span.end))
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a} {end.day} {end:%b}, {end:%H:%M}"
    return f"{start:%a} {start.day} {start:%b}, {start:%H:%M} to {until} {end.tzname()}"


def _usual(usual: Usual | None) -> str:
    if usual is None:
        return "too few to say"
    return f"{usual.low:,}" if usual.low == usual.high else f"{usual.low:,} to {usual.high:,}"


def movers_shown(query: Query, reading: Reading, name: str) -> Region[Movers]:
    """Return whose, what and which channel's number of events is outside its usual range, today and yesterday."""
    first, last = edge_of(query, Direction.NEWER), edge_of(query, Direction.OLDER)
    if first is None or last is None:
        return empty(name, "Nothing has been recorded yet", "", (Way("How to begin", "/help#begin"),))
    asked = _asked(last, reading.now)
    if all(len(comparable_days(one.start, first)) < LEAST for one in asked):
        return empty(
            name,
            "Too early to say what is usual",
            f"A day is held against days of its kind in the {LOOKED} days before; it takes {LEAST} of them.",
        )
    answer = query.answer(lambda: movers(query.counts, asked, first))
    days = " and ".join(_day(one.start, reading) for one in asked)
    if not answer.value:
        return empty(
            name, f"{days}: all within their usual range", "Days of UTC, held against days of their kind."
        )
    more = len(answer.value) - _SHOWN
    told = Movers(
        f"{days}, days of UTC, each held against days of its kind in the {LOOKED} days before."
        + (f" The {_SHOWN} farthest outside of {len(answer.value):,}." if more > 0 else ""),
        tuple(_mover(one, query, reading) for one in answer.value[:_SHOWN]),
    )
    return ready(name, told, answer.lag, "/?region=unusual")


def _asked(last: datetime, now: datetime) -> Sequence[DayAsked]:
    """Return today, as far as it is, and yesterday; of a trail that ended before, its last day."""
    today = midnight(now)
    if midnight(last) < today - _ONE_DAY:
        return (DayAsked(midnight(last), over=True),)
    return (DayAsked(today, over=False), DayAsked(today - _ONE_DAY, over=True))


def _day(day: datetime, reading: Reading) -> str:
    back = (midnight(reading.now) - day).days
    return {0: "Today so far", 1: "yesterday"}.get(back, f"{day:%a} {reading.day(day)}")


def _mover(one: Mover, query: Query, reading: Reading) -> MoverRow:
    new = one.usual.most == 0
    word = "never before" if new else "above" if one.above else "below"
    term = f"{one.column}:={quoted(one.value)}"
    return MoverRow(
        one.value if one.column == "action" else _COLUMNS[one.column],
        _spoken(one, query),
        person_href(one.value) if one.column == "actor" else explore_href(term),
        _day(one.day, reading).capitalize(),
        f"{one.events:,}",
        explore_href(f"{term} {when_of(one.day, one.day + _ONE_DAY)}"),
        "none" if new else _usual(one.usual),
        word,
        "bad" if one.above else "wait",
        "flag" if one.above else "circle-minus",
    )


def _spoken(one: Mover, query: Query) -> str:
    """Return a value in words: an action by its phrase, a channel by its name."""
    match one.column:
        case "action":
            return query.actions[one.value].phrase if one.value in query.actions else one.value
        case "channel":
            return channel_words(one.value)
        case _:
            return one.value
