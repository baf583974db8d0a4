"""Checking a bundle, in the house's six numbered steps, with nothing but the bundle and a key that one trusts.

1. **Content**: one archive, one manifest, every member hashes to what the manifest says, every entry is canonical,
   documents and disclosed fields are what the entries name.
2. **Inclusion**: each entry's proof leads to the root of a checkpoint of its log; so does the seal's, the entry of
   the log that names the manifest's hash.
3. **Signature**: the log's keys came into force one by the other; each checkpoint is signed by the one in force; the
   seal names this manifest.
4. **Continuity**: every smaller checkpoint is the beginning of the largest, and so is what was destroyed; each order
   that is said to be complete is, without a gap, from its first event on, or from the one after what a certificate of
   destruction explains.
5. **Time**: recorded times do not run backwards; time stamps and cosignatures fit them.
6. **Custody**: who made the bundle is who the log says.

The order in which they are looked at is this one, so that the first thing that is wrong is what is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Protocol

from ordertrail.evidence import layout
from ordertrail.evidence.destroyed import Destroyed, certifying, check_before, check_roots, read_destroyed
from ordertrail.evidence.logs import CheckedLog, check_log
from ordertrail.evidence.manifest import Manifest, manifest_hash
from ordertrail.evidence.opening import (
    Carried,
    Disclosed,
    OpenBundle,
    failing_at,
    open_bundle,
    read_canonical_entry,
)
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.entry import NO_HASH
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.note import parse_note
from ordertrail.ledger.policy import Policy
from ordertrail.ledger.proofs import check_inclusion
from ordertrail.ledger.tlog_proof import TlogProof, format_tlog_proof, parse_tlog_proof
from ordertrail.ledger.verify.offline import Passed
from ordertrail.ledger.verify.report import Step
from ordertrail.ledger.vkey import VerifierKey
from ordertrail.record.chain import chain_name
from ordertrail.record.entry import Entry

AHEAD = timedelta(seconds=2)
"""By how much a log's clock may be ahead of who stamped or cosigned it."""

MADE = "bundle.make"
"""The action of the entry that names a bundle's manifest."""


class StampReader(Protocol):
    """Reads time stamps (RFC 3161). Pure: it asks nobody."""

    def check(self, authority: str, roots: bytes, stamp: bytes, data: bytes) -> datetime:
        """Verify a stamp over ``data`` up to one of ``roots`` (PEM); return its time, aware and UTC.

        Raises EvidenceError where it is not a good stamp over exactly these bytes, ConfigurationError where what reads
        stamps is not installed.
        """


@dataclass(frozen=True, slots=True)
class BundleChecked:
    """A bundle that holds: what it says, the steps that led there, and what nobody here could check.

    ``vouched`` says whether a key that the reader trusts is among each log's keys. Without one, the bundle agrees with
    itself, and nothing says whose it is.
    """

    manifest: Manifest
    entries: tuple[Carried, ...]
    disclosed: tuple[Disclosed, ...]
    vouched: bool
    steps: tuple[Passed, ...]
    notes: tuple[str, ...] = ()
    certifying: frozenset[str] = frozenset()
    """The logs that are here only to certify what was destroyed of the others."""

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        events = count(sum(one.stream not in self.certifying for one in self.entries), "event")
        origins = ", ".join(one.origin for one in self.manifest.logs if one.stream not in self.certifying)
        if self.vouched:
            return f"The bundle proves {events} of {origins}: {self.manifest.about}."
        return f"The bundle of {events} agrees with itself, but you named no key by which to know {origins}."


