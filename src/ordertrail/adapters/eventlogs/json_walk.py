"""Large JSON documents, one element at a time, in memory that does not grow with them.

An OCEL in JSON is one object whose sections hold everything::

    {"objects": [{...}, {...}], "events": [{...}, ...]}

:func:`walk` yields ``("objects", 0, {...})``, ``("objects", 1, {...})``, ``("events", 0, {...})``, …; of
a section that is an object, the key instead of the number. Each element is decoded by the standard
library's scanner as soon as it is whole. Numbers with a fraction become :class:`~decimal.Decimal`, so
that nothing is rounded. NaN and infinities are refused. An element that names a key twice is handed
out as :class:`Repeated`, since its value is ambiguous. An element may be ``Limits.element`` bytes long.

A document that breaks off or is malformed yields all elements before that, then raises
``BrokenSourceError("line 17", …)``.
"""

import codecs
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ordertrail.adapters.eventlogs.events import BrokenSourceError

_SPACE = re.compile(r"[ \t\r\n]*", re.ASCII)
_FIRST_WANTED = 1 << 16
_LONGEST_INTEGER = 4000
"""Longer ones, which Python refuses to read as int, become decimals and are refused later as numbers."""


class Repeated(dict[str, Any]):
    """A JSON object that named a key twice. ``key`` is that key."""

    key: str = ""


def walk(chunks: Iterator[bytes], longest: int) -> Iterator[tuple[str, int | str, Any]]:
    """Yield section, number or key, and element, for every element of the top object's sections.

    A section that is neither array nor object has the number -1.
    """
    text = _Window(chunks, longest)
    text.expect("{", "an OCEL in JSON is one object")
    if text.skip() == "}":
        return
    while True:
        section = text.key()
        opening = text.skip()
        if opening in ("[", "{"):
            yield from _elements(text, section, opening)
        else:
            yield section, -1, text.value()
        if not text.goes_on("}"):
            break
    if text.skip():
        raise text.broken("something follows the document's end")


def _elements(text: "_Window", section: str, opening: str) -> Iterator[tuple[str, int | str, Any]]:
    text.expect(opening, "")
    closing = "]" if opening == "[" else "}"
    if text.skip() == closing:
        text.expect(closing, "")
        return
    number = 0
    while True:
        key: int | str = number if opening == "[" else text.key()
        yield section, key, text.value()
        number += 1
        if not text.goes_on(closing):
            return


class _Window:
    """The part of the document that is being looked at."""

    def __init__(self, chunks: Iterator[bytes], longest: int) -> None:
        self._chunks = chunks
        self._longest = longest
        self._to_text = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_to_dict, parse_float=Decimal, parse_int=_to_int, parse_constant=_refuse
        )

    def skip(self) -> str:
        """Skip white space; return the character that follows, empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read(1):
                return ""

    def expect(self, character: str, otherwise: str) -> None:
        """Pass over one character, or say what should have stood there."""
        found = self.skip()
        if found != character:
            what = f"{found!r} stands" if found else "the document breaks off"
            raise self.broken(
                f"{what} where {character!r} must stand" + (f": {otherwise}" if otherwise else "")
            )
        self._at += 1

    def key(self) -> str:
        """Read a key and its colon."""
        if self.skip() != '"':
            self.expect('"', "a key is text")
        key = self.value()
        self.expect(":", "")
        return str(key)

    def goes_on(self, closing: str) -> bool:
        """Pass a comma and return True, or pass the closing character and return False."""
        if self.skip() == ",":
            self._at += 1
            return True
        self.expect(closing, "or a comma")
        return False

    def value(self) -> Any:
        """Read one value, as much of the document as it takes."""
        self.skip()
        wanted = _FIRST_WANTED
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # What is not whole yet cannot be told from what is wrong until no more can follow.
                if not self._read(wanted):
                    raise self.broken(f"the JSON breaks off or is malformed: {error.msg}") from error
            except (ValueError, RecursionError) as error:
                message = "nested too deeply" if isinstance(error, RecursionError) else str(error)
                raise self.broken(f"the JSON is refused: {message}") from error
            else:
                # A number that ends where the window ends may go on.
                if end < len(self._text) or not self._read(1):
                    self._at = end
                    return value
            wanted *= 2
            if len(self._text) - self._at > self._longest:
                raise self.broken(f"an element is malformed or longer than {self._longest} bytes")

    def broken(self, message: str) -> BrokenSourceError:
        """Return the error that says where the reading stopped."""
        return BrokenSourceError(f"line {self._line + self._text.count(chr(10), 0, self._at)}", message)

    def _read(self, wanted: int) -> bool:
        """Add at least ``wanted`` characters, fewer at the end; False where there are none."""
        if self._ended:
            return False
        self._line += self._text.count("\n", 0, self._at)
        pieces, added = [self._text[self._at :]], 0
        self._at = 0
        try:
            while added < wanted and not self._ended:
                chunk = next(self._chunks, None)
                self._ended = chunk is None
                piece = self._to_text.decode(chunk or b"", final=self._ended)
                pieces.append(piece)
                added += len(piece)
        except BrokenSourceError as error:
            message = f"{error.message}; the JSON stops after line {self._line}"
            raise BrokenSourceError(error.position, message) from error
        finally:
            self._text = "".join(pieces)
        return added > 0


def _to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = Repeated(found)
    names = [name for name, _ in pairs]
    repeated.key = next(name for name in names if names.count(name) > 1)
    return repeated


def _to_int(text: str) -> int | Decimal:
    return int(text) if len(text) < _LONGEST_INTEGER else Decimal(text)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number that JSON has")
