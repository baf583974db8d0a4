"""What of a log was destroyed, told in a bundle: certificates and orders of destruction as proven entries.

A log whose beginning was destroyed still proves the rest. A bundle of it says so: the *order* is an entry of the log
itself, the *certificate* an entry of the deletion log, a log with a key of its own. Both are carried and proven as
every other entry. ``purges/<id>.json`` says which two belong together, and proves that the root which both name is the
beginning of the log's checkpoint (RFC 9162 section 2.1.4)::

    {"certificate": {"index": 5, "stream": "deletions"}, "consistency": ["…base64…", …],
     "order": {"index": 1999, "stream": "default"}}

The file is RFC 8785 canonical JSON; the manifest covers it as every member. Where the first events of an order were
destroyed, the manifest says which was the last of them, and proves by its hash that it was there (:class:`Before`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from ordertrail.evidence.gathering import LogSource, published
from ordertrail.evidence.layout import purge_member
from ordertrail.evidence.manifest import Before, OrderPart
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import parse_id
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.proofs import prove_consistency, prove_inclusion
from ordertrail.ledger.pruning import ACTION
from ordertrail.ledger.tiles import TILE_WIDTH, Tile, TileReader
from ordertrail.ledger.vkey import format_base64
from ordertrail.record.encoding import encode
from ordertrail.record.entry import Entry, read_entry
from ordertrail.retention.certificate import Certificate, certificate_of

_AT_ONCE = 1_024


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the bundle: its stream and its index."""

    stream: str
    index: int


class PurgeMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member below ``purges`` says: two entries, and the hashes (base64) from their root to the checkpoint's."""

    certificate: Place
    order: Place
    consistency: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Purge:
    """A destruction that touches a log: its certificate, that one's entry, and the entry of the order."""

    certificate: Certificate
    certified: EntryRow
    order: EntryRow

    @property
    def name(self) -> str:
        """The name of the member."""
        return purge_member(self.certificate.id)

    @property
    def sentence(self) -> str:
        """What it keeps from being shown."""
        one = self.certificate
        return (
            f"What entries 0 to {one.minimum - 1:,} of {one.origin} said: they were destroyed after their term, on "
            f"{one.time[:10]}; {self.name} certifies it, and the log's own entry {self.order.index:,} ordered it."
        )


def purges_of(source: LogSource, size: int, deletions: LogSource | None) -> list[Purge]:
    """Return the destructions of a log that are certified and ordered below ``size``, the first one first.

    An order that a later destruction took with it is not there any more; the later one covers what it ordered.
    """
    if deletions is None or deletions is source:
        return []
    found = _certified(source.identity.origin, deletions)
    ordered = ((*one, source.log.reader.find(parse_id(one[0].order))) for one in found)
    purges = [
        Purge(certificate, row, hit[1])
        for certificate, row, hit in ordered
        if hit is not None and hit[0] == source.identity.name and hit[1].index < size
    ]
    return sorted(purges, key=lambda one: one.certificate.minimum)


def _certified(origin: str, deletions: LogSource) -> Iterator[tuple[Certificate, EntryRow]]:
    """Yield the certificates of a log's destructions that are published, each with its entry."""
    size = read_checkpoint(published(deletions)).size
    for start in range(0, size, _AT_ONCE):
        for row in deletions.log.reader.rows(deletions.identity.name, start, min(start + _AT_ONCE, size)):
            if ACTION.encode() in row.entry:
                event = read_entry(row.entry).event
                certificate = certificate_of(event)
                if (event.action, event.outcome, certificate.origin) == (ACTION, "success", origin):
                    yield certificate, row


def format_purge(purge: Purge, source: LogSource, size: int, deletions: str) -> bytes:
    """Write the member of a destruction; ``size`` is of the log's checkpoint in the bundle."""
    hashes = prove_consistency(purge.certificate.minimum, size, TileReader(source.log.tiles.get, size))
    return encode(
        PurgeMember(
            Place(deletions, purge.certified.index),
            Place(source.identity.name, purge.order.index),
            tuple(map(format_base64, hashes)),
        )
    )


def parse_purge(data: bytes, name: str) -> PurgeMember:
    """Read the member of a destruction.

    :raises InputError: if it is not exactly one.
    """
    try:
        found = msgspec.json.decode(data, type=PurgeMember)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{name} cannot be read: {error}") from None
    if encode(found) != data:
        raise InputError(f"{name} is not in its one spelling (RFC 8785)")
    return found


def begun_before(
    orders: Sequence[OrderPart],
    entries: Iterable[Entry],
    purges: Sequence[Purge],
    source: LogSource,
    size: int,
) -> tuple[list[OrderPart], list[str]]:
    """Say of each order whose first events were destroyed what came before its first one here.

    Returns the orders, and sentences on those that are not told as whole: what nothing certifies stays unexplained.
    """
    first: dict[tuple[str | None, str | None], Entry] = {}
    for entry in entries:
        first.setdefault((entry.event.subject.order, entry.event.subject.tenant), entry)
    links = {one: first[one.order, one.tenant].ledger.order for one in orders}
    wanted = {bytes.fromhex(link.previous) for link in links.values() if link is not None and link.number > 1}
    reader = TileReader(source.log.tiles.get, size)
    places = _places(wanted, purges[-1].certificate.minimum if purges else 0, reader)
    told, said = [], []
    for one, link in links.items():
        if link is None or link.number == 1:
            told.append(one)
            continue
        where = f"What happened to order {one.order} before number {link.number:,} of its events"
        index = places.get(bytes.fromhex(link.previous))
        if index is None:
            said.append(f"{where} in {source.identity.origin}: no certificate here explains that it is gone.")
            continue
        purge = next(purge for purge in purges if index < purge.certificate.minimum)
        hashes = tuple(map(format_base64, prove_inclusion(index, size, reader)))
        before = Before(number=link.number - 1, entry=index, hashes=hashes, purge=purge.certificate.id)
        told.append(msgspec.structs.replace(one, before=before))
        said.append(f"{where} in {source.identity.origin}: purged under certificate {purge.certificate.id}.")
    return told, said


def _places(wanted: set[bytes], minimum: int, reader: TileReader) -> dict[bytes, int]:
    """Return where leaves stand among the hashes of what was destroyed."""
    found: dict[bytes, int] = {}
    for window in range(minimum // TILE_WIDTH if wanted else 0):
        hashes = reader.hashes(Tile(0, window, TILE_WIDTH))
        if not wanted.isdisjoint(hashes):
            found |= {leaf: window * TILE_WIDTH + at for at, leaf in enumerate(hashes) if leaf in wanted}
    return found
