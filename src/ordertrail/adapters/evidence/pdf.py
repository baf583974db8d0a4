"""Reports by the rules of PDF/A-2u (ISO 19005-2), with fpdf2.

PDF/A is the form for archives: fonts and colour profile are in the file, nothing outside is referred to, nothing is
encrypted; level u says that every character can be read out as Unicode. The same report makes the same bytes: the
file's date is the report's own, and its identifier follows from its content.
"""

import hashlib
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ordertrail.adapters.evidence.fonts import Fonts, find_fonts, needed, printable, right_to_left
from ordertrail.evidence.report import PrintedChange, PrintedEvent, PrintedGroup, PrintedReport
from ordertrail.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_MARGIN: Final = 18.0
_LINE: Final = 4.6
_LABEL: Final = 26.0
_CHANGED = re.compile(rb'(xmp:(?:Modify|Metadata)Date=")[^"]{25}(")')
_INK, _SOFT, _RULE, _ALARM = (26, 29, 33), (92, 99, 112), (208, 212, 219), (168, 40, 32)


class PdfPrinter:
    """Implements :class:`ordertrail.evidence.report.Printer`."""

    def __init__(self, fonts: "Sequence[Path]" = ()) -> None:
        self._named = tuple(fonts)

    def print(self, report: PrintedReport) -> bytes:
        """See the port."""
        fonts = find_fonts(self._named)
        paper = _open_paper(report, fonts)
        sheet = _Sheet(paper, fonts)
        sheet.front(report)
        for group in report.groups:
            sheet.group(group)
        sheet.back(report)
        return _dated(bytes(paper.output()), _moment(report))


def _moment(report: PrintedReport) -> datetime:
    return datetime.fromisoformat(report.made).astimezone(UTC)


def _dated(data: bytes, moment: datetime) -> bytes:
    """Have the metadata say that the file was changed when it was made: fpdf2 writes the time of day.

    The text is of the same length, so that nothing in the file moves.
    """
    made = moment.isoformat(timespec="seconds").encode()
    return _CHANGED.sub(lambda found: found[1] + made + found[2], data)


def _open_paper(report: PrintedReport, fonts: Fonts) -> Any:
    """Return an empty document with the report's fonts in it."""
    try:
        from fpdf import FPDF  # noqa: PLC0415 - an extra that only printing needs
    except ImportError:
        raise ConfigurationError(
            "printing a report needs the package fpdf2, which is not installed",
            meaning="No bundle was made; what is recorded is untouched.",
            remedy="Install it with: pip install 'ordertrail[evidence]'",
        ) from None
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)  # it tells of each table that it leaves out

    class Paper(FPDF):
        """A document whose pages end in the bundle's name and the page's number."""

        def file_id(self) -> str:
            digest = (
                hashlib.sha256("\0".join((report.made, *texts(report))).encode()).hexdigest()[:32].upper()
            )
            return f"<{digest}><{digest}>"

        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("main", "", 7.5)
            self.set_text_color(*_SOFT)
            self.cell(
                0,
                4,
                f"{report.facts[0][1] if report.facts else ''}   page {self.page_no()} of {{nb}}",
                align="C",
            )

    paper = Paper(enforce_compliance="PDF/A-2U")
    paper.set_margins(_MARGIN, _MARGIN)
    paper.set_auto_page_break(True, margin=18)
    paper.add_font("main", "", fonts.regular)
    paper.add_font("main", "B", fonts.bold)
    whole = "".join(texts(report))
    further = needed(whole, fonts)
    for number, path in enumerate(further):
        paper.add_font(f"further{number}", "", path)
    if further:
        paper.set_fallback_fonts([f"further{number}" for number in range(len(further))], exact_match=False)
    # Arranging glyphs costs time, and only some scripts need it.
    paper.set_text_shaping(right_to_left(whole))
    paper.set_title(report.title)
    paper.set_subject(printable(report.about, fonts))
    paper.set_lang("en")
    paper.set_creation_date(_moment(report))
    return paper


