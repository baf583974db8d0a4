"""Bundles of a trail: choose, gather, make."""

from dataclasses import dataclass

from ordertrail.evidence.choosing import Selection, choose
from ordertrail.evidence.gathering import gather, published
from ordertrail.evidence.making import Bundle, Order, Workshop, make_bundle
from ordertrail.evidence.manifest import Made
from ordertrail.evidence.opening import Disclosure
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: what, who asks and why, and what goes with it.

    ``about`` says in words what was chosen, where the selection's own words will not do. ``disclosures`` are keys of
    sealed fields that the recipient may see.
    """

    selection: Selection
    actor: Actor
    reason: str
    about: str = ""
    recipient: str | None = None
    case: str | None = None
    approved_by: str | None = None
    disclosures: tuple[Disclosure, ...] = ()
    sample: Sampled | None = None


@dataclass(frozen=True, slots=True)
class Bundling:
    """Makes bundles; each one is sealed in the log ``home``."""

    workshop: Workshop
    home: str
    clock: Clock

    def make(self, request: Request) -> Bundle:
        """Make a bundle.

        Raises InputError where nothing is chosen, no reason is given, or what was chosen is not there; UnavailableError
        where the log cannot be sealed now; EvidenceError where what came of it does not hold.
        """
        if not request.reason.strip():
            raise InputError(
                "a bundle has a reason", remedy="Say why the evidence is taken out; it is put on record."
            )
        sources = self.workshop.sources
        chosen = choose(request.selection, sources[self.home].log.reader)
        self.workshop.progress("gathering")
        streams = sorted({*chosen.rows, self.home})
        for stream in streams:
            self.workshop.sealing.anchor(stream)
        # First the checkpoints, then the rows: whatever lies under a checkpoint was committed before it was published,
        # so that no event of a whole order is missed that others seal meanwhile.
        notes = {one: published(sources[one]) for one in streams}
        chosen = choose(request.selection, sources[self.home].log.reader)
        gathered = [
            gather(sources[one], chosen.rows.get(one, ()), chosen.whole, notes[one]) for one in streams
        ]
        made = Made(
            format_time(self.clock()),
            request.actor.id,
            request.reason,
            request.approved_by,
            request.recipient,
            request.case,
        )
        about = request.about or request.selection.about
        order = Order(new_id(), about, made, request.actor, self.home, request.disclosures, request.sample)
        return make_bundle(order, gathered, self.workshop)
