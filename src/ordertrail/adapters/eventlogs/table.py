"""Event logs as CSV (RFC 4180): one event a row, the columns named by the first row.

Read strictly: the header has every column that the mapping looks at, each once; a row with more or
fewer cells than the header is a problem of that row; a quote out of place is a problem of the lines
that it spoils. The reading goes on with the next row. A byte that is not text in the mapping's encoding
spoils its row alone. Worked example::

    case,activity,when            SourceEvent("row 1", {"case": "o1", "activity": "Placed", "when": "2026-…"})
    o1,Placed,2026-11-22T14:02Z
    o1,Paid                       SourceEvent("row 2", {"case": "o1", "activity": "Paid"},
                                              problems=(Problem("", "has 2 cells, the header has 3"),))

Rows are numbered from 1, the header not counted; problems name the lines of the file as well, since a
quoted cell may hold line ends. A line is at most ``Limits.element`` bytes; so is a cell. Memory: the
lines of one piece of the file.
"""

import csv
from collections.abc import Iterator

from ordertrail.adapters.eventlogs.events import BrokenSourceError, Scalar, SourceEvent, SourceProblem
from ordertrail.adapters.eventlogs.mapping import Mapping
from ordertrail.adapters.eventlogs.source import Progress, Source
from ordertrail.kernel.errors import Problem

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_table(
    source: Source, mapping: Mapping, progress: Progress | None = None
) -> Iterator[SourceEvent | SourceProblem]:
    """Yield a table's events in their sequence. Raises BrokenSourceError after the last good one."""
    # The limit on a cell is the csv module's and the whole process's: it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), source.limits.element))
    lines = _Lines(source, mapping, progress)
    reader = csv.reader(lines, delimiter=mapping.table.delimiter, strict=True)
    header = _read_header(reader, mapping)
    width, row = len(header), 0
    while True:
        first = reader.line_num + 1
        lines.held.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row += 1
            problem = Problem("", f"is not CSV: {error} ({_lines(first, reader.line_num)})")
            yield SourceProblem(f"row {row}", (problem,), lines.original())
            continue
        if not cells:
            continue  # A blank line holds no cell, so no event.
        row += 1
        fields: dict[str, Scalar] = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
        problems: tuple[Problem, ...] = ()
        if len(cells) != width:
            if len(cells) > width:
                fields |= {f"cell {at + 1}": cells[at] for at in range(width, len(cells))}
            place = _lines(first, reader.line_num)
            problems = (Problem("", f"has {len(cells)} cells, the header has {width} ({place})"),)
        yield SourceEvent(f"row {row}", fields, problems=problems)


def _read_header(reader: "Iterator[list[str]]", mapping: Mapping) -> list[str]:
    try:
        header = next(reader)
    except StopIteration:
        raise BrokenSourceError(
            "line 1", "the file is empty; a CSV begins with the names of its columns"
        ) from None
    except csv.Error as error:
        raise BrokenSourceError("line 1", f"the header is not CSV: {error}") from error
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise BrokenSourceError("line 1", f"the header names columns twice: {', '.join(map(repr, doubled))}")
    expected = mapping.table.columns
    if expected and tuple(header) != expected:
        raise BrokenSourceError(
            "line 1", f"the columns are {', '.join(header)}; expected {', '.join(expected)}"
        )
    missing = sorted(mapping.fields().difference(header))
    if missing:
        raise BrokenSourceError(
            "line 1", f"the header lacks columns that the mapping needs: {', '.join(missing)}"
        )
    return header


def _lines(first: int, last: int) -> str:
    return f"line {last}" if first >= last else f"lines {first} to {last}"


def _check_length(line: bytes, longest: int, number: int) -> None:
    if len(line) > longest:
        raise BrokenSourceError(f"line {number}", f"the line is longer than {longest} bytes")


class _Lines:
    """The source's lines as text, for the csv reader. Bytes that are no text become lone surrogates."""

    def __init__(self, source: Source, mapping: Mapping, progress: Progress | None) -> None:
        self._lines = self._split(source.chunks(progress), source.limits.element)
        self._encoding = mapping.table.encoding
        self.held: list[str] = []
        """The lines of the row that is being read; the reader of rows clears it before each."""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.held.append(line)
            yield line

    def original(self) -> bytes:
        """Return the bytes of the lines that are held."""
        return "".join(self.held).encode(self._encoding, "surrogateescape")

    def _split(self, chunks: Iterator[bytes], longest: int) -> Iterator[str]:
        rest, number = b"", 0
        try:
            for chunk in chunks:
                if not number:
                    rest, number = (rest + chunk).removeprefix(_BYTE_ORDER_MARK), 1
                    complete, end, rest = rest.rpartition(b"\n")
                else:
                    complete, end, rest = (rest + chunk).rpartition(b"\n")
                if end:
                    lines = self._decode(complete).split("\n")
                    number += len(lines)
                    yield from (f"{line}\n" for line in lines)
                _check_length(rest, longest, number)
        except BrokenSourceError as error:
            message = f"{error.message}; the table stops in line {max(number, 1)}"
            shown = rest[:200].decode("ascii", "backslashreplace")
            raise BrokenSourceError(
                error.position, f"{message}, which begins {shown!r}" if rest else message
            ) from error
        if rest:
            yield self._decode(rest)

    def _decode(self, data: bytes) -> str:
        return data.decode(self._encoding, "surrogateescape")
