"""Rows of CSV text and of workbooks, one after the other, in memory that does not grow with the file.

A workbook is a ZIP of XML (ECMA-376). What it unpacks to is bounded before anything of it is opened, and what a cell
claims of its place (row 10**12) while it is read.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from openpyxl import load_workbook

from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.json_text import LARGEST

LONGEST_LINE: Final = 1024 * 1024
"""Characters of the longest line."""

LONGEST_CELL: Final = 128 * 1024
"""Characters of the longest cell: csv's own bound, which belongs to the process, and which others may have moved."""

MOST_COLUMNS: Final = 1_024
MOST_ROWS: Final = 1_048_576
"""Of a sheet, as Excel has it."""

MOST_PARTS: Final = 1_000
LARGEST_SHEETS: Final = 1024 * 1024 * 1024
"""Bytes of all parts of a workbook, unpacked; sheets are read as they are unpacked."""

LARGEST_PART: Final = 64 * 1024 * 1024
"""Bytes of a part that is held whole: shared texts, styles, the rest."""

HIGHEST_RATIO: Final = 200
"""Of unpacked to packed bytes, in parts of over a megabyte. Text packs ten to thirty times."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row and its number in the file, from 1."""

    number: int
    values: list[Any]


class _Bytes(io.RawIOBase):
    """Bytes or a memory map, as a file."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._place = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._body[self._place : self._place + len(buffer)]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


def bytes_rows(body: bytes, encoding: str, delimiter: str, quote: str) -> Iterator[Row]:
    """Yield the rows of CSV text. Raises FaultyError where it cannot be read any further."""
    reader = csv.reader(_lines(body, encoding), delimiter=delimiter, quotechar=quote, strict=True)
    number = 0
    try:
        for values in reader:
            number = reader.line_num
            _require_place(number, len(values), number)
            if max(map(len, values), default=0) > LONGEST_CELL:
                raise _unreadable(f"not CSV: line {number}: a cell is over {LONGEST_CELL} characters long")
            if values:
                yield Row(number, list[Any](values))
    except csv.Error as error:
        raise _unreadable(f"not CSV: line {number + 1}: {error}") from None
    except UnicodeDecodeError as error:
        raise _unreadable(
            f"after line {number}, byte 0x{error.object[error.start]:02x} is not {encoding}"
        ) from None
    except UnicodeError:
        raise _unreadable(f"after line {number}: not {encoding}") from None


def _lines(body: bytes, encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(io.BufferedReader(_Bytes(body)), encoding=encoding, newline="")
    while line := text.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise _too_large(f"a line is over {LONGEST_LINE} characters long")
        yield line


def is_workbook(body: bytes) -> bool:
    """Say whether a body is a ZIP, as workbooks are."""
    return body[:4] == b"PK\x03\x04"


def workbook_rows(body: bytes, sheet: str | None) -> Iterator[Row]:
    """Yield the rows of a workbook's sheet, the first one's without a name. Raises FaultyError.

    Empty cells at a row's end are not there in a workbook: rows are as long as the first at least.
    """
    if len(body) > LARGEST:
        raise _too_large(f"a workbook of {len(body)} bytes; {LARGEST} are read")
    file, width = io.BytesIO(body), 0
    try:
        _require_small(file)
        for number, values in enumerate(_sheet(file, sheet).iter_rows(values_only=True), 1):
            _require_place(number, len(values))
            cells = [_cell(one) for one in values]
            while cells and cells[-1] is None:
                cells.pop()
            width = width or len(cells)
            if cells:
                yield Row(number, cells + [None] * (width - len(cells)))
    except (FaultyError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a workbook, it cannot be read
        raise _unreadable(f"not a workbook that can be read: {type(error).__name__}") from None


def _sheet(file: io.BytesIO, name: str | None) -> Any:
    book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    if name is not None and name not in book.sheetnames:
        raise FaultyError(Fault(Code.MISSING, "", f"the workbook has no sheet {name!r}"))
    found = book[name or book.sheetnames[0]]
    found.reset_dimensions()  # what it says of its size is not to be believed
    return found


def _require_place(row: int, fields: int, rows: int = MOST_ROWS) -> None:
    if fields > MOST_COLUMNS or row > rows:
        raise _too_large(f"row {row} has {fields} fields; {MOST_COLUMNS} are read, of {rows} rows")


def _require_small(file: io.BytesIO) -> None:
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_SHEETS:
        raise _too_large(f"a workbook of over {MOST_PARTS} parts or {LARGEST_SHEETS} bytes unpacked")
    for part in parts:
        is_sheet = part.filename.startswith("xl/worksheets/")
        packed = max(part.compress_size, 1)
        if part.file_size > LARGEST_PART and not is_sheet:
            raise _too_large(f"the workbook's part {part.filename[:80]!r} is {part.file_size} bytes unpacked")
        if part.file_size > 1024 * 1024 and part.file_size / packed > HIGHEST_RATIO:
            raise _too_large(
                f"the workbook's part {part.filename[:80]!r} unpacks to {part.file_size // packed} times"
            )


def _cell(value: Any) -> Any:
    """Return a cell's value as JSON has it. Numbers are the shortest decimals of what Excel keeps as a float."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return int(value) if value.is_integer() else Decimal(repr(value))
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _unreadable(message: str) -> FaultyError:
    return FaultyError(Fault(Code.UNREADABLE, "", message))


def _too_large(message: str) -> FaultyError:
    return FaultyError(Fault(Code.TOO_LARGE, "", message))
