"""The application's side of the bus: a door through which a relay sends events, and that says what the ledger did.

The bus is a transport and the ledger is the truth. So the relay's door does not open with the bus's acknowledgement,
but with the ledger's: events were sent, in order, and the ledger's side told of each what became of it. Only then
does the relay forget its rows. For each call, in numbered steps:

1. **Send** each event that nobody told us about, each to stand right behind the one before: the stream is ours alone,
   so we know the sequence that it must have. *If we stop here*, the rows are in the outbox; the next relay sends them
   again, and the bus knows their ids.
2. **Wait** until every server that must has them (the bus's acknowledgement), and the ledger's side has told of them.
   *If we stop here*, as in step 1; the journal knows their ids too.
3. **Send again** what the bus does not hold any more, and nobody told us about: what we were told was lost, or the
   messages were. It goes under another message id, because the bus remembers ids of messages that it has lost.

**Fence.** A relay that was paused, and overtaken by another of the same outbox, expects a sequence that has passed:
the bus refuses its messages, and it looks at the outbox anew before it sends anything more.
"""

import asyncio
import hashlib
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any, Final, Self

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from ordertrail.adapters.nats.connecting import BusAddress, ask, connect
from ordertrail.adapters.nats.line import (
    AFTER,
    EXPECTED,
    MESSAGE_ID,
    Outcome,
    Told,
    require_stream,
    stream_name,
    subject,
    told_subject,
)
from ordertrail.kernel.errors import InputError, Problem, UnavailableError
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event
from ordertrail.record.recorder import Arriving, Recorded, Refused

BATCH: Final = 1_000
"""Events that are sent before the first of them must be told about."""

_ACKNOWLEDGED: Final = 10.0
"""Seconds in which the bus acknowledges what it was sent, an election among its servers included."""

_LOOK: Final = 1.0
"""Seconds without news after which the bus is asked whether it still holds what we sent."""

_WRONG_SEQUENCE: Final = 10071

_log = logging.getLogger("ordertrail.bus")


class _Identified(msgspec.Struct, frozen=True):
    id: str


_identify: Final = msgspec.json.Decoder(_Identified).decode
_tellings: Final = msgspec.json.Decoder(tuple[Told, ...]).decode


@dataclass(slots=True)
class _Parcel:
    """An event on its way: where it stood, its id and bytes, and how often and as what it was sent."""

    place: str
    id: str
    body: bytes
    digest: str
    attempt: int = 0
    sequence: int = 0
    told: Told | None = None

    @property
    def message_id(self) -> str:
        return self.id if self.attempt == 0 else f"{self.id}.{self.attempt}"


@dataclass(frozen=True, slots=True)
class Line:
    """An application's way to the ledger. ``replicas`` is how many servers must keep its stream, at least."""

    address: BusAddress
    application: str
    replicas: int = 3
    patience: float = 30.0
    """Seconds without news of the ledger's side after which the caller is told that there is none."""


