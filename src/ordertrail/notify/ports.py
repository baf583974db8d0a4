"""What notifying needs of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordertrail.notify.digest import Waiting
from ordertrail.notify.message import Message
from ordertrail.notify.parcel import Delivery, Parcel, State
from ordertrail.record.event import Event


class SealedLog(Protocol):
    """The log, as one who follows it reads it. Reads see committed batches only."""

    def size(self, stream: str) -> int:
        """Return how many entries a stream has."""

    def events(self, stream: str, start: int, end: int) -> Sequence[Event]:
        """Return the events of a range in order; a hole is simply not there."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A message for a route. A route gets a message once, whatever is queued."""

    route: str
    message: Message


class Queue(Protocol):
    """How far the log was read, and the messages that this made.

    Atomic and durable: messages and the new place are kept together or not at all. Of two who read at one place, one
    goes on. Raises UnavailableError where the store cannot be reached.
    """

    def places(self) -> Mapping[str, int] | None:
        """Return the place in each stream from which on it was not read; None before the first time."""

    def take(
        self,
        before: Mapping[str, int] | None,
        after: Mapping[str, int],
        queued: Sequence[Queued],
        now: datetime,
    ) -> bool:
        """Keep messages and move on; False where the places are not ``before`` any more, and nothing was kept."""


class Outbox(Protocol):
    """What waits on each route, and the one parcel of it that is under way.

    Durable once a call returns. Used by one thread a route; several routes at once. Raises UnavailableError where the
    store cannot be reached.
    """

    def waiting(self, route: str, limit: int) -> Sequence[Waiting]:
        """Return what waits in no parcel yet, oldest first."""

    def recent(self, route: str, since: datetime) -> Sequence[datetime]:
        """Return the times at which parcels of a route were sent or given up since then."""

    def pack(self, route: str, ids: Sequence[str], id_: str, now: datetime) -> Parcel | None:
        """Put waiting messages into a parcel, and make it ready; None where none of them waits any more."""

    def next(self, route: str) -> Delivery | None:
        """Return the oldest parcel of a route that is ready, due or not."""

    def settle(self, delivery: Delivery) -> None:
        """Keep what became of an attempt."""


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries: all that fit what is given."""

    route: str | None = None
    state: State | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much of a route is under way: messages in no parcel, parcels that are ready, and dead ones."""

    route: str
    waiting: int
    ready: int
    dead: int


class DeliveryLog(Protocol):
    """What became of parcels. Durable once a call returns; may be used by several threads and processes."""

    def find(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Return deliveries, newest first."""

    def revive(self, ids: Sequence[str] | None, now: datetime) -> int:
        """Make dead parcels ready again, all of them for None; return how many."""

    def unrecorded(self, limit: int) -> Sequence[Delivery]:
        """Return parcels that are sent or dead, of which the trail does not know yet."""

    def recorded(self, deliveries: Sequence[Delivery], before: datetime) -> None:
        """Remember that the trail knows of these; forget what was sent before a time and is known."""

    def backlog(self) -> Sequence[Backlog]:
        """Return how much is under way, by route."""


class Channel(Protocol):
    """Where a route hands over.

    When ``send`` returns, the channel has the parcel, as far as anybody can know. Raises UnavailableError where it
    could not be handed over now, or nobody knows: then the same parcel is handed over again, with the same id. Raises
    ConfigurationError where trying again is of no use. Bounded in time. Used by one thread.
    """

    def send(self, parcel: Parcel) -> None:
        """Hand a parcel over."""

    def close(self) -> None:
        """Let go of connections."""


class Door(Protocol):
    """The trail's own door: events are durable when it returns, and known ids add nothing."""

    def __call__(self, events: Sequence[Event], /) -> None:
        """Record events."""
