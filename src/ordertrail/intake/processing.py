"""The worker: claims what has landed, reads it, decides, and settles. Any number of them, in any number of processes.

Each round is the same steps. Says of each what is true if the machine stops there:

1. **Claim** what is due: the rows are ours until the lease ends. *If we stop here*, they are due again then, and the
   claim is counted.
2. **Read** the bytes, message by message, from where the last one came. *If we stop here*, as after step 1.
3. **Decide** each, with the orders as they are kept. *If we stop here*, only memory is lost.
4. **Settle** in one transaction: the orders, what became of each message, how far the delivery is read, and the events
   of all of it. *If we stop here*, either all of it is kept or none. Who took over meanwhile has counted the claim up,
   and then none of ours is.

Whatever ends a process each time (a message that no memory holds, a fault in C) is found by its tries: from the second
on a delivery is worked on by itself, message by message, so that what is before the poison is settled; after the last
try, what is left of it is a dead letter.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ordertrail.intake.breaker import WHOLE, Breaker, Tolerance
from ordertrail.intake.deciding import Case, Decision, decide, order_of_content
from ordertrail.intake.events import breaker_event, delivery_event
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.message import Faulty, Message
from ordertrail.intake.ports import (
    Approval,
    Claim,
    Inbox,
    Known,
    Outcome,
    Progress,
    Settlement,
    Settling,
    Sources,
    Validator,
)
from ordertrail.intake.reading import End, Item, Reader, failure
from ordertrail.intake.settling import Decided, Patience, events_of, outcome_of
from ordertrail.intake.states import MessageState
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import OrderTrailError, UnavailableError
from ordertrail.orders.ports import Put


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is done at a time, and how long anything may take."""

    deliveries: int = 100
    """Claimed at once."""
    messages: int = 500
    """Settled at once."""
    lease: timedelta = timedelta(seconds=60)
    """How long a claim is ours without a settlement."""
    conflicts: int = 5
    """How often a settlement is decided again before it is done message by message."""


@dataclass(slots=True)
class Worked:
    """What was done, counted."""

    deliveries: int = 0
    put_off: int = 0
    """Deliveries that are to be tried again later."""
    states: Counter[MessageState] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self.deliveries or self.put_off or self.states)

    def add(self, other: "Worked") -> None:
        """Add what another round did."""
        self.deliveries += other.deliveries
        self.put_off += other.put_off
        self.states += other.states


@dataclass(frozen=True, slots=True)
class Flow:
    """What a worker works with."""

    inbox: Inbox
    reader: Reader
    sources: Sources
    validator: Validator
    clock: Clock
    pace: Pace = field(default_factory=Pace)
    backoff: Backoff = field(default_factory=Backoff)
    tolerance: Tolerance = field(default_factory=Tolerance)
    patience: Patience = field(default_factory=Patience)


