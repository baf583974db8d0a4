"""The manifest: what a bundle is, who made it and why, and the hash of everything in it.

RFC 8785 canonical JSON, in one spelling: what is read is written again and compared. It is not signed by a key of its
own. Its SHA-256 stands in an entry of the log (action ``bundle.make``), so that the log's key vouches for it, and no
bundle is ever made that the log does not tell of.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from ordertrail.evidence.layout import BESIDE
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.errors import InputError
from ordertrail.record.encoding import encode

#: What the format is called, in every manifest.
FORMAT: Final = "ordertrail/bundle/v1"


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What all parts are: frozen, strict, and silent about what is absent."""


class Made(_Part, frozen=True):
    """Who made the bundle, when (RFC 3339), why, who else approved it, for whom, in which case."""

    at: str
    by: str
    reason: str
    approved_by: str | None = None
    recipient: str | None = None
    case: str | None = None


class LogPart(_Part, frozen=True):
    """What the bundle has of one log: its entries, up to the checkpoint of ``size``."""

    stream: str
    origin: str
    size: int
    entries: int


class Before(_Part, frozen=True):
    """Why an order does not begin here: its events up to ``number`` were destroyed under the certificate ``purge``.

    The last of them was ``entry`` of the log; ``hashes`` (base64) prove its leaf, which the next event names, under the
    log's checkpoint.
    """

    number: int
    entry: int
    hashes: tuple[str, ...]
    purge: str


class OrderPart(_Part, frozen=True):
    """An order whose events of one log are all in the bundle, as of the log's ``size``; their number is ``events``.

    They begin with the first one, or with the one after what was destroyed ``before``.
    """

    order: str
    stream: str
    events: int
    tenant: str | None = None
    before: Before | None = None


class Member(_Part, frozen=True):
    """A member: its name, its bytes, and their SHA-256 in hex."""

    name: str
    length: int
    sha256: str


class Manifest(_Part, frozen=True, kw_only=True):
    """What a bundle is.

    ``about`` says in words what was chosen, ``not_proven`` in sentences what the bundle does not show; ``page`` is the
    SHA-256 of ``verify.html`` without the evidence that it carries, ``sealed_in`` the stream whose entry names this
    manifest.
    """

    bundle: str = msgspec.field(default_factory=lambda: FORMAT)
    id: str
    about: str
    made: Made
    sealed_in: str
    logs: tuple[LogPart, ...]
    orders: tuple[OrderPart, ...] = ()
    sample: Sampled | None = None
    not_proven: tuple[str, ...]
    page: str
    members: tuple[Member, ...]


def format_manifest(manifest: Manifest) -> bytes:
    """Write a manifest."""
    return encode(manifest)


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    :raises InputError: if it is not exactly one.
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"the manifest cannot be read: {error}") from None
    if manifest.bundle != FORMAT:
        raise InputError(f"the manifest is of {manifest.bundle[:60]!r}, not of {FORMAT!r}")
    if format_manifest(manifest) != data:
        raise InputError("the manifest is not in its one spelling (RFC 8785)")
    return manifest


def list_members(members: Mapping[str, bytes]) -> tuple[Member, ...]:
    """Return what a manifest says of members, by name."""
    return tuple(
        Member(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in sorted(members.items())
        if name not in BESIDE
    )


def manifest_hash(data: bytes) -> str:
    """Return what the log's entry says of a manifest: its SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
