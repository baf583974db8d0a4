"""Where other people's readers can read a real file, they read the same segments as ours; ours read more files."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from ordertrail.intake.edi.edifact import charset, edifact_segments
from ordertrail.intake.edi.segments import Segment, decoded
from ordertrail.intake.edi.x12 import x12_segments
from ordertrail.intake.faults import FaultyError
from shared_data import shared

pyx12_reader = pytest.importorskip("pyx12.x12file")
pyx12_errors = pytest.importorskip("pyx12.errors")
pydifact_parser = pytest.importorskip("pydifact.parser")
pydifact_errors = pytest.importorskip("pydifact.exceptions")

X12 = sorted(shared("samples/edi-x12").iterdir())
EDIFACT = sorted(shared("samples/edifact").iterdir())
NO_EDIFACT = {
    "edinet__tradacoms.order9.edi", "edinet__tradacoms.productplanning.edi", "staedi__order.edi",
    "smooks__d93a-invoic-1__input.edi",
}  # fmt: skip
"""Three are TRADACOMS, one has no envelope and no message header."""

Plain = tuple[str, tuple[Any, ...]]


def flat(fields: Any) -> tuple[Any, ...]:
    """Return elements and components by their numbers, without what they are divided by."""
    found: list[Any] = []
    for name, value in sorted(fields.items(), key=lambda pair: int(pair[0])):
        found.append((int(name), flat(value) if isinstance(value, dict) else str(value).strip()))
    return tuple(found)


def ours(segments: Iterator[Segment]) -> list[Plain]:
    """Return our segments but for the interchange headers, of which each reader keeps other parts."""
    return [(one.tag, flat(one.fields)) for one in segments if one.tag not in {"ISA", "UNB", "UNG"}]


def of_pyx12(body: bytes) -> list[Plain] | None:
    """Return what pyx12 reads; None where it gives up."""
    found: list[Plain] = []
    try:
        for segment in pyx12_reader.X12Reader(io.StringIO(body.decode("utf-8"), newline="")):
            if segment.get_seg_id() == "ISA":
                continue
            fields = {}
            for number, element in enumerate(segment.elements, start=1):
                text = element.format().rstrip(segment.subele_term)
                if text.strip():
                    fields[str(number)] = text
            found.append((segment.get_seg_id(), flat(fields)))
    except (pyx12_errors.X12Error, pyx12_errors.EngineError, UnicodeDecodeError, AttributeError):
        return None
    return found


def of_pydifact(body: bytes) -> list[Plain] | None:
    """Return what pydifact reads; None where it gives up."""
    found: list[Plain] = []
    try:
        for segment in pydifact_parser.Parser().parse(decoded(body, charset(body))):
            if segment.tag in {"UNA", "UNB", "UNG"}:
                continue
            fields = {}
            for number, element in enumerate(segment.elements, start=1):
                parts = element if isinstance(element, list) else [element]
                told = {str(place): part for place, part in enumerate(parts, start=1) if str(part).strip()}
                if told:
                    fields[str(number)] = told
            found.append((segment.tag, flat(fields)))
    except (pydifact_errors.EDISyntaxError, IndexError, ValueError, TypeError, AttributeError):
        return None
    return found


def joined(segments: list[Plain]) -> list[Plain]:
    """Return X12 segments with composites as the text that they are made of, as pyx12 gives them."""
    return [(tag, tuple((at, _text(value)) for at, value in elements)) for tag, elements in segments]


def _text(value: Any) -> str:
    return ":".join(text for _, text in value) if isinstance(value, tuple) else value


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Other readers log what they do not like."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_pyx12_reads_the_segments_that_we_read() -> None:
    """Of each file that pyx12 can read, its segments are ours; it leaves out a last one that nothing ends."""
    for path in X12:
        body = path.read_bytes()
        theirs = of_pyx12(body)
        mine = joined(ours(x12_segments(decoded(body, "latin-1"))))
        if theirs is not None:
            named = [("", ()) if tag == "InvalidSegment" else (tag, elements) for tag, elements in theirs]
            assert mine[: len(named)] == named, path.name
            assert len(mine) - len(named) <= 1, path.name


@pytest.mark.filterwarnings("ignore")
def test_pydifact_reads_the_segments_that_we_read() -> None:
    """Of each file that both can read, its segments are ours."""
    for path in EDIFACT:
        body = path.read_bytes()
        theirs = of_pydifact(body)
        if theirs is not None and path.name not in NO_EDIFACT:
            assert ours(edifact_segments(decoded(body, charset(body)))) == theirs, path.name


@pytest.mark.filterwarnings("ignore")
def test_our_readers_read_more_of_the_real_files() -> None:
    """The figures of docs/decisions/0021: ours read each file that is of the standard, the others a part."""
    bodies = [path.read_bytes() for path in X12]
    assert sum(of_pyx12(body) is not None for body in bodies) == 24
    assert sum(bool(ours(x12_segments(decoded(body, "latin-1")))) for body in bodies) == len(X12) == 47
    others = [path.read_bytes() for path in EDIFACT]
    assert sum(of_pydifact(body) is not None for body in others) == 22
    assert sum(_is_read(body) for body in others) == len(EDIFACT) - len(NO_EDIFACT) == 24


def _is_read(body: bytes) -> bool:
    try:
        return bool(ours(edifact_segments(decoded(body, charset(body)))))
    except FaultyError:
        return False
