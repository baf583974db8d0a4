"""What a bundle has of one log: its keys, its checkpoints, and how they hold together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ordertrail.evidence import layout
from ordertrail.evidence.opening import OpenBundle, failing_at
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from ordertrail.ledger.note import parse_note, verify_note
from ordertrail.ledger.policy import Policy, parse_policy
from ordertrail.ledger.ports import KeyPeriod
from ordertrail.ledger.proofs import check_consistency
from ordertrail.ledger.rotation import check_keys, parse_beginning
from ordertrail.ledger.verify.report import Step
from ordertrail.ledger.vkey import VerifierKey, format_base64, parse_base64, parse_vkey


@dataclass(frozen=True, slots=True)
class CheckedLog:
    """One log of a bundle, read. What is ``opened`` is a checkpoint by its size, with the note that it came in."""

    stream: str
    origin: str
    head: Checkpoint
    opened: dict[int, tuple[Checkpoint, bytes]]
    by_note: dict[bytes, Checkpoint]
    statements: tuple[tuple[int, bytes], ...]
    others: tuple[VerifierKey, ...]
    policy: Policy | None
    proofs: dict[int, bytes]

    @property
    def periods(self) -> list[KeyPeriod]:
        """The log's keys, oldest first, as the statements name them; none of them checked here."""
        return [KeyPeriod(first, _named_key(statement), statement) for first, statement in self.statements]

    @property
    def vkeys(self) -> list[str]:
        """The log's verifier keys, oldest first."""
        return [period.vkey for period in self.periods]

    @property
    def signers(self) -> str:
        """Who signed, in words."""
        named = [str(parse_vkey(vkey)) for vkey in self.vkeys]
        return " and ".join(dict.fromkeys((*named, *map(str, self.others))))

    def key_at(self, size: int) -> VerifierKey:
        """Return the key in force for a checkpoint of this size."""
        return parse_vkey(next(one.vkey for one in reversed(self.periods) if one.first <= size))

    def check_signatures(self) -> None:
        """Check the chain of keys, and each checkpoint's signatures.

        :raises EvidenceError: at the first that does not hold.
        """
        identity, _ = parse_beginning(self.statements[0][1])
        if (identity.name, identity.origin) != (self.stream, self.origin):
            raise EvidenceError(f"the keys are those of {identity.origin!r}, not of {self.origin!r}")
        check_keys(identity, self.periods)
        for size, (_, note) in self.opened.items():
            open_checkpoint(note, self.key_at(size), self._beside(), origin=self.origin)

    def check_seal_signature(self, note: bytes) -> None:
        """Check the seal's checkpoint: signed by the log's own key, and by nobody whom nothing here could check."""
        tree = read_checkpoint(note)
        opened = open_checkpoint(note, self.key_at(tree.size), origin=self.origin)
        if len(opened.note.signatures) != 1:
            raise EvidenceError("the seal's checkpoint has more than the log's own signature")

    def require_trusted(self, trusted: Sequence[VerifierKey]) -> None:
        """Require that one of the log's keys is one that the reader trusts.

        :raises EvidenceError: naming both, if none is.
        """
        if not self.is_trusted(trusted):
            keys = ", ".join(str(parse_vkey(vkey)) for vkey in self.vkeys)
            raise EvidenceError(f"the log's keys are {keys}, and you trust {', '.join(map(str, trusted))}")

    def is_trusted(self, trusted: Sequence[VerifierKey]) -> bool:
        """Say whether one of the log's keys is one that the reader trusts."""
        return any(parse_vkey(vkey) in trusted for vkey in self.vkeys)

    def check_consistency(self) -> None:
        """Check that each smaller checkpoint is the beginning of the largest."""
        if set(self.proofs) != {size for size in self.opened if size < self.head.size}:
            raise EvidenceError(f"{self.stream}: a proof between two checkpoints is missing, or of none")
        for size, proof in self.proofs.items():
            self.check_between(self.opened[size][0], self.head, proof, f"consistency/{size}")

    def check_between(self, older: Checkpoint, newer: Checkpoint, proof: bytes, name: str) -> None:
        """Check that one checkpoint's log is the beginning of another's; of nothing there is nothing to show."""
        if older.size == 0 and not proof:
            return
        if older.size == newer.size:
            if older.root != newer.root or proof:
                raise EvidenceError(f"{name}: two checkpoints of {older.size:,} entries are not the same")
            return
        check_consistency(older.size, older.root, newer.size, newer.root, parse_hashes(proof))

    def read_seal(self, note: bytes) -> Checkpoint:
        """Read the seal's checkpoint; who signed it is checked at its step."""
        tree = read_checkpoint(note)
        if tree.origin != self.origin:
            raise EvidenceError(f"the seal is of {tree.origin!r}, not of {self.origin!r}")
        return tree

    def require_same_text(self, size: int, anchor: bytes) -> None:
        """Require that what was stamped says the same as the checkpoint of its size."""
        if parse_note(anchor).text != parse_note(self.opened[size][1]).text:
            raise EvidenceError(f"the stamped checkpoint of {size:,} entries is another one")

    def cosigned(self) -> Iterator[tuple[str, int, datetime]]:
        """Yield which witnesses of the policy cosigned which size, and when."""
        witnesses = self.policy.witnesses if self.policy is not None else ()
        names = {(one.key.name, one.key.key_id): one for one in witnesses}
        for size, (_, note) in self.opened.items():
            parsed = parse_note(note)
            present = {(one.name, one.key_id) for one in parsed.signatures}
            keys = [one.key for place, one in names.items() if place in present]
            for signed in verify_note(parsed, keys) if keys else ():
                witness = names[signed.key.name, signed.key.key_id]
                yield witness.name, size, datetime.fromtimestamp(signed.time or 0, UTC)

    def _beside(self) -> tuple[VerifierKey, ...]:
        witnesses = tuple(one.key for one in self.policy.witnesses) if self.policy is not None else ()
        return tuple(dict.fromkeys((*self.others, *witnesses)))


