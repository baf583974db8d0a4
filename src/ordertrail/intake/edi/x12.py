"""X12 segments. The interchange header says itself by which characters it is divided, and is believed.

ASC X12.5 (interchange control), X12.6 (application control structure). The character after ``ISA`` divides elements;
the sixteen of them find the last element whatever the lengths of the others (ISA02, ISA04 and ISA12 are often short),
behind which stand the component separator and the terminator. Read beyond the standard: a byte order mark, white
space and line ends around segments, lines wrapped at a column, ISA16 left out, a terminator that is a line end (of
any kind) or not ASCII, a component separator left over at the end of a segment, interchanges one after the other with
separators of their own. There is no release character in X12.

An element is divided into components only where the standard has a composite: a colon in a street's name is a colon.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ordertrail.intake.edi.segments import LONGEST_SEGMENT, MOST_ELEMENTS, Segment, skipped, tag_problem
from ordertrail.intake.faults import Code, Fault, FaultyError

_BEFORE_LAST = 15
"""Elements of a header that end with a separator; the sixteenth is the component separator itself."""
_LONGEST_ISA = 400
"""Characters of a header; 106 by the standard."""
_SECRET = frozenset({"1", "2", "3", "4"})
"""Elements of ISA that may hold a password."""

COMPOSITES: Final = frozenset(
    {("REF", 4), ("N9", 7), ("MEA", 4), ("QTY", 3), ("POC", 5), ("SLN", 5), ("CTP", 5), ("RCD", 3)}
)
"""Where a composite may stand in the transaction sets that are read: C001 (unit), C040 (reference)."""


@dataclass(frozen=True, slots=True)
class Separators:
    """The characters of one interchange. ``component`` is empty where the header leaves it out."""

    element: str
    component: str
    terminator: str


def x12_segments(text: str) -> Iterator[Segment]:
    """Yield the segments of a text, those of the envelope among them. Raises FaultyError where no ISA stands first."""
    place = skipped(text, 0)
    if not _begins(text, place):
        shown = text[place : place + 20]
        raise FaultyError(Fault(Code.UNREADABLE, "", f"not X12: it begins with {shown!r} and not with ISA"))
    separators, header, place = _header(text, place)
    if header.problem is not None:
        raise FaultyError(Fault(Code.UNREADABLE, "/ISA/0", header.problem))
    yield header
    while place < len(text):
        if _begins(text, place):
            separators, header, place = _header(text, place)
            yield header
            continue
        end = text.find(separators.terminator, place)
        end = len(text) if end < 0 else end
        if end > place:
            yield _segment(text, place, end, separators)
        place = skipped(text, end, separators.terminator)


def _begins(text: str, place: int) -> bool:
    """Say whether an interchange begins here."""
    if not text.startswith("ISA", place) or len(text) <= place + 3:
        return False
    separator = text[place + 3]
    # Not isspace(): the information separators of ASCII (FS to US) are white space to Python, and separators here.
    return not (separator.isalnum() or separator in " \t\r\n")


def _header(text: str, place: int) -> tuple[Separators, Segment, int]:
    """Return an interchange's separators and its ISA, and where the next segment begins.

    Of a header that is cut off nothing can be read, nor of what follows it: it is a problem, and the text's end.
    """
    element = text[place + 3]
    parts: list[str] = []
    at = place + 3
    while len(parts) < _BEFORE_LAST:
        after = text.find(element, at + 1, place + _LONGEST_ISA)
        if after < 0:
            told = f"the interchange header is cut off after {len(parts)} of its 16 elements"
            return Separators(element, "", "~"), Segment("", {}, told), len(text)
        parts.append(_joined(text[at + 1 : after]).strip())
        at = after
    component, terminator, begin = _endings(text, at + 1)
    fields = {
        str(number): part for number, part in enumerate(parts, start=1) if part and str(number) not in _SECRET
    }
    separators = Separators(element, component if component != element else "", terminator)
    return separators, Segment("ISA", fields), skipped(text, begin)


def _endings(text: str, place: int) -> tuple[str, str, int]:
    """Return the component separator, the terminator, and where the header ends, from where ISA16 should stand."""
    component, follows = text[place : place + 1], text[place + 1 : place + 2]
    if component in {"\r", "\n"}:
        return "", _line_end(text, place), place
    if follows.isalnum():
        # The header leaves ISA16 out: what stands here ends it, and a segment begins behind.
        return "", component, place + 1
    if follows in {"\r", "\n", ""}:
        return component, _line_end(text, place + 1), place + 1
    return component, follows, place + 2


def _line_end(text: str, place: int) -> str:
    """Return the line end that this file has: the last character of what stands there."""
    return "\r" if text[place : place + 1] == "\r" and text[place + 1 : place + 2] != "\n" else "\n"


def _joined(text: str) -> str:
    """Return a text without the line ends at which a sender wrapped it."""
    return text.replace("\r", "").replace("\n", "") if "\n" in text or "\r" in text else text


def _segment(text: str, place: int, end: int, separators: Separators) -> Segment:
    raw = _joined(text[place : min(end, place + LONGEST_SEGMENT)]).strip("\t ")
    if separators.component:
        raw = raw.rstrip(separators.component)
    tag, _, rest = raw.partition(separators.element)
    problem = tag_problem(tag.strip(), end - place)
    elements = rest.split(separators.element, MOST_ELEMENTS) if problem is None else []
    if len(elements) > MOST_ELEMENTS:
        problem = f"a segment {tag} of more than {MOST_ELEMENTS} elements is not read"
    if problem is not None:
        return Segment("", {}, problem)
    fields: dict[str, Any] = {}
    for number, element in enumerate(elements, start=1):
        if not element or element.isspace():
            continue
        composite = (tag, number) in COMPOSITES and separators.component and separators.component in element
        fields[str(number)] = _components(element, separators.component) if composite else element
    return Segment(tag, fields)


def _components(element: str, separator: str) -> dict[str, str]:
    parts = enumerate(element.split(separator, MOST_ELEMENTS), start=1)
    return {str(number): part for number, part in parts if part.strip()}
