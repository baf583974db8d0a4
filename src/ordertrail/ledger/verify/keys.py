"""The log's keys: each named by the one before, published as they are, and in hand where this trail signs."""

from collections.abc import Iterator

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.paths import KEYS
from ordertrail.ledger.rotation import check_keys
from ordertrail.ledger.verify.checkpoints import KeyHistory
from ordertrail.ledger.verify.report import Finding, Step
from ordertrail.ledger.verify.source import Source
from ordertrail.ledger.vkey import VerifierKey, format_vkey, parse_vkey

_TABLE = "table of keys"
"""What is wrong here has no span: it comes before every entry, because all else follows from the keys."""


def key_history(source: Source) -> tuple[KeyHistory, list[Finding]]:
    """Return the log's keys, and what is wrong with them."""
    findings: list[Finding] = []
    try:
        check_keys(source.log, source.keys)
    except EvidenceError as error:
        findings.append(Finding(Step.SIGNATURE, _TABLE, str(error), 0, span=0))
    others: list[VerifierKey] = []
    try:
        others = list(_other_keys(source))
    except InputError as error:
        findings.append(Finding(Step.SIGNATURE, KEYS, str(error)))
    findings += [Finding(Step.SIGNATURE, "keys", problem) for problem in source.key_problems]
    try:
        return KeyHistory(source.keys, others), findings
    except InputError as error:
        findings.append(Finding(Step.SIGNATURE, _TABLE, str(error), 0, span=0))
        return KeyHistory(()), findings


def _other_keys(source: Source) -> Iterator[VerifierKey]:
    """Yield the keys published beside the log's own. Raises InputError where the file is not as it must be."""
    if source.published_keys is None:
        if source.published is None:
            return  # nothing is published; where something should be, the missing checkpoint says so
        raise InputError("is missing from the published tree")
    try:
        lines = source.published_keys.decode().split("\n")
    except UnicodeDecodeError:
        raise InputError("is not text") from None
    if lines[0] not in _in_force(source):
        raise InputError("its first line is not the log's key in force")
    if lines[-1] != "":
        raise InputError("does not end in a newline")
    for line in lines[1:-1]:
        key = parse_vkey(line)
        if not key.type.is_cosignature or format_vkey(key) != line:
            raise InputError(f"{key} is not a key that signs beside the log's own")
        yield key


def _in_force(source: Source) -> list[str]:
    """Return the keys that the published file may begin with: the one in force.

    Until the checkpoint that the newest key came in with is published, the file names the key before it;
    and it is replaced after that checkpoint, so that a crash may leave it behind by that one step. Both keys
    signed that checkpoint; whoever goes by either can check it.
    """
    keys = [period.vkey for period in source.keys[-1:]]
    if len(source.keys) > 1 and _published_size(source) <= source.keys[-1].first:
        keys.append(source.keys[-2].vkey)
    return keys


def _published_size(source: Source) -> int:
    """Return the size that the published checkpoint tells; whether it may is checked elsewhere."""
    try:
        return read_checkpoint(source.published or b"").size
    except InputError:
        return 0
