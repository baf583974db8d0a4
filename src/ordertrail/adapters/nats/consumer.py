"""Deliveries from a JetStream stream: ``<prefix>.<channel>.<account>`` is a source's subject.

A message is acknowledged when its delivery is durable here, and not before. *If we stop* in between, the bus delivers
it again, and it is a duplicate: a message is known by its ``Nats-Msg-Id``, else by its place in the stream. Where it
cannot be made durable now, it is refused with a delay that grows with its deliveries, so that the bus's attempts and
ours are the same. What no source is configured for is ended (TERM) and logged: to send it again would not help.

nats-py 2; JetStream wire protocol: https://docs.nats.io/reference/reference-protocols/nats_api_reference.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nats
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

from ordertrail.intake.delivery import Source, Way
from ordertrail.intake.receiving import Door, Lander, Reception, Sent, told_of
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.errors import UnavailableError

DURABLE = "ordertrail"
"""The name of the consumer, by which the bus remembers how far we are."""

_ID = "nats-msg-id"
_WAIT = 1.0
_log = logging.getLogger("ordertrail.intake")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where deliveries come from. ``batch`` messages are landed by one transaction."""

    url: str
    stream: str
    prefix: str
    credentials: str | None = None
    batch: int = 256
    ack_wait: float = 30.0
    """Seconds after which the bus delivers again what we have not acknowledged."""
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(slots=True)
class Consumed:
    """What became of messages so far."""

    landed: int = 0
    duplicate: int = 0
    put_off: int = 0
    ended: int = 0


class Consumer:
    """Takes in what a stream has. ``sources`` are those that are configured, by ``channel/account``."""

    def __init__(self, subscription: Subscription, door: Door, sources: Mapping[str, Source]) -> None:
        self._subscription = subscription
        self._door = door
        self._sources = sources
        self.consumed = Consumed()

    def run(self, stop: Callable[[], bool]) -> Consumed:
        """Consume until asked to stop. Raises UnavailableError where the bus or the stream cannot be reached at all.

        A bus that goes away meanwhile is connected to again, for as long as that takes.
        """
        asyncio.run(self._run(stop))
        return self.consumed

    async def _run(self, stop: Callable[[], bool]) -> None:
        said, lander = self._subscription, Lander(self._door.inbox)
        options: dict[str, Any] = {"max_reconnect_attempts": -1, "name": DURABLE, "allow_reconnect": True}
        if said.credentials is not None:
            options["user_credentials"] = said.credentials
        try:
            client = await nats.connect(said.url, error_cb=_say, connect_timeout=5, **options)
        except (OSError, NatsError) as error:
            lander.close()
            raise UnavailableError(f"the bus {said.url} cannot be reached: {error}") from error
        try:
            config = ConsumerConfig(
                ack_policy=AckPolicy.EXPLICIT, ack_wait=said.ack_wait, max_ack_pending=4 * said.batch
            )
            stream = client.jetstream()
            try:
                pulled = await stream.pull_subscribe(f"{said.prefix}.>", DURABLE, said.stream, config)
            except NotFoundError as error:
                raise UnavailableError(f"the bus has no stream {said.stream} with {said.prefix}.>") from error
            while not stop():
                try:
                    messages = await pulled.fetch(said.batch, timeout=_WAIT)
                except (TimeoutError, NatsError):
                    continue  # nothing came, or the bus is away and the client connects again
                await asyncio.gather(*(self._take(message, lander) for message in messages))
        finally:
            lander.close()
            await client.close()

    async def _take(self, message: Any, lander: Lander) -> None:
        """Land one message, and say to the bus what became of it."""
        source = self._sources.get(self._source_name(message.subject))
        try:
            if source is None:
                _log.error(
                    "no source is configured for the subject %s; its message is ended", message.subject
                )
                self.consumed.ended += 1
                await message.term()
                return
            arrival = await asyncio.to_thread(self._door.arrival, _sent(message, source))
            landed = told_of(await asyncio.wrap_future(lander.land(arrival)))
            if landed.reception is Reception.DUPLICATE:
                self.consumed.duplicate += 1
            else:
                self.consumed.landed += 1
            await message.ack()
        except UnavailableError as error:
            delay = self._subscription.backoff.ceiling(message.metadata.num_delivered).total_seconds()
            _log.warning("%s: %s; the bus delivers it again in %g s", message.subject, error.message, delay)
            self.consumed.put_off += 1
            await _tell_later(message, delay)
        except NatsError as error:
            # It is durable; the bus did not hear us, delivers it again, and then it is a duplicate.
            _log.warning("%s was not acknowledged: %s", message.subject, error)

    def _source_name(self, subject: str) -> str:
        channel, _, account = subject.removeprefix(f"{self._subscription.prefix}.").partition(".")
        return f"{channel}/{account}"


def _sent(message: Any, source: Source) -> Sent:
    headers = {str(name).lower(): str(value) for name, value in (message.headers or {}).items()}
    place = message.metadata
    known = headers.get(_ID) or f"{place.stream}:{place.sequence.stream}"
    return Sent(source, bytes(message.data), Way.BUS, headers, message.subject, delivery_id=known)


async def _tell_later(message: Any, delay: float) -> None:
    try:
        await message.nak(delay=delay)
    except NatsError:
        _log.warning("%s was not refused: the bus is away, and delivers it again by itself", message.subject)


async def _say(error: Exception) -> None:
    _log.warning("the bus: %s", error)
