"""Following the log: what is sealed becomes messages that wait on routes, each once.

One round is three numbered steps. Each says what is true if the machine stops there:

1. **Read** a batch of sealed events from the place up to which was read. *If we stop here*, nothing has happened.
2. **Route** them: make messages, and see which routes take them. *If we stop here*, only memory is lost.
3. **Keep** messages and the new place in one transaction. *If we stop before*, the next start does it again and makes
   the same messages; *after*, it goes on from there.

At its very first start it begins with what is sealed from then on: nobody is told today of a year of events.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import EvidenceError
from ordertrail.notify.message import Address, message_of, nowhere
from ordertrail.notify.ports import Queue, Queued, SealedLog
from ordertrail.notify.routing import Route
from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.event import Event

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Collector:
    """Reads the log for all routes. Used by one thread."""

    log: SealedLog
    streams: Sequence[str]
    queue: Queue
    routes: Sequence[Route]
    clock: Clock
    actions: Mapping[str, Action] = field(default_factory=lambda: CATALOGUE)
    address: Address = nowhere

    def run(self, stop: Callable[[], bool] = lambda: False) -> set[str]:
        """Read all that is sealed and was not read; return the routes that got something.

        Raises EvidenceError where the log is shorter than what was read of it: it was rolled back, or is another one.
        """
        told: set[str] = set()
        places = self.queue.places()
        if places is None:
            self.queue.take(
                None, {stream: self.log.size(stream) for stream in self.streams}, (), self.clock()
            )
            return told
        for stream in self.streams:
            size, start = self.log.size(stream), places.get(stream, 0)
            if start > size:
                raise EvidenceError(
                    f"people were told of {start:,} entries of stream {stream}, which has {size:,}",
                    meaning="The log was rolled back, or is another one.",
                    remedy="Run 'ordertrail verify'. If the log was restored, move notify.db away.",
                )
            while start < size and not stop():
                end = min(start + BATCH, size)
                queued = list(self._queued(self.log.events(stream, start, end)))
                after = {**places, stream: end}
                if not self.queue.take(places, after, queued, self.clock()):
                    return told  # somebody else reads, too; the next round begins where they are
                told.update(one.route for one in queued)
                places, start = after, end
        return told

    def _queued(self, events: Sequence[Event]) -> Iterator[Queued]:
        """Yield messages for routes."""
        leaves = {route.personal for route in self.routes}
        for event in events:
            made = {
                personal: message_of(event, self.actions, personal=personal, address=self.address)
                for personal in leaves
            }
            for route in self.routes:
                message = made[route.personal]
                if message is not None and route.takes(message):
                    yield Queued(route.name, message)
