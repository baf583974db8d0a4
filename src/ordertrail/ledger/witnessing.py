"""Having a checkpoint witnessed: ask each witness of a policy, and gather their cosignatures.

Each witness is sent the checkpoint with a consistency proof from the size that it cosigned last (C2SP
tlog-witness). That size is what it told us when we asked before; it is a convenience and never trusted. Where
it is wrong or missing, the witness answers 409 with its own, and is asked once more from there.

What a witness may say, and what is made of it::

    200, and its key signed exactly our checkpoint     the cosignature is added to the note
    409, a size below ours                             asked once more, with a proof from that size
    409, a size above ours                             INCIDENT, rollback: it has seen more of this log than there is
    409, our own size, from our own size               INCIDENT, split view: it has seen another root
    422, to a proof that leads to our root             INCIDENT, split view: it has seen another beginning
    anything else, nothing, or not in time             missing, with the reason; the others are not kept waiting

An incident says that one witness and this log disagree about the past. One of them is wrong; which one, the
other witnesses' answers and checkpoints kept elsewhere tell. Nothing is retried and nothing is hidden.

**The newest first.** To ask for an older checkpoint than one that was witnessed already looks like a rollback, and
must. Where somebody else may have had a newer one witnessed meanwhile, ``newest`` says how many entries the log
has by now: what a witness knows beyond the checkpoint, and not beyond that, is no incident but too late.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import NamedTuple, Protocol

from ordertrail.kernel.errors import EvidenceError, InputError, UnavailableError
from ordertrail.ledger.add_checkpoint import (
    CONFLICT,
    OK,
    UNPROCESSABLE,
    AddCheckpoint,
    Answer,
    format_add_checkpoint,
    parse_cosignatures,
    parse_size,
)
from ordertrail.ledger.checkpoint_text import Checkpoint, parse_checkpoint
from ordertrail.ledger.cosignature import check_signature
from ordertrail.ledger.merkle import NodeReader, range_fold
from ordertrail.ledger.note import Note, Signature, format_note, parse_note
from ordertrail.ledger.policy import Policy
from ordertrail.ledger.ports import WitnessClient
from ordertrail.ledger.proofs import check_consistency, prove_consistency
from ordertrail.ledger.vkey import VerifierKey

_ATTEMPTS = 2
_SHOWN = 200
"""Characters of a witness's own words that a reason quotes."""


class IncidentKind(StrEnum):
    """How a witness and this log disagree about the past."""

    ROLLBACK = "rollback"
    SPLIT_VIEW = "split-view"


@dataclass(frozen=True, slots=True)
class Incident:
    """A witness remembers another history of a log than this one.

    ``checkpoint`` is what it was asked to cosign, ``known`` the size that it has cosigned, ``root`` the root that
    this log has at that size, None where it does not reach it.
    """

    kind: IncidentKind
    witness: str
    checkpoint: Checkpoint
    known: int
    root: bytes | None

    def __str__(self) -> str:
        origin, size = self.checkpoint.origin, self.checkpoint.size
        if self.kind is IncidentKind.ROLLBACK:
            return (
                f"witness {self.witness} has cosigned {origin} at {self.known:,} entries, and this log has only "
                f"{size:,}: it was rolled back, or another copy of it goes on"
            )
        root = "" if self.root is None else f" ({self.root.hex()})"
        return (
            f"witness {self.witness} has cosigned another history of {origin}: the {self.known:,} entries that it "
            f"saw are not the first {self.known:,} of these {size:,}{root}: this log was rewritten or forked"
        )


class Missing(NamedTuple):
    """A witness that did not cosign, by the policy's name for it, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of asking the witnesses of a policy.

    ``note`` is the checkpoint with all cosignatures that it now has, ``cosigned`` the names of those who made
    them, ``quorum`` whether they are enough. Who is not in ``cosigned`` is in ``missing``, or has an incident.
    ``seen`` is what each is now known to have cosigned last, to begin from next time.
    """

    note: bytes
    cosigned: tuple[str, ...]
    missing: tuple[Missing, ...]
    incidents: tuple[Incident, ...]
    quorum: bool
    seen: Mapping[str, int]


class Each(Protocol):
    """Calls a function with each of several things, in order or at once: ``map``, or an executor's."""

    def __call__(
        self, function: Callable[[WitnessClient], "Reply"], clients: Sequence[WitnessClient], /
    ) -> Iterable["Reply"]:
        """Yield the results in the order of ``clients``."""


Reply = Signature | Missing | Incident
"""What came of asking one witness."""


def collect(  # noqa: PLR0913 - each is one thing that asking needs
    note: bytes,
    policy: Policy,
    clients: Iterable[WitnessClient],
    reader: NodeReader,
    seen: Mapping[str, int] | None = None,
    *,
    each: Each = map,
    newest: Callable[[], int] | None = None,
) -> Collected:
    """Ask the witnesses of ``policy`` to cosign the log's newest checkpoint.

    ``clients`` reach them by the policy's names; ``reader`` reads this log's nodes and is used by one thread at
    a time; ``seen`` is what ``Collected.seen`` was the last time. Witnesses that have cosigned ``note`` already
    are not asked again. It takes as long as the slowest client does twice, if ``each`` calls them at once.
    ``newest`` returns how many entries this log has by now, if another process may have gone on with it.

    :raises InputError: if ``note`` is no signed checkpoint.
    :raises EvidenceError: if this log's own nodes do not add up to the checkpoint's root.
    """
    parsed = parse_note(note)
    checkpoint = parse_checkpoint(parsed.text)
    asking = _Asking(parsed, checkpoint, reader, dict(seen or {}), newest or (lambda: checkpoint.size))
    good = {one.name: found for one in policy.witnesses if (found := _cosignature_in(parsed, one.key))}
    reached = {client.name: client for client in clients}
    wanted = [one.name for one in policy.witnesses if one.name not in good]
    asked = [reached[name] for name in wanted if name in reached]
    replies: dict[str, Reply] = {
        name: Missing(name, "there is no way to reach it: the policy gives it no URL") for name in wanted
    }
    replies |= zip((client.name for client in asked), each(asking.ask, asked), strict=True)
    good |= {name: reply for name, reply in replies.items() if isinstance(reply, Signature)}
    cosigned = tuple(one.name for one in policy.witnesses if one.name in good)
    keys = {(one.key.name, one.key.key_id) for one in policy.witnesses}
    others = [one for one in parsed.signatures if (one.name, one.key_id) not in keys]
    return Collected(
        format_note(Note(parsed.text, (*others, *(good[name] for name in cosigned)))),
        cosigned,
        tuple(reply for reply in replies.values() if isinstance(reply, Missing)),
        tuple(reply for reply in replies.values() if isinstance(reply, Incident)),
        policy.is_met_by(cosigned),
        asking.seen | dict.fromkeys(cosigned, checkpoint.size),
    )


