"""A bundle: entries and their proofs in one file, to hand to somebody who has no trail.

A zip file (stored or deflated) of::

    keys.txt                     the log's verifier keys, one a line; to be compared with the one trusted
    <event id>.json              an entry's exact bytes
    <event id>.tlog-proof        its C2SP proof

The same entries and proofs make the same bytes: members are sorted, and their times are a constant.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.entry import view_entry
from ordertrail.ledger.verify.offline import Checked, Passed, Trust, check_entry
from ordertrail.ledger.verify.report import Step

MAGIC = b"PK\x03\x04"
"""How a zip file with at least one member begins (PKWARE APPNOTE section 4.3.7)."""

MAX_MEMBER = 1 << 20
"""Bytes of the largest member that is unpacked; an entry has at most 65,535 and a proof far fewer."""

_KEYS = "keys.txt"
_ENTRY, _PROOF = ".json", ".tlog-proof"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file can hold


@dataclass(frozen=True, slots=True)
class Proven:
    """One entry and its proof, under the event's id."""

    event: str
    entry: bytes
    proof: bytes


def format_proof_bundle(proven: Iterable[Proven], vkeys: Iterable[str]) -> bytes:
    """Write a bundle."""
    members = {_KEYS: "".join(f"{vkey}\n" for vkey in vkeys).encode()}
    for one in proven:
        members[one.event + _ENTRY] = one.entry
        members[one.event + _PROOF] = one.proof
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), members[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def parse_proof_bundle(data: bytes) -> list[Proven]:
    """Read a bundle; nothing of it is checked. Raises InputError where it is not exactly one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: _unpack(archive, info) for info in archive.infolist()}
            if len(members) != len(archive.infolist()):
                raise InputError("the bundle holds a member twice")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise InputError(f"this is not a bundle: {error}") from None
    names = {name.removesuffix(_ENTRY) for name in members if name.endswith(_ENTRY)}
    expected = {_KEYS} | {name + suffix for name in names for suffix in (_ENTRY, _PROOF)}
    if members.keys() != expected:
        odd = min(members.keys() ^ expected)
        raise InputError(f"the bundle is not whole: {odd} is missing or does not belong to it")
    return [Proven(name, members[name + _ENTRY], members[name + _PROOF]) for name in sorted(names)]


def check_proof_bundle(data: bytes, trust: Trust) -> Checked:
    """Check every entry of a bundle. Raises EvidenceError at the first that does not hold."""
    proven = parse_proof_bundle(data)
    if not proven:
        raise InputError("the bundle holds no entry")
    steps: list[Passed] = []
    for one in proven:
        if view_entry(one.entry).event.id != one.event:
            raise EvidenceError(f"the bundle's {one.event}{_ENTRY} is another event's entry")
        checked = check_entry(one.proof, one.entry, trust)
        steps.append(Passed(Step.INCLUSION, checked.verdict))
    return Checked(f"The bundle proves {count(len(proven), 'entry', 'entries')}.", tuple(steps))


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > MAX_MEMBER:
        raise InputError(f"{info.filename} has {info.file_size:,} bytes; no entry or proof is that large")
    with archive.open(info) as member:
        return member.read(MAX_MEMBER)
