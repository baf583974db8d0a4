"""The door: a delivery is authenticated, and durable before anybody is told that it came.

1. **Authenticate** over the raw bytes. What is not proven is counted and turned away; its bytes are not kept.
2. **Land** the bytes with all that is known of how they came. *If we stop here* before the commit, nothing was
   acknowledged, and the source sends again. After it, the delivery is worked on, whether the source heard us or not;
   if it sends again, that is a duplicate.

Those who come at the same time are landed by one transaction (group commit): one wait for the disk serves them all.
"""

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from queue import SimpleQueue
from tempfile import NamedTemporaryFile
from threading import Thread

from ordertrail.intake.channel import Channel
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Fault
from ordertrail.intake.ports import Arrival, Authenticator, Bodies, Inbox, Landed, Refusal, Sources
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import UnavailableError
from ordertrail.kernel.ids import new_id

INLINE = 1 << 20
"""Bytes of the largest body that is kept in a row; larger ones are files."""

_TOGETHER = 256
"""Arrivals that are landed by one transaction, at most."""

_SECRET = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
"""Headers that show a secret of the sender's, and are not kept."""


class Reception(Enum):
    """What became of what came."""

    LANDED = "landed"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a delivery. ``id`` is the first one's where it is a duplicate, None where it was refused."""

    reception: Reception
    id: str | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What came, and how: a body, or the file that holds it."""

    source: Source
    body: bytes | Path
    way: Way
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    again: bool = False
    delivery_id: str | None = None
    """The carrier's own id, which counts where the channel finds none."""


class Lander:
    """Lands arrivals of many threads together, in a thread of its own. Close it, and what was begun is finished."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._queue: SimpleQueue[tuple[Arrival, Future[Landed]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="ordertrail-intake-lander", daemon=True)
        self._thread.start()

    def land(self, arrival: Arrival) -> "Future[Landed]":
        """Return what becomes of an arrival, once it is durable; or UnavailableError."""
        future: Future[Landed] = Future()
        self._queue.put((arrival, future))
        return future

    def close(self) -> None:
        """Land what waits, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        ending = False
        while not ending:
            waiting = [self._queue.get()]
            while len(waiting) < _TOGETHER and not self._queue.empty():
                waiting.append(self._queue.get())
            ending = None in waiting
            self._land([one for one in waiting if one is not None])

    def _land(self, waiting: list[tuple[Arrival, "Future[Landed]"]]) -> None:
        try:
            landed = self._inbox.land([arrival for arrival, _ in waiting])
        except UnavailableError as error:
            for _, future in waiting:
                future.set_exception(error)
        except Exception:  # noqa: BLE001 - one arrival that no store takes must not keep out those beside it
            self._land_apart(waiting)
        else:
            for (_, future), one in zip(waiting, landed, strict=True):
                future.set_result(one)

    def _land_apart(self, waiting: list[tuple[Arrival, "Future[Landed]"]]) -> None:
        for arrival, future in waiting:
            try:
                future.set_result(self._inbox.land([arrival])[0])
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Door:
    """Takes deliveries in. Threads may share one."""

    inbox: Inbox
    bodies: Bodies
    sources: Sources
    authenticator: Authenticator
    channel: Callable[[str], Channel]
    clock: Clock

    def receive(self, sent: Sent) -> Received:
        """Authenticate a webhook and land it; what came by another way was let in by whoever runs us."""
        if sent.way is Way.WEBHOOK:
            fault = self.authenticator.authenticate(self.delivery(sent))
            if fault is not None:
                return self.refused(sent, fault)
        return told_of(self.inbox.land([self.arrival(sent)])[0])

    def delivery(self, sent: Sent) -> Delivery:
        """Return what came as a delivery; a file's bytes are not in it."""
        body = sent.body if isinstance(sent.body, bytes) else b""
        return Delivery(sent.source, body, format_time(self.clock()), sent.way, sent.headers, sent.name)

    def refused(self, sent: Sent, fault: Fault) -> Received:
        """Count a delivery that is turned away."""
        delivery = self.delivery(sent)
        sha256 = hashlib.sha256(delivery.body).hexdigest()
        self.sources.refuse([Refusal(str(sent.source), delivery.received, fault, sha256)])
        return Received(Reception.REFUSED, fault=fault)

    def arrival(self, sent: Sent) -> Arrival:
        """Return a delivery on its way to disk; what is too large for a row is there when this returns."""
        delivery = self.delivery(sent)
        kept: bytes | None = None
        if isinstance(sent.body, Path):
            sha256, size = self.bodies.put_file(sent.body)
        elif len(sent.body) <= INLINE:
            kept, sha256, size = sent.body, hashlib.sha256(sent.body).hexdigest(), len(sent.body)
        else:
            with NamedTemporaryFile(prefix="ordertrail-intake-") as file:
                file.write(sent.body)
                file.flush()
                sha256, size = self.bodies.put_file(Path(file.name))
        return Arrival(
            id=new_id(),
            source=str(sent.source),
            sha256=sha256,
            size=size,
            body=kept,
            received=delivery.received,
            way=sent.way,
            delivery_id=self._delivery_id(delivery, sent, sha256) or sent.delivery_id,
            headers=_without_secrets(sent),
            name=sent.name,
            again=sent.again,
        )

    def _delivery_id(self, delivery: Delivery, sent: Sent, sha256: str) -> str | None:
        """Return the source's own id of a delivery; a large file is mapped to be asked for it."""
        channel = self.channel(sent.source.channel)
        if isinstance(sent.body, bytes):
            return channel.delivery_id(delivery)
        with self.bodies.open(sha256) as body:
            mapped = Delivery(sent.source, body, delivery.received, sent.way, sent.headers, sent.name)
            return channel.delivery_id(mapped)


def _without_secrets(sent: Sent) -> dict[str, str]:
    shown = {*_SECRET, sent.source.options.get("key_header", "").lower()}
    return {name: value for name, value in sent.headers.items() if name not in shown}


def told_of(landed: Landed) -> Received:
    """Return what became of a delivery that was landed."""
    return Received(Reception.DUPLICATE if landed.duplicate else Reception.LANDED, landed.id)
