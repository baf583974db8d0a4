"""What is kept of a message that was decided, and what is told of it: pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.deciding import Decision, order_of_content
from ordertrail.intake.events import ACTIONS, denied_event, message_event
from ordertrail.intake.message import Content
from ordertrail.intake.ports import NO_HARM, Harm, Known, Outcome
from ordertrail.intake.reading import Item, kept_content
from ordertrail.intake.states import MessageState
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.ports import Put
from ordertrail.record.event import Event

_KEPT = frozenset({MessageState.PARKED, MessageState.HELD})
"""States in which what a message says is kept, to be decided again without its delivery's bytes."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a parked message waits for what must come before: tried again ever less often, then a dead letter."""

    backoff: Backoff = field(
        default_factory=lambda: Backoff(first=timedelta(seconds=4), longest=timedelta(hours=1))
    )
    longest: timedelta = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Decided:
    """A message, what is known of its order, and what becomes of both."""

    item: Item
    decision: Decision
    known: Known | None = None
    put: Put | None = None


def outcome_of(decided: Decided, now: datetime, patience: Patience) -> Outcome:
    """Return what is kept of a message."""
    item, decision = decided.item, decided.decision
    content, claim = item.message.content, item.claim
    state, again_at = decision.state, None
    if state is MessageState.PARKED:
        since = now if item.waiting is None else parse_time(item.waiting.since)
        if now - since >= patience.longest:
            state = MessageState.DEAD
        else:
            again_at = format_time(now + patience.backoff.wait(claim.attempt))
    told = content if isinstance(content, Order | Amendment) else None
    return Outcome(
        delivery=claim.id,
        number=item.number,
        source=claim.source,
        attempt=claim.attempt,
        state=state,
        pointer=item.message.pointer,
        order=order_of_content(content),
        version=_version(content),
        told=told.status if told is not None else None,
        faults=decision.faults,
        content=kept_content(content) if state in _KEPT else None,
        again_at=again_at,
        harm=NO_HARM if state is MessageState.ACCEPTED else harm_of(content, decided.known),
        taken_up=item.waiting is not None,
        whole=item.whole,
    )


def events_of(decided: Decided, outcome: Outcome, time: str) -> Iterator[Event]:
    """Yield the events of a message's coming into a state, and of the transitions that were refused.

    A message that goes on waiting is not told of again.
    """
    claim, waiting = decided.item.claim, decided.item.waiting
    for attempted in decided.decision.denied:
        order = decided.known.stored.order if decided.known is not None else None
        if order is not None:
            yield denied_event(order, attempted, time=time, source=claim.source, delivery=claim.id)
    if outcome.state not in ACTIONS or (waiting is not None and waiting.state is outcome.state):
        return
    yield message_event(
        outcome.state,
        time=time,
        source=claim.source,
        delivery=claim.id,
        number=outcome.number,
        sha256=claim.fix or claim.sha256,
        order=outcome.order,
        before=waiting.state if waiting is not None else None,
        faults=outcome.faults,
    )


def harm_of(content: Content, known: Known | None) -> Harm:
    """Return what it may cost that a message does not enter: by what it says, else by the order as it is kept."""
    order = content if isinstance(content, Order) else known.stored.order if known is not None else None
    told = content if isinstance(content, Order | Amendment) else None
    value = told.totals.grand_total if told is not None and told.totals is not None else None
    period = told.requested_delivery if told is not None else None
    if order is None:
        return Harm(value=value, promised=period.end if period is not None else None)
    period = period or order.requested_delivery
    return Harm(
        value=value or order.totals.grand_total,
        tier=order.priority,
        promised=(period.end or period.start) if period is not None else None,
    )


def _version(content: Content) -> SourceVersion | None:
    match content:
        case Order():
            return content.source_version
        case Amendment():
            return content.version
    return None