class _Sheet:
    """Draws the parts of a report, one below the other. Lengths are in millimetres."""

    def __init__(self, paper: Any, fonts: Fonts) -> None:
        self._paper = paper
        self._fonts = fonts

    def front(self, report: PrintedReport) -> None:
        """Draw the title, what the bundle is, and how to read on."""
        self._paper.add_page()
        self._text(report.title, 18, bold=True, line=9)
        self._text(report.about, 11, colour=_SOFT, line=6)
        self._gap(3)
        self._rule()
        for name, value in report.facts:
            self._fact(name, value)
        self._gap(3)
        self._heading("How it is proven")
        for name, words in report.steps:
            self._fact(name, words)
        self._gap(2)
        self._text(
            "To check every step yourself, open verify.html of the bundle in a browser; no network is needed. Compare "
            "the log's key that it shows with one that you were given from another source.",
            9,
            colour=_SOFT,
        )
        self._gap(3)
        self._heading("What is not proven")
        for words in report.not_proven:
            self._text(f"•  {words}", 9)

    def back(self, report: PrintedReport) -> None:
        """Draw the end, so that a missing last page is missed."""
        events = sum(len(group.events) for group in report.groups)
        self._gap(4)
        self._rule()
        self._text(f"End of the report. Events: {events:,}.", 9, colour=_SOFT)

    def group(self, group: PrintedGroup) -> None:
        """Draw an order's events."""
        self._room(40)
        self._gap(5)
        self._heading(group.heading)
        self._text(group.told, 9, colour=_SOFT)
        for event in group.events:
            self._event(event)

    def _event(self, event: PrintedEvent) -> None:
        self._room(24 + 6 * len(event.changes[:4]))
        self._gap(2.5)
        self._rule()
        paper = self._paper
        paper.set_font("main", "B", 9.5)
        paper.set_text_color(*_INK)
        paper.cell(paper.epw - 48, 5, self._clip(event.heading, paper.epw - 48))
        paper.set_font("main", "", 8.5)
        paper.cell(48, 5, event.time.replace("T", " ").removesuffix("Z")[:23] + " UTC", align="R")
        paper.ln(5)
        if event.mark:
            self._text(event.mark.upper(), 8.5, bold=True, colour=_ALARM)
        self._text(event.sentence, 9)
        if event.changes:
            self._changes(event.changes)
        for two in batched(event.facts):
            self._text("   ·   ".join(f"{name} {value}" for name, value in two), 7.5, colour=_SOFT, line=3.8)

    def _changes(self, changes: "Sequence[PrintedChange]") -> None:
        """Draw fields before and after, side by side; a value of any length is printed whole."""
        paper = self._paper
        widths = (paper.epw * 0.30, paper.epw * 0.35, paper.epw * 0.35)
        paper.set_font("main", "B", 7.5)
        paper.set_text_color(*_SOFT)
        for width, word in zip(widths, ("field", "before", "after"), strict=True):
            paper.cell(width, 4.4, word)
        paper.ln(4.4)
        paper.set_font("main", "", 8.5)
        paper.set_text_color(*_INK)
        for change in changes:
            cells = [printable(text, self._fonts) for text in (change.field, change.before, change.after)]
            narrow = all(
                paper.get_string_width(text) < width - 3 for text, width in zip(cells, widths, strict=True)
            )
            if narrow:
                for text, width in zip(cells, widths, strict=True):
                    paper.cell(width, 4.4, text)
                paper.ln(4.4)
            else:
                for name, text in zip(("", "before  ", "after  "), cells, strict=True):
                    if text:
                        self._text(name + text, 8.5, line=4.2)

    def _fact(self, name: str, value: str) -> None:
        paper, line = self._paper, _LINE
        paper.set_font("main", "", 9)
        paper.set_text_color(*_SOFT)
        paper.cell(_LABEL, line, name)
        paper.set_text_color(*_INK)
        text = printable(value, self._fonts)
        if paper.get_string_width(text) < paper.epw - _LABEL - 3:
            paper.cell(paper.epw - _LABEL, line, text)
            paper.ln(line)
        else:
            paper.multi_cell(paper.epw - _LABEL, line, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def _heading(self, text: str) -> None:
        self._text(text, 12, bold=True, line=7)

    def _text(
        self,
        text: str,
        size: float,
        *,
        bold: bool = False,
        colour: tuple[int, int, int] = _INK,
        line: float = _LINE,
    ) -> None:
        paper = self._paper
        paper.set_font("main", "B" if bold else "", size)
        paper.set_text_color(*colour)
        shown = printable(text, self._fonts)
        if paper.get_string_width(shown) < paper.epw - 3:
            paper.cell(paper.epw, line, shown)
            paper.ln(line)
        else:
            paper.multi_cell(paper.epw, line, shown, align="L", new_x="LMARGIN", new_y="NEXT")

    def _clip(self, text: str, width: float) -> str:
        """Shorten a heading that the sentence below it says in full."""
        shown = printable(text, self._fonts)
        while self._paper.get_string_width(shown) > width - 3:
            shown = shown[:-2].rstrip() + "…"
        return shown

    def _gap(self, height: float) -> None:
        self._paper.ln(height)

    def _room(self, height: float) -> None:
        """Begin a page where less than this is left, so that what belongs together stands together."""
        if self._paper.will_page_break(height):
            self._paper.add_page()

    def _rule(self) -> None:
        paper = self._paper
        paper.set_draw_color(*_RULE)
        paper.line(paper.l_margin, paper.get_y(), paper.l_margin + paper.epw, paper.get_y())
        paper.ln(1.2)


def batched(facts: "Sequence[tuple[str, str]]") -> "Iterator[Sequence[tuple[str, str]]]":
    """Yield facts two by two: what stands on one line."""
    for at in range(0, len(facts), 2):
        yield facts[at : at + 2]


def texts(report: PrintedReport) -> "Iterator[str]":
    """Yield every text of a report."""
    yield report.about
    yield from report.not_proven
    for _, value in report.facts:
        yield value
    for group in report.groups:
        yield group.heading
        for event in group.events:
            yield from (event.heading, event.sentence, *(value for _, value in event.facts))
            for change in event.changes:
                yield from (change.field, change.before, change.after)
