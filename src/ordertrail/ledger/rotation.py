"""Key rotation: the log itself says which key comes next, signed by the old key and by the new one.

The statement is a signed note with both signatures::

    ordertrail/rotation/v1
    <origin>
    <size of the first checkpoint that the new key signs>
    <old verifier key>
    <new verifier key>

The first key has a statement too, signed by itself, which fixes for how long the log's objects are kept::

    ordertrail/log/v1
    <origin>
    <name of the stream in its trail>
    <time at which it began>
    <days>
    <verifier key>

A rotation's statement stands in an entry of action ``key.rotate`` and in the table of keys. The checkpoint
of the batch that
holds the entry carries both keys' signatures too, so a verifier that knows the old key can follow. Whoever
trusts the first key and this chain trusts the newest key; a key that no statement names is a stranger's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.note import format_note, parse_note, verify_note
from ordertrail.ledger.ports import KeyPeriod
from ordertrail.ledger.signers import NoteSigner, sign_note
from ordertrail.ledger.vkey import format_vkey, parse_vkey

_ROTATION = "ordertrail/rotation/v1"
_LOG = "ordertrail/log/v1"


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """What a log is: its name in the trail, its origin line, how many days its objects are kept, its beginning."""

    name: str
    origin: str
    keep_days: int
    created: str


def first_statement(log: LogIdentity, signer: NoteSigner) -> bytes:
    """Return the note by which a log's first key begins it."""
    return _signed(_beginning(log, format_vkey(signer.key)), signer)


def parse_beginning(statement: bytes) -> tuple[LogIdentity, KeyPeriod]:
    """Read the note by which a log's first key began it: what the log is, and that key.

    Raises EvidenceError where it is no such note, or the key that it names did not sign it.
    """
    try:
        lines = parse_note(statement).text.decode().split("\n")[:-1]
    except (InputError, UnicodeDecodeError) as error:
        raise EvidenceError(f"the log's first statement cannot be read: {error}") from None
    if len(lines) != 6 or lines[0] != _LOG or not lines[4].isdecimal():
        raise EvidenceError("the log's first statement is not one")
    _, origin, name, created, keep_days, vkey = lines
    log, key = LogIdentity(name, origin, int(keep_days), created), KeyPeriod(0, vkey, statement)
    check_keys(log, [key])
    return log, key


def _beginning(log: LogIdentity, vkey: str) -> list[str]:
    return [_LOG, log.origin, log.name, log.created, str(log.keep_days), vkey]


def _signed(lines: Sequence[str], *signers: NoteSigner) -> bytes:
    return format_note(sign_note("".join(f"{line}\n" for line in lines).encode(), signers))


def rotation_statement(origin: str, first: int, old: NoteSigner, new: NoteSigner) -> bytes:
    """Return the signed note by which the old key names the new one, and the new one agrees."""
    return _signed((_ROTATION, origin, str(first), format_vkey(old.key), format_vkey(new.key)), old, new)


def check_keys(log: LogIdentity, periods: Sequence[KeyPeriod]) -> None:
    """Check that the first key began this very log, with this term, and that each key was named by the one before.

    Raises EvidenceError at the first that was not.
    """
    if not periods:
        raise EvidenceError(f"the log {log.origin} has no key")
    first = periods[0]
    if first.first != 0 or _told(first.statement, first.vkey) != _beginning(log, first.vkey):
        raise EvidenceError(
            f"the first key of {log.origin} did not begin this log: name, origin, beginning, term of "
            f"{log.keep_days} days and key are not what it signed"
        )
    for old, new in pairwise(periods):
        expected = [_ROTATION, log.origin, str(new.first), old.vkey, new.vkey]
        if new.first <= old.first or _told(new.statement, old.vkey, new.vkey) != expected:
            raise EvidenceError(
                f"the key in force from size {new.first} on was not named by the one before it"
            )


def _told(statement: bytes, *vkeys: str) -> list[str] | None:
    """Return a statement's lines if all of these keys signed it."""
    try:
        note = parse_note(statement)
        signed = verify_note(note, [parse_vkey(vkey) for vkey in vkeys])
    except (InputError, EvidenceError):
        return None
    return note.text.decode().split("\n")[:-1] if len(signed) == len(vkeys) else None
