"""Exports that people open in a spreadsheet: comma-separated values, and workbooks.

One row an event, in words first. Both say at their end whether they are whole: the last row of the one, the sheet
"About" of the other. A text that a spreadsheet would take for a formula is put in quotes by an apostrophe (OWASP, CSV
Injection); in a workbook every text is a text.
"""

import csv as values
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from ordertrail.kernel.money import EXPONENTS
from ordertrail.query.ports import Hit
from ordertrail.record.sentence import change_words
from ordertrail.web.api.exporting import Export
from ordertrail.web.api.models.found import Found

ROWS: Final = 100_000
"""Events of a workbook, at most: one is made whole before it is sent."""
_CELL: Final = 32_000
"""Characters of a cell, at most; a workbook takes 32,767."""
_PIECE: Final = 1 << 16
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, what stands in it, and how wide it is in a workbook."""

    title: str
    value: Callable[[Hit, Found], str | int | Decimal | None]
    width: int = 14


def _money(hit: Hit) -> tuple[Decimal, str] | None:
    """Return what an event changed amounts by, where that is of one currency."""
    moved = [(one.delta, one.unit) for one in hit.event.changes if one.unit in EXPONENTS and one.delta]
    if not moved or len({unit for _, unit in moved}) != 1:
        return None
    unit = str(moved[0][1])
    return Decimal(sum(delta for delta, _ in moved if delta)).scaleb(-EXPONENTS[unit]), unit


COLUMNS: Final = (
    Column("Happened (UTC)", lambda _, one: one.event.time, 28),
    Column("What", lambda _, one: one.sentence, 80),
    Column("Who", lambda hit, _: hit.event.actor, 18),
    Column("Person or service", lambda hit, _: hit.event.actor_kind),
    Column("On behalf of", lambda hit, _: hit.event.behalf),
    Column("Action", lambda hit, _: hit.event.action, 22),
    Column("Came about", lambda hit, _: hit.event.outcome),
    Column("Sensitive", lambda hit, _: "yes" if hit.event.sensitive else "no"),
    Column("Order", lambda hit, _: hit.event.order),
    Column("Tenant", lambda hit, _: hit.event.tenant),
    Column("Channel", lambda hit, _: hit.event.channel),
    Column("Changes", lambda _, one: "; ".join(map(change_words, one.event.value().changes)), 60),
    Column("Amount changed by", lambda hit, _: None if (moved := _money(hit)) is None else moved[0]),
    Column("Currency", lambda hit, _: None if (moved := _money(hit)) is None else moved[1]),
    Column("Reason", lambda _, one: one.event.context.reason if one.event.context else None, 30),
    Column("Ticket", lambda hit, _: hit.event.ticket),
    Column("Recorded (UTC)", lambda _, one: one.recorded, 28),
    Column("Event", lambda hit, _: hit.event.id, 38),
    Column("Log", lambda hit, _: hit.event.stream),
    Column("Entry", lambda hit, _: hit.event.position),
    Column("As sealed", lambda _, one: "yes" if one.intact else "NO: its bytes were altered"),
)


def csv(export: Export) -> Iterator[bytes]:
    """Yield the events as comma-separated values (RFC 4180, UTF-8 with a mark); the last row says how it ended."""
    out = io.StringIO()
    writer = values.writer(out)

    def taken() -> bytes:
        piece = out.getvalue().encode()
        out.seek(0)
        out.truncate()
        return piece

    out.write("\ufeff")  # without it, Excel reads UTF-8 as something else
    writer.writerow([column.title for column in COLUMNS])
    for page in export.pages():
        for hit, one in page:
            writer.writerow([_plain(column.value(hit, one)) for column in COLUMNS])
        yield taken()
    writer.writerow(["End of the export", _ended(export)])
    yield taken()


def workbook(export: Export) -> Iterator[bytes]:
    """Yield the events as a workbook (Office Open XML): a sheet of them, and a sheet that says what they are."""
    export.most = min(export.most, ROWS)
    book = Workbook(write_only=True)
    sheet, about = book.create_sheet("Events"), book.create_sheet("About")
    sheet.freeze_panes = "A2"
    for letter, column in zip(_letters(), COLUMNS, strict=False):
        sheet.column_dimensions[letter].width = column.width
    sheet.append([_text(sheet, column.title, bold=True) for column in COLUMNS])
    for page in export.pages():
        for hit, one in page:
            sheet.append([_cell(sheet, column.value(hit, one)) for column in COLUMNS])
    about.column_dimensions["B"].width = 100
    for name, said in (
        ("What", export.meant.sentence()),
        ("How it ended", _ended(export)),
        (
            "To be sure",
            "A row is as good as who hands over the file; a proof or a bundle of events proves itself.",
        ),
    ):
        about.append([_text(about, name, bold=True), _text(about, said)])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _ended(export: Export) -> str:
    end = export.end()
    how = "whole" if end.whole else f"NOT whole: it goes on at {end.beyond}"
    return f"{end.events:,} events, {how}"


def _plain(value: str | int | Decimal | None) -> str:
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def _cell(sheet: Any, value: str | int | Decimal | None) -> Any:
    return _text(sheet, value) if isinstance(value, str) else value


def _text(sheet: Any, value: str, *, bold: bool = False) -> Any:
    """Return a cell that is a text, whatever it begins with."""
    shown = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)
    if len(shown) > _CELL:
        shown = f"{shown[:_CELL]}… ({len(value):,} characters; the whole is in the event)"
    cell = WriteOnlyCell(sheet, value=shown)
    cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell


def _letters() -> Iterator[str]:
    for number in range(len(COLUMNS)):
        yield chr(ord("A") + number)
