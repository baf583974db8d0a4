"""Fonts for printing: ones that are named, else those that systems keep in well-known places.

A report must show whatever an event holds, so every font found takes part: the first draws what it can, the others
what it cannot. DejaVu Sans covers Latin, Greek, Cyrillic, Hebrew and Arabic; for Chinese, Japanese and Korean one of
the Noto or Droid fonts must be there. What no font has is printed as its code point, never left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final
from unicodedata import bidirectional, category

from ordertrail.kernel.errors import ConfigurationError

#: Where a regular and a bold face of the main font are looked for.
_MAIN: Final = (
    (
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    ),
    (
        "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
        "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf",
    ),
    ("/usr/share/fonts/TTF/DejaVuSans.ttf", "/usr/share/fonts/TTF/DejaVuSans-Bold.ttf"),
    (
        "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
        "/usr/share/fonts/truetype/noto/NotoSans-Bold.ttf",
    ),
    ("/Library/Fonts/Arial Unicode.ttf", "/Library/Fonts/Arial Unicode.ttf"),
)
#: Where fonts for what the main one lacks are looked for.
_FURTHER: Final = (
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansHebrew-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf",
)


_JOINERS: Final = "\u200c\u200d"
"""Zero width non-joiner and joiner: they are part of how Persian and Indic words are written."""


@dataclass(frozen=True, slots=True)
class Fonts:
    """A regular and a bold face, and the fonts that draw what these lack."""

    regular: Path
    bold: Path
    further: tuple[Path, ...]


def find_fonts(named: Sequence[Path] = ()) -> Fonts:
    """Return the fonts to print with: the ``named`` ones first, the first of them for both faces.

    :raises ConfigurationError: if a named one is not there, or nothing is named and no main font is found.
    """
    for path in named:
        if not path.is_file():
            raise ConfigurationError(
                f"evidence.fonts: there is no font {path}", remedy="Correct the setting."
            )
    further = (*named[1:], *(path for path in map(Path, _FURTHER) if path.is_file()))
    if named:
        return Fonts(named[0], named[0], further)
    for regular, bold in _MAIN:
        if Path(regular).is_file():
            return Fonts(Path(regular), Path(bold if Path(bold).is_file() else regular), further)
    raise ConfigurationError(
        "there is no font to print a report with",
        meaning="No bundle was made; what is recorded is untouched.",
        remedy="Install one (Debian: fonts-dejavu-core, and fonts-noto-cjk for Chinese, Japanese and Korean), or name "
        "files with fonts of [evidence].",
    )


@cache
def characters(path: Path) -> frozenset[int]:
    """Return the code points that a font has glyphs for."""
    library = import_module("fontTools.ttLib")  # comes with the printer's own package
    with library.TTFont(path, fontNumber=0, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


def printable(text: str, fonts: Fonts) -> str:
    """Return a text in which everything that no font has stands as its code point, ``[U+1F600]``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(text, fonts))


def needed(text: str, fonts: Fonts) -> tuple[Path, ...]:
    """Return the further fonts that a text needs, in their order."""
    missing = {ord(character) for character in text} - characters(fonts.regular)
    chosen = []
    for path in fonts.further:
        if not missing:
            break
        if missing & characters(path):
            chosen.append(path)
            missing -= characters(path)
    return tuple(chosen)


def right_to_left(text: str) -> bool:
    """Whether a text holds letters that run from right to left, or join, so that its glyphs must be arranged."""
    return not text.isascii() and any(bidirectional(one) in {"R", "AL"} for one in text)


def _misleads(character: str) -> bool:
    """Whether a character is invisible and can make text look like another: controls, and overrides of direction."""
    return category(character) in {"Cc", "Cf"} and character not in _JOINERS


def _shown(text: str, fonts: Fonts) -> Iterator[str]:
    for character in text:
        code = ord(character)
        if character in "\n\t":
            yield " "
        elif not _misleads(character) and any(
            code in characters(path) for path in (fonts.regular, *fonts.further)
        ):
            yield character
        else:
            yield f"[U+{code:04X}]"
