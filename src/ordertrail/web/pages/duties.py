"""Who approved whose work: the part of a person's page, and the decisions that one of its numbers counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.query.filters.grammar import format_filter
from ordertrail.query.questions.duties import MOST, Decision, Duties, Pair, duties_of, given_by
from ordertrail.query.service import Query
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.addresses import explore_href, order_href, person_href
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Reading
from ordertrail.web.pages.regions import Region, Way, ask, filtered, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import EventRow, rows_of_hits
from ordertrail.web.pages.shell import reading_for

_SHOWN: Final = 50
_PAIRS: Final = 20
_WRITINGS: Final = 8
"""Writings of one decision that are shown."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PairRow:
    """Somebody with whom duties are shared; an address is empty where its number is none."""

    other: str
    href: str
    gave: str
    gave_href: str
    got: str
    got_href: str
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class DutiesShown:
    """Approvals given and got, and with whom."""

    given: str
    given_href: str
    got: str
    got_href: str
    sentence: str
    pairs: tuple[PairRow, ...]


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """An approval, and what was written that it covers."""

    order: str
    order_href: str
    approval: EventRow
    writings: tuple[EventRow, ...]
    more: str


@dataclass(frozen=True, slots=True)
class DutiesPage:
    """The decisions that a number counts."""

    sentence: str
    back: str
    person: str
    decisions: Region[tuple[DecisionRow, ...]]


def duties_shown(query: Query, person: str, name: str) -> Region[DutiesShown]:
    """Return whose work a person approved, and who approved theirs."""
    answer = query.answer(lambda: duties_of(query.searches, person))
    duties, given = answer.value, given_by(person)
    number = query.searches.count(given, 10_000)
    told = DutiesShown(
        f"{number:,}" if number < 10_000 else "10,000+",
        explore_href(format_filter(given)),
        f"{len(duties.got):,}{'' if duties.whole else '+'}",
        _href(person, "", person),
        _sentence(duties),
        tuple(_pair(person, one) for one in duties.pairs()[:_PAIRS]),
    )
    return ready(name, told, answer.lag, person_href(person))


def _sentence(duties: Duties) -> str:
    """Return what the pairs come to, the gravest first."""
    pairs = duties.pairs()
    own = next((one.gave for one in pairs if one.other == duties.person), 0)
    mutual = sum(one.mutual for one in pairs if one.other != duties.person)
    told = [f"Approved their own work {count(own, 'time')}."] if own else []
    if mutual:
        told.append(f"With {count(mutual, 'person', 'people')}, each approved the other’s work.")  # noqa: RUF001
    if not duties.whole:
        told.append(f"Of the newest {MOST:,} approvals and changes.")
    return " ".join(told) or "No duties are in one hand, and no two people approve each other’s work."  # noqa: RUF001


def _pair(person: str, pair: Pair) -> PairRow:
    own = pair.other == person
    word = "own work" if own else "mutual" if pair.mutual else ""
    return PairRow(
        pair.other,
        person_href(pair.other),
        f"{pair.gave:,}",
        _href(person, person, pair.other) if pair.gave else "",
        f"{pair.got:,}",
        _href(person, pair.other, person) if pair.got else "",
        word,
        "bad" if own else "wait",
    )


def _href(person: str, approver: str, writer: str) -> str:
    named = {"person": person, "approver": approver, "writer": writer}
    return "/duties?" + urlencode({name: value for name, value in named.items() if value})


@router.get("/duties", include_in_schema=False)
def duties(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.ACTIVITY_READ))],
    person: str = "",
    approver: str = "",
    writer: str = "",
) -> Response:
    """Show the approvals by one of what another wrote, each with what was written."""
    if not person:
        raise InputError("this page is of a person", remedy="Open it from a person’s page.")  # noqa: RUF001
    query, reading = asked(request, who), reading_for(request)
    words = f"Approvals by {approver or 'anybody'} of what {writer or 'anybody'} wrote"
    question = _question(query, reading, words, (person, approver, writer))
    later = f"{_href(person, approver, writer)}&region=decisions"
    asked_for = request.query_params.get("region") == "decisions" or "show" in request.query_params
    decisions = ask("Decisions", question, later) if asked_for else loading("Decisions", later)
    page = DutiesPage(words, person_href(person), person, decisions)
    if "region" not in request.query_params:
        observe(request, who, "evidence.read", "person", person, words)
    return render(request, who, View("duties.html", "Who approved whose work", person), page)


def _question(
    query: Query, reading: Reading, words: str, asked_of: tuple[str, str, str]
) -> Callable[[], Region[tuple[DecisionRow, ...]]]:
    person, approver, writer = asked_of

    def question() -> Region[tuple[DecisionRow, ...]]:
        answer = query.answer(lambda: duties_of(query.searches, person).between(approver, writer))
        if not answer.value:
            return filtered("Decisions", f"{words}: none", (Way(person, person_href(person)),))
        name = count(len(answer.value), "decision")
        if len(answer.value) > _SHOWN:
            name += f", the newest {_SHOWN}"
        rows = tuple(_decision(one, query, reading) for one in answer.value[:_SHOWN])
        return ready(name, rows, answer.lag)

    return question


def _decision(one: Decision, query: Query, reading: Reading) -> DecisionRow:
    event, more = one.approval.event, len(one.covers) - _WRITINGS
    approval, *writings = rows_of_hits(query, (one.approval, *one.covers[-_WRITINGS:]), reading)
    return DecisionRow(
        event.order or "",
        order_href(event.order, event.tenant) if event.order else "",
        approval,
        tuple(writings),
        f"and {more:,} before" if more > 0 else "",
    )
