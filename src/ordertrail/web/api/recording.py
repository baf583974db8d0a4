"""``POST /events``: systems that cannot use capture record events; acknowledged when they are durable.

**Who said it.** A key may record what others did, and names them as actors: it is a system's word, and must not look
like the trail's own. So each event's ``context.source`` is the id of whoever recorded it, put there here; any other is
refused. What the trail itself records (readings, sign-ins, holds, its own keys, what capture and intake tell) cannot
be recorded by a key at all: nobody can forge the log of the log.

**Once.** An event's id is its idempotency key. Events without one get ids that are made of the ``Idempotency-Key``
(draft-ietf-httpapi-idempotency-key-header-07), of who records, and of their place: sent again, however much later and
to whichever process, they are known. Other content under the same key is refused. The ids are UUIDs of version 8, named
by SHA-256 (RFC 9562, appendix B.2).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Response
from msgspec.structs import replace
from starlette.concurrency import run_in_threadpool

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.assembly.filing import door_of
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.record.encoding import encode
from ordertrail.record.event import Context, Event
from ordertrail.record.lines import split_lines
from ordertrail.record.parse import read_event
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.services import DEFAULT_STREAM, Trail
from ordertrail.web.api.answering import answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.bodies import media_type_of, read_body
from ordertrail.web.api.models.event import EVENT, EventInput
from ordertrail.web.api.models.problem import Fault, ProblemKind
from ordertrail.web.api.models.receipt import Receipt
from ordertrail.web.api.parameters import Stream
from ordertrail.web.api.problems import ProblemRoute, RefusedError, fault_in_body, problem_responses
from ordertrail.web.auth.scoping import REGION

LARGEST: Final = 16 << 20
"""Bytes of the largest body."""
MOST: Final = 10_000
"""Events of the largest batch."""

JSON: Final = "application/json"
LINES: Final = ("application/x-ndjson", "application/jsonl")

OWN: Final = frozenset(
    {
        "access", "alert", "bundle", "capture", "case", "evidence", "external", "hold", "identity", "intake",
        "integrity", "key", "link", "log", "model", "notify", "person", "policy",
        "reconcile", "retention", "rule", "settings", "suggestion", "view",
    }
)  # fmt: skip
"""Families of actions that the trail records of itself, and nobody else does."""

_NAMESPACE: Final = b"ordertrail/idempotency/v1"
_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode

router = APIRouter(tags=["events"], route_class=ProblemRoute)


class Mode(StrEnum):
    """What becomes of a batch in which something is wrong."""

    ALL = "all"
    """Nothing of it is recorded."""
    EACH = "each"
    """What is right is recorded, and what is wrong is named."""


@dataclass(slots=True)
class _Batch:
    """A batch, read: events in their places, and what is wrong with the others."""

    events: dict[int, Event] = field(default_factory=dict)
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    size: int = 0

    def ids(self) -> tuple[str | None, ...]:
        """Return the id of each event, in its place."""
        return tuple(None if place in self.faults else self.events[place].id for place in range(self.size))


_EVENT: Final = EventInput.model_json_schema(ref_template="#/components/schemas/{model}")
_EVENT.pop("$defs")  # the description of answers has them
_BODY: Final[dict[str, Any]] = {
    "description": f"Up to {MOST:,} events: an array, one alone, or one a line.",
    "required": True,
    "content": {
        JSON: {
            "schema": {
                "oneOf": [
                    {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST,
                        "items": _EVENT,
                    },
                    _EVENT,
                ]
            },
            "example": [EVENT],
        },
        **{
            kind: {
                "schema": {"type": "string", "description": "One event a line."},
                "example": msgspec.json.encode(EVENT).decode() + "\n",
            }
            for kind in LINES
        },
    },
}


@router.post(
    "/events",
    summary="Record events",
    status_code=201,
    response_model=Receipt,
    responses={
        200: {"model": Receipt, "description": "Some were refused, and are named; the others are durable."},
        **problem_responses(408, 413, 415),
    },
    openapi_extra={"requestBody": _BODY},
)
async def record(
    asked: Annotated[Asking, asking(Verb.EVENTS_RECORD)],
    stream: Stream = DEFAULT_STREAM,
    mode: Annotated[
        Mode, Query(description="Whether one that is wrong keeps all others out.", examples=["all"])
    ] = Mode.ALL,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern='^(?:"[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]{1,255}"|[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,255})$',
            max_length=257,
            description="Events without an id get ids made of it, so that sending them again adds nothing.",
            examples=['"8e03978e-40d5-43dd-bc93-6894a57f9324"'],
        ),
    ] = None,
) -> Response:
    """Record a batch of events; it is durable when this is answered, and sealed soon after.

    Errors name the place of what is wrong in the body: of lines, by their number from 0, empty ones left out.
    """
    asked.log(stream)
    kind = media_type_of(asked.request, (JSON, *LINES))
    body = await read_body(asked.request, LARGEST)
    key = None if idempotency_key is None else idempotency_key.strip('"')
    return await run_in_threadpool(_record, asked, stream, mode, _Sent(kind, body, key))


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was sent: its type, its bytes, and the idempotency key."""

    kind: str
    body: bytes
    key: str | None


def _record(asked: Asking, stream: str, mode: Mode, sent: _Sent) -> Response:
    items, alone = split(sent.kind, sent.body)
    batch = _read(asked, items, sent.key, alone=alone)
    if batch.faults and mode is Mode.ALL:
        raise _refused([fault for place in sorted(batch.faults) for fault in batch.faults[place]])
    outcome = _append(asked.trail, stream, mode, batch, alone=alone)
    for one in outcome.refused:
        place = int(one.place)
        batch.faults[place] = [
            fault_in_body(problem, _prefix(place, alone=alone)) for problem in one.problems
        ]
    receipt = Receipt(
        recorded=outcome.recorded,
        repeated=outcome.repeated,
        source=asked.who.id,
        ids=batch.ids(),
        refused=tuple(fault for place in sorted(batch.faults) for fault in batch.faults[place]),
    )
    return answer(asked.request, receipt, status=200 if receipt.refused else 201, keep="no-store")


