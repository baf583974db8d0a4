"""An inbox in memory, for tests and for trying a channel out: all but durability."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from ordertrail.intake.ports import (
    Approval,
    Arrival,
    Claim,
    Known,
    Landed,
    Outcome,
    Progress,
    Settlement,
    Settling,
    Waiting,
)
from ordertrail.intake.states import WAITING, DeliveryState, MessageState
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import UnavailableError
from ordertrail.orders.ports import NOTHING, Put, Stored
from ordertrail.orders.statuses import OrderStatus
from ordertrail.record.event import Event


@dataclass(slots=True)
class _Delivery:
    claim: Claim
    delivery_id: str | None
    again_at: str
    tries: int = 0
    state: DeliveryState = DeliveryState.LANDED


@dataclass(slots=True)
class _Message:
    outcome: Outcome
    settled: str
    since: str
    attempt: int
    again_at: str | None
    approval: Approval | None = None


@dataclass
class MemoryInbox:
    """Implements :class:`ordertrail.intake.ports.Inbox`. ``up`` false puts it out of reach; ``told`` are its events."""

    up: bool = True
    orders: dict[str, Stored] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)
    _deliveries: dict[str, _Delivery] = field(default_factory=dict)
    _messages: dict[tuple[str, int], _Message] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def land(self, arrivals: Sequence[Arrival]) -> list[Landed]:
        """See the port."""
        self._require_up()
        with self._lock:
            return [self._land(one) for one in arrivals]

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
        """See the port."""
        self._require_up()
        time, taken = format_time(now), []
        with self._lock:
            due = [
                one
                for one in self._deliveries.values()
                if one.state is not DeliveryState.DONE and one.again_at <= time
            ]
            due.sort(key=lambda one: (one.again_at, one.claim.id))
            due = due[:1] if due and due[0].tries else [one for one in due if not one.tries][:limit]
            for one in due:
                one.tries += 1
                one.state, one.again_at = DeliveryState.READING, format_time(now + lease)
                one.claim = replace(one.claim, attempt=one.claim.attempt + 1, tries=one.tries)
                taken.append(one.claim)
        return taken

    def claim_waiting(self, now: datetime, lease: timedelta, limit: int) -> list[Waiting]:
        """See the port."""
        self._require_up()
        time, taken = format_time(now), list[Waiting]()
        with self._lock:
            for (delivery, number), one in self._messages.items():
                if len(taken) >= limit:
                    break
                if one.outcome.state not in WAITING or one.again_at is None or one.again_at > time:
                    continue
                one.attempt += 1
                one.again_at = format_time(now + lease)
                claim = replace(self._deliveries[delivery].claim, attempt=one.attempt)
                content, state = one.outcome.content, one.outcome.state
                taken.append(Waiting(claim, number, state, one.since, content, one.approval))
        return taken

    def known(self, order_ids: Sequence[str]) -> dict[str, Known]:
        """See the port."""
        self._require_up()
        with self._lock:
            return {
                order_id: Known(self.orders[order_id], self._told(order_id))
                for order_id in order_ids
                if order_id in self.orders
            }

    def settle(self, settlement: Settlement, lease_until: datetime) -> Settling:
        """See the port."""
        self._require_up()
        with self._lock:
            if not all(map(self._is_ours, settlement.progress)) or self._is_lost(settlement.outcomes):
                return Settling.LOST
            if not all(map(self._is_expected, settlement.puts)):
                return Settling.CONFLICT
            self._keep(settlement, format_time(lease_until))
            return Settling.DONE

    def _land(self, arrival: Arrival) -> Landed:
        known = arrival.delivery_id or ""
        key = (arrival.source, arrival.id if arrival.again else f"{arrival.sha256}:{known}")
        if key in self._keys:
            return Landed(self._keys[key], duplicate=True)
        self._keys[key] = arrival.id
        reused = not arrival.again and any(
            one.delivery_id == arrival.delivery_id is not None and one.claim.source == arrival.source
            for one in self._deliveries.values()
        )
        claim = Claim(
            arrival.id,
            0,
            arrival.source,
            arrival.sha256,
            arrival.size,
            arrival.received,
            arrival.way,
            arrival.headers,
            arrival.name,
            body=arrival.body,
        )
        self._deliveries[arrival.id] = _Delivery(claim, arrival.delivery_id, arrival.received)
        return Landed(arrival.id, duplicate=False, reused=reused)

    def _told(self, order_id: str) -> OrderStatus | None:
        told = [
            (one.settled, one.outcome.told)
            for one in self._messages.values()
            if one.outcome.order == order_id
            and one.outcome.state is MessageState.ACCEPTED
            and one.outcome.told is not None
        ]
        return max(told)[1] if told else None

    def _is_ours(self, progress: Progress) -> bool:
        delivery = self._deliveries.get(progress.claim.id)
        held = delivery is not None and delivery.state is DeliveryState.READING
        return held and delivery is not None and delivery.claim.attempt == progress.claim.attempt

    def _is_lost(self, outcomes: Sequence[Outcome]) -> bool:
        for one in outcomes:
            known = self._messages.get((one.delivery, one.number))
            if one.taken_up != (known is not None):
                return True
            if known is not None and (known.attempt != one.attempt or known.outcome.state not in WAITING):
                return True
        return False

    def _is_expected(self, put: Put) -> bool:
        known = self.orders.get(put.order.id)
        return (NOTHING if known is None else known.version) == (
            NOTHING if put.before is None else put.before.version
        )

    def _keep(self, settlement: Settlement, lease_until: str) -> None:
        for one in settlement.progress:
            delivery = self._deliveries[one.claim.id]
            delivery.tries = 0 if one.settled > one.claim.progress else delivery.tries
            delivery.claim = replace(delivery.claim, progress=one.settled, counts=one.counts)
            delivery.again_at = one.again_at or lease_until
            if one.done or one.again_at is not None:
                delivery.state = DeliveryState.DONE if one.done else DeliveryState.LANDED
        for outcome in settlement.outcomes:
            key = (outcome.delivery, outcome.number)
            since = self._messages[key].since if key in self._messages else settlement.time
            self._messages[key] = _Message(outcome, settlement.time, since, outcome.attempt, outcome.again_at)
        moved = {put.order.id for put in settlement.puts}
        for put in settlement.puts:
            version = NOTHING if put.before is None else put.before.version
            self.orders[put.order.id] = Stored(put.order, version + 1)
        for message in self._messages.values():
            if message.outcome.state is MessageState.PARKED and message.outcome.order in moved:
                message.again_at = min(message.again_at or settlement.time, settlement.time)
        self.told += settlement.events

    def _require_up(self) -> None:
        if not self.up:
            raise UnavailableError("the inbox in memory is switched off")