def check_log(bundle: OpenBundle, stream: str, origin: str, size: int) -> CheckedLog:
    """Read what a bundle has of one log.

    :raises BrokenBundleError: where a part is missing or cannot be read.
    """
    folder = f"logs/{stream}"

    def sized(kind: str) -> list[tuple[int, bytes]]:
        return [(int(name[-16:]), bundle.members[name]) for name in bundle.below(f"{folder}/{kind}")]

    with failing_at(Step.INCLUSION):
        opened = {}
        for told, note in sized("checkpoints"):
            tree = read_checkpoint(note)
            if (tree.origin, tree.size) != (origin, told):
                raise EvidenceError(f"{folder}: a checkpoint is of another log or size than its name says")
            opened[told] = (tree, note)
        if not opened or max(opened) != size:
            raise EvidenceError(f"{folder}: the checkpoint of {size:,} entries is missing")
    with failing_at(Step.SIGNATURE):
        statements = tuple(sized("keys"))
        if not statements or statements[0][0] != 0:
            raise EvidenceError(f"{folder}: the statement by which the log began is missing")
        return CheckedLog(
            stream,
            origin,
            opened[size][0],
            opened,
            {note: tree for tree, note in opened.values()},
            statements,
            tuple(_vkeys(bundle.members.get(layout.cosigners_member(stream)))),
            _policy(bundle.members.get(layout.policy_member(stream))),
            dict(sized("consistency")),
        )


def _policy(data: bytes | None) -> Policy | None:
    return None if data is None else parse_policy(data)


def _vkeys(data: bytes | None) -> Iterator[VerifierKey]:
    for line in (data or b"").decode("utf-8", "replace").splitlines():
        yield parse_vkey(line)


def _named_key(statement: bytes) -> str:
    """Return the key that a statement brings in: its last line."""
    return parse_note(statement).text.decode().split("\n")[-2]


def format_hashes(hashes: Sequence[bytes]) -> bytes:
    """Write the hashes of a proof, in base64, a line each."""
    return "".join(f"{format_base64(hash_)}\n" for hash_ in hashes).encode()


def parse_hashes(data: bytes) -> list[bytes]:
    """Read the hashes of a proof.

    :raises InputError: if it is not exactly such lines.
    """
    try:
        *lines, last = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise InputError("a proof between checkpoints is ASCII") from None
    if last:
        raise InputError("a proof between checkpoints ends in a newline")
    return [parse_base64(line) for line in lines]