def split(kind: str, body: bytes) -> tuple[list[Arriving], bool]:
    """Return the JSON texts of a body, as they were written, and whether it is one event and no list."""
    if kind in LINES:
        items: list[Arriving] = [
            (str(place), line) for place, (_, line) in enumerate(_first(split_lines([body])))
        ]
        alone = False
    elif body.lstrip()[:1] == b"{":
        items, alone = [("0", body)], True
    else:
        try:
            texts = _raw(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise _refused([Fault(detail=f"is no JSON array of events: {error}", pointer="")]) from None
        items, alone = [(str(place), bytes(text)) for place, text in enumerate(texts)], False
    if not items:
        raise _refused([Fault(detail="there is no event in it", pointer="")])
    if len(items) > MOST:
        raise RefusedError(
            ProblemKind.TOO_LARGE, f"a batch has at most {MOST:,} events", remedy="Send several batches."
        )
    return items, alone


def _first(lines: Iterator[Arriving]) -> Iterator[Arriving]:
    """Yield one line more than a batch has, and no more."""
    for number, line in enumerate(lines):
        if number > MOST:
            return
        yield line


def _read(asked: Asking, items: Sequence[Arriving], key: str | None, *, alone: bool) -> _Batch:
    batch = _Batch(size=len(items))
    for place, (_, line) in enumerate(items):
        try:
            event = _event(line, asked, key, place)
            batch.events[place] = stamped(event, asked.who)
        except InputError as error:
            prefix = _prefix(place, alone=alone)
            batch.faults[place] = [fault_in_body(one, prefix) for one in error.problems]
    return batch


def _append(trail: Trail, stream: str, mode: Mode, batch: _Batch, *, alone: bool) -> Recorded:
    lines: Iterator[Arriving] = ((str(place), encode(event)) for place, event in batch.events.items())
    door = door_of(trail, stream)
    if mode is Mode.EACH:
        return sum(door.record_each(lines), Recorded())
    try:
        return door.record_all(lines)
    except InputError as error:
        raise _refused([_placed(one, alone=alone) for one in error.problems]) from None


def _placed(problem: Problem, *, alone: bool) -> Fault:
    """Return a problem of an event as a fault: the recorder puts the event's place before its path."""
    place, _, path = problem.path.partition(": ")
    return fault_in_body(Problem(path, problem.message), _prefix(int(place), alone=alone))


def stamped(event: Event, who: Principal) -> Event:
    """Return an event with who recorded it as its source. Raises InputError where that may not be recorded by them."""
    problems = list(_problems(event, who))
    if problems:
        raise InputError(problems, meaning="It was not recorded.")
    context = event.context or Context()
    if context.source == who.id:
        return event
    return replace(event, context=replace(context, source=who.id))


def _problems(event: Event, who: Principal) -> Iterator[Problem]:
    if event.action.partition(".")[0] in OWN:
        yield Problem("action", f"{event.action} is recorded by the trail itself, and by nobody else")
    context = event.context or Context()
    if context.source not in {None, who.id}:
        yield Problem(
            "context.source", f"is put there by the trail: {who.id}, whose key records; leave it out"
        )
    if event.origin is not None:
        yield Problem("origin", "is told by clients that capture; leave it out")
    scope = who.scope
    if scope.tenants is not None and event.subject.tenant not in scope.tenants:
        yield Problem("subject.tenant", "is none that this key records for")
    if scope.channels and context.channel not in scope.channels:
        yield Problem("context.channel", "is none that this key records for")
    if scope.regions and not {f"{REGION}{one}" for one in scope.regions} & set(context.tags):
        yield Problem("context.tags", f"have no {REGION}… that this key records for")


def _event(line: bytes | tuple[Problem, ...], asked: Asking, key: str | None, place: int) -> Event:
    """Read an event; one without an id gets that of its place in the batch, where there is an idempotency key."""
    if isinstance(line, tuple):
        raise InputError(line)
    event = read_event(line, asked.trail.actions)[0]
    if key is None or msgspec.json.decode(line, type=_Named).id is not None:
        return event
    return replace(event, id=derived_id(asked.who.id, key, place))


class _Named(msgspec.Struct):
    """Whether an event came with an id."""

    id: str | None = None


def derived_id(who: str, key: str, place: int) -> str:
    """Return the id of the n-th event that somebody sends under an idempotency key: the same each time."""
    told = b"\0".join((_NAMESPACE, who.encode(), key.encode(), str(place).encode()))
    number = int.from_bytes(hashlib.sha256(told).digest()[:16])
    number = number & ~(0xF << 76) | 8 << 76
    return str(UUID(int=number & ~(0b11 << 62) | 0b10 << 62))


def _prefix(place: int, *, alone: bool) -> str:
    return "" if alone else f"/{place}"


def _refused(faults: Sequence[Fault]) -> RefusedError:
    told = "; ".join(f"{one.pointer}: {one.detail}" if one.pointer else one.detail for one in faults[:5])
    more = f"; and {len(faults) - 5:,} more" if len(faults) > 5 else ""
    return RefusedError(
        ProblemKind.INPUT,
        f"nothing was recorded: {told}{more}",
        remedy="Correct what is named and send the batch again.",
        errors=faults,
    )
