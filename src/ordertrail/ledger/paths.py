"""Where the published tree keeps what C2SP does not name. Sizes have sixteen digits, so that names sort by size.

::

    identity                              the statement by which the log's first key began it
    anchors/<size>                        every checkpoint that was ever published
    timestamps/<size>/<authority>.tsr     what a time-stamp authority signed over that anchor (RFC 3161, DER)
    cosignatures/<size>/<key id>          that checkpoint with a witness's signature, the key's id in hex
"""

import re
from typing import NamedTuple

ANCHORS = "anchors"
IDENTITY = "identity"
KEYS = "keys.txt"

_ANCHOR = re.compile(rf"{ANCHORS}/([0-9]{{16}})", re.ASCII)
_STAMP = re.compile(r"timestamps/([0-9]{16})/([a-z0-9][a-z0-9-]{0,62})\.tsr", re.ASCII)
_COSIGNATURE = re.compile(r"cosignatures/([0-9]{16})/([0-9a-f]{8})", re.ASCII)


class Attestation(NamedTuple):
    """What somebody else said of a checkpoint: of which size, and who (an authority's name, a key's id)."""

    size: int
    by: str


def anchor_path(size: int) -> str:
    """Return where the checkpoint of this size is kept."""
    return f"{ANCHORS}/{size:016d}"


def anchor_size(path: str) -> int | None:
    """Return the size that an anchor's path names, or None for another path."""
    match = _ANCHOR.fullmatch(path)
    return int(match[1]) if match else None


def stamp_path(size: int, authority: str) -> str:
    """Return where an authority's stamp over the checkpoint of this size is kept."""
    return f"timestamps/{size:016d}/{authority}.tsr"


def stamp_of(path: str) -> Attestation | None:
    """Return which stamp a path names, or None for another path."""
    match = _STAMP.fullmatch(path)
    return Attestation(int(match[1]), match[2]) if match else None


def cosignature_path(size: int, key_id: bytes) -> str:
    """Return where the checkpoint of this size is kept with the signature of a witness's key."""
    return f"cosignatures/{size:016d}/{key_id.hex()}"


def cosignature_of(path: str) -> Attestation | None:
    """Return which cosignature a path names, or None for another path."""
    match = _COSIGNATURE.fullmatch(path)
    return Attestation(int(match[1]), match[2]) if match else None
