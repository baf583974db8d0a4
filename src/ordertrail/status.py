"""Where a log stands: what is sealed, published, waiting, kept, and who else has seen it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import EvidenceError, OrderTrailError
from ordertrail.ledger.attestation import Attestors
from ordertrail.ledger.checkpoint import Checkpoint
from ordertrail.ledger.entry import view_entry
from ordertrail.ledger.note import parse_note, verify_note
from ordertrail.ledger.paths import anchor_path, stamp_of, stamp_path
from ordertrail.ledger.policy import Policy
from ordertrail.ledger.ports import Timestamper
from ordertrail.ledger.recovery import open_published
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import Log
from ordertrail.vault.ports import Vault


@dataclass(frozen=True, slots=True)
class Seen:
    """Who else has seen the log: up to which size, and when by their clock (RFC 3339); None where never."""

    name: str
    size: int | None
    time: str | None


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """Where a log stands. Times are RFC 3339; None where there is nothing to tell.

    ``timestamps`` and ``witnesses`` have one item for each authority and each witness of the settings; ``quorum``
    says whether enough witnesses have cosigned the newest published checkpoint.
    """

    stream: str
    origin: str
    size: int
    published: int
    waiting: int
    last_recorded: str | None
    keep_days: int
    key: str
    keys: int
    key_encrypted: bool
    immutable: bool
    kept_by: str
    root: str
    timestamps: tuple[Seen, ...] = ()
    witnesses: tuple[Seen, ...] = ()
    quorum: bool | None = None


def stream_status(
    identity: LogIdentity,
    log: Log,
    vault: Vault,
    attestors: Attestors,
    key_encrypted: Callable[[str], bool],
) -> StreamStatus:
    """Look at one log. Nothing is checked but that the published checkpoint is signed."""
    head = log.store.head(log.stream)
    note, published = published_checkpoint(log)
    last = next(iter(log.reader.rows(log.stream, head.size - 1, head.size)), None) if head.size else None
    keys = log.store.keys(log.stream)
    kept = vault.kept(anchor_path(published.size))
    witnesses = tuple(_witnesses(note, published.size, attestors.policy))
    cosigned = [one.name for one in witnesses if one.size is not None]
    return StreamStatus(
        stream=log.stream,
        origin=log.origin,
        size=head.size,
        published=published.size,
        waiting=log.journal.waiting(log.stream),
        last_recorded=view_entry(last.entry).ledger.recorded if last else None,
        keep_days=identity.keep_days,
        key=keys[-1].vkey,
        keys=len(keys),
        key_encrypted=key_encrypted(keys[-1].vkey),
        immutable=kept is not None and kept.locked,
        kept_by=kept.mode if kept is not None else "",
        root=head.root.hex(),
        timestamps=tuple(_stamped(vault, published.size, one) for one in attestors.timestampers),
        witnesses=witnesses,
        quorum=attestors.policy.is_met_by(cosigned) if attestors.policy is not None else None,
    )


def published_checkpoint(log: Log) -> tuple[bytes, Checkpoint]:
    """Return the newest published checkpoint, as a note and opened. Raises EvidenceError where there is none."""
    note = log.publication.checkpoint()
    if note is None:
        raise EvidenceError(f"stream {log.stream} has no published checkpoint")
    return note, open_published(note, log.origin, log.store.keys(log.stream))


def _stamped(vault: Vault, published: int, authority: Timestamper) -> Seen:
    """Return an authority's newest stamp: of the newest checkpoint, else of the newest that it stamped."""
    sizes = [published]
    if vault.kept(stamp_path(published, authority.name)) is None:
        stamps = (stamp_of(path) for path in vault.paths("timestamps"))
        sizes = sorted(
            (one.size for one in stamps if one is not None and one.by == authority.name), reverse=True
        )
    for size in sizes:
        stamp, anchor = vault.get(stamp_path(size, authority.name)), vault.get(anchor_path(size))
        if stamp is not None and anchor is not None:
            try:
                return Seen(authority.name, size, format_time(authority.check(stamp, anchor)))
            except OrderTrailError:
                continue  # the full check says what is wrong with it
    return Seen(authority.name, None, None)


def _witnesses(note: bytes, size: int, policy: Policy | None) -> Iterator[Seen]:
    """Yield when each witness cosigned the newest published checkpoint."""
    for one in policy.witnesses if policy is not None else ():
        try:
            (signed,) = verify_note(parse_note(note), [one.key])
        except EvidenceError:
            yield Seen(one.name, None, None)
            continue
        yield Seen(one.name, size, format_time(datetime.fromtimestamp(signed.time or 0, UTC)))
