"""Trust policies: which logs, which witnesses, and how many of them (C2SP tlog-policy).

A file of lines, their items parted by spaces and tabs; empty lines and lines that begin with ``#`` are
ignored. A line uses only names that lines above it define::

    log <vkey> [<url>]
    witness X1 <vkey> [<url>]
    witness X2 <vkey>
    group X any X1 X2                 all, any, or a number from 1 to the number of members
    quorum X                          a witness, a group, or none; exactly once

A checkpoint counts when one of the logs has signed it, under the name that is its origin, and the quorum
has cosigned it. ("Structure", "Defining a log", "Defining a witness", "Defining the quorum", "Defining a
witness group", "Character set".)

- No public key twice among the logs, nor among the witnesses, whatever its names: one witness would count
  as two. For the same reason a name is a member at most once in the whole file.
- Bytes above 0x7F may stand in names, URLs and comments, and are compared as bytes; the only control
  characters are tab and newline.
- A witness key written with type 0x01 is read as the cosignature key 0x04 of that name: other tools
  (transparency-dev/formats) publish witnesses so. It then verifies cosignatures and nothing else.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ordertrail.kernel.errors import EvidenceError, InputError, Problem
from ordertrail.ledger.checkpoint import SignedCheckpoint, parse_checkpoint, require_covered_extensions
from ordertrail.ledger.note import Note, verify_note
from ordertrail.ledger.vkey import SignatureType, VerifierKey, parse_vkey

#: The quorum that needs no cosignature (tlog-policy, "Defining the quorum").
NO_QUORUM: Final = "none"
#: Bytes of a policy at most; 32 witnesses of ML-DSA-44, which C2SP asks for, take about 60,000.
MAX_POLICY_SIZE: Final = 1_000_000

_KEYWORDS: Final = frozenset({NO_QUORUM, "all", "any"})
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_ALLOWED: Final = bytes([0x09, 0x0A, *range(0x20, 0x7F), *range(0x80, 0x100)])


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are accepted."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness, under the name that the policy gives it."""

    name: str
    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses and groups of which ``threshold`` must have witnessed."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What must have signed a checkpoint for it to count. Groups stand after their members."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def is_met_by(self, witnesses: Collection[str]) -> bool:
        """Whether cosignatures by the witnesses of these names reach the quorum."""
        reached = {NO_QUORUM, *witnesses}
        for group in self.groups:
            if sum(member in reached for member in group.members) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached

    def check(self, note: Note, other_logs: Iterable[VerifierKey] = ()) -> SignedCheckpoint:
        """Open a checkpoint under this policy; ``other_logs`` are keys of logs known from elsewhere.

        :raises InputError: if the note is no checkpoint, or no log is known at all.
        :raises EvidenceError: if a known key's signature is bad, no known log has signed under its own
            name, or the quorum is not reached.
        """
        log_keys = dict.fromkeys((*(log.key for log in self.logs), *other_logs))
        if not log_keys:
            raise InputError("the policy names no log, and none was given")
        # A key that is both a log's and a witness's is one key, not an ambiguity.
        keys = log_keys | dict.fromkeys(witness.key for witness in self.witnesses)
        opened = SignedCheckpoint(parse_checkpoint(note.text), note, verify_note(note, keys))
        origin_keys = [key for key in log_keys if key.name == opened.checkpoint.origin and opened.by(key)]
        if not origin_keys:
            raise EvidenceError(f"no known log has signed the checkpoint of {opened.checkpoint.origin!r}")
        require_covered_extensions(opened, origin_keys)
        cosigned = {witness.name for witness in self.witnesses if opened.by(witness.key)}
        if not self.is_met_by(cosigned):
            names = ", ".join(sorted(cosigned)) or "no witness"
            raise EvidenceError(f"the quorum {self.quorum!r} is not reached: cosigned by {names}")
        return opened


def parse_policy(data: bytes) -> Policy:
    """Read a policy.

    :raises InputError: with every problem, each at its line: ``lines.3``.
    """
    if len(data) > MAX_POLICY_SIZE:
        raise InputError(f"a policy has at most {MAX_POLICY_SIZE} bytes, not {len(data)}")
    if not data.endswith(b"\n"):
        raise InputError("each line of a policy ends in a newline; the last one does not")
    reading = _Reading()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            reading.line(line)
        except InputError as error:
            reading.problems += [Problem(f"lines.{number}", problem.message) for problem in error.problems]
    if reading.quorum is None and not reading.problems:
        reading.problems.append(Problem("", "a policy has a quorum line"))
    if reading.problems:
        raise InputError(reading.problems)
    return Policy(
        tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum or NO_QUORUM
    )


@dataclass(slots=True)
class _Reading:
    """A policy as far as it has been read."""

    logs: list[Log] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    names: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def line(self, line: bytes) -> None:
        if line.translate(None, _ALLOWED):
            raise InputError("a control character other than tab and newline")
        # Bytes split at ASCII white space only, of which tab and space are all that is left here. They are
        # kept one to one: bytes that are no UTF-8 become lone surrogates.
        keyword, *items = [item.decode("utf-8", "surrogateescape") for item in line.split()] or ["#"]
        if keyword.startswith("#"):
            return
        if keyword == "log" and len(items) in {1, 2}:
            self._log(items[0], items[1:])
        elif keyword == "witness" and len(items) in {2, 3}:
            self._witness(items[0], items[1], items[2:])
        elif keyword == "group" and len(items) >= 3:
            self._group(items[0], items[1], items[2:])
        elif keyword == "quorum" and len(items) == 1:
            self._quorum(items[0])
        else:
            raise InputError(f"not a line of a policy: {keyword!r} with {len(items)} items")

    def _log(self, vkey: str, url: Sequence[str]) -> None:
        key = parse_vkey(vkey)
        if any(log.key.public == key.public for log in self.logs):
            raise InputError(f"the public key of {key} is already that of a log")
        self.logs.append(Log(key, next(iter(url), None)))

    def _witness(self, name: str, vkey: str, url: Sequence[str]) -> None:
        self._define(name)
        key = parse_vkey(vkey)
        if not key.type.is_cosignature:
            key = VerifierKey(key.name, SignatureType.ED25519_COSIGNATURE, key.public)
        if any(witness.key.public == key.public for witness in self.witnesses):
            raise InputError(f"the public key of {key} is already that of a witness")
        self.witnesses.append(Witness(name, key, next(iter(url), None)))

    def _group(self, name: str, threshold: str, members: Sequence[str]) -> None:
        # Members are looked up before the name is defined: a group is no member of itself.
        for member in members:
            self._require_known(member)
            if member in self.members:
                raise InputError(f"{member!r} is already a member of a group")
            self.members.add(member)
        self._define(name)
        count = {"all": len(members), "any": 1}.get(threshold)
        if count is None:
            if not _NUMBER.fullmatch(threshold) or int(threshold) > len(members):
                raise InputError(f"{threshold!r} is not all, any, or a number from 1 to {len(members)}")
            count = int(threshold)
        self.groups.append(Group(name, count, tuple(members)))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise InputError("a second quorum line")
        if name != NO_QUORUM:
            self._require_known(name)
        self.quorum = name

    def _define(self, name: str) -> None:
        if name in _KEYWORDS:
            raise InputError(f"{name!r} has a meaning of its own and cannot be a name")
        if name in self.names:
            raise InputError(f"{name!r} is already defined")
        self.names.add(name)

    def _require_known(self, name: str) -> None:
        if name not in self.names:
            raise InputError(f"{name!r} is not defined on a line above")
