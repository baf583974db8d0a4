"""Handing over: one courier a route, so that a channel that is down or slow delays nothing but itself.

A step is four numbered parts. Each says what is true if the machine stops there:

1. **Gather** what may go now, if no parcel is under way. *If we stop here*, nothing has happened.
2. **Pack** it into parcels, each in a transaction. *If we stop here*, they are ready, and go at the next start.
3. **Hand over** the oldest. *If we stop here*, the channel may have it: it is handed over again, the same parcel under
   the same id, by which the other side knows it.
4. **Settle**: sent; to be tried again after a wait that grows; or dead, where its channel refuses it or all attempts
   are spent. *If we stop here*, the trail is told of it at the next start.

While a parcel waits for another attempt none is made, so that what comes meanwhile goes together when the channel is
back, and a channel that is down costs one attempt at a time.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import msgspec

from ordertrail.kernel.backoff import Backoff, Draw
from ordertrail.kernel.clock import Clock, format_time, parse_time
from ordertrail.kernel.errors import LaterError, OrderTrailError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.notify.digest import MINUTE, gather
from ordertrail.notify.message import one_line
from ordertrail.notify.parcel import Delivery, State
from ordertrail.notify.ports import Channel, Outbox
from ordertrail.notify.routing import Route

MOST_WAITING: Final = 10_000
"""Messages that one parcel holds at most; the rest of a storm goes in the next."""


class Went(Enum):
    """How a step ended."""

    IDLE = "idle"
    """There is nothing to do before the time that is told, or before something comes."""
    SENT = "sent"
    FAILED = "failed"
    """An attempt failed, and there will be another."""
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Stepped:
    """How a step ended; ``again`` is when the next is worth it, None for when something comes."""

    went: Went
    again: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Courier:
    """Hands over what waits on one route. Used by one thread."""

    route: Route
    outbox: Outbox
    channel: Channel
    clock: Clock
    backoff: Backoff = field(default_factory=Backoff)
    draw: Draw = random.uniform

    def step(self) -> Stepped:
        """Hand one parcel over, if one is due. Raises UnavailableError where the outbox cannot be reached."""
        now = self.clock()
        delivery = self.outbox.next(self.route.name)
        if delivery is None:
            again = self._pack(now)
            delivery = self.outbox.next(self.route.name)
            if delivery is None:
                return Stepped(Went.IDLE, again)
        if delivery.due > format_time(now):
            return Stepped(Went.IDLE, parse_time(delivery.due))
        return self._hand_over(delivery)

    def _pack(self, now: datetime) -> datetime | None:
        name = self.route.name
        waiting = self.outbox.waiting(name, MOST_WAITING)
        if not waiting:
            return None
        gathered = gather(self.route, waiting, now, self.outbox.recent(name, now - MINUTE))
        for group in gathered.groups:
            self.outbox.pack(name, group, new_id(), now)
        return gathered.again

    def _hand_over(self, delivery: Delivery) -> Stepped:
        try:
            self.channel.send(delivery.parcel)
        except LaterError as error:
            return self._try_again(delivery, error.message, error.after)
        except UnavailableError as error:
            return self._try_again(delivery, error.message)
        except OrderTrailError as error:
            return self._settle(delivery, State.DEAD, error.message)
        except Exception as error:  # noqa: BLE001 - a library's own; its text may show what is secret
            return self._try_again(delivery, type(error).__name__)
        return self._settle(delivery, State.SENT, None)

    def _try_again(self, delivery: Delivery, error: str, asked: timedelta = timedelta(0)) -> Stepped:
        """Keep a failed attempt, and not ask before the receiver wants to be; give up where it was the last."""
        attempts = delivery.attempts + 1
        if self.backoff.is_spent(attempts):
            return self._settle(delivery, State.DEAD, error)
        again = self.clock() + max(self.backoff.wait(attempts, self.draw), asked)
        told = one_line(error)
        self.outbox.settle(
            msgspec.structs.replace(delivery, attempts=attempts, due=format_time(again), error=told)
        )
        return Stepped(Went.FAILED, again, told)

    def _settle(self, delivery: Delivery, state: State, error: str | None) -> Stepped:
        settled = msgspec.structs.replace(
            delivery,
            state=state,
            attempts=delivery.attempts + 1,
            settled=format_time(self.clock()),
            error=None if error is None else one_line(error),
        )
        self.outbox.settle(settled)
        return Stepped(Went.SENT if state is State.SENT else Went.DEAD, self.clock(), settled.error)
