"""Sending a log on, from where it stopped: each event at least once, in the log's order, none passed over.

One round is four numbered steps. Each says what is true if the machine stops there:

1. **Read** a batch of entries from the place up to which was sent. *If we stop here*, nothing has happened.
2. **Tell** those that are meant, in the destination's format. *If we stop here*, only memory is lost.
3. **Send** them. *If we stop here*, the other side may have any part of them; all of them are sent again, with the same
   ids, by which it can know them.
4. **Move on** the place, durably. *If we stop before*, it is as after step 3.

What the other side will not take holds up what comes after it: a hole in a copy of an audit trail would look like a
deletion. How far behind it is, and why, is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.exporting.entry import Exported, Tell, read_entries
from ordertrail.exporting.ports import Destination, Places
from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.query.entries import read_entry
from ordertrail.query.feeding import Lag
from ordertrail.query.ports import LogReader
from ordertrail.query.projection import microseconds, moment_microseconds

BATCH: Final = 500

_NAP: Final = 1.0
_PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after each failure in a row; the last one again and again."""

Meant = Callable[[Exported], bool]
"""Says whether an entry is sent at all."""


def everything(_one: Exported) -> bool:
    """Send all."""
    return True


@dataclass(frozen=True, slots=True)
class Export:
    """One exporter: what it reads, how it tells it, and where it sends it. Used by one thread."""

    name: str
    log: LogReader
    streams: Sequence[str]
    places: Places
    destination: Destination
    tell: Tell
    clock: Clock
    meant: Meant = everything
    batch: int = BATCH
    from_now: bool = False
    """Whether the first start begins with what is sealed from then on."""

    def run(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Send all that is sealed and not sent; return how many events were sent.

        Raises UnavailableError where the destination cannot be reached or refuses, EvidenceError where the log is
        shorter than what was sent of it: it was rolled back, or is another one.
        """
        places = self._places()
        sent = 0
        for stream in self.streams:
            size = self.log.size(stream)
            if places[stream] > size:
                raise EvidenceError(
                    f"exporter {self.name} has sent {places[stream]:,} entries of stream {stream}, which has {size:,}",
                    meaning="The log was rolled back, or is another one; what was sent is a copy of what it had.",
                    remedy=f"Run 'ordertrail verify'. If the log was restored, delete exports/{self.name}.json.",
                )
            while places[stream] < size and not stop():
                end = min(places[stream] + self.batch, size)
                entries = read_entries(self.log, stream, places[stream], end)
                messages = [self.tell(one) for one in entries if self.meant(one)]
                if messages:
                    self.destination.send(messages)
                places[stream] = end
                self.places.write(places)
                sent += len(messages)
        return sent

    def follow(
        self,
        stop: Callable[[], bool],
        wait: Callable[[float], None],
        tell: Callable[[int | UnavailableError], None],
    ) -> None:
        """Send what comes until ``stop`` says so; ``tell`` hears how many were sent, or what cannot be reached.

        ``wait`` waits so many seconds at most. What cannot be reached is tried again for as long as it takes, over the
        same destination: it remembers what its other side may have lost.
        """
        failures = 0
        while not stop():
            try:
                tell(self.run(stop))
                failures, pause = 0, _NAP
            except UnavailableError as error:
                tell(error)
                pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
                failures += 1
            wait(pause)

    def behind(self) -> Lag:
        """Say how many sealed entries were not looked at yet, and since when the oldest of them is sealed."""
        places = self._places()
        events, oldest = 0, None
        for stream in self.streams:
            size = self.log.size(stream)
            events += max(0, size - places[stream])
            for row in self.log.rows(stream, places[stream], min(places[stream] + 1, size)):
                recorded = microseconds(read_entry(stream, row).place.recorded)
                oldest = recorded if oldest is None else min(oldest, recorded)
        now = moment_microseconds(self.clock())
        return Lag(events, 0.0 if oldest is None else max(0, now - oldest) / 1e6)

    def _places(self) -> dict[str, int]:
        """Return the place in each stream; a stream that is new begins where the exporter was told to."""
        known = self.places.read()
        if known is None and self.from_now:
            begun = {stream: self.log.size(stream) for stream in self.streams}
            self.places.write(begun)
            return begun
        return dict.fromkeys(self.streams, 0) | dict(known or {})
