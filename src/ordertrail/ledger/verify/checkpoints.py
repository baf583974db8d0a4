"""Checks of signed checkpoints against the keys in force and the roots that the entries imply."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from ordertrail.ledger.note import Signature, parse_note, verify_note
from ordertrail.ledger.ports import KeyPeriod
from ordertrail.ledger.verify.report import Step
from ordertrail.ledger.vkey import VerifierKey, parse_vkey


class KeyHistory:
    """The keys of a log by the size from which each is in force, and the further keys beside them."""

    def __init__(self, periods: Sequence[KeyPeriod], others: Sequence[VerifierKey] = ()) -> None:
        self._periods = [(period.first, parse_vkey(period.vkey)) for period in periods]
        self.others = tuple(others)

    def required(self, size: int) -> tuple[VerifierKey, ...]:
        """Return the keys that must sign a checkpoint of this size: at a rotation the old one and the new."""
        known = [key for first, key in self._periods if first <= size]
        if len(known) > 1 and any(first == size for first, _ in self._periods):
            return tuple(known[-2:])
        return tuple(known[-1:])

    @property
    def every(self) -> tuple[VerifierKey, ...]:
        """All keys that ever signed for this log."""
        return tuple(key for _, key in self._periods) + self.others


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Whose lines may stand on a published checkpoint beside the log's own: witnesses', and those that were kept.

    A witness that the settings no longer name cannot be checked; its line must be the very one that was kept.
    """

    witnesses: tuple[VerifierKey, ...] = ()
    kept: frozenset[Signature] = frozenset()


def checkpoint_problem(  # noqa: PLR0913, PLR0917 - what a checkpoint is held against
    data: bytes,
    origin: str,
    size: int,
    root: bytes,
    keys: KeyHistory,
    cosigned: Cosigned = Cosigned(),
) -> tuple[Step, str] | None:
    """Say what is wrong with a signed checkpoint that must be this log's of this size, and at which step.

    Every signature on it must be good, and by a key of this log or a witness: a stranger's line was added by somebody.
    """
    try:
        note = parse_note(data)
        required = keys.required(size)
        good = verify_note(note, (*required, *keys.others, *cosigned.witnesses))
        verified = {one.key for one in good}
    except (InputError, EvidenceError) as error:
        return Step.SIGNATURE, f"its signature does not hold: {error}"
    try:
        expected = format_checkpoint(Checkpoint(origin, size, root))
    except InputError as error:
        return Step.SIGNATURE, f"no checkpoint has this log's origin: {error}"
    if missing := [key for key in required if key not in verified]:
        return Step.SIGNATURE, f"it is not signed by {missing[0]}, the key in force"
    known = {(key.name, key.key_id) for key in verified}
    strange = [
        one for one in note.signatures if (one.name, one.key_id) not in known and one not in cosigned.kept
    ]
    if strange or len(set(note.signatures)) != len(note.signatures):
        return Step.SIGNATURE, "it carries a signature that is not by a key of this log"
    if note.text != expected:
        return Step.INCLUSION, f"it does not say what the entries add up to at {size:,} entries"
    return None


def read_checkpoint(data: bytes, keys: KeyHistory) -> Checkpoint:
    """Read a checkpoint kept elsewhere. Raises EvidenceError unless a key of this log signed it."""
    try:
        note = parse_note(data)
        verify_note(note, keys.every)
        return parse_checkpoint(note.text)
    except InputError as error:
        raise EvidenceError(f"this is not a checkpoint: {error}") from None
