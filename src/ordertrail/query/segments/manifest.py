"""What is known of a segment: the leaves that it holds, their root, and its files. Kept as ``manifest.json``.

A segment holds a **block**: the ``1 << height`` leaves of one whole node of the log's Merkle tree (see
:mod:`ordertrail.ledger.merkle`). So its root is that node, a proof of a few hashes leads from it to any later signed
checkpoint, and blocks of one height join to a block of a greater one. A worked example, of height 16::

    block 3    leaves [196608, 262144)    folder 000000196608-000000262144    root = node (16, 3)

The file is RFC 8785 canonical JSON, times as text because they may be larger than JSON's numbers; ``digest`` is the
SHA-256 of the same without it. Only what :func:`format_manifest` writes is read::

    {"block":{"height":16,"number":3},"bloom":"…base64…","digest":"…hex…","events":65536,"files":[{"name":"changes.parquet",
     "sha256":"…hex…","size":91234},…],"first":"1795…","form":1,"last":"1796…","origin":"shop.example/orders",
     "root":"…hex…","stream":"default","words":"…hex…"}
"""

import binascii
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.errors import EvidenceError
from ordertrail.query.segments.bloom import Bloom
from ordertrail.record.actions import Action

FORM: Final = 1
"""Of the files and their columns. A segment of another form is not read, and is made anew."""

MANIFEST: Final = "manifest.json"

TALLEST: Final = 24
"""The height of the largest block: 16,777,216 leaves."""

_NAME = re.compile(r"[a-z_]{1,40}\.parquet", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BOUND = 1 << 63


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """The leaves under a whole node of the tree: ``[number << height, (number + 1) << height)``."""

    height: int
    number: int

    @property
    def start(self) -> int:
        """Index of the first leaf."""
        return self.number << self.height

    @property
    def end(self) -> int:
        """Index after the last leaf."""
        return (self.number + 1) << self.height

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.start:012d}-{self.end:012d}"

    def holds(self, other: "Block") -> bool:
        """Say whether it holds all leaves of another block."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A file of a segment: its name, its bytes and their SHA-256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A published segment.

    ``root`` is the block's node, 32 bytes; ``first`` and ``last`` are when its earliest and its latest event happened,
    microseconds since 1970; ``words`` is the digest of the catalogue of actions that its texts and marks were made
    with (see :func:`digest_of`).
    """

    stream: str
    origin: str
    block: Block
    root: bytes
    first: int
    last: int
    words: str
    bloom: Bloom
    files: tuple[SegmentFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(one.size for one in self.files)


def digest_of(actions: Mapping[str, Action]) -> str:
    """Return the SHA-256, in hex, of what a catalogue says: names, phrases and marks."""
    told = [[name, actions[name].phrase, actions[name].sensitive] for name in sorted(actions)]
    return sha256(canonical(told)).hexdigest()


def format_manifest(manifest: Manifest) -> bytes:
    """Write a manifest."""
    block = manifest.block
    told: dict[str, Any] = {
        "form": FORM,
        "stream": manifest.stream,
        "origin": manifest.origin,
        "block": {"height": block.height, "number": block.number},
        "root": manifest.root.hex(),
        "events": block.end - block.start,
        "first": str(manifest.first),
        "last": str(manifest.last),
        "words": manifest.words,
        "bloom": b64encode(manifest.bloom.bits).decode(),
        "files": [{"name": one.name, "size": one.size, "sha256": one.sha256} for one in manifest.files],
    }
    return canonical(told | {"digest": sha256(canonical(told)).hexdigest()})


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest. Raises EvidenceError for what :func:`format_manifest` would not write."""
    try:
        manifest = _read(json.loads(data))
        if format_manifest(manifest) == data:
            return manifest
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        pass
    raise EvidenceError(
        "this is no manifest of a segment of this form",
        meaning="The segment is not read; the log and the index are untouched.",
        remedy="Make it anew with 'ordertrail segments build --anew'.",
    )


def _read(told: Any) -> Manifest:
    block = Block(_whole(told["block"]["height"], TALLEST), _whole(told["block"]["number"], 1 << 40))
    return Manifest(
        _text(told["stream"]),
        _text(told["origin"]),
        block,
        bytes.fromhex(_hash(told["root"])),
        _moment(told["first"]),
        _moment(told["last"]),
        _hash(told["words"]),
        Bloom(b64decode(told["bloom"], validate=True)),
        tuple(
            SegmentFile(_file(one["name"]), _whole(one["size"], _BOUND), _hash(one["sha256"]))
            for one in told["files"]
        ),
    )


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("no whole number within bounds")
    return value


def _moment(value: Any) -> int:
    if not isinstance(value, str) or abs(int(value)) >= _BOUND:
        raise ValueError("no moment")
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("no hash")
    return value


def _file(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("no name of a file")
    return value
