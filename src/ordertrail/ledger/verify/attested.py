"""What others said of the log's checkpoints: time-stamp authorities (RFC 3161) and witnesses (C2SP).

They hold the clock and the memory that this machine could lie about. Each kept stamp and each kept cosignature is
checked against the anchor that it is of, and the log's own times are held against theirs:

- what a stamp is over existed at the stamp's time, so no entry under it may say that it was recorded later:
  else this machine's clock was ahead;
- what was sealed after a stamped checkpoint was recorded after it: an anchor whose newest entry says that it was
  recorded long before an *earlier* anchor was stamped tells of a clock that was set back.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.entry import view_entry
from ordertrail.ledger.note import Signature, parse_note, verify_note
from ordertrail.ledger.paths import IDENTITY, Attestation, anchor_path
from ordertrail.ledger.policy import Witness
from ordertrail.ledger.verify.checkpoints import Cosigned
from ordertrail.ledger.verify.published import Listing
from ordertrail.ledger.verify.report import Attestations, Finding, Step
from ordertrail.ledger.verify.source import Source

AHEAD = timedelta(seconds=2)
"""By how much this machine's clock may be ahead of an authority's."""

BACK = timedelta(minutes=2)
"""How long after an anchor its stamp may have come, and entries still have been sealed under the old time."""


def check_attestations(
    source: Source, listing: Listing, since: int, found: Attestations
) -> Iterator[Finding]:
    """Check everything that others said of checkpoints above ``since``; tell the rest in ``found``."""
    yield from _identity_findings(source, listing)
    times: list[tuple[int, datetime]] = []
    for check, kept, newest in (
        (_stamp, listing.stamps, found.stamps),
        (_cosignature, listing.cosignatures, found.cosignatures),
    ):
        for path, attestation in sorted(kept.items()):
            if attestation.size <= since and since:
                continue
            for problem in source.custody.problems(path, source.log.created):
                yield Finding(Step.CUSTODY, path, problem)
            try:
                told = check(source, path, attestation)
            except EvidenceError as error:
                yield Finding(Step.TIME, path, error.message)
                continue
            if told is None:
                found.unknown += 1
                continue
            name, time = told
            newest[name] = max(newest.get(name, (0, time)), (attestation.size, time))
            times.append((attestation.size, time))
            yield from _ahead(source, path, attestation.size, time)
    yield from _set_back(source, listing.anchors, sorted(times))


def _identity_findings(source: Source, listing: Listing) -> Iterator[Finding]:
    """Check the kept statement by which the log began."""
    if not listing.identity:
        return
    data = source.tiles.get(IDENTITY)
    if data is not None and source.keys and data != source.keys[0].statement:
        yield Finding(Step.SIGNATURE, IDENTITY, "is not the statement by which the log's first key began it")
    for problem in source.custody.problems(IDENTITY, source.log.created):
        yield Finding(Step.CUSTODY, IDENTITY, problem)


def _stamp(source: Source, path: str, stamp: Attestation) -> tuple[str, datetime] | None:
    """Check a stamp; return whose it is and its time, None where its authority is not known here."""
    authority = next((one for one in source.timestampers if one.name == stamp.by), None)
    if authority is None:
        return None
    anchor, data = source.tiles.get(anchor_path(stamp.size)), source.tiles.get(path)
    if anchor is None or data is None:
        raise EvidenceError("is missing, or the checkpoint that it is over is")
    return authority.name, authority.check(data, anchor)


def _cosignature(source: Source, path: str, cosignature: Attestation) -> tuple[str, datetime] | None:
    """Check a witness's signature over an anchor; the same."""
    witness = _witness(source, cosignature.by)
    if witness is None:
        return None
    anchor, data = source.tiles.get(anchor_path(cosignature.size)), source.tiles.get(path)
    if anchor is None or data is None:
        raise EvidenceError("is missing, or the checkpoint that it is over is")
    try:
        note = parse_note(data)
        same = note.text == parse_note(anchor).text
    except InputError as error:
        raise EvidenceError(f"cannot be read: {error}") from None
    if not same:
        raise EvidenceError("is over another checkpoint than the one of its size")
    (signed,) = verify_note(note, [witness.key])
    if signed.time is None:
        raise EvidenceError("is no cosignature")
    return witness.name, datetime.fromtimestamp(signed.time, UTC)


