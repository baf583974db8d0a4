"""What of a log was destroyed, told in a bundle: the certificates, and the orders of destruction as proven entries.

A log whose beginning was destroyed still proves the rest. A bundle of it says so: the *order* is an entry of the log
itself, and is carried and proven as every other entry; the *certificate* is an entry of the deletion log, a log with a
key of its own, and stands in ``purges/<id>.json`` with its C2SP proof, for whoever has that log's key::

    {"certificate": {…, "minimum": 512, "root": "…hex…", …}, "sentence": "Entries 0 to 511 of … were destroyed on …",
     "order": {"stream": "default", "event": "…", "index": 1999},
     "proven": {"origin": "…/deletions", "vkeys": ["…"], "entry": "…as sealed…", "proof": "…tlog-proof…"}}

The file is RFC 8785 canonical JSON; the manifest covers it as every member.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ordertrail.evidence.gathering import LogSource, published
from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.ids import parse_id
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.proofs import prove_inclusion
from ordertrail.ledger.pruning import ACTION
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.tlog_proof import TlogProof, format_tlog_proof
from ordertrail.record.chain import chain_name
from ordertrail.record.entry import Entry, read_entry
from ordertrail.retention.certificate import Certificate, certificate_of

_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Purge:
    """A destruction that touches a log: its certificate, the order's entry, and the member that tells of both."""

    certificate: Certificate
    order: EntryRow
    member: bytes

    @property
    def name(self) -> str:
        """The name of the member."""
        return f"purges/{self.certificate.id}.json"

    @property
    def sentence(self) -> str:
        """What it keeps from being shown."""
        one = self.certificate
        return (
            f"What entries 0 to {one.minimum - 1:,} of {one.origin} said: they were destroyed after their term, on "
            f"{one.time[:10]}; {self.name} certifies it, and the log's own entry {self.order.index:,} ordered it."
        )


def purges_of(source: LogSource, deletions: LogSource | None) -> list[Purge]:
    """Return the destructions of a log that are certified and whose order is still there, the first one first."""
    if deletions is None or deletions is source:
        return []
    return list(_purges(source, deletions))


def _purges(source: LogSource, deletions: LogSource) -> Iterator[Purge]:
    origin, stream = source.identity.origin, source.identity.name
    note = published(deletions)
    size = read_checkpoint(note).size
    reader = TileReader(deletions.log.tiles.get, size)
    for row in _rows(deletions, size):
        if ACTION.encode() not in row.entry:
            continue
        event = read_entry(row.entry).event
        certificate = certificate_of(event)
        if (event.action, event.outcome, certificate.origin) != (ACTION, "success", origin):
            continue
        found = source.log.reader.find(parse_id(certificate.order))
        if found is None or found[0] != stream:
            continue
        proof = TlogProof(row.index, tuple(prove_inclusion(row.index, size, reader)), note)
        told: dict[str, Any] = {
            "certificate": {**asdict(certificate), "holds_checked": list(certificate.holds_checked)},
            "sentence": certificate.sentence,
            "order": {"stream": stream, "event": certificate.order, "index": found[1].index},
            "proven": {
                "origin": deletions.identity.origin,
                "vkeys": [one.vkey for one in deletions.log.store.keys(deletions.identity.name)],
                "entry": row.entry.decode(),
                "proof": format_tlog_proof(proof).decode(),
            },
        }
        yield Purge(certificate, found[1], canonical(told))


def _rows(source: LogSource, size: int) -> Iterator[EntryRow]:
    for start in range(0, size, _AT_ONCE):
        yield from source.log.reader.rows(source.identity.name, start, min(start + _AT_ONCE, size))


def cut_short(
    rows: Sequence[EntryRow], whole: Sequence[tuple[str, str | None]], purges: Sequence[Purge]
) -> dict[tuple[str, str | None], int]:
    """Return the orders whose first events in a log were destroyed, each with the number of its first that is there."""
    if not purges:
        return {}
    wanted = {chain_name(order, tenant): (order, tenant) for order, tenant in whole}
    first: dict[tuple[str, str | None], int] = {}
    for row in rows:
        order = wanted.get(row.chain) if row.chain is not None else None
        number = _number(read_entry(row.entry)) if order is not None else None
        if order is not None and number is not None:
            first[order] = min(first.get(order, number), number)
    return {order: number for order, number in first.items() if number > 1}


def _number(entry: Entry) -> int | None:
    return None if entry.ledger.order is None else entry.ledger.order.number
