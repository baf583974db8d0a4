"""Bundles of a trail: choose, gather, make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ordertrail.evidence.cases import Accounted
from ordertrail.evidence.choosing import Chosen, Selection, choose
from ordertrail.evidence.gathering import Gathered, gather, published
from ordertrail.evidence.making import Bundle, Order, Workshop, make_bundle
from ordertrail.evidence.manifest import Made
from ordertrail.evidence.opening import Disclosure
from ordertrail.evidence.purges import Purge, begun_before, format_purge, purges_of
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.ports import EntryRow
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
    accounts: tuple[Accounted, ...] = ()


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
        for stream in sorted({*chosen.rows, self.home}):
            self.workshop.sealing.anchor(stream)
        # First the checkpoints, then the rows: whatever lies under a checkpoint was committed before it was published,
        # so that no event of a whole order is missed that others seal meanwhile.
        notes = {one: published(sources[one]) for one in {*chosen.rows, self.home}}
        chosen = choose(request.selection, sources[self.home].log.reader)
        gathered = self._gather_all(chosen, notes)
        made = Made(
            format_time(self.clock()),
            request.actor.id,
            request.reason,
            request.approved_by,
            request.recipient,
            request.case,
        )
        about = request.about or request.selection.about
        order = Order(
            new_id(),
            about,
            made,
            request.actor,
            self.home,
            request.disclosures,
            request.sample,
            request.accounts,
        )
        return make_bundle(order, gathered, self.workshop)

    def _gather_all(self, chosen: Chosen, notes: Mapping[str, bytes]) -> list[Gathered]:
        """Gather what was chosen, log by log; where a part of one was destroyed, with what certifies that."""
        sources, rows = self.workshop.sources, {one: list(chosen.rows.get(one, ())) for one in notes}
        deletions, notes = sources.get(DELETIONS), dict(notes)
        purges = {
            one: purges_of(sources[one], read_checkpoint(notes[one]).size, deletions)
            for one in notes
            if rows[one]
        }
        certified = [one.certified for found in purges.values() for one in found]
        if deletions is not None and certified:
            rows.setdefault(DELETIONS, []).extend(certified)
            notes[DELETIONS] = published(deletions)
        return [
            self._gather(one, rows[one], chosen, purges.get(one, []), notes[one]) for one in sorted(notes)
        ]

    def _gather(
        self, stream: str, rows: Sequence[EntryRow], chosen: Chosen, purges: Sequence[Purge], note: bytes
    ) -> Gathered:
        """Gather what was chosen of a log, and the orders of its destructions."""
        source, size = self.workshop.sources[stream], read_checkpoint(note).size
        found = gather(source, [*rows, *(one.order for one in purges)], chosen.whole, note)
        orders, unshown = begun_before(found.orders, found.entries, purges, source, size)
        told = {one.name: format_purge(one, source, size, DELETIONS) for one in purges}
        said = [*(one.sentence for one in purges), *unshown]
        return replace(
            found,
            members={**found.members, **told},
            orders=tuple(orders),
            not_proven=(*found.not_proven, *said),
        )
