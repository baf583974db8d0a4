"""``/actors`` and ``/reads``: what somebody does, and who saw what."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Way
from ordertrail.query.questions.actors import Profile, actor_profile
from ordertrail.query.questions.reads import who_saw
from ordertrail.query.service import Answer
from ordertrail.query.span import Span
from ordertrail.record.values import MAX_IDENTIFIER
from ordertrail.web.api.answering import answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.counts import counted
from ordertrail.web.api.models.document import moment
from ordertrail.web.api.models.people import (
    MoneyDayDocument,
    ProfileDocument,
    ReaderDocument,
    ReadersDocument,
)
from ordertrail.web.api.parameters import PLAIN, Asked, Moment, Zone, span_of
from ordertrail.web.api.problems import ProblemRoute, problem_responses, unknown
from ordertrail.web.api.telling import lag_document

_ORDERS = 1_000
"""Orders that are told of a reader."""

router = APIRouter(tags=["people"], route_class=ProblemRoute)

Watching = Annotated[Asking, asking(Verb.ACTIVITY_READ)]


@router.get(
    "/actors/{actor:path}",
    summary="Profile an actor",
    response_model=ProfileDocument,
    responses=problem_responses(),
)
def actor(
    asked: Watching,
    actor: Annotated[
        str,
        Path(
            min_length=1,
            max_length=MAX_IDENTIFIER,
            pattern=PLAIN,
            description="The actor's id; a slash in it is written %2F.",
            examples=["p.novak"],
        ),
    ],
    start: Moment,
    end: Moment,
    zone: Zone = "UTC",
) -> Response:
    """Return what an actor does in a time, which is widened to whole days of UTC.

    Of what was counted one by one, the newest 5,000 events were.
    """
    asked.require_whole_tenants()
    span, query = span_of(start, end, zone), asked.query
    if not query.searches.page(Filter((Is("actor", (actor,), exact=True),)), 1, None, Way.OLDER):
        raise unknown("actor of this id")
    told = query.answer(lambda: actor_profile(query.counts, actor, span))
    asked.observe(
        "evidence.read", "actor", actor, f"from {format_time(span.start)} to {format_time(span.end)}"
    )
    return answer(asked.request, _profile(told, span, zone))


@router.get("/reads", summary="Who saw what", response_model=ReadersDocument, responses=problem_responses())
def reads(asked: Watching, q: Asked = "", zone: Zone = "UTC") -> Response:
    """Return who read what a filter means: ``order:SO-1042`` who read an order, ``actor:clerk-17`` what they read."""
    meant, query = asked.meant(q, zone), asked.query
    told = query.answer(lambda: who_saw(query.searches, meant, query.actions))
    asked.observe("evidence.search", "filter", "readings", meant.sentence())
    document = ReadersDocument(
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        readers=tuple(
            ReaderDocument(
                actor=one.actor,
                reads=one.reads,
                denied=one.denied,
                first=moment(one.first),
                last=moment(one.last),
                orders=tuple(sorted(one.orders)[:_ORDERS]),
            )
            for one in told.value.readers
        ),
        whole=told.value.whole,
    )
    return answer(asked.request, document)


def _profile(told: Answer[Profile], span: Span, zone: str) -> ProfileDocument:
    profile = told.value
    return ProfileDocument(
        actor=profile.actor,
        start=format_time(span.start),
        end=format_time(span.end),
        zone=zone,
        lag=lag_document(told.lag),
        events=profile.events,
        attempts=profile.attempts,
        actions=counted(profile.actions),
        hours=profile.hours,
        money=tuple(
            MoneyDayDocument(
                day=moment(one.day),
                action=one.action,
                currency=one.currency,
                events=one.events,
                raised=abs(one.raised),
                lowered=abs(one.lowered),
            )
            for one in profile.money
        ),
        sessions=counted(profile.sessions),
        addresses=counted(profile.addresses),
        orders=counted(profile.orders),
        peers=counted(profile.peers),
    )
