"""The text of a checkpoint: what a log signs about its tree (C2SP tlog-checkpoint).

The text of a signed note in at least three lines, each ended by a newline ("Note text")::

    example.com/behind-the-sofa                       origin: which log
    20852163                                          size: decimal, no leading zero
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=       root: base64 of 32 bytes
    …                                                 extension lines, none of them empty

This module is the text alone, which cosignatures are made over; ``checkpoint`` signs and opens it.
"""

import re
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.hashing import HASH_SIZE
from ordertrail.ledger.subtree import MAX_SIZE
from ordertrail.ledger.vkey import format_base64, parse_base64

#: A number as C2SP writes it: decimal, without a sign or leading zeroes, and of at most 19 digits, which is
#: as long as ``MAX_SIZE``.
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's tree at one size.

    :raises InputError: if it cannot be written as a checkpoint's text.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or any(character < " " or "\ud800" <= character <= "\udfff" for character in line):
                raise InputError("an origin or extension line is empty or has a control character")
        if not 0 <= self.size <= MAX_SIZE:
            raise InputError(f"{self.size} is not the size of a tree")
        if len(self.root) != HASH_SIZE:
            raise InputError(f"a root hash has {HASH_SIZE} bytes, not {len(self.root)}")


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Write a checkpoint's text: what is signed."""
    head = (checkpoint.origin, str(checkpoint.size), format_base64(checkpoint.root), *checkpoint.extensions)
    return "".join(f"{line}\n" for line in head).encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read a checkpoint's text.

    :raises InputError: if it is not exactly one.
    """
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError:
        raise InputError("a checkpoint is UTF-8") from None
    if len(lines) < 4 or lines[-1]:
        raise InputError("a checkpoint has at least three lines, each ended by a newline")
    origin, size, root, *extensions = lines[:-1]
    return Checkpoint(origin, parse_decimal(size), parse_base64(root), tuple(extensions))


def parse_decimal(text: str) -> int:
    """Read a size or an index: decimal digits, no leading zero, at most ``MAX_SIZE``.

    :raises InputError: if it is anything else.
    """
    # The length is bounded first: to read a million digits takes Python minutes.
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise InputError(f"{text[:40]!r} is not a number of leaves")
    return int(text)
