"""``/events``: searching, reading one, proving it, and what is beside it and behind it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import BusyError, InputError
from ordertrail.ledger.tlog_proof import format_tlog_proof
from ordertrail.ledger.vkey import format_base64
from ordertrail.query.filters.grammar import Filter, format_filter
from ordertrail.query.questions.causes import cause_chain
from ordertrail.query.questions.neighbours import neighbours as find_neighbours
from ordertrail.query.questions.search import search as find_page
from ordertrail.record.sentence import sentence
from ordertrail.services import Sealed
from ordertrail.status import published_checkpoint
from ordertrail.web.api.answering import answer, keeping, known_list, list_tag
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.models.event import event_document
from ordertrail.web.api.models.found import (
    EventPage,
    LedgerDocument,
    OrderLinkDocument,
    SealedDocument,
    SealState,
)
from ordertrail.web.api.models.log import ProofDocument
from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.models.questions import CausesDocument, EffectDocument, NeighboursDocument
from ordertrail.web.api.parameters import (
    Accept,
    Asked,
    Beyond,
    EventId,
    Limit,
    Towards,
    WayTo,
    Zone,
    accepts,
    place,
    way_of,
)
from ordertrail.web.api.problems import ProblemRoute, RefusedError, problem_responses, unknown
from ordertrail.web.api.telling import found, lag_document, spelled
from ordertrail.web.auth.scoping import may_see

TLOG_PROOF = "text/plain"
"""A C2SP tlog-proof is a text; it has no media type of its own."""

router = APIRouter(prefix="/events", tags=["events"], route_class=ProblemRoute)

Searching = Annotated[Asking, asking(Verb.EVENTS_SEARCH)]
Proving = Annotated[Asking, asking(Verb.PROOFS_READ)]


@router.get("", summary="Search events", response_model=EventPage, responses=problem_responses())
def search(  # noqa: PLR0913, PLR0917 - the parameters of the address
    asked: Searching,
    q: Asked = "",
    zone: Zone = "UTC",
    limit: Limit = 50,
    beyond: Beyond = None,
    way: WayTo = Towards.OLDER,
) -> Response:
    """Return a page of the events that a filter means, the newest first; pages keep their places as more come in."""
    meant = asked.meant(q, zone)
    at = place(beyond)
    tag = list_tag(asked, meant)
    unchanged = known_list(asked, tag)
    if unchanged is not None:
        asked.observe("evidence.search", "filter", "events", meant.sentence(), (("answer", "unchanged"),))
        return unchanged
    query = asked.query
    told = query.answer(lambda: find_page(query.searches, meant, limit=limit, beyond=at, way=way_of(way)))
    page = told.value
    asked.observe("evidence.search", "filter", "events", meant.sentence(), (("events", len(page.hits)),))
    document = EventPage(
        sentence=meant.sentence(),
        filter=format_filter(meant),
        lag=lag_document(told.lag),
        events=found(query, page.hits),
        older=spelled(page.older),
        newer=spelled(page.newer),
        newest=spelled(page.newest),
    )
    return answer(asked.request, document, tag=tag)


@router.get(
    "/{event_id}", summary="Read an event", response_model=SealedDocument, responses=problem_responses()
)
def read(asked: Searching, event_id: EventId) -> Response:
    """Return an event as the log has it, with its place there; its hash was compared with its bytes."""
    sealed = find(asked, event_id)
    event, ledger = sealed.entry.event, sealed.entry.ledger
    published = published_checkpoint(asked.log(sealed.stream).log)[1].size > sealed.row.index
    state = SealState.PUBLISHED if published else SealState.SEALED
    asked.observe("evidence.read", "event", event_id)
    action = asked.query.actions.get(event.action)
    link = ledger.order
    document = SealedDocument(
        stream=sealed.stream,
        state=state,
        sensitive=action is not None and action.sensitive,
        sentence=sentence(event, asked.query.actions),
        hash=sealed.row.hash.hex(),
        ledger=LedgerDocument(
            index=ledger.index,
            previous=ledger.previous,
            recorded=ledger.recorded,
            order=None if link is None else OrderLinkDocument(number=link.number, previous=link.previous),
        ),
        event=event_document(event),
    )
    return answer(
        asked.request,
        document,
        tag=f'"{sealed.row.hash.hex()}-{state}"',
        keep=keeping(asked, final=state is SealState.PUBLISHED),
    )


_ENTRY_EXAMPLE = {"event": {"id": "…", "action": "order.read"}, "ledger": {"index": 41}}


@router.get(
    "/{event_id}/entry",
    summary="Read an entry's exact bytes",
    response_class=Response,
    responses={
        200: {
            "description": "The entry, as it is hashed (RFC 8785 canonical JSON).",
            "content": {"application/json": {"schema": {"type": "object"}, "example": _ENTRY_EXAMPLE}},
        },
        **problem_responses(),
    },
)
def entry(asked: Proving, event_id: EventId) -> Response:
    """Return the bytes that were hashed into the log: what a proof is checked against."""
    sealed = find(asked, event_id)
    asked.observe("evidence.read", "event", event_id)
    headers = {
        "ETag": f'"{sealed.row.hash.hex()}"',
        "Cache-Control": keeping(asked, final=True),
        "Vary": "Authorization, Cookie",
    }
    return Response(sealed.row.entry, headers=headers, media_type="application/json")


@router.get(
    "/{event_id}/proof",
    summary="Prove an event",
    response_model=ProofDocument,
    responses={
        200: {
            "content": {
                TLOG_PROOF: {"schema": {"type": "string"}, "example": "c2sp.org/tlog-proof@v1\nindex 41\n…"}
            }
        },
        **problem_responses(406),
    },
)
def prove(asked: Proving, event_id: EventId, accept: Accept = "*/*") -> Response:
    """Return what proves an event against the newest published checkpoint: JSON, or a C2SP tlog-proof as text.

    An event that is sealed and not published yet is published first. The proof was checked before it is handed out.
    """
    kind = accepts(accept, ("application/json", TLOG_PROOF))
    find(asked, event_id)
    asked.observe("evidence.prove", "event", event_id)
    try:
        proof = asked.trail.prove(event_id)
    except BusyError:
        raise RefusedError(
            ProblemKind.BUSY,
            "the event is sealed, and will be published with the next checkpoint",
            remedy="Ask again in a minute; its state says when it is published.",
        ) from None
    text = format_tlog_proof(proof.proof)
    if kind == TLOG_PROOF:
        headers = {
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Authorization, Cookie",
            "Content-Disposition": f'attachment; filename="{event_id}.tlog-proof"',
        }
        return Response(text, headers=headers, media_type="text/plain; charset=utf-8")
    checkpoint, sealed = proof.checkpoint.checkpoint, proof.sealed
    document = ProofDocument(
        id=event_id,
        stream=sealed.stream,
        origin=checkpoint.origin,
        index=proof.proof.index,
        size=checkpoint.size,
        hashes=tuple(map(format_base64, proof.proof.hashes)),
        checkpoint=proof.proof.checkpoint.decode(),
        entry=sealed.row.entry.decode(),
        proof=text.decode(),
        keys=tuple(period.vkey for period in asked.trail.keys(sealed.stream)),
    )
    return answer(asked.request, document)


@router.get(
    "/{event_id}/neighbours",
    summary="What else happened",
    response_model=NeighboursDocument,
    responses=problem_responses(),
)
def neighbours(
    asked: Searching,
    event_id: EventId,
    q: Asked = "",
    zone: Zone = "UTC",
    limit: Annotated[
        int, Query(ge=1, le=100, description="Events of each group, each way.", examples=[20])
    ] = 20,
) -> Response:
    """Return other events of the same request, trace and session, and those just before and after, of what q means."""
    hit, query = asked.hit(event_id), asked.query
    meant = asked.meant(q, zone)
    told = query.answer(lambda: find_neighbours(query.searches, hit, meant, limit=limit))
    asked.observe("evidence.read", "event", event_id, "what else happened")
    beside = told.value
    groups: dict[str, Any] = {
        name: found(query, getattr(beside, name))
        for name in ("request", "trace", "session", "before", "after")
    }
    document = NeighboursDocument(lag=lag_document(told.lag), **groups, more=tuple(sorted(beside.more)))
    return answer(asked.request, document)


@router.get(
    "/{event_id}/causes",
    summary="Causes and effects",
    response_model=CausesDocument,
    responses=problem_responses(),
)
def causes(asked: Searching, event_id: EventId) -> Response:
    """Return the chain of causes that led to an event, and what followed from it, step by step."""
    hit, query = asked.hit(event_id), asked.query
    told = query.answer(lambda: cause_chain(query.searches, hit, Filter()))
    asked.observe("evidence.read", "event", event_id, "causes and effects")
    chain = told.value
    effects = found(query, [one.hit for one in chain.effects])
    document = CausesDocument(
        lag=lag_document(told.lag),
        causes=found(query, chain.causes),
        origin=chain.origin,
        effects=tuple(
            EffectDocument(depth=one.depth, cause=one.cause, found=event)
            for one, event in zip(chain.effects, effects, strict=True)
        ),
        whole=chain.whole,
    )
    return answer(asked.request, document)


def find(asked: Asking, event_id: str) -> Sealed:
    """Return a sealed event that may be seen, from the log. Refuses, as unknown, any other."""
    try:
        sealed = asked.trail.find(event_id)
    except InputError:
        raise unknown("event of this id") from None
    if not may_see(asked.who.scope, sealed.entry.event):
        raise unknown("event of this id")
    return sealed