def _witness(source: Source, key_id: str) -> Witness | None:
    witnesses = source.policy.witnesses if source.policy is not None else ()
    return next((one for one in witnesses if one.key.key_id.hex() == key_id), None)


def _ahead(source: Source, path: str, size: int, time: datetime) -> Iterator[Finding]:
    """Hold the newest entry under a checkpoint against the time at which others saw that checkpoint."""
    recorded = _recorded(source, size)
    if recorded is not None and recorded > time + AHEAD:
        yield Finding(
            Step.TIME,
            f"entry {size - 1}",
            f"says that it was recorded at {format_time(recorded)}, and {path} saw it at {format_time(time)}: "
            "this machine's clock was ahead",
            size - 1,
        )


def _set_back(source: Source, anchors: list[int], times: list[tuple[int, datetime]]) -> Iterator[Finding]:
    """Hold each anchor's newest entry against the stamps of the anchors before it."""
    latest: datetime | None = None
    waiting = iter(times)
    ahead = next(waiting, None)
    for size in anchors:
        while ahead is not None and ahead[0] < size:
            latest = ahead[1] if latest is None else max(latest, ahead[1])
            ahead = next(waiting, None)
        if latest is None:
            continue
        recorded = _recorded(source, size)
        if recorded is not None and recorded < latest - BACK:
            yield Finding(
                Step.TIME,
                f"entry {size - 1}",
                f"says that it was recorded at {format_time(recorded)}, and a checkpoint before it was seen at "
                f"{format_time(latest)}: this machine's clock was set back",
                size - 1,
            )
            return  # what follows says the same of the same clock


def _recorded(source: Source, size: int) -> datetime | None:
    """Return when the newest entry of a log of this size says that it was recorded; None where nothing is told."""
    for row in source.reader.rows(source.log.name, size - 1, size) if size else ():
        try:
            return parse_time(view_entry(row.entry).ledger.recorded)
        except (EvidenceError, ValueError):
            return None  # the check of entries says what is wrong with it
    return None


def cosigned_on(source: Source, listing: Listing, size: int) -> Cosigned:
    """Return whose cosignatures may stand on the published checkpoint of this size."""
    witnesses = source.policy.witnesses if source.policy is not None else ()
    kept: set[Signature] = set()
    for path, cosignature in listing.cosignatures.items():
        if cosignature.size == size:
            with suppress(InputError):  # what cannot be read is told where it is checked
                kept.update(parse_note(source.tiles.get(path) or b"").signatures)
    return Cosigned(tuple(one.key for one in witnesses), frozenset(kept))


def attestation_notes(source: Source, attestations: Attestations) -> Iterator[str]:
    """Say in sentences who saw the log, up to where and when."""
    witnesses = [one.name for one in source.policy.witnesses] if source.policy is not None else []
    if not source.timestampers and not witnesses:
        yield "No timestamp authority and no witness is configured; times are this machine's own."
    for verb, names, newest in (
        ("stamped", [one.name for one in source.timestampers], attestations.stamps),
        ("cosigned", witnesses, attestations.cosignatures),
    ):
        for name in names:
            if name in newest:
                size, time = newest[name]
                yield f"{name} {verb} the checkpoint of {count(size, 'event')} at {format_time(time)}."
            else:
                yield f"{name} has {verb} no checkpoint among those that were checked."
    if attestations.unknown:
        yield (
            f"{count(attestations.unknown, 'stamp or cosignature', 'stamps and cosignatures')} could not be checked: "
            "the settings do not know who made them."
        )
