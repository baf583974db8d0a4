"""Step 1 of checking a bundle: it is one archive, one manifest, and every member is the one that the manifest names."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from ordertrail.evidence import layout
from ordertrail.evidence.archive import format_archive, parse_archive
from ordertrail.evidence.contents import blobs, sealed_fields
from ordertrail.evidence.manifest import Manifest, list_members, parse_manifest
from ordertrail.evidence.verifier.page import split_page
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.verify.report import Step
from ordertrail.ledger.vkey import parse_base64
from ordertrail.record.encoding import encode
from ordertrail.record.entry import Entry, read_entry
from ordertrail.record.sealing import open_value


class BrokenBundleError(EvidenceError):
    """A bundle does not hold; ``step`` says where."""

    family_meaning = "Nothing in this bundle must be relied upon."
    family_remedy = "Keep the file as it is, and ask who made it for another copy."

    def __init__(self, step: Step, message: str) -> None:
        super().__init__(f"step {step.number} {step.label}: {message}")
        self.step = step


@dataclass(frozen=True, slots=True)
class Carried:
    """An entry of a bundle: its stream, its bytes, its proof, and what it says."""

    stream: str
    data: bytes
    proof: bytes
    entry: Entry


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A sealed field that the bundle opens: where it stands, and the value."""

    event: str
    path: str
    value: Any


