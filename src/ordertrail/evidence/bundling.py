"""Bundles of a trail: choose, gather, make."""

from dataclasses import dataclass, replace

from ordertrail.evidence.choosing import Chosen, Selection, choose
from ordertrail.evidence.gathering import Gathered, gather, published
from ordertrail.evidence.making import Bundle, Order, Workshop, make_bundle
from ordertrail.evidence.manifest import Made
from ordertrail.evidence.opening import Disclosure
from ordertrail.evidence.purges import cut_short, purges_of
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.record.event import Actor
from ordertrail.retention.register import DELETIONS


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
        gathered = [self._gather(one, chosen, notes[one]) for one in streams]
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

    def _gather(self, stream: str, chosen: Chosen, note: bytes) -> Gathered:
        """Gather what was chosen of a log; where a part of it was destroyed, with what certifies that."""
        source, rows = self.workshop.sources[stream], list(chosen.rows.get(stream, ()))
        purges = purges_of(source, self.workshop.sources.get(DELETIONS)) if rows else []
        cut = cut_short(rows, chosen.whole, purges)
        if purges:
            size = read_checkpoint(note).size
            known = {row.index for row in rows}
            rows += [one.order for one in purges if one.order.index not in known]
            rows = [row for row in rows if row.index < size]
        found = gather(source, rows, [one for one in chosen.whole if one not in cut], note)
        said = [one.sentence for one in purges]
        said += [
            f"What happened to order {order} before number {number:,} of its events in {source.identity.origin}."
            for (order, _), number in sorted(cut.items(), key=str)
        ]
        members = {**found.members, **{one.name: one.member for one in purges}}
        return replace(found, members=members, not_proven=(*found.not_proven, *said))
