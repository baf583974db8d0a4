"""Having an event sealed and published, whoever seals: this process, or another that holds the sealing lock."""

import time
from dataclasses import dataclass

from ordertrail.kernel.errors import BusyError, UnavailableError
from ordertrail.kernel.ids import parse_id
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.ports import EntryRow
from ordertrail.record.event import Event
from ordertrail.services import Trail

_NAP = 0.05


@dataclass(frozen=True, slots=True)
class TrailSealing:
    """Implements :class:`ordertrail.evidence.making.Sealing` on a trail, whoever seals it: this process or another."""

    trail: Trail
    wait_seconds: float

    def seal(self, event: Event, stream: str) -> EntryRow:
        """See the port."""
        self.trail.record([event], stream=stream)
        until = time.monotonic() + self.wait_seconds
        while True:
            self._publish(stream)
            found = self._published(event, stream)
            if found is not None:
                return found
            if time.monotonic() > until:
                raise UnavailableError(
                    f"the entry of {event.id} was not sealed and published within {self.wait_seconds:g} seconds",
                    meaning="It is recorded and will be sealed; no bundle was handed out.",
                    remedy="See that 'ordertrail seal --follow' runs and anchors, and make the bundle again.",
                )
            time.sleep(_NAP)

    def anchor(self, stream: str) -> None:
        """See the port. Authorities and witnesses are asked too, so that a bundle has their word."""
        self._publish(stream)
        self.trail.attest(stream=stream)

    def _publish(self, stream: str) -> None:
        """Seal what waits and anchor; where another process seals, leave it to that one."""
        try:
            self.trail.seal(stream=stream)
        except BusyError:
            return

    def _published(self, event: Event, stream: str) -> EntryRow | None:
        log = self.trail.log(stream).log
        found = log.reader.find(parse_id(event.id))
        note = log.publication.checkpoint()
        if found is None or note is None or read_checkpoint(note).size <= found[1].index:
            return None
        return found[1]