@dataclass(slots=True)
class _Told:
    """What is told on the way."""

    steps: list[Passed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def passed(self, step: Step, message: str) -> None:
        self.steps.append(Passed(step, message))


def check_bundle(
    data: bytes, trusted: Sequence[VerifierKey], stamps: StampReader | None = None, roots: bytes | None = None
) -> BundleChecked:
    """Check a bundle against the keys that the reader trusts; none is allowed, and said.

    ``stamps`` reads time stamps, up to ``roots`` (PEM) where the reader has some, else up to the bundle's own.

    :raises BrokenBundleError: at the first step that does not hold, naming it.
    """
    told = _Told()
    bundle = open_bundle(data)
    _tell_content(bundle, told)
    logs = {
        part.stream: check_log(bundle, part.stream, part.origin, part.size) for part in bundle.manifest.logs
    }
    destroyed = read_destroyed(bundle)
    aside = certifying(bundle, destroyed)
    seal = _check_inclusion(bundle, logs, told)
    _check_signatures(bundle, logs, seal, told)
    _check_trust(logs, aside, trusted, told)
    _check_continuity(bundle, logs, seal, destroyed, told)
    _check_times(bundle, logs, stamps, roots, told)
    _check_custody(bundle, seal, told)
    return BundleChecked(
        bundle.manifest,
        bundle.entries,
        bundle.disclosed,
        bool(trusted),
        tuple(told.steps),
        tuple(told.notes),
        aside,
    )


def require_quorum(data: bytes, policy: Policy) -> None:
    """Require that each log's checkpoint of a bundle counts under the reader's own policy: cosigned by its quorum.

    :raises BrokenBundleError: at the step of signatures, if one does not.
    """
    bundle = open_bundle(data)
    aside = certifying(bundle, read_destroyed(bundle))
    with failing_at(Step.SIGNATURE):
        for part in bundle.manifest.logs:
            if part.entries and part.stream not in aside:
                note = bundle.members[layout.log_member(part.stream, "checkpoints", part.size)]
                policy.check(parse_note(note))


@dataclass(frozen=True, slots=True)
class _Seal:
    """The log's entry that names the manifest, its proof, and what it says."""

    data: bytes
    proof: TlogProof
    entry: Entry


def _tell_content(bundle: OpenBundle, told: _Told) -> None:
    with failing_at(Step.CONTENT):
        streams = [part.stream for part in bundle.manifest.logs]
        if streams != sorted(set(streams)) or bundle.manifest.sealed_in not in streams:
            raise InputError("the manifest does not list its logs once, by name, with the one that sealed it")
        for part in bundle.manifest.logs:
            found = sum(carried.stream == part.stream for carried in bundle.entries)
            if found != part.entries:
                raise InputError(
                    f"the manifest says {part.entries} entries of {part.stream}, and {found} are here"
                )
        stray = next((one for one in bundle.below("logs") if one.split("/")[1] not in streams), None)
        if stray is not None:
            raise InputError(f"{stray} is of a log that the manifest does not list")
    told.passed(
        Step.CONTENT,
        f"{count(len(bundle.members), 'member')} as the manifest names them, "
        f"{count(len(bundle.entries), 'canonical entry', 'canonical entries')}",
    )
    if bundle.disclosed or bundle.sealed:
        told.passed(
            Step.CONTENT,
            f"{count(len(bundle.disclosed), 'sealed field')} opened by their keys; {bundle.sealed:,} stay sealed",
        )
    for sha256 in bundle.missing_blobs:
        told.notes.append(f"The document {sha256} is named by an entry and is not in the bundle.")


def _check_inclusion(bundle: OpenBundle, logs: dict[str, CheckedLog], told: _Told) -> _Seal:
    with failing_at(Step.INCLUSION):
        for carried in bundle.entries:
            log, proof = logs[carried.stream], read_proof(carried.proof)
            index = carried.entry.ledger.index
            where = f"entry {index:,} of {carried.stream}"
            if proof.index != index:
                raise EvidenceError(f"{where}: its proof is of entry {proof.index:,}")
            tree = log.by_note.get(proof.checkpoint)
            if tree is None:
                raise EvidenceError(f"{where}: its proof leads to a checkpoint that is not in the bundle")
            check_inclusion(index, tree.size, leaf_hash(carried.data), proof.hashes, tree.root)
        seal = _read_seal(bundle)
        tree = logs[bundle.manifest.sealed_in].read_seal(seal.proof.checkpoint)
        if seal.proof.index != seal.entry.ledger.index:
            raise EvidenceError("the seal's proof is of another entry than the seal")
        check_inclusion(seal.proof.index, tree.size, leaf_hash(seal.data), seal.proof.hashes, tree.root)
    sizes = ", ".join(f"{log.head.size:,} of {log.origin}" for log in logs.values())
    told.passed(Step.INCLUSION, f"every entry is under the root of a checkpoint: {sizes}")
    return seal


def _read_seal(bundle: OpenBundle) -> _Seal:
    data = bundle.members[layout.SEAL]
    return _Seal(data, read_proof(bundle.members[layout.SEAL_PROOF]), read_canonical_entry(data, layout.SEAL))


def read_proof(data: bytes) -> TlogProof:
    """Read a proof in its one spelling, with nothing extra, which nothing would cover.

    :raises EvidenceError: if it is not one.
    """
    proof = parse_tlog_proof(data)
    if proof.extra is not None or format_tlog_proof(proof) != data:
        raise EvidenceError("a proof has extra data, or is not in its one spelling")
    return proof


def _check_signatures(
    bundle: OpenBundle,
    logs: dict[str, CheckedLog],
    seal: _Seal,
    told: _Told,
) -> None:
    with failing_at(Step.SIGNATURE):
        for log in logs.values():
            log.check_signatures()
        home = logs[bundle.manifest.sealed_in]
        home.check_seal_signature(seal.proof.checkpoint)
        hash_ = manifest_hash(bundle.members[layout.MANIFEST])
        event = seal.entry.event
        named = {change.path: change.after for change in event.changes}
        if event.action != MADE or event.outcome != "success" or named.get("/manifest/sha256") != hash_:
            raise EvidenceError("the log's entry names another manifest: the manifest was altered")
        if event.subject.id != bundle.manifest.id:
            raise EvidenceError("the log's entry is of another bundle")
    for log in logs.values():
        told.passed(Step.SIGNATURE, f"{count(len(log.opened), 'checkpoint')} signed by {log.signers}")
    told.passed(Step.SIGNATURE, f"entry {seal.proof.index:,} of the log names this manifest, {hash_[:16]}…")


def _check_trust(
    logs: Mapping[str, CheckedLog], aside: frozenset[str], trusted: Sequence[VerifierKey], told: _Told
) -> None:
    """Require a trusted key of each log; of one that only certifies destructions, say where there is none.

    What it certifies was ordered by an entry of the log itself, under a key that is trusted.
    """
    if not trusted:
        told.notes.append(
            "No key was named to trust. Compare the keys that the bundle brings with ones from another source: "
            + "; ".join(vkey for log in logs.values() for vkey in log.vkeys)
        )
        return
    with failing_at(Step.SIGNATURE):
        for log in logs.values():
            if log.stream not in aside:
                log.require_trusted(trusted)
            elif not log.is_trusted(trusted):
                told.notes.append(
                    f"You named no key of {log.origin}, which certifies what was destroyed. The order to destroy it is "
                    f"an entry of a log whose key you trust; compare this one: {'; '.join(log.vkeys)}"
                )


def _check_continuity(
    bundle: OpenBundle,
    logs: dict[str, CheckedLog],
    seal: _Seal,
    destroyed: Mapping[str, Destroyed],
    told: _Told,
) -> None:
    with failing_at(Step.CONTINUITY):
        for log in logs.values():
            log.check_consistency()
        home = logs[bundle.manifest.sealed_in]
        sealed = home.read_seal(seal.proof.checkpoint)
        proof = bundle.members.get(layout.SEAL_CONSISTENCY, b"")
        home.check_between(home.head, sealed, proof, layout.SEAL_CONSISTENCY)
        if seal.proof.index < home.head.size:
            raise EvidenceError("the seal is older than the checkpoint of what it seals")
        told.passed(Step.CONTINUITY, "every checkpoint is the beginning of the next, up to the seal's")
        check_roots(destroyed, logs)
        for one in destroyed.values():
            told.passed(Step.CONTINUITY, one.sentence)
        _check_orders(bundle, logs, destroyed, told)
    complete = [one for one in bundle.manifest.orders if one.before is None]
    if complete:
        events = sum(one.events for one in complete)
        told.passed(
            Step.CONTINUITY,
            f"{count(len(complete), 'order')} complete from the first event on: {count(events, 'event')}, no gap",
        )


def _check_orders(
    bundle: OpenBundle, logs: dict[str, CheckedLog], destroyed: Mapping[str, Destroyed], told: _Told
) -> None:
    chains: dict[tuple[str, str | None], list[Carried]] = {}
    for carried in bundle.entries:
        subject = carried.entry.event.subject
        chains.setdefault((carried.stream, chain_name(subject.order, subject.tenant)), []).append(carried)
    for part in bundle.manifest.orders:
        where = f"order {part.order}" + (f" of {part.tenant}" if part.tenant else "")
        if part.stream not in logs:
            raise EvidenceError(f"{where} is of a log that is not in the bundle")
        chain = chains.get((part.stream, chain_name(part.order, part.tenant)), [])
        if not chain or len(chain) != part.events:
            raise EvidenceError(f"{where} is said to have {part.events} events, and {len(chain)} are here")
        previous, begin = NO_HASH.hex(), 1
        if part.before is not None and (link := chain[0].entry.ledger.order) is not None:
            previous, begin = link.previous, part.before.number + 1
            told.passed(Step.CONTINUITY, check_before(part, previous, destroyed, logs[part.stream]))
        for number, carried in enumerate(chain, begin):
            link = carried.entry.ledger.order
            if link is None or (link.number, link.previous) != (number, previous):
                raise EvidenceError(f"{where}: event {number} does not follow the one before it")
            previous = leaf_hash(carried.data).hex()


def _check_times(
    bundle: OpenBundle,
    logs: dict[str, CheckedLog],
    stamps: StampReader | None,
    roots: bytes | None,
    told: _Told,
) -> None:
    with failing_at(Step.TIME):
        for stream, log in logs.items():
            recorded = [
                (carried.entry.ledger.index, _moment(carried.entry.ledger.recorded))
                for carried in bundle.entries
                if carried.stream == stream
            ]
            for (_, before), (index, after) in pairwise(recorded):
                if after < before:
                    raise EvidenceError(
                        f"entry {index:,} says that it was recorded before the entry before it"
                    )
            cosigned = list(log.cosigned())
            if cosigned:
                told.notes.append(
                    "The witnesses are those of the bundle's own policy: compare their keys, or bring a policy."
                )
            seen = [*_stamped(bundle, log, stamps, roots, told), *cosigned]
            for name, size, time in seen:
                ahead = next((one for one in recorded if one[0] < size and one[1] > time + AHEAD), None)
                if ahead is not None:
                    raise EvidenceError(
                        f"entry {ahead[0]:,} says that it was recorded at {format_time(ahead[1])}, and {name} saw it "
                        f"at {format_time(time)}"
                    )
                told.passed(
                    Step.TIME, f"{name} saw the first {size:,} entries of {log.origin} at {format_time(time)}"
                )
            if not seen:
                told.notes.append(
                    f"Nobody else's clock is on {log.origin}: its times are its operator's word."
                )
        told.passed(Step.TIME, "recorded times do not run backwards")


def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise EvidenceError(f"{text[:40]!r} {error}") from None


def _stamped(
    bundle: OpenBundle, log: CheckedLog, stamps: StampReader | None, roots: bytes | None, told: _Told
) -> Iterator[tuple[str, int, datetime]]:
    for name in bundle.below(f"logs/{log.stream}/timestamps"):
        _, _, _, size, file = name.split("/")
        authority = file.removesuffix(".tsr")
        anchor = bundle.members.get(layout.log_member(log.stream, "anchors", int(size)))
        if anchor is None or int(size) not in log.opened:
            raise EvidenceError(f"{name}: the checkpoint that it is over is missing")
        log.require_same_text(int(size), anchor)
        trust = roots if roots is not None else bundle.members.get(layout.roots_member(authority))
        if stamps is None or trust is None:
            told.notes.append(
                f"{name} was not checked: there is nothing here that reads it, or no root for it."
            )
            continue
        time = stamps.check(authority, trust, bundle.members[name], anchor).astimezone(UTC)
        if roots is None:
            told.notes.append(f"The stamp of {authority} leads to a root that the bundle brings: compare it.")
        yield authority, int(size), time


def _check_custody(bundle: OpenBundle, seal: _Seal, told: _Told) -> None:
    made, event = bundle.manifest.made, seal.entry.event
    with failing_at(Step.CUSTODY):
        if event.actor.id != made.by:
            raise EvidenceError(
                f"the manifest says that {made.by} made it, and the log says {event.actor.id}"
            )
        if made.approved_by == made.by:
            raise EvidenceError(f"{made.by} is said to have approved what {made.by} made")
    approved = f", approved by {made.approved_by}" if made.approved_by else ""
    told.passed(
        Step.CUSTODY,
        f"made by {made.by}{approved}; the log recorded it at {seal.entry.ledger.recorded}: {made.reason}",
    )
