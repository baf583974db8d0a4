"""EDIFACT segments. ISO 9735 syntax versions 1 to 4; UNA where it stands, else what the standard says without one.

Read beyond the standard: a byte order mark, line ends anywhere (lines are wrapped even within a released character),
tabs and spaces before a segment, messages without an interchange around them, several interchanges with a UNA each.
An element always stands as an object of its components, so that a place does not depend on how many a partner fills.
The repetition separator divides only from syntax version 4 on: before, that place of UNA was reserved and many put an
asterisk there.

Numbers with a decimal comma (allowed by the standard, whatever UNA says) stand in the tree with a point.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from ordertrail.intake.edi.segments import LONGEST_SEGMENT, MOST_ELEMENTS, Segment, skipped, tag_problem
from ordertrail.intake.faults import Code, Fault, FaultyError

_UNA = 9
"""Characters of a service string advice."""
_SECRET = {"UNB": "6", "UNG": "8"}
"""The elements that hold a password: S005 and 0058."""
_NUMBERS = frozenset(
    {("QTY", 1, 2), ("PRI", 1, 2), ("PRI", 1, 5), ("MOA", 1, 2), ("PCD", 1, 2), ("CNT", 1, 2), ("TAX", 5, 4)}
    | {("CUX", 3, 1), ("TAX", 4, 1), ("RTE", 1, 2), ("RTE", 1, 3), ("APR", 2, 1), ("QVR", 1, 1)}
)
"""Segment, element and component of the numbers in the messages that are read."""
_COMMA = re.compile(r"-?\d*,\d+")

CHARSETS: Final = {
    "UNOA": "latin-1", "UNOB": "latin-1", "UNOC": "latin-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5",
    "UNOF": "iso8859-7", "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9", "UNOL": "iso8859-15", "UNOW": "latin-1", "UNOY": "latin-1",
}  # fmt: skip
"""The encoding of a body that is not UTF-8, by the syntax identifier (0001)."""


@dataclass(frozen=True, slots=True)
class Separators:
    """The characters of one interchange; ``release`` and ``repetition`` are empty where there are none."""

    component: str = ":"
    element: str = "+"
    release: str = "?"
    repetition: str = ""
    terminator: str = "'"


def charset(body: bytes) -> str:
    """Return the encoding that the syntax identifier of the first interchange names."""
    found = re.search(rb"UN[OY][A-Z]", body[:200])
    return CHARSETS.get(found.group().decode("ascii"), "latin-1") if found else "latin-1"


def edifact_segments(text: str) -> Iterator[Segment]:
    """Yield the segments of a text, those of the envelope among them. Raises FaultyError for what is no EDIFACT."""
    place = skipped(text, 0)
    start = text[place : place + 3]
    if start not in {"UNA", "UNB", "UNH"}:
        raise FaultyError(Fault(Code.UNREADABLE, "", _foreign(text[place : place + 20])))
    separators = Separators()
    reserved = ""
    while place < len(text):
        if text.startswith("UNA", place) and len(text) >= place + _UNA:
            found = _advice(text, place)
            if isinstance(found, str):
                yield Segment("", {}, found)
            else:
                separators, reserved = found
            place = skipped(text, place + _UNA)
            continue
        end = _end(text, place, separators)
        if text.startswith("UNB", place):
            separators = _versioned(separators, text[place:end], reserved)
        if end > place:
            yield _segment(text, place, end, separators)
        place = skipped(text, end, separators.terminator)


def _foreign(shown: str) -> str:
    if shown.startswith("STX="):
        return "not EDIFACT: it begins with STX= and is TRADACOMS, the British standard before it"
    return f"not EDIFACT: it begins with {shown!r} and not with UNA, UNB or UNH"


def _advice(text: str, place: int) -> tuple[Separators, str] | str:
    """Return the separators that a UNA names, and what stands where version 4 has the repetition separator.

    A text instead says why they cannot be used.
    """
    component, element, _, release, reserved, terminator = tuple(text[place + 3 : place + _UNA])
    chosen = [component, element, terminator] + ([release] if release != " " else [])
    if len(set(chosen)) < len(chosen) or any(one.isalnum() for one in chosen):
        return f"UNA names separators that cannot be told apart: {' '.join(map(repr, chosen))}"
    return Separators(component, element, release.strip(" "), "", terminator), reserved.strip(" ")


def _versioned(separators: Separators, raw: str, reserved: str) -> Separators:
    """Return the separators with that of repetition, if an interchange is of a version that has one."""
    header = raw.replace("\r", "").replace("\n", "").split(separators.element, 2)
    version = header[1].split(separators.component)[1:2] if len(header) > 1 else []
    repeats = bool(version) and version[0].strip() in {"4", "5"}
    return replace(separators, repetition=reserved if repeats else "")


@lru_cache(maxsize=64)
def _pattern(terminator: str, release: str) -> re.Pattern[str]:
    """Return what matches a segment without its terminator; a released character may stand on the next line."""
    if not release:
        return re.compile(rf"[^{re.escape(terminator)}]*+")
    plain = rf"[^{re.escape(terminator)}{re.escape(release)}]"
    return re.compile(rf"(?:{plain}++|{re.escape(release)}[\r\n]*+.?)*+", re.DOTALL)


def _end(text: str, place: int, separators: Separators) -> int:
    found = _pattern(separators.terminator, separators.release).match(text, place)
    return found.end() if found else len(text)


def _segment(text: str, place: int, end: int, separators: Separators) -> Segment:
    raw = text[place : min(end, place + LONGEST_SEGMENT)]
    if separators.terminator not in "\r\n":
        raw = raw.replace("\r", "").replace("\n", "")
    elements = _divided(raw, separators.element, separators.release)
    head = _divided(elements[0], separators.component, separators.release)
    tag = head[0].strip()
    problem = tag_problem(tag, end - place)
    if problem is None and len(elements) > MOST_ELEMENTS:
        problem = f"a segment {tag} of more than {MOST_ELEMENTS} elements is not read"
    if problem is not None:
        return Segment("", {}, problem)
    fields: dict[str, Any] = {}
    if len(head) > 1:
        fields["0"] = _components(":".join(head[1:]), Separators(release=""), tag, 0)
    for number, element in enumerate(elements[1:], start=1):
        value = _element(element, separators, tag, number) if element else None
        if value:
            fields[str(number)] = value
    fields.pop(_SECRET.get(tag, ""), None)
    return Segment(tag, fields)


def _element(element: str, separators: Separators, tag: str, number: int) -> Any:
    if not separators.repetition or separators.repetition not in element:
        return _components(element, separators, tag, number)
    repeats = _divided(element, separators.repetition, separators.release)
    found = [_components(one, separators, tag, number) for one in repeats]
    return found if len(found) > 1 else found[0]


def _components(element: str, separators: Separators, tag: str, number: int) -> dict[str, str]:
    found = {}
    parts = _divided(element, separators.component, separators.release)
    for place, part in enumerate(parts, start=1):
        text = _released(part, separators.release)
        if text and not text.isspace():
            is_number = (tag, number, place) in _NUMBERS and _COMMA.fullmatch(text)
            found[str(place)] = text.replace(",", ".") if is_number else text
    return found


def _divided(text: str, separator: str, release: str) -> list[str]:
    """Divide a text at a separator where it is not released; release characters stay."""
    parts = text.split(separator)
    if not release or release not in text:
        return parts
    found: list[str] = []
    joins = False
    for part in parts:
        if joins:
            found[-1] += separator + part
        else:
            found.append(part)
        joins = (len(part) - len(part.rstrip(release))) % 2 == 1
    return found


def _released(text: str, release: str) -> str:
    """Return a text without its release characters; what follows one stands as it is."""
    if not release or release not in text:
        return text
    return re.sub(re.escape(release) + r"(.)?", lambda found: found.group(1) or "", text, flags=re.DOTALL)
