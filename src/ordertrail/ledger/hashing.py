"""Hashes of a Merkle tree: SHA-256 with a first byte that says what was hashed.

RFC 6962 section 2.1 and RFC 9162 section 2.1.1, byte for byte::

    leaf  = SHA-256(0x00 || entry)
    node  = SHA-256(0x01 || left || right)
    empty = SHA-256("")                      the root of a tree of no leaves

The first byte keeps leaves and nodes apart: without it an attacker could present a node as an
entry, or 64 bytes of an entry as a node (second preimage).

A worked example: the leaf of the empty entry, and the root of two of them::

    >>> leaf_hash(b"").hex()
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'
    >>> node_hash(leaf_hash(b""), leaf_hash(b"")).hex()
    'fe43d66afa4a9a5c4f9c9da89f4ffb52635c8f342e7ffb731d68e36c5982072a'
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

#: Bytes of a SHA-256 digest (FIPS 180-4).
HASH_SIZE: Final = 32
#: Root of the tree of no leaves (RFC 6962 section 2.1).
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry as a leaf: 32 bytes."""
    return sha256(b"\x00" + data).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Hashes of many entries as leaves, in their order."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two children, each 32 bytes: 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """Hashes of the pairs (0, 1), (2, 3), … of a row; a last one without a partner is left out."""
    hashes = iter(row)
    # One iterator, taken twice, yields neighbours; "ragged" pairs are meant to be dropped.
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(hashes, hashes, strict=False)]
