"""Gathering: from a trail's logs, what a bundle holds of some of their entries.

Everything is read from what is published: proofs are made from the tiles against the newest published checkpoint, and
are checked by whoever makes the bundle before it is handed out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.evidence import layout
from ordertrail.evidence.contents import Blob, blobs
from ordertrail.evidence.logs import format_hashes
from ordertrail.evidence.manifest import LogPart, OrderPart
from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.checkpoint import Checkpoint, read_checkpoint
from ordertrail.ledger.paths import anchor_path, stamp_of, stamp_path
from ordertrail.ledger.ports import EntryRow, Tiles
from ordertrail.ledger.proofs import prove_consistency, prove_inclusion
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import Log
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.tlog_proof import TlogProof, format_tlog_proof
from ordertrail.record.chain import chain_name
from ordertrail.record.entry import Entry, read_entry
from ordertrail.record.ports import Blobs
from ordertrail.vault.ports import Vault

#: Bytes of the documents that a bundle takes in, together; what is beyond is named and left out.
MAX_BLOBS: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where one log of a trail is read: its identity, its stores, and what is kept beside its tree.

    ``cosigners`` are the published verifier keys beside the log's own, a line each; ``policy`` is the file of the
    witnesses' policy; ``roots`` the certificates of each authority, in PEM.
    """

    identity: LogIdentity
    log: Log
    vault: Vault
    blobs: Blobs
    cosigners: bytes = b""
    policy: bytes | None = None
    roots: Mapping[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a bundle holds of one log, and the entries that it is about, in the log's order."""

    part: LogPart
    members: Mapping[str, bytes]
    entries: tuple[Entry, ...]
    orders: tuple[OrderPart, ...]
    not_proven: tuple[str, ...]


def published(source: LogSource) -> bytes:
    """Return a log's newest published checkpoint. Raises EvidenceError where there is none."""
    note = source.log.publication.checkpoint()
    if note is None:
        raise EvidenceError(f"the log {source.identity.origin} has published no checkpoint")
    return note


def gather(
    source: LogSource, rows: Sequence[EntryRow], whole: Sequence[tuple[str, str | None]], note: bytes
) -> Gathered:
    """Gather entries of one log with all that proves them, under the published checkpoint ``note``.

    ``whole`` are the orders of which all is wanted. For these to be complete up to the checkpoint, the rows must have
    been read after it: what was sealed since is left out here. Raises EvidenceError where a single event is not under
    the checkpoint, or what is published cannot be read.
    """
    stream, log = source.identity.name, source.log
    head = read_checkpoint(note)
    chains = {chain_name(order, tenant) for order, tenant in whole}
    within = {row.index: row for row in rows if row.index < head.size or row.chain not in chains}
    ordered = [within[index] for index in sorted(within)]
    if ordered and ordered[-1].index >= head.size:
        raise EvidenceError(
            f"entry {ordered[-1].index:,} is not under the published checkpoint of {head.size:,}"
        )
    reader = TileReader(_remembering(log.tiles), head.size)
    members = dict(_entries(stream, ordered, note, head, reader))
    members |= {layout.log_member(stream, "keys", one.first): one.statement for one in log.store.keys(stream)}
    members |= _checkpoints(source, note, head, ordered, reader)
    if source.cosigners:
        members[layout.cosigners_member(stream)] = source.cosigners
    if source.policy is not None:
        members[layout.policy_member(stream)] = source.policy
    entries = tuple(read_entry(row.entry) for row in ordered)
    documents, missing = _documents(source.blobs, entries)
    members |= documents
    members |= {layout.roots_member(name): pem for name, pem in _roots(source, members)}
    part = LogPart(stream, source.identity.origin, head.size, len(ordered))
    return Gathered(part, members, entries, tuple(_orders(stream, entries, whole)), tuple(missing))


def _remembering(tiles: Tiles) -> Callable[[str], bytes | None]:
    """Read each tile once: a thousand proofs of one log go through the same few."""
    seen: dict[str, bytes | None] = {}

    def get(path: str) -> bytes | None:
        if path not in seen:
            seen[path] = tiles.get(path)
        return seen[path]

    return get


def _entries(
    stream: str, rows: Sequence[EntryRow], note: bytes, head: Checkpoint, reader: TileReader
) -> Iterator[tuple[str, bytes]]:
    for row in rows:
        hashes = prove_inclusion(row.index, head.size, reader)
        yield layout.entry_member(stream, row.index), row.entry
        yield (
            layout.proof_member(stream, row.index),
            format_tlog_proof(TlogProof(row.index, tuple(hashes), note)),
        )


def _checkpoints(
    source: LogSource, note: bytes, head: Checkpoint, rows: Sequence[EntryRow], reader: TileReader
) -> dict[str, bytes]:
    """Return the head's checkpoint, and the earliest one that somebody stamped over all of the entries."""
    stream = source.identity.name
    members = {layout.log_member(stream, "checkpoints", head.size): note}
    after = rows[-1].index if rows else head.size - 1
    stamps = [stamp for stamp in map(stamp_of, source.vault.paths("timestamps")) if stamp is not None]
    within = sorted(stamp.size for stamp in stamps if after < stamp.size <= head.size)
    sizes = {*within[:1], *within[-1:]}
    for size in sizes:
        anchor = source.log.tiles.get(anchor_path(size))
        if anchor is None:
            continue
        members[layout.log_member(stream, "anchors", size)] = anchor
        for stamp in stamps:
            kept = source.log.tiles.get(stamp_path(size, stamp.by)) if stamp.size == size else None
            if kept is not None:
                members[layout.stamp_member(stream, size, stamp.by)] = kept
        if size < head.size:
            members[layout.log_member(stream, "checkpoints", size)] = anchor
            proof = prove_consistency(size, head.size, reader)
            members[layout.log_member(stream, "consistency", size)] = format_hashes(proof)
    return members


def _roots(source: LogSource, members: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    stamped = {name.split("/")[-1].removesuffix(".tsr") for name in members if name.endswith(".tsr")}
    yield from ((name, pem) for name, pem in (source.roots or {}).items() if name in stamped)


def _documents(store: Blobs, entries: Sequence[Entry]) -> tuple[dict[str, bytes], list[str]]:
    """Return the documents that entries name, and sentences on those that are not taken in."""
    found: dict[str, bytes] = {}
    missing: list[str] = []
    named: dict[str, Blob] = {blob.sha256: blob for entry in entries for blob in blobs(entry.event)}
    room = MAX_BLOBS
    for sha256, blob in sorted(named.items()):
        data = store.get(sha256) if blob.length <= room else None
        if data is None:
            missing.append(
                f"The document {sha256} of {blob.length:,} bytes is named by an entry and is not here."
            )
            continue
        room -= len(data)
        found[layout.blob_member(sha256)] = data
    return found, missing


def _orders(
    stream: str, entries: Sequence[Entry], whole: Sequence[tuple[str, str | None]]
) -> Iterator[OrderPart]:
    for order, tenant in whole:
        chain = [
            entry
            for entry in entries
            if (entry.event.subject.order, entry.event.subject.tenant) == (order, tenant)
        ]
        if chain:
            yield OrderPart(order, stream, len(chain), tenant)
