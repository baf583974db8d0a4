"""Checks that need no trail: a proof, a bundle of entry and proof, two checkpoints of one log.

Everything here runs with nothing but ``cryptography`` installed, on a laptop with no network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.checkpoint import SignedCheckpoint, open_checkpoint
from ordertrail.ledger.entry import EntryView, view_entry
from ordertrail.ledger.merkle import NodeReader
from ordertrail.ledger.note import parse_note
from ordertrail.ledger.policy import Policy
from ordertrail.ledger.proofs import check_consistency, prove_consistency
from ordertrail.ledger.tlog_proof import check_tlog_proof, parse_tlog_proof
from ordertrail.ledger.verify.report import Step
from ordertrail.ledger.vkey import VerifierKey


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that was checked and holds, in words."""

    step: Step
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of an offline check: what it says, and the steps that led there."""

    verdict: str
    steps: tuple[Passed, ...]


Trust = Policy | Sequence[VerifierKey]
"""A policy, or the keys of one log: the one in force and those before it, any of which may have signed."""


def check_entry(proof: bytes, entry: bytes, trust: Trust) -> Checked:
    """Check that an entry is in the log that ``trust`` names. Raises EvidenceError at the first step that fails."""
    parsed = parse_tlog_proof(proof)
    signer = trust if isinstance(trust, Policy) else _signer(parsed.checkpoint, trust)
    signed = check_tlog_proof(parsed, entry, signer)
    view = view_entry(entry)
    if view.ledger.index != parsed.index:
        raise EvidenceError(
            f"the entry says it is number {view.ledger.index} of its log, and is proven at {parsed.index}"
        )
    return Checked(
        f"Event {view.event.id} is entry {parsed.index:,} of {signed.checkpoint.origin}, "
        f"recorded {view.ledger.recorded}.",
        tuple(_steps(view, signed)),
    )


def _signer(checkpoint: bytes, keys: Sequence[VerifierKey]) -> VerifierKey:
    """Return the trusted key that a checkpoint names as its signer; whether it signed is checked later."""
    note = parse_note(checkpoint)
    named = {(signature.name, signature.key_id) for signature in note.signatures}
    for key in keys:
        if (key.name, key.key_id) in named:
            return key
    signers = ", ".join(f"{name}+{key_id.hex()}" for name, key_id in sorted(named))
    trusted = ", ".join(map(str, keys))
    raise EvidenceError(
        f"the checkpoint is signed by {signers}, and you trust {trusted}",
        remedy="If the log's key was rotated, trust its older keys too: 'ordertrail keys list --plain' prints them.",
    )


def _steps(view: EntryView, signed: SignedCheckpoint) -> list[Passed]:
    checkpoint = signed.checkpoint
    signers = ", ".join(f"{one.key.name} ({one.key.key_id.hex()})" for one in signed.verified)
    steps = [
        Passed(Step.CONTENT, "the entry's bytes hash to the leaf that is proven"),
        Passed(Step.INCLUSION, f"the leaf is under the root of {count(checkpoint.size, 'entry', 'entries')}"),
        Passed(Step.SIGNATURE, f"the root is signed by {signers}"),
    ]
    order = view.event.subject.order
    link = view.ledger.order
    if order is not None and link is not None:
        steps.append(Passed(Step.CONTINUITY, f"it is number {link.number} of order {order}"))
    times = sorted(one.time for one in signed.verified if one.time is not None)
    if times:
        steps.append(Passed(Step.TIME, f"cosigned at {times[0]} seconds after 1970"))
    return steps


def check_pair(older: bytes, newer: bytes, keys: Sequence[VerifierKey], reader: NodeReader | None) -> Checked:
    """Check that one checkpoint's log is the beginning of another's.

    ``reader`` gives the tree's nodes; it need not be trusted, and is not needed where the sizes are equal.
    """
    signers = [_signer(data, keys) for data in (older, newer)]
    first, second = (
        open_checkpoint(data, key).checkpoint for data, key in zip((older, newer), signers, strict=True)
    )
    if first.size > second.size:
        first, second = second, first
    signed = Passed(
        Step.SIGNATURE, f"both checkpoints are signed, by {' and '.join(dict.fromkeys(map(str, signers)))}"
    )
    if first.size == second.size:
        if first.root != second.root:
            raise EvidenceError(
                f"two checkpoints of {first.size:,} entries have different roots: {first.origin} showed two histories"
            )
        return Checked(f"Both checkpoints are of the same {first.size:,} entries.", (signed,))
    if first.size > 0:
        if reader is None:
            raise InputError(
                "the tree's tiles are needed to compare checkpoints of different sizes",
                remedy="Name the published tree with --log DIR.",
            )
        proof = prove_consistency(first.size, second.size, reader)
        check_consistency(first.size, first.root, second.size, second.root, proof)
    message = f"the first {first.size:,} of {second.size:,} entries are the same"
    return Checked(
        f"The log of {second.size:,} entries continues the one of {first.size:,}: nothing was changed or removed.",
        (signed, Passed(Step.CONTINUITY, message)),
    )
