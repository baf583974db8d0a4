"""For how long objects are kept: append-only lines beside them.

Beside the objects of a folder lies a file ``.terms``, to which a line is appended for each object that is
put or whose term is lengthened::

    2033-11-20T14:02:11.004512Z 067 75456fc8
    2033-11-20T14:02:11.004512Z 068.p/112 416bab94

that is: the end of the term, the object's name, and the first 8 hex digits of SHA-256 over the two and the
space between them. A line whose digits do not fit, because a crash tore it or a byte of it flipped, is no
line: reading ignores it. The digits are no signature; whoever can write the file can make them.

An object's term is the latest of its lines. Lines are never rewritten, so a term that was shortened shows:
the full check knows from the log itself for how long each object must be kept at least. When an object was deleted
after its term, a line says so, and those before it count no more::

    disposed 067 0c3a5d11
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from ordertrail.adapters.files.durable import append_line, translated, unavailable
from ordertrail.kernel.clock import format_time, parse_time

TERMS = ".terms"

_CHECK_DIGITS = 8
_REMEMBERED = 16
"""Folders whose lines are kept in memory; a check reads a few folders side by side."""

_Lines = dict[bytes, list[bytes]]


class Terms:
    """The terms of all objects below a root, by the objects' paths."""

    def __init__(self, root: Path) -> None:
        self._prefix = f"{root}/"
        self._read: OrderedDict[str, tuple[int, _Lines]] = OrderedDict()

    def of(self, path: str) -> datetime | None:
        """Return until when an object is kept; None where no line says."""
        file, name = self._place(path)
        disposed = _format_disposed(name).encode()
        latest: datetime | None = None
        for line in self._lines(file).get(name.encode(), ()):
            end = _parse_term(line, name)
            if line + b"\n" == disposed:
                latest = None
            elif end is not None and (latest is None or end > latest):
                latest = end
        return latest

    def names(self, folder: str) -> Iterator[str]:
        """Yield the names in a folder (``tile/0/``, or empty for the root) that lines speak of, valid or not."""
        for name in self._lines(f"{self._prefix}{folder}{TERMS}"):
            yield name.decode(errors="replace")

    def add(self, terms: Iterable[tuple[str, datetime]]) -> None:
        """Append a line for each path; they are on disk when this returns."""
        lines: dict[str, list[str]] = {}
        for path, until in terms:
            file, name = self._place(path)
            lines.setdefault(file, []).append(_format_term(until, name))
        for file, texts in lines.items():
            with translated(Path(file), "writing"):
                append_line(Path(file), "".join(texts))

    def dispose(self, path: str) -> None:
        """Append a line that an object was deleted after its term; it is on disk when this returns."""
        file, name = self._place(path)
        with translated(Path(file), "writing"):
            append_line(Path(file), _format_disposed(name))

    def _place(self, path: str) -> tuple[str, str]:
        """Return the file whose lines hold an object's term, and its name there.

        A partial tile lies in a folder of its own (``067.p/8``); its term stands with its neighbours.
        """
        folder, _, name = path.rpartition("/")
        if folder.endswith(".p"):
            folder, _, parent = folder.rpartition("/")
            name = f"{parent}/{name}"
        return f"{self._prefix}{folder}/{TERMS}" if folder else f"{self._prefix}{TERMS}", name

    def _lines(self, file: str) -> _Lines:
        """Return a folder's lines by object; those read last are remembered while their file does not grow."""
        try:
            size = os.stat(file).st_size  # noqa: PTH116 - a full check asks twice for every 256 entries
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise unavailable(Path(file), "reading", error) from error
        known = self._read.get(file)
        if known is not None and known[0] == size:
            return known[1]
        lines: _Lines = {}
        with translated(Path(file), "reading"):
            for line in Path(file).read_bytes().split(b"\n"):
                _, _, rest = line.partition(b" ")
                name, _, check = rest.rpartition(b" ")  # from the right: a name may hold spaces
                if check:
                    lines.setdefault(name, []).append(line)
        self._read[file] = (size, lines)
        while len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
        return lines


def _format_term(until: datetime, name: str) -> str:
    term = f"{format_time(until)} {name}"
    return f"{term} {_check(term.encode())}\n"


def _format_disposed(name: str) -> str:
    text = f"disposed {name}"
    return f"{text} {_check(text.encode())}\n"


def _parse_term(line: bytes, name: str) -> datetime | None:
    """Read a line of this object's; None where it is not exactly one."""
    term, _, check = line.rpartition(b" ")
    if _check(term).encode() != check:
        return None
    until, _, _ = term.partition(b" ")
    try:
        moment = parse_time(until.decode())
    except ValueError:
        return None
    return moment if _format_term(moment, name).encode() == line + b"\n" else None


def _check(term: bytes) -> str:
    return hashlib.sha256(term).hexdigest()[:_CHECK_DIGITS]