class PublishingDoor:
    """Implements :class:`ordertrail.capture.outbox.relay.Door` over the bus. One thread uses it at a time.

    Raises UnavailableError where the bus cannot be reached, or the ledger's side tells nothing; ConfigurationError
    where the stream is not as it must be.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"ordertrail-bus-{line.application}", daemon=True
        )
        self._sender = _Sender(line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._sender.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def record(self, events: Iterable[Event]) -> Recorded:
        """See the port. Raises InputError where the trail refuses any; others of the call may be recorded then."""
        lines = [(f"event {number}", encode(event)) for number, event in enumerate(events)]
        done = sum(self.record_each(lines), Recorded())
        if done.refused:
            raise InputError(
                [
                    Problem(f"{one.place}: {problem.path}", problem.message)
                    for one in done.refused
                    for problem in one.problems
                ]
            )
        return done

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """See the port. The bus does not say which events were known already: all are counted as recorded."""
        remaining = iter(source)
        while chunk := list(islice(remaining, BATCH)):
            parcels, refused = _parcels(chunk)
            asyncio.run_coroutine_threadsafe(self._sender.deliver(parcels), self._loop).result()
            told = [(one.place, one.told) for one in parcels if one.told is not None]
            refused += [
                Refused(place, tuple(Problem(*problem) for problem in one.problems))
                for place, one in told
                if one.outcome is Outcome.REFUSED
            ]
            yield Recorded(len(chunk) - len(refused), 0, tuple(refused))


def _parcels(chunk: Sequence[Arriving]) -> tuple[list[_Parcel], list[Refused]]:
    """Return what is to be sent, and what cannot be. An id that comes twice with one body is sent once."""
    parcels: dict[str, _Parcel] = {}
    refused = []
    for place, line in chunk:
        if isinstance(line, tuple):
            refused.append(Refused(place, line))
            continue
        try:
            id_ = _identify(line).id
        except msgspec.MsgspecError:
            refused.append(Refused(place, (Problem("id", "is missing: without it nobody can be told of"),)))
            continue
        parcel = _Parcel(place, id_, line, hashlib.sha256(line).hexdigest())
        if parcels.setdefault(id_, parcel).digest != parcel.digest:
            refused.append(Refused(place, (Problem("id", f"{id_} came before, with other content"),)))
    return list(parcels.values()), refused


@dataclass(slots=True)
class _Sender:
    """What happens on the loop: the connection, how far the stream has come, and what we were told."""

    line: Line
    client: Client | None = None
    last: int | None = None
    waiting: dict[tuple[str, str], _Parcel] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: dict[str, "asyncio.Future[dict[str, Any]]"] = field(default_factory=dict)
    replies: str = ""
    sent: int = 0

    async def close(self) -> None:
        if self.client is not None:
            await self.client.close()

    async def deliver(self, parcels: list[_Parcel]) -> None:
        """Return when the ledger's side told of each."""
        self.waiting = {(one.id, one.digest): one for one in parcels}
        try:
            await self._deliver(parcels)
        except (OSError, NatsError) as error:
            raise self._away(
                f"the bus {self.line.address} is away: {error or type(error).__name__}"
            ) from error
        finally:
            self.waiting = {}

    async def _deliver(self, parcels: list[_Parcel]) -> None:
        client = await self._connected()
        untold, sending, idle = parcels, True, 0.0
        while untold:
            if sending:
                await self._send(client, untold)
            before = len(untold)
            asked_again = await self._hear()
            untold = [one for one in untold if one.told is None]
            idle = 0.0 if len(untold) < before else idle + _LOOK
            if not untold:
                return
            if idle >= self.line.patience:
                raise self._away("the ledger's side of the bus tells nothing: what was sent waits there")
            sending = asked_again or (idle > 0 and not await self._holds(client, untold))
            if sending:
                _log.warning(
                    "%d events are sent again: the bus has lost them, or what was told of them", len(untold)
                )
                for one in untold:
                    one.attempt += 1

    async def _connected(self) -> Client:
        if self.client is None:
            client = await connect(self.line.address, f"ordertrail relay of {self.line.application}")
            try:
                self.replies = client.new_inbox()
                await client.subscribe(f"{self.replies}.*", cb=self._on_acknowledged)
                await client.subscribe(told_subject(self.line.application), cb=self._on_told)
                await client.flush()
                self.last = await self._look(client)
            except BaseException:
                await client.close()
                raise
            self.client = client
        elif self.last is None:
            self.last = await self._look(self.client)
        return self.client

    async def _look(self, client: Client) -> int:
        """Hold the stream against what it must be; return its last sequence."""
        info = await self._info(client)
        return int(info["state"]["last_seq"])

    async def _info(self, client: Client) -> dict[str, Any]:
        info = await ask(client, f"STREAM.INFO.{stream_name(self.line.application)}")
        require_stream(self.line.application, info["config"], self.line.replicas)
        return info

    async def _holds(self, client: Client, untold: Sequence[_Parcel]) -> bool:
        """Say whether the bus still holds any of what we were not told about; then it is only slow."""
        state = (await self._info(client))["state"]
        return bool(state["messages"]) and int(state["first_seq"]) <= max(one.sequence for one in untold)

    # Step 1 -----------------------------------------------------------------------------------------------------

    async def _send(self, client: Client, parcels: list[_Parcel]) -> None:
        """Send all, in order; those that the bus knows already keep the sequence that they had."""
        after = {one.id: before.id for before, one in pairwise(parcels)}
        left, probing = parcels, False
        while left:
            answers = await self._publish(client, left, after, probing=probing)
            done = self._take(left, answers)
            # Behind one that it knew already, our count was wrong: which others it knows is asked first.
            probing = any(answer.get("duplicate") for answer in answers[:done])
            left = left[done:]

    async def _publish(
        self, client: Client, parcels: list[_Parcel], after: dict[str, str], *, probing: bool
    ) -> list[dict[str, Any]]:
        """Send these, expecting each behind the one before, or all at the same place; return the bus's answers."""
        last = self._expected()
        futures: list[asyncio.Future[dict[str, Any]]] = []
        loop = asyncio.get_running_loop()
        for number, parcel in enumerate(parcels):
            headers = {
                MESSAGE_ID: parcel.message_id,
                EXPECTED: str(last if probing else last + number),
            }
            if parcel.id in after:
                headers[AFTER] = after[parcel.id]
            self.sent += 1
            future = self.acknowledged[str(self.sent)] = loop.create_future()
            futures.append(future)
            await client.publish(
                subject(self.line.application),
                parcel.body,
                reply=f"{self.replies}.{self.sent}",
                headers=headers,
            )
        try:
            async with asyncio.timeout(_ACKNOWLEDGED):
                return list(await asyncio.gather(*futures))
        except TimeoutError:
            raise self._away("the bus did not acknowledge what it was sent") from None
        finally:
            self.acknowledged.clear()

    def _take(self, parcels: Sequence[_Parcel], answers: Sequence[dict[str, Any]]) -> int:
        """Take the bus's answers, up to the first that is an error; return how many were taken."""
        for number, (parcel, answer) in enumerate(zip(parcels, answers, strict=True)):
            wrong = answer.get("error")
            if wrong is not None:
                if number == 0:
                    raise self._refused(wrong)
                return number
            parcel.sequence = int(answer["seq"])
            if not answer.get("duplicate"):
                self.last = parcel.sequence
        return len(parcels)

    def _refused(self, wrong: dict[str, Any]) -> UnavailableError:
        if wrong.get("err_code") == _WRONG_SEQUENCE:
            return self._away(
                f"another relay sends for {self.line.application}; this one looks at the outbox anew"
            )
        return self._away(f"the bus does not take events: {wrong.get('description')}")

    def _expected(self) -> int:
        if self.last is None:
            raise self._away("how far the stream has come is not known")
        return self.last

    def _away(self, message: str) -> UnavailableError:
        self.last = None
        return UnavailableError(
            message,
            meaning="Nothing is lost: what was captured waits in the outbox until the ledger has it.",
            remedy="Look at the bus, and at the service that takes from it; it is tried again by itself.",
        )

    # Step 2 -----------------------------------------------------------------------------------------------------

    async def _hear(self) -> bool:
        """Wait for news of the ledger's side, for a while; say whether it asks for something again."""
        try:
            async with asyncio.timeout(_LOOK):
                await self.news.wait()
        except TimeoutError:
            return False
        self.news.clear()
        again = [one for one in self.waiting.values() if one.told and one.told.outcome is Outcome.AGAIN]
        for one in again:
            one.told = None
        return bool(again)

    async def _on_told(self, message: Any) -> None:
        try:
            told = _tellings(message.data)
        except msgspec.MsgspecError:
            _log.warning("something was told on %s that is not of the ledger's side", message.subject)
            return
        for one in told:
            parcel = self.waiting.get((one.id, one.digest))
            if parcel is not None and (parcel.told is None or one.outcome is not Outcome.AGAIN):
                parcel.told = one
                self.news.set()

    async def _on_acknowledged(self, message: Any) -> None:
        future = self.acknowledged.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        try:
            future.set_result(msgspec.json.decode(message.data, type=dict[str, Any]))
        except msgspec.MsgspecError:  # empty: nobody listens on this subject
            future.set_result({"error": {"description": "no stream takes them"}})
