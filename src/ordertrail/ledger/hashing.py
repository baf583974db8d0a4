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

Many hashes at a time are computed by the native extension, where it is installed.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from ordertrail.ledger.native import native

#: Bytes of a SHA-256 digest (FIPS 180-4).
HASH_SIZE: Final = 32
#: Root of the tree of no leaves (RFC 6962 section 2.1).
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry as a leaf: 32 bytes."""
    return sha256(b"\x00" + data).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Hashes of many entries as leaves, in their order."""
    if native is not None:
        return native.leaf_hashes(entries)
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two children, each 32 bytes: 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """Hashes of the pairs (0, 1), (2, 3), … of a row; a last one without a partner is left out."""
    if native is not None:
        return native.parents(row)
    hashes = iter(row)
    # One iterator, taken twice, yields neighbours; "ragged" pairs are meant to be dropped.
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(hashes, hashes, strict=False)]


def parents_of_row(row: bytes) -> bytes:
    """Return the same of a row as one: its hashes one after the other, 32 bytes each."""
    if native is not None:
        return native.parents_of_row(row)
    pair = 2 * HASH_SIZE
    ends = range(pair, len(row) + 1, pair)
    return b"".join([sha256(b"\x01" + row[end - pair : end]).digest() for end in ends])
