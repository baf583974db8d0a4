"""Custody: who made, approved, downloaded and received each bundle; and links that expire.

What happened to a bundle is only ever added to, and each of it is an event of the trail too.

**Links.** A link is a name for one bundle that works without an account, for a time, and shows who it was made for::

    <bundle id>.<expiry, seconds since 1970>.<random, 22 characters>.<signature, 43 characters>
    signature = base64url(HMAC-SHA256(key, "ordertrail/link/v1" ‖ 0 ‖ what stands before its point))

The signature binds bundle and expiry, so that nobody who can write to the database can lengthen one; the store keeps
only its SHA-256, so that nobody who can read the database can use one. A link can be withdrawn.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ordertrail.kernel.errors import InputError

_LABEL: Final = b"ordertrail/link/v1\x00"
_LONGEST: Final = 200


class CustodyKind(StrEnum):
    """What can happen to a bundle."""

    MADE = "made"
    APPROVED = "approved"
    LINKED = "linked"
    WITHDRAWN = "withdrawn"
    DOWNLOADED = "downloaded"
    RECEIVED = "received"
    REMOVED = "removed"
    """The kept copy is gone, with the data of a person who was erased."""


@dataclass(frozen=True, slots=True)
class CustodyAct:
    """One thing that happened to a bundle: its number from 1, who, when (RFC 3339), and the event that tells of it.

    ``link`` is the SHA-256 (hex) of the link that was made, withdrawn or used; ``until`` when that one expires;
    ``whom`` for whom it is, or who received the bundle.
    """

    bundle: str
    number: int
    kind: CustodyKind
    by: str
    at: str
    event: str
    link: str | None = None
    until: str | None = None
    whom: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A bundle that is kept: what it is of, its size in bytes, its SHA-256 and its manifest's, and its case."""

    bundle: str
    about: str
    length: int
    sha256: str
    manifest: str
    case: str | None
    custody: tuple[CustodyAct, ...] = ()

    @property
    def removed(self) -> CustodyAct | None:
        """What tells that the kept copy was removed; None where it was not."""
        return next((act for act in self.custody if act.kind is CustodyKind.REMOVED), None)


def make_link(bundle: str, until: datetime, key: bytes) -> str:
    """Return a link to a bundle that is good until then."""
    nonce = urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
    told = f"{bundle}.{int(until.timestamp())}.{nonce}"
    return f"{told}.{_signature(told, key)}"


def link_hash(link: str) -> str:
    """Return what is kept of a link."""
    return hashlib.sha256(link.encode()).hexdigest()


def open_link(link: str, now: datetime, key: bytes, custody: tuple[CustodyAct, ...] | None = None) -> str:
    """Return the bundle that a link is to.

    ``custody`` is the bundle's, where it is known: then the link must be one that was made and not withdrawn.

    :raises InputError: if it is no link of ours, has expired, or was withdrawn. It never says which.
    """
    refused = InputError(
        "this link does not work, or no longer",
        remedy="Ask whoever sent it for a new one.",
    )
    told, _, signature = link.rpartition(".")
    bundle, expiry = [*told.split("."), "", ""][:2]
    if (
        len(link) > _LONGEST
        or not link.isascii()
        or not hmac.compare_digest(signature, _signature(told, key))
    ):
        raise refused
    if not expiry.isdecimal() or now.timestamp() >= int(expiry):
        raise refused
    if custody is not None:
        hash_ = link_hash(link)
        kinds = [act.kind for act in custody if act.link is not None and hmac.compare_digest(act.link, hash_)]
        if CustodyKind.LINKED not in kinds or CustodyKind.WITHDRAWN in kinds:
            raise refused
    return bundle


def _signature(told: str, key: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, _LABEL + told.encode(), "sha256")).rstrip(b"=").decode()