@dataclass(slots=True)
class _Asking:
    """One checkpoint on its way to the witnesses."""

    note: Note
    checkpoint: Checkpoint
    reader: NodeReader
    seen: dict[str, int]
    newest: Callable[[], int]
    _proofs: dict[int, tuple[bytes, tuple[bytes, ...]]] = field(default_factory=dict)
    _reading: Lock = field(default_factory=Lock)

    def ask(self, client: WitnessClient) -> Reply:
        """Ask one witness, and once more from the size that it says it knows."""
        old = self.seen.get(client.name, 0)
        if not 0 <= old <= self.checkpoint.size:
            old = 0
        for _ in range(_ATTEMPTS):
            root, proof = self._proof(old)
            try:
                answer = client.add_checkpoint(format_add_checkpoint(AddCheckpoint(old, proof, self.note)))
            except UnavailableError as error:
                return Missing(client.name, error.message)
            if answer.status == OK:
                return self._cosignature(client, answer)
            if answer.status == UNPROCESSABLE and old:
                return Incident(IncidentKind.SPLIT_VIEW, client.name, self.checkpoint, old, root)
            if answer.status != CONFLICT:
                return Missing(client.name, f"it answered {answer.status}: {_words(answer.body)}")
            judged = self._conflict(client, answer, old, root)
            if not isinstance(judged, int):
                return judged
            self.seen[client.name] = old = judged
        return Missing(
            client.name, "what it knows of this log changed while it was asked; is there a second copy?"
        )

    def _conflict(
        self, client: WitnessClient, answer: Answer, old: int, root: bytes
    ) -> int | Missing | Incident:
        """Judge a 409 to a request from ``old``: what it means, or the size to ask from once more."""
        size = self.checkpoint.size
        try:
            known = parse_size(answer.body)
        except InputError as error:
            # The specification asks for a body only where the old size is wrong: here it was right.
            if old == size > 0:
                return Incident(IncidentKind.SPLIT_VIEW, client.name, self.checkpoint, size, root)
            return Missing(client.name, f"it answered 409 without a size that it knows: {error.message}")
        if size < known <= self.newest():
            return Missing(
                client.name, f"it has cosigned a newer checkpoint of this log, of {known:,} entries"
            )
        if known > size:
            return Incident(IncidentKind.ROLLBACK, client.name, self.checkpoint, known, None)
        if known != old:
            return known
        if old == size > 0:
            return Incident(IncidentKind.SPLIT_VIEW, client.name, self.checkpoint, size, root)
        return Missing(
            client.name, f"it refused a proof from {old:,} entries and says that it knows just these"
        )

    def _cosignature(self, client: WitnessClient, answer: Answer) -> Signature | Missing:
        """Take the witness's own cosignature from a 200; other keys' are nobody's."""
        try:
            lines = parse_cosignatures(answer.body)
            own = [line for line in lines if (line.name, line.key_id) == (client.key.name, client.key.key_id)]
            for line in own:
                check_signature(client.key, self.note.text, line.blob)
        except InputError as error:
            return Missing(client.name, f"its answer holds no cosignatures: {error.message}")
        except EvidenceError as error:
            return Missing(client.name, f"its answer was not signed by it: {error.message}")
        if not own:
            return Missing(client.name, f"its answer holds no cosignature by {client.key}")
        return own[0]

    def _proof(self, old: int) -> tuple[bytes, tuple[bytes, ...]]:
        """Return this log's root at a size, and the proof from there; both are checked before anybody sees them."""
        with self._reading:
            if old not in self._proofs:
                size, root = self.checkpoint.size, self.checkpoint.root
                # The empty tree begins every tree: there is nothing to prove, and the proof must be empty.
                proof = prove_consistency(old, size, self.reader) if old else ()
                old_root = range_fold(0, old, self.reader)
                if old:
                    check_consistency(old, old_root, size, root, proof)
                self._proofs[old] = old_root, proof
            return self._proofs[old]


def _cosignature_in(note: Note, key: VerifierKey) -> Signature | None:
    """Return the first good signature of a key on a note, if there is one."""
    for signature in note.signatures:
        if (signature.name, signature.key_id) == (key.name, key.key_id):
            try:
                check_signature(key, note.text, signature.blob)
            except EvidenceError:
                continue  # who appended it is unknown; it is left out, and the witness asked itself
            return signature
    return None


def _words(body: bytes) -> str:
    """Quote what somebody else said, without what would not show, or would show as something else."""
    text = body[: 4 * _SHOWN].decode(errors="replace").strip()
    return "".join(one if one.isprintable() else " " for one in text)[:_SHOWN] or "nothing"