class Disclosure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key (base64) that opens one field of one event, and no other."""

    event: str
    path: str
    key: str


@dataclass(frozen=True, slots=True)
class OpenBundle:
    """A bundle whose contents agree with its manifest; nothing of it is proven yet."""

    members: Mapping[str, bytes]
    manifest: Manifest
    entries: tuple[Carried, ...]
    disclosed: tuple[Disclosed, ...]
    sealed: int
    missing_blobs: tuple[str, ...]

    def below(self, folder: str) -> list[str]:
        """Return the members below a folder, by name."""
        return sorted(name for name in self.members if name.startswith(f"{folder}/"))


@contextmanager
def failing_at(step: Step) -> Iterator[None]:
    """Name the step at which a check failed."""
    try:
        yield
    except BrokenBundleError:
        raise
    except (EvidenceError, InputError) as error:
        raise BrokenBundleError(step, error.message) from None
    except RecursionError:
        raise BrokenBundleError(step, "something is nested too deeply to be an event") from None


def open_bundle(data: bytes) -> OpenBundle:
    """Open a bundle.

    :raises BrokenBundleError: where archive, manifest and members do not agree.
    """
    with failing_at(Step.CONTENT):
        members = parse_archive(data)
        manifest = parse_manifest(_need(members, layout.MANIFEST))
        _require_members(members, manifest)
        _require_page(members, manifest)
        entries = tuple(_entries(members))
        disclosed, sealed = _disclosed(members, entries)
        return OpenBundle(
            members, manifest, entries, disclosed, sealed, tuple(_missing_blobs(members, entries))
        )


def _need(members: Mapping[str, bytes], name: str) -> bytes:
    if name not in members:
        raise InputError(f"{name} is missing")
    return members[name]


def _require_members(members: Mapping[str, bytes], manifest: Manifest) -> None:
    stray = next((name for name in members if not layout.belongs(name)), None)
    if stray is not None:
        raise InputError(f"{stray} does not belong to a bundle")
    found = {one.name: one for one in list_members(members)}
    told = {one.name: one for one in manifest.members}
    if tuple(told) != tuple(sorted(told)) or len(told) != len(manifest.members):
        raise InputError("the manifest does not list every member once, by name")
    for name in sorted(found.keys() | told.keys()):
        if name not in told:
            raise InputError(f"{name} is not in the manifest")
        if name not in found:
            raise InputError(f"{name} is in the manifest, and missing")
        if found[name] != told[name]:
            raise InputError(f"{name} was altered: its bytes do not hash to what the manifest says")
    for name in (layout.SEAL, layout.SEAL_PROOF, layout.PAGE, layout.PROGRAM):
        _need(members, name)


def _require_page(members: Mapping[str, bytes], manifest: Manifest) -> None:
    """Hold the page against the manifest, and what it carries against the other members."""
    frame, carried = split_page(members[layout.PAGE])
    if hashlib.sha256(frame).hexdigest() != manifest.page:
        raise InputError(f"{layout.PAGE} was altered: it is not the page that the manifest names")
    others = {name: data for name, data in members.items() if name != layout.PAGE}
    if carried != b64encode(format_archive(others)):
        raise InputError(f"{layout.PAGE} was altered: it does not carry what this bundle holds")


def _entries(members: Mapping[str, bytes]) -> Iterator[Carried]:
    for name in sorted(members):
        if name.endswith(".tlog-proof") and name != layout.SEAL_PROOF:
            _need(members, name.removesuffix("tlog-proof") + "json")
        if not (name.startswith("logs/") and name.endswith(".json")):
            continue
        stream, index = name.split("/")[1], int(name[-21:-5])
        proof = _need(members, layout.proof_member(stream, index))
        carried = Carried(stream, members[name], proof, read_canonical_entry(members[name], name))
        if carried.entry.ledger.index != index:
            raise InputError(f"{name} says that it is entry {carried.entry.ledger.index}")
        yield carried


def read_canonical_entry(data: bytes, name: str) -> Entry:
    """Read an entry in its one spelling.

    :raises InputError: if it is none, or spelled otherwise.
    """
    try:
        entry = read_entry(data)
        if encode(msgspec.json.decode(data)) != data:
            raise InputError(f"{name} is not canonical JSON (RFC 8785)")
    except EvidenceError as error:
        raise InputError(f"{name} is no entry: {error}") from None
    return entry


def _disclosed(
    members: Mapping[str, bytes], entries: tuple[Carried, ...]
) -> tuple[tuple[Disclosed, ...], int]:
    """Open what is disclosed; return it, and how many fields stay sealed."""
    fields = {
        (carried.entry.event.id, path): sealed
        for carried in entries
        for path, sealed in sealed_fields(carried.entry.event)
    }
    opened = []
    for one in parse_disclosures(members.get(layout.DISCLOSURES)):
        sealed = fields.get((one.event, one.path))
        if sealed is None:
            raise InputError(
                f"{layout.DISCLOSURES}: no entry has a sealed field at {one.path} of event {one.event}"
            )
        value = open_value(sealed, parse_base64(one.key), event_id=one.event, path=one.path)
        opened.append(Disclosed(one.event, one.path, value))
    return tuple(opened), len(fields) - len(opened)


def parse_disclosures(data: bytes | None) -> tuple[Disclosure, ...]:
    """Read the list of disclosures; none where there is no such member.

    :raises InputError: if it is not exactly one, or a field stands in it twice.
    """
    if data is None:
        return ()
    try:
        found = msgspec.json.decode(data, type=tuple[Disclosure, ...])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{layout.DISCLOSURES} cannot be read: {error}") from None
    if (
        not found
        or format_disclosures(found) != data
        or len({(one.event, one.path) for one in found}) != len(found)
    ):
        raise InputError(f"{layout.DISCLOSURES} is not in its one spelling, or names a field twice")
    return found


def format_disclosures(disclosures: tuple[Disclosure, ...]) -> bytes:
    """Write a list of disclosures, by event and path."""
    ordered = sorted(disclosures, key=lambda one: (one.event, one.path))
    return encode([msgspec.to_builtins(one) for one in ordered])


def _missing_blobs(members: Mapping[str, bytes], entries: tuple[Carried, ...]) -> Iterator[str]:
    """Check the blobs that are there; yield those that an entry names and the bundle has not."""
    named = {blob.sha256: blob for carried in entries for blob in blobs(carried.entry.event)}
    for name, data in members.items():
        if name.startswith("blobs/"):
            sha256 = name.removeprefix("blobs/")
            blob = named.get(sha256)
            if blob is None or len(data) != blob.length or hashlib.sha256(data).hexdigest() != sha256:
                raise InputError(f"{name} is not a document that an entry names")
    yield from sorted(sha256 for sha256 in named if layout.blob_member(sha256) not in members)
