"""Checkpoints with signatures: sign one, and open what somebody else signed.

A log's checkpoint counts when the log itself has signed it, under a key whose name is the log's origin
(C2SP tlog-checkpoint, "Signatures"); witnesses add their cosignatures below. A worked example::

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO…
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI…
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.checkpoint_text import Checkpoint, format_checkpoint, parse_checkpoint
from ordertrail.ledger.note import Note, Verified, format_note, parse_note, verify_note
from ordertrail.ledger.signers import NoteSigner, sign_note
from ordertrail.ledger.vkey import SignatureType, VerifierKey

# The text's own names are offered here too: who works with checkpoints needs both.
__all__ = [
    "Checkpoint",
    "SignedCheckpoint",
    "format_checkpoint",
    "open_checkpoint",
    "parse_checkpoint",
    "read_checkpoint",
    "require_covered_extensions",
    "sign_checkpoint",
]


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint that was opened: the note it came in, and the signatures that were found good."""

    checkpoint: Checkpoint
    note: Note
    verified: tuple[Verified, ...]

    def by(self, key: VerifierKey) -> Verified | None:
        """Return the good signature by ``key``; of several, the latest; None if it has not signed."""
        found = [one for one in self.verified if one.key == key]
        return max(found, key=lambda one: one.time or 0, default=None)


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[NoteSigner]) -> bytes:
    """Sign a checkpoint: the bytes of a signed note.

    :raises InputError: if there is no signer.
    """
    return format_note(sign_note(format_checkpoint(checkpoint), signers))


def open_checkpoint(
    data: bytes,
    origin_key: VerifierKey,
    other_keys: Iterable[VerifierKey] = (),
    *,
    origin: str | None = None,
) -> SignedCheckpoint:
    """Open the checkpoint of one log: verified, and signed by the log itself.

    ``origin`` is the log's origin line where it is not the key's name. Signatures by ``other_keys`` need not
    be there, but must be good if they are.

    :raises InputError: if ``data`` is no signed note, or its text no checkpoint.
    :raises EvidenceError: if the log's signature is missing, any known key's is bad, or the checkpoint
        is another log's.
    """
    note = parse_note(data)
    verified = verify_note(note, (origin_key, *other_keys))
    opened = SignedCheckpoint(parse_checkpoint(note.text), note, verified)
    expected = origin_key.name if origin is None else origin
    if opened.checkpoint.origin != expected:
        raise EvidenceError(f"the checkpoint is of {opened.checkpoint.origin!r}, not of {expected!r}")
    if opened.by(origin_key) is None:
        raise EvidenceError(f"the checkpoint is not signed by its log, {origin_key}")
    require_covered_extensions(opened, (origin_key,))
    return opened


def read_checkpoint(data: bytes) -> Checkpoint:
    """Read what a signed note says, with nobody's signature checked: it may say anything.

    :raises InputError: if it is no signed note, or its text no checkpoint.
    """
    return parse_checkpoint(parse_note(data).text)


def require_covered_extensions(opened: SignedCheckpoint, log_keys: Iterable[VerifierKey]) -> None:
    """Refuse extension lines that none of the log's good signatures covers.

    :raises EvidenceError: if the log has signed by ML-DSA-44 alone, which leaves them out.
    """
    covering = (key for key in log_keys if key.type is not SignatureType.MLDSA44_COSIGNATURE)
    if opened.checkpoint.extensions and not any(opened.by(key) for key in covering):
        raise EvidenceError("the checkpoint has extension lines that the log's signature does not cover")
