"""What nobody can do without: a bare RFC 6962 pass over the same entries, to hold the full check against.

Plain Python and hashlib, no checks at all: no rows, no signatures, no order chains, no comparison of anything
but the root. :func:`root_of_bundles` is what a monitor that follows RFC 9162 section 2.1.2 to the letter does
with our published bundles; :func:`root_of_entries` is the fastest that hashing alone can be in this language.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

_WIDTH = 256


def bundle_paths(log: Path, size: int) -> Iterator[tuple[Path, int]]:
    """Yield each entry bundle of a published log of ``size`` entries, and how many entries it has."""
    for number in range((size + _WIDTH - 1) // _WIDTH):
        width = min(_WIDTH, size - number * _WIDTH)
        name, rest = f"{number % 1000:03d}", number // 1000
        while rest:
            name, rest = f"x{rest % 1000:03d}/{name}", rest // 1000
        yield log / f"tile/entries/{name}{'' if width == _WIDTH else f'.p/{width}'}", width


def read_entries(log: Path, size: int) -> list[bytes]:
    """Read all entries of a published log into memory."""
    entries = []
    for path, _ in bundle_paths(log, size):
        data, at = path.read_bytes(), 0
        while at < len(data):
            end = at + 2 + (data[at] << 8 | data[at + 1])
            entries.append(data[at + 2 : end])
            at = end
    return entries


def root_of_bundles(log: Path, size: int) -> bytes:
    """Read the published bundles and hash them with the stack of RFC 9162 section 2.1.2."""
    stack: list[bytes] = []
    index = 0
    for path, _ in bundle_paths(log, size):
        data, at = path.read_bytes(), 0
        while at < len(data):
            end = at + 2 + (data[at] << 8 | data[at + 1])
            stack.append(sha256(b"\x00" + data[at + 2 : end]).digest())
            at = end
            merging = index
            while merging & 1:
                right = stack.pop()
                stack[-1] = sha256(b"\x01" + stack[-1] + right).digest()
                merging >>= 1
            index += 1
    while len(stack) > 1:
        right = stack.pop()
        stack[-1] = sha256(b"\x01" + stack[-1] + right).digest()
    return stack[0]


def root_of_entries(entries: Sequence[bytes]) -> bytes:
    """Hash entries that are in memory already: all leaves, then level by level."""
    row = [sha256(b"\x00" + entry).digest() for entry in entries]
    while len(row) > 1:
        pairs = iter(row)
        above = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        row = [*above, row[-1]] if len(row) & 1 else above
    return row[0]
