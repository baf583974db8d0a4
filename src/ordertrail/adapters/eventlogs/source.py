"""The bytes of a source: plain, gzip or zstd, told apart by content, bounded, and honest about damage.

========== ============================ ==================================
packing    first bytes                  specification
========== ============================ ==================================
gzip       ``1f 8b``                    RFC 1952, several members
zstd       ``28 b5 2f fd``              RFC 8878, several frames
plain      anything else
========== ============================ ==================================

A file's name is never believed. Whatever was unpacked before damage is handed out before the damage
is reported, so a log that was cut short by a lost connection yields all that arrived. Example: of a
gzip file that ends inside its stream, :meth:`Source.chunks` first yields the bytes that could be
unpacked and then raises ``BrokenSourceError("byte 41230 of the file", "the gzip stream is cut short")``.
(Of a damaged zstd stream, what the last KiB of packed bytes held is withheld: its library keeps it.)

Decompression bombs are bounded three ways: nothing is unpacked further ahead than a few MiB, a zstd
window may be at most 128 MiB (RFC 8878 section 3.1.1.1.2 advises a limit), and the unpacked bytes
stop at ``Limits.unpacked``.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import zstandard

from ordertrail.adapters.eventlogs.events import BrokenSourceError
from ordertrail.kernel.errors import InputError

Progress = Callable[[int, int], None]
"""Called with the bytes of the file read so far and its size."""

Packing = Literal["plain", "gzip", "zstd"]

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_OTHER_PACKINGS = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"7z\xbc\xaf": "7z"}
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ZSTD_WINDOW = 1 << 27
_CHUNK = 1 << 16
_ZSTD_STEP = 1 << 10
"""One KiB of zstd holds at most some 256 blocks of 128 KiB: a step unpacks at most 32 MiB."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a source may ask for. All in bytes, of unpacked content.

    ``unpacked`` is the whole source; ``element`` the largest single thing that must be held at once:
    a CSV line, an XML tag, a JSON element.
    """

    unpacked: int = 64 << 30
    element: int = 8 << 20


DEFAULT_LIMITS = Limits()


class Source:
    """A file of events. May be read several times; each reading opens it anew."""

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        """Raise InputError where there is no such file or it is packed in a way that is not read."""
        self.path = path
        self.limits = limits
        try:
            if not path.is_file():
                raise InputError(f"{path} is not a file" if path.exists() else f"there is no file {path}")
            self.size = path.stat().st_size
            with path.open("rb") as file:
                magic = file.read(8)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        for start, name in _OTHER_PACKINGS.items():
            if magic.startswith(start):
                raise InputError(f"{path} is packed with {name}; plain, gzip and zstd are read")
        self.packing: Packing = (
            "gzip" if magic.startswith(_GZIP_MAGIC) else "zstd" if magic.startswith(_ZSTD_MAGIC) else "plain"
        )

    def chunks(self, progress: Progress | None = None) -> Iterator[bytes]:
        """Yield the unpacked content in order, in pieces of unspecified size.

        Raises BrokenSourceError, after all that could be unpacked, where the file is cut short or damaged
        or unpacks to more than the limit.
        """
        unpack = _UNPACK[self.packing]
        most = self.limits.unpacked
        left = most
        for piece in unpack(self._raw(progress)):
            if len(piece) > left:
                yield piece[:left]
                message = f"unpacks to more than the limit of {most} bytes; raise it if the file is trusted"
                raise BrokenSourceError(f"byte {most} unpacked", message)
            left -= len(piece)
            yield piece

    def head(self, length: int) -> bytes:
        """Return up to ``length`` unpacked bytes from the start; fewer where the source ends or breaks."""
        found = b""
        try:
            for piece in self.chunks():
                found += piece[:length]
                if len(found) >= length:
                    break
        except BrokenSourceError:
            pass  # What is broken is reported, with its place, when the source is read.
        return found[:length]

    def _raw(self, progress: Progress | None) -> Iterator[bytes]:
        done = 0
        try:
            with self.path.open("rb") as file:
                while piece := file.read(_CHUNK):
                    done += len(piece)
                    yield piece
                    if progress is not None:
                        progress(done, self.size)
        except OSError as error:
            raise BrokenSourceError(
                f"byte {done} of the file", f"cannot be read: {error.strerror}"
            ) from error


def _gunzip(raw: Iterator[bytes]) -> Iterator[bytes]:
    done = 0
    member = zlib.decompressobj(_GZIP_WINDOW)
    fresh = True
    for piece in raw:
        rest = piece
        while rest:
            if fresh and not rest.strip(b"\0"):
                break  # RFC 1952 leaves zero padding after the last member to the reader; gzip ignores it.
            fresh, before = False, member.copy()
            try:
                unpacked = member.decompress(rest, _CHUNK)
            except zlib.error as error:
                yield from _salvage(before, rest)
                at = f"byte {done + len(piece) - len(rest)} of the file"
                raise BrokenSourceError(at, f"the gzip stream is damaged from about here: {error}") from error
            if unpacked:
                yield unpacked
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data
                member, fresh = zlib.decompressobj(_GZIP_WINDOW), True
        done += len(piece)
    yield from _remaining(member)
    if not fresh and not member.eof:
        raise BrokenSourceError(f"byte {done} of the file", "the gzip stream is cut short")


def _remaining(member: "zlib._Decompress") -> Iterator[bytes]:
    """Hand out what a bounded decompress held back when the input ended."""
    while unpacked := member.decompress(b"", _CHUNK):
        yield unpacked


def _salvage(before: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    """Unpack byte by byte up to the damage: a failing call keeps what it had unpacked to itself."""
    try:
        for at in range(len(packed)):
            yield before.decompress(packed[at : at + 1])
    except zlib.error:
        return


def _unzstd(raw: Iterator[bytes]) -> Iterator[bytes]:
    done = 0
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = unpacker.decompressobj()
    fresh = True
    for piece in raw:
        for start in range(0, len(piece), _ZSTD_STEP):
            rest = piece[start : start + _ZSTD_STEP]
            while rest:
                try:
                    unpacked = frame.decompress(rest)
                except zstandard.ZstdError as error:
                    at = f"byte {done + start} of the file"
                    raise BrokenSourceError(at, f"the zstd stream is damaged: {error}") from error
                fresh, rest = frame.eof, frame.unused_data if frame.eof else b""
                if unpacked:
                    yield unpacked
                if frame.eof:
                    frame = unpacker.decompressobj()
        done += len(piece)
    if not fresh:
        raise BrokenSourceError(f"byte {done} of the file", "the zstd stream is cut short")


_UNPACK: dict[Packing, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "plain": iter,
    "gzip": _gunzip,
    "zstd": _unzstd,
}
