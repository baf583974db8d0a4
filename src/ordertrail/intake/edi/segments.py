"""A segment, and the tree of a message: segments beneath those that they belong to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

LONGEST_SEGMENT: Final = 100_000
"""Characters. The longest that either standard allows are a tenth of it."""

MOST_ELEMENTS: Final = 1_000
"""Elements of one segment, or components of one element."""

_TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: what its elements say, by their numbers as texts; empty elements are left out.

    An element is a text; a composite is an object of its components by number; one that repeats is a list.
    """

    tag: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    """Why it is no segment; then it has no tag and no fields."""

    def at(self, *path: str) -> str | None:
        """Return the text of an element or component, None where there is none."""
        found: Any = self.fields
        for step in path:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found.strip() if isinstance(found, str) and found.strip() else None


def skipped(text: str, place: int, terminator: str = "") -> int:
    """Return the place of the next character that says something: no white space, mark or segment that is empty."""
    found = _between(terminator).match(text, place)
    return found.end() if found else place


@lru_cache(maxsize=64)
def _between(terminator: str) -> re.Pattern[str]:
    """Return what may stand between segments: a byte order mark and the end-of-file mark of DOS among it."""
    return re.compile(rf"[\r\n\t \ufeff\x1a{re.escape(terminator)}]*+")


def tag_problem(tag: str, length: int) -> str | None:
    """Say why a text of so many characters that begins with this tag is no segment, or None."""
    if length > LONGEST_SEGMENT:
        return f"a segment of {length} characters is longer than the {LONGEST_SEGMENT} that are read"
    return None if _TAG.fullmatch(tag) else f"{tag[:_SHOWN]!r} is no segment's tag"


@dataclass(frozen=True, slots=True)
class Grammar:
    """Which segments belong to which, loosely: enough to tell whose a segment is, whatever a partner leaves out."""

    beneath: Mapping[str, frozenset[str]]
    """The tags that may stand directly beneath a tag."""
    sections: Mapping[str, frozenset[str]]
    """Tags beneath which everything may stand but these: a line holds all until the next line or the summary."""

    def holds(self, above: str, tag: str) -> bool:
        """Say whether a tag may stand directly beneath another."""
        if above in self.sections:
            return tag not in self.sections[above]
        return tag in self.beneath.get(above, ())


def nested(segments: Iterable[Segment], grammar: Grammar) -> dict[str, Any]:
    """Return segments as a tree: each beneath the nearest before it that may hold it, else outermost."""
    root: dict[str, Any] = {}
    above: list[tuple[str, dict[str, Any]]] = []
    for segment in segments:
        while above and not grammar.holds(above[-1][0], segment.tag):
            above.pop()
        node = dict(segment.fields)
        (above[-1][1] if above else root).setdefault(segment.tag, []).append(node)
        above.append((segment.tag, node))
    return root


def decoded(body: bytes, encoding: str) -> str:
    """Return the text of a body: UTF-16 or UTF-8 where it is valid, else in the encoding, which knows all bytes.

    What says Latin-1 is in truth often UTF-8, and what is not UTF-8 cannot pass for it by chance.
    """
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return body.decode("utf-16", errors="replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode(encoding, errors="replace")
