"""The report is a PDF for archives, the same for the same events, and shows every character that an event holds."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evidence.richly import REASON, Rich
from ordertrail.adapters.evidence.fonts import find_fonts, printable
from ordertrail.adapters.evidence.pdf import PdfPrinter
from ordertrail.evidence import layout
from ordertrail.evidence.archive import parse_archive
from ordertrail.evidence.report import PrintedReport
from ordertrail.kernel.errors import ConfigurationError


@pytest.fixture
def pdf(rich: Rich, tmp_path: Path) -> Path:
    """The report of the bundle."""
    path = tmp_path / "report.pdf"
    path.write_bytes(parse_archive(rich.bundle.data)[layout.REPORT])
    return path


def run(*command: str) -> str:
    """Run one of Debian's tools on PDF; skip where it is not there."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestFile:
    """The file, by other people's programs."""

    def test_it_is_well_formed(self, pdf: Path) -> None:
        """As qpdf sees it."""
        assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(pdf))

    def test_it_says_that_it_is_for_archives(self, pdf: Path) -> None:
        """PDF/A-2u in its metadata, a colour profile, nothing encrypted, every font in the file."""
        data = pdf.read_bytes()
        assert b"<pdfaid:part>2</pdfaid:part>" in data
        assert b"<pdfaid:conformance>U</pdfaid:conformance>" in data
        assert b"/OutputIntents" in data
        fonts = run("pdffonts", str(pdf)).splitlines()[2:]
        assert fonts
        assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts), fonts

    def test_everything_is_in_it(self, pdf: Path) -> None:
        """Who, what, when, before and after, why; how it is proven and what is not; names in any script."""
        text = run("pdftotext", "-layout", str(pdf), "-")
        for told in (
            "Order SO-1 of main",
            "clerk-17 (person) as order.editor",
            "120.00 EUR",
            "72.00 EUR",
            "customer called",
            REASON,
            "Landgericht Köln",
            "How it is proven",
            "What is not proven",
            "李小龍",
            "sealed personal data",
            "End of the report. Events: 7.",
        ):
            assert told in text, told


class TestFonts:
    """What no font has is not left out."""

    def test_what_cannot_be_drawn_is_told_by_its_code(self) -> None:
        """A control character, a private one, one that changes the direction of text."""
        shown = printable("a\x07b\ue000c\u202ed", find_fonts())
        assert "[U+0007]" in shown
        assert "[U+E000]" in shown
        assert "c[U+202E]d" in shown

    def test_a_font_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        """By the setting that names it."""
        with pytest.raises(ConfigurationError, match=r"evidence\.fonts"):
            find_fonts([tmp_path / "none.ttf"])


def test_the_same_report_makes_the_same_bytes() -> None:
    """Nothing of the machine or the moment is in it."""
    report = PrintedReport(
        "Title", "about", "2026-11-23T12:00:00.000000Z", (("Bundle", "b"),), (), (("1", "x"),), ("y",)
    )
    assert PdfPrinter().print(report) == PdfPrinter().print(report)


def test_a_report_is_of_its_own_time_and_not_of_the_machine_s(pdf: Path) -> None:
    """Made and changed are one time, in the metadata too."""
    times = re.findall(rb'xmp:(?:Create|Modify|Metadata)Date="([^"]+)"', pdf.read_bytes())
    assert len(times) == 3
    assert len(set(times)) == 1