class Worker:
    """One worker; used by one thread."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._ailing: set[str] = set()
        self._reached: dict[str, Progress] = {}
        """How far we have settled each delivery that we hold."""
        self._lost: set[str] = set()
        """Deliveries that somebody else has taken over."""

    def run(self) -> Worked:
        """Work until nothing is due. Raises UnavailableError where the inbox cannot be reached."""
        worked = Worked()
        while done := self.round():
            worked.add(done)
        return worked

    def follow(self, stop: Callable[[], bool], rest: Callable[[float], None], seconds: float = 0.2) -> None:
        """Work on what comes until asked to stop; rest so many seconds where nothing is due.

        Where little is due it rests for a part of that, so that more comes together: many cost little more than one.
        While the inbox cannot be reached it is asked again by the flow's backoff, for as long as that takes.
        """
        failures = 0
        while not stop():
            try:
                done = self.round()
                failures = 0
            except UnavailableError:
                failures += 1
                rest(self._flow.backoff.wait(failures).total_seconds())
                continue
            if not done:
                rest(seconds)
            elif done.deliveries < self._flow.pace.deliveries:
                rest(seconds / 4)

    def round(self) -> Worked:
        """Claim once, and work on what was claimed."""
        flow, worked = self._flow, Worked()
        self._reached, self._lost = {}, set()
        claims = flow.inbox.claim(flow.clock(), flow.pace.lease, flow.pace.deliveries)
        fresh = [claim for claim in claims if claim.tries == 1]
        self._work(fresh, flow.pace.messages, worked)
        for claim in claims:
            if claim.tries > 1:
                self._work_warily(claim, worked)
        self._work_waiting(worked)
        return worked

    def _work_warily(self, claim: Claim, worked: Worked) -> None:
        """Work on a delivery that a worker may have died of, message by message; give it up after the last try."""
        if claim.tries <= self._flow.backoff.attempts:
            self._work([claim], 1, worked)
            return
        told = f"{claim.tries - 1} tries came to nothing, and its workers may have ended by it"
        faulty = Message("", Faulty((Fault(Code.FAILED, "", told),)))
        items: list[Item | End] = [
            Item(claim, claim.progress, faulty, whole=True),
            End(claim, claim.progress + 1),
        ]
        self._settle(items, worked)

    def _work(self, claims: Sequence[Claim], size: int, worked: Worked) -> None:
        for chunk in self._chunks(claims, size, worked):
            try:
                self._settle(chunk, worked)
            except UnavailableError as error:
                self._put_off(claims, error, worked)
                return

    def _chunks(self, claims: Sequence[Claim], size: int, worked: Worked) -> Iterator[list[Item | End]]:
        """Yield what is settled together: so many messages, and no order twice.

        Two states of one order are two settlements, so that the trail has both.
        """
        chunk: list[Item | End] = []
        seen: set[str] = set()
        for claim in claims:
            try:
                for one in self._flow.reader.items(claim):
                    order = order_of_content(one.message.content) if isinstance(one, Item) else None
                    if len(chunk) >= size or order in seen:
                        yield chunk
                        chunk, seen = [], set()
                    if claim.id in self._lost:
                        break
                    chunk.append(one)
                    if order is not None:
                        seen.add(order)
            except UnavailableError as error:
                if chunk:
                    yield chunk
                    chunk, seen = [], set()
                self._put_off([claim], error, worked)
        if chunk:
            yield chunk

    def _settle(self, chunk: Sequence[Item | End], worked: Worked) -> None:
        """Decide and settle a chunk; where it cannot be settled as one, message by message."""
        settled = Settling.CONFLICT
        for _ in range(self._flow.pace.conflicts):
            try:
                settled = self._settle_once(chunk, worked)
            except OrderTrailError:
                raise
            except Exception as error:  # noqa: BLE001 - what no store takes is one message's business
                self._settle_apart(chunk, worked, error)
                return
            if settled is Settling.DONE:
                return
            if settled is Settling.LOST:
                break
        if len(chunk) > 1:
            for one in chunk:
                self._settle([one], worked)
        elif settled is Settling.LOST:
            self._lost.add(chunk[0].claim.id)
        else:
            raise UnavailableError("an order changes faster than a message about it can be settled")

    def _settle_apart(self, chunk: Sequence[Item | End], worked: Worked, error: Exception) -> None:
        if len(chunk) > 1:
            for one in chunk:
                self._settle([one], worked)
            return
        (one,) = chunk
        if isinstance(one, End):
            raise UnavailableError(
                f"the end of a delivery cannot be settled: {type(error).__name__}"
            ) from error
        dead = Faulty((failure("settling it", error),), None)
        item = Item(one.claim, one.number, Message("", dead), one.waiting, one.whole)
        self._settle_once([item], worked)

    def _settle_once(self, chunk: Sequence[Item | End], worked: Worked) -> Settling:
        flow, now = self._flow, self._flow.clock()
        time = format_time(now)
        decided = self._decided([one for one in chunk if isinstance(one, Item)])
        outcomes = tuple(outcome_of(one, now, flow.patience) for one in decided)
        events = [
            event
            for one, outcome in zip(decided, outcomes, strict=True)
            for event in events_of(one, outcome, time)
        ]
        progress = tuple(self._progress(chunk, outcomes))
        events += [
            delivery_event(
                time=time,
                source=one.claim.source,
                delivery=one.claim.id,
                sha256=one.claim.fix or one.claim.sha256,
                size=one.claim.size,
                counts=one.counts,
            )
            for one in progress
            if one.done
        ]
        puts = tuple(one.put for one in decided if one.put is not None)
        settlement = Settlement(time, progress, outcomes, puts, tuple(events))
        settled = flow.inbox.settle(settlement, now + flow.pace.lease)
        if settled is Settling.DONE:
            worked.deliveries += sum(one.done for one in progress)
            worked.states.update(outcome.state for outcome in outcomes)
            self._reached |= {one.claim.id: one for one in progress}
            self._succeeded({one.claim.source for one in chunk if one.claim.tries > 1})
        return settled

    def _progress(self, chunk: Sequence[Item | End], outcomes: Iterable[Outcome]) -> Iterator[Progress]:
        """Yield how far each delivery of a chunk is read with it."""
        counts: dict[str, Counter[MessageState]] = {}
        for outcome in outcomes:
            counts.setdefault(outcome.delivery, Counter())[outcome.state] += 1
        last = {one.claim.id: one for one in chunk if isinstance(one, End) or one.waiting is None}
        for name, one in last.items():
            before = self._reached[name].counts if name in self._reached else one.claim.counts
            counted = Counter(before) + counts.get(name, Counter())
            if isinstance(one, End):
                yield Progress(one.claim, one.messages, counted, done=True)
            else:
                yield Progress(one.claim, one.number + 1, counted)

    def _decided(self, items: Sequence[Item]) -> list[Decided]:
        ids = {order for item in items if (order := order_of_content(item.message.content)) is not None}
        known = self._flow.inbox.known(sorted(ids)) if ids else {}
        return [self._decide(item, known) for item in items]

    def _decide(self, item: Item, known: dict[str, Known]) -> Decided:
        content = item.message.content
        order_id = order_of_content(content)
        before = known.get(order_id) if order_id is not None else None
        approval: Approval | None = item.waiting.approval if item.waiting is not None else None
        case = Case(before, item.claim.received, self._flow.validator.validate, approval, item.message.sound)
        try:
            decision = decide(content, case)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours ends one message, and no worker
            decision = Decision(MessageState.DEAD, (failure("deciding it", error),))
        put = None
        if decision.order is not None:
            put = Put(decision.order, before.stored if before is not None else None)
        return Decided(item, decision, before, put)

    def _work_waiting(self, worked: Worked) -> None:
        flow = self._flow
        for waiting in flow.inbox.claim_waiting(flow.clock(), flow.pace.lease, flow.pace.deliveries):
            try:
                self._settle([flow.reader.item(waiting)], worked)
            except UnavailableError as error:
                self._failed(waiting.claim.source, error)

    def _put_off(self, claims: Iterable[Claim], error: UnavailableError, worked: Worked) -> None:
        """Give deliveries back that could not be worked on, to be tried again later.

        *If we stop here*, or cannot even do this, they are due again when their lease ends.
        """
        flow, now = self._flow, self._flow.clock()
        for claim in claims:
            reached = self._reached.get(claim.id, Progress(claim, claim.progress, claim.counts))
            if reached.done:
                continue
            again = format_time(now + flow.backoff.wait(claim.tries))
            progress = replace(reached, again_at=again, error=error.message)
            flow.inbox.settle(Settlement(format_time(now), (progress,)), now)
            worked.put_off += 1
            self._failed(claim.source, error)

    def _failed(self, source: str, error: UnavailableError) -> None:
        self._ailing.add(source)
        before = self._flow.sources.load(source).breaker
        self._turn(source, before, self._flow.tolerance.failed(before, self._flow.clock(), error.message))

    def _succeeded(self, tried_again: set[str]) -> None:
        for source in tried_again | self._ailing:
            before = self._flow.sources.load(source).breaker
            if before != WHOLE:
                self._turn(source, before, WHOLE)
        self._ailing -= tried_again

    def _turn(self, source: str, before: Breaker, after: Breaker) -> None:
        event = breaker_event(time=format_time(self._flow.clock()), source=source, before=before, after=after)
        self._flow.sources.turn(source, before, after, event)
