"""A witness: remembers the newest checkpoint of each log that it knows, and cosigns only what continues it.

Whoever sees a checkpoint with its cosignature knows that the log showed the witness no other history: two
readers who are shown different ones cannot both hold a cosignature (C2SP tlog-witness). Every request goes
through these steps, in this order; the first that fails is the answer:

1. **Form**: it is an ``add-checkpoint`` request.                                               else 400
   (Signatures that cannot be read, of a checkpoint that can, are no signatures:                     403)
2. **Log**: its origin is a log that the witness was told of.                                   else 403
3. **Signature**: a key of that log signed it.                                                  else 403
4. **Sizes**: the old size is not greater than the checkpoint's.                                else 400
5. **Memory**: the old size is the one that was cosigned last, 0 if none was; and a checkpoint of
   that very size has that very root.                                                           else 409
6. **Consistency**: the proof leads from what was cosigned last to the checkpoint. From size 0, and
   to the same size, there is nothing to prove and the proof is empty.                          else 422

What passes is recorded and cosigned. The signature is made first and leaves last: *if we stop* before the
record is durable, it was made and nobody has seen it; after it, the log asks again and gets another. So a
cosignature that anybody holds is of a checkpoint that is recorded, and its time, which says "the largest tree
that I had seen by then", lies before any larger one was recorded, in whichever process.

**A worked example** (sizes and roots; the witness begins knowing nothing of the log)::

    old 0, size 3, root a        → 200      recorded: 3, a
    old 0, size 5, root b        → 409 "3"  not what was cosigned last
    old 3, size 5, root b, proof → 200      recorded: 5, b
    old 3, size 3, root a        → 409 "5"  a log that was rolled back
    old 5, size 5, root c        → 409 "5"  a log with two faces; what it signed is kept, for it convicts it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.add_checkpoint import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    OK,
    SIGNATURES,
    SIZE_TYPE,
    TEXT_TYPE,
    UNPROCESSABLE,
    AddCheckpoint,
    Answer,
    format_cosignatures,
    format_size,
    parse_add_checkpoint,
)
from ordertrail.ledger.checkpoint import SignedCheckpoint, read_checkpoint, require_covered_extensions
from ordertrail.ledger.checkpoint_text import Checkpoint
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.note import Note, Signature, format_note, verify_note
from ordertrail.ledger.ports import WitnessState
from ordertrail.ledger.proofs import check_consistency
from ordertrail.ledger.signers import NoteSigner, signature_by
from ordertrail.ledger.vkey import VerifierKey


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a request: the answer, the request if it was one, and whether the log has two faces."""

    answer: Answer
    request: AddCheckpoint | None = None
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness by its name, its keys, the logs that it knows with theirs by origin, and what it remembers.

    May be used by several threads, and beside other processes on the same memory.
    """

    name: str
    signers: Sequence[NoteSigner]
    logs: Mapping[str, Sequence[VerifierKey]]
    state: WitnessState
    _signing: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add_checkpoint(self, body: bytes) -> Verdict:
        """Answer a request; what is cosigned is durable before this returns.

        :raises UnavailableError: if the memory cannot be reached; nothing was cosigned.
        :raises EvidenceError: if what the memory holds is no checkpoint of that log.
        """
        try:
            request = parse_add_checkpoint(body)
        except InputError as error:
            if error.problems[0].path == SIGNATURES:
                return Verdict(_refusal(FORBIDDEN, f"invalid signature: {error.problems[0].message}"))
            return Verdict(_refusal(BAD_REQUEST, error.message))
        origin = request.checkpoint.origin
        try:
            signed = open_request(request, self.logs.get(origin))
        except EvidenceError as error:
            return Verdict(_refusal(FORBIDDEN, error.message), request)
        while True:
            latest = self.state.latest(origin)
            known = remembered(origin, latest)
            if has_two_faces(request.checkpoint, known):
                self.state.keep_conflict(origin, signed)
                return Verdict(_size(known), request, conflict=True)
            refusal = judge(request, known)
            if refusal is not None:
                return Verdict(refusal, request)
            cosignatures = self._cosign(request.note.text)
            # The same tree once more changes nothing, but must still be the newest when this cosignature leaves.
            same = latest is not None and request.checkpoint.size == known.size
            if self.state.advance(origin, latest, latest if latest is not None and same else signed):
                return Verdict(Answer(OK, format_cosignatures(cosignatures), TEXT_TYPE), request)
            # Another request was faster: what was signed is thrown away, and judged again.

    def _cosign(self, text: bytes) -> list[Signature]:
        with self._signing:  # a signer is used by one thread at a time
            return [signature_by(signer, text) for signer in self.signers]


def open_request(request: AddCheckpoint, keys: Sequence[VerifierKey] | None) -> bytes:
    """Do steps 2 and 3: return the checkpoint as a note with the good signatures of its log and no others.

    :raises EvidenceError: if the log is not known (no ``keys``), or none of its keys signed.
    """
    if keys is None:
        raise EvidenceError("unknown log: this witness was not told of it")
    try:
        verified = verify_note(request.note, keys)
        opened = SignedCheckpoint(request.checkpoint, request.note, verified)
        require_covered_extensions(opened, keys)
    except (EvidenceError, InputError) as error:
        raise EvidenceError(f"invalid signature: {error.message}") from None
    return format_note(Note(request.note.text, tuple(one.signature for one in verified)))


def remembered(origin: str, latest: bytes | None) -> Checkpoint:
    """Read what the memory holds of a log; of one that was never cosigned, the empty tree.

    :raises EvidenceError: if it is no checkpoint of this log.
    """
    if latest is None:
        return Checkpoint(origin, 0, EMPTY_ROOT)
    try:
        checkpoint = read_checkpoint(latest)
    except InputError as error:
        raise EvidenceError(
            f"what this witness remembers of {origin!r} is damaged: {error.message}",
            meaning="It cannot know what it has cosigned of that log, and cosigns nothing more of it.",
            remedy="Restore its directory from a backup that is not older than its last cosignature, or retire it.",
        ) from None
    if checkpoint.origin != origin:
        raise EvidenceError(f"what this witness remembers of {origin!r} is of {checkpoint.origin!r}")
    return checkpoint


def has_two_faces(checkpoint: Checkpoint, known: Checkpoint) -> bool:
    """Say whether a log has signed two roots of one size: proof of its guilt, whatever it asks for with it."""
    return checkpoint.size == known.size > 0 and checkpoint.root != known.root


def judge(request: AddCheckpoint, known: Checkpoint) -> Answer | None:
    """Do steps 4 to 6 with what was cosigned last: the refusal, or None if this may be cosigned."""
    checkpoint = request.checkpoint
    if request.old > checkpoint.size:
        return _refusal(
            BAD_REQUEST, f"old size {request.old} is greater than the checkpoint's {checkpoint.size}"
        )
    if request.old != known.size:
        return _size(known)
    if checkpoint.size == known.size and checkpoint.root != known.root:
        return _size(known)
    if not known.size:
        # Every tree begins with the empty one (RFC 6962 section 2.1.2 has no proof for it).
        return (
            _refusal(UNPROCESSABLE, "the consistency proof from size 0 is not empty")
            if request.proof
            else None
        )
    try:
        check_consistency(known.size, known.root, checkpoint.size, checkpoint.root, request.proof)
    except EvidenceError as error:
        return _refusal(UNPROCESSABLE, f"the consistency proof does not hold: {error.message}")
    return None


def _refusal(status: int, reason: str) -> Answer:
    return Answer(status, f"{reason}\n".encode(), TEXT_TYPE)


def _size(known: Checkpoint) -> Answer:
    return Answer(CONFLICT, format_size(known.size), SIZE_TYPE)
