"""The ledger's side of the bus: events taken from an application's line, in order, and recorded.

For each batch, in numbered steps:

1. **Fetch** what the bus holds, in its order. *If we stop here*, the bus delivers it again.
2. **Order**: an event whose ``Ordertrail-After`` is not settled came without what goes before it: messages between
   were destroyed, or wait to be delivered again. It is put back for a moment, a few times, and then the application
   is asked to send it again, with what goes before it. So an order's events are recorded in their sequence, whatever
   the bus does.
3. **Record** the others through the trail's door, durably. *If we stop here*, the bus delivers them again, and the
   journal knows their ids.
4. **Tell** the application what became of each. *If we stop here*, as after step 3; what was told and not heard is
   found by the application, which sends it again.
5. **Acknowledge** to the bus, which forgets them. *If we stop here*, as after step 3.

Several may take from one line; what one has in hand, another puts back.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

import msgspec
from nats.errors import Error as NatsError

from ordertrail.adapters.nats.connecting import BusAddress, ask, connect
from ordertrail.adapters.nats.line import (
    AFTER,
    CONSUMER,
    MESSAGE_ID,
    Outcome,
    Told,
    require_consumer,
    require_stream,
    stream_name,
    told_subject,
)
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.errors import UnavailableError
from ordertrail.record.recorder import Arriving, Recorded

BATCH: Final = 500
"""Events of one transaction."""

_WAIT: Final = 0.5
_PUT_BACK: Final = 0.2
"""Seconds for which an event without its forerunner is put back."""
_DELIVERIES: Final = 5
"""Deliveries after which it is asked for anew."""

_log = logging.getLogger("ordertrail.bus")
_encode: Final = msgspec.json.Encoder().encode


class Ledger(Protocol):
    """Where events go."""

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """Record what is good, batch by batch; yield what became of each batch once it is durable."""

    def holds(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those of these events that are durable already."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of events taken from the bus: recorded, known or new; refused; asked for again; put back."""

    recorded: int = 0
    refused: int = 0
    again: int = 0
    put_back: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.recorded + other.recorded,
            self.refused + other.refused,
            self.again + other.again,
            self.put_back + other.put_back,
        )


@dataclass(frozen=True, slots=True)
class _Message:
    """A message of the bus, and what it says."""

    raw: Any
    id: str
    digest: str
    after: str | None
    deliveries: int

    @classmethod
    def of(cls, raw: Any) -> "_Message":
        headers = raw.headers or {}
        id_ = str(headers.get(MESSAGE_ID, "")).partition(".")[0]
        digest = hashlib.sha256(raw.data).hexdigest()
        return cls(raw, id_, digest, headers.get(AFTER), raw.metadata.num_delivered)


class Taker:
    """Takes from one application's line."""

    def __init__(self, address: BusAddress, application: str, ledger: Ledger, *, replicas: int = 3) -> None:
        self._address = address
        self._application = application
        self._ledger = ledger
        self._replicas = replicas
        self._backoff = Backoff(longest=timedelta(seconds=10))
        self._settled: set[str] = set()

    def run(self, stop: Callable[[], bool], tell: Callable[[Taken], None] = lambda _taken: None) -> Taken:
        """Take until asked to stop; return what became of all.

        Raises UnavailableError where the bus cannot be reached at first, ConfigurationError where the line is not as it
        must be. A bus that goes away meanwhile is connected to again, for as long as that takes.
        """
        return asyncio.run(self._run(stop, tell))

    async def _run(self, stop: Callable[[], bool], tell: Callable[[Taken], None]) -> Taken:
        stream, done = stream_name(self._application), Taken()
        client = await connect(self._address, f"ordertrail ledger for {self._application}")
        try:
            info = await ask(client, f"STREAM.INFO.{stream}")
            require_stream(self._application, info["config"], self._replicas)
            consumer = await ask(client, f"CONSUMER.INFO.{stream}.{CONSUMER}")
            require_consumer(self._application, consumer["config"])
            pulled = await client.jetstream().pull_subscribe_bind(CONSUMER, stream)
            while not stop():
                try:
                    fetched = await pulled.fetch(BATCH, timeout=_WAIT)
                except TimeoutError:
                    continue
                except NatsError:
                    await asyncio.sleep(_PUT_BACK)  # the bus is away, and the client connects again
                    continue
                try:
                    taken = await self._take(client, [_Message.of(raw) for raw in fetched])
                except NatsError as error:
                    # What was recorded is durable; the bus did not hear us, and delivers it again.
                    _log.warning("what was taken was not acknowledged: %s", error)
                    continue
                done += taken
                tell(taken)
        finally:
            await client.close()
        return done

    async def _take(self, client: Any, messages: list[_Message]) -> Taken:
        """Do steps 2 to 5 with messages, in the sequence of the stream."""
        messages.sort(key=lambda one: one.raw.metadata.sequence.stream)
        try:
            good, astray = await asyncio.to_thread(self._order, messages)
            told = await asyncio.to_thread(self._record, good)
        except UnavailableError as error:
            _log.warning("%s; the bus delivers %d events again", error.message, len(messages))
            for one in messages:
                await one.raw.nak(delay=self._backoff.ceiling(one.deliveries).total_seconds())
            return Taken(put_back=len(messages))
        lost = [one for one in astray if one.deliveries >= _DELIVERIES]
        told += [Told(one.id, one.digest, Outcome.AGAIN) for one in lost]
        if told:
            await client.publish(told_subject(self._application), _encode(told))
            await client.flush()
        for one in good + lost:
            await one.raw.ack()
        for one in astray:
            if one.deliveries < _DELIVERIES:
                await one.raw.nak(delay=_PUT_BACK)
        refused = sum(one.outcome is Outcome.REFUSED for one in told)
        return Taken(len(good) - refused, refused, len(lost), len(astray) - len(lost))

    def _order(self, messages: Sequence[_Message]) -> tuple[list[_Message], list[_Message]]:
        """Return what may be recorded now, and what came without its forerunner."""
        here = {one.id for one in messages}
        asked = {one.after for one in messages if one.after is not None} - here - self._settled
        settled = self._settled | (self._ledger.holds(sorted(asked)) if asked else frozenset())
        good, astray = [], []
        for one in messages:
            if one.after is None or one.after in settled:
                settled.add(one.id)
                good.append(one)
            else:
                astray.append(one)
        return good, astray

    def _record(self, messages: Sequence[_Message]) -> list[Told]:
        """Record messages; return what is told of each. The last batch's ids are remembered as settled."""
        if not messages:
            return []
        lines = [(str(number), bytes(one.raw.data)) for number, one in enumerate(messages)]
        refused = {
            int(one.place): tuple((problem.path, problem.message) for problem in one.problems)
            for outcome in self._ledger.record_each(lines)
            for one in outcome.refused
        }
        self._settled = {one.id for one in messages}
        return [
            Told(one.id, one.digest, Outcome.REFUSED, refused[number])
            if number in refused
            else Told(one.id, one.digest, Outcome.RECORDED)
            for number, one in enumerate(messages)
        ]
