"""Messages out of their envelopes, each judged by its trailer. ISO 9735 and X12.5 differ only in the tags."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ordertrail.intake.edi.segments import Grammar, Segment, nested
from ordertrail.intake.faults import Code, Fault

MOST_SEGMENTS: Final = 100_000
"""Segments of one message that are read: some 10,000 lines. Of a longer one they are only counted."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A header and its trailer: their tags, and where control number and count stand in them."""

    header: str
    trailer: str
    number: Path
    count: Path
    again: Path
    """Where the trailer repeats the header's number."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The three layers of a standard."""

    interchange: Layer
    group: Layer
    message: Layer
    kind: Path
    """Where a message's header says what it is."""
    aside: frozenset[str] = frozenset()
    """Segments that may stand outside of messages and tell of no order: TA1."""


X12: Final = Frame(
    Layer("ISA", "IEA", ("13",), ("1",), ("2",)),
    Layer("GS", "GE", ("6",), ("1",), ("2",)),
    Layer("ST", "SE", ("2",), ("1",), ("2",)),
    ("1",),
    frozenset({"TA1"}),
)
EDIFACT: Final = Frame(
    Layer("UNB", "UNZ", ("5", "1"), ("1", "1"), ("2", "1")),
    Layer("UNG", "UNE", ("5", "1"), ("1", "1"), ("2", "1")),
    Layer("UNH", "UNT", ("1", "1"), ("1", "1"), ("2", "1")),
    ("2", "1"),
)


@dataclass(frozen=True, slots=True)
class Enclosed:
    """One message with the headers around it; ``trailer`` is None where it was never closed."""

    pointer: str
    kind: str
    header: Segment
    segments: tuple[Segment, ...]
    """Between header and trailer."""
    count: int
    """Of all its segments, header and trailer among them."""
    trailer: Segment | None
    interchange: Segment | None
    group: Segment | None

    @property
    def is_too_long(self) -> bool:
        """Whether its segments were counted and not kept."""
        return self.count > MOST_SEGMENTS

    def tree(self, grammar: Grammar) -> dict[str, Any]:
        """Return the message with its envelope as a tree; segments that are none are left out."""
        around = (self.interchange, self.group, self.header)
        outer = {one.tag: dict(one.fields) for one in around if one is not None}
        inner = nested((one for one in self.segments if one.problem is None), grammar)
        trailer = {} if self.trailer is None else {self.trailer.tag: dict(self.trailer.fields)}
        return outer | inner | trailer

    def faults(self, frame: Frame) -> Iterator[Fault]:
        """Yield what its trailer says against it, and its segments that are none."""
        for segment in self.segments:
            if segment.problem is not None:
                yield Fault(Code.MALFORMED, self.pointer, segment.problem)
        if self.is_too_long:
            told = f"{self.count} segments are more than the {MOST_SEGMENTS} that are read of one message"
            yield Fault(Code.TOO_LARGE, self.pointer, told)
        yield from _against(frame.message, self.header, self.trailer, self.pointer, self.count)


@dataclass(frozen=True, slots=True)
class Told:
    """What is wrong with an envelope: a message of it may be missing."""

    pointer: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """A segment outside of messages that has its place there."""

    pointer: str
    segment: Segment


@dataclass(slots=True)
class _Open:
    """A layer whose trailer has not come yet."""

    layer: Layer
    header: Segment
    pointer: str
    within: int = 0
    """Groups or messages in it so far."""
    turns: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    count: int = 1

    def turn(self, tag: str) -> int:
        """Return the number of this occurrence of a tag, from zero."""
        self.turns[tag] = self.turns.get(tag, -1) + 1
        return self.turns[tag]


def unfolded(segments: Iterable[Segment], frame: Frame) -> Iterator[Enclosed | Told | Aside]:
    """Yield messages in their sequence as they are closed, and after them what is wrong with what encloses them."""
    walk = _Walk(frame)
    for segment in segments:
        yield from walk.step(segment)
    yield from walk.close(frame.interchange)
    yield from walk.told(walk.outside)


class _Walk:
    """Where one is in a file: which layers are open."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._layers = (frame.interchange, frame.group, frame.message)
        self._open: list[_Open] = []
        self.outside = _Open(Layer("", "", (), (), ()), Segment(""), "")

    def step(self, segment: Segment) -> Iterator[Enclosed | Told | Aside]:
        """Take one segment."""
        for layer in self._layers:
            if segment.tag == layer.header:
                yield from self.close(layer)
                self._begin(layer, segment)
                return
            if segment.tag == layer.trailer and any(one.layer is layer for one in self._open):
                yield from self.close(layer, segment)
                return
        inner = self._open[-1] if self._open else self.outside
        if inner.layer is self._frame.message:
            inner.count += 1
            if inner.count <= MOST_SEGMENTS:
                inner.segments.append(segment)
            else:
                inner.segments.clear()
        elif segment.tag in self._frame.aside:
            yield Aside(f"{inner.pointer}/{segment.tag}/{inner.turn(segment.tag)}", segment)
        else:
            told = segment.problem or f"{segment.tag} stands outside of any message"
            inner.faults.append(Fault(Code.MALFORMED, inner.pointer, told))

    def close(self, layer: Layer, trailer: Segment | None = None) -> Iterator[Enclosed | Told]:
        """Close a layer and all within it; only the layer itself has the trailer."""
        rank = self._layers.index(layer)
        while self._open and self._layers.index(self._open[-1].layer) >= rank:
            done = self._open.pop()
            ending = trailer if done.layer is layer else None
            if done.layer is self._frame.message:
                yield self._enclosed(done, ending)
            else:
                done.faults += _against(done.layer, done.header, ending, done.pointer, done.within)
                yield from self.told(done)

    @staticmethod
    def told(done: _Open) -> Iterator[Told]:
        """Yield what is wrong with a layer, if anything is."""
        if done.faults:
            yield Told(done.pointer, tuple(dict.fromkeys(done.faults)))

    def _begin(self, layer: Layer, header: Segment) -> None:
        above = self._open[-1] if self._open else self.outside
        above.within += 1
        pointer = f"{above.pointer}/{layer.header}/{above.turn(layer.header)}"
        self._open.append(_Open(layer, header, pointer))

    def _enclosed(self, done: _Open, trailer: Segment | None) -> Enclosed:
        around: Mapping[str, Segment] = {one.layer.header: one.header for one in self._open}
        return Enclosed(
            done.pointer,
            done.header.at(*self._frame.kind) or "",
            done.header,
            tuple(done.segments),
            done.count + (trailer is not None),
            trailer,
            around.get(self._frame.interchange.header),
            around.get(self._frame.group.header),
        )


def _against(
    layer: Layer, header: Segment, trailer: Segment | None, pointer: str, count: int
) -> Iterator[Fault]:
    """Yield what a trailer says against what it ends."""
    if trailer is None:
        told = f"{layer.header} is never closed by {layer.trailer}: the end may be missing"
        yield Fault(Code.MISSING, f"{pointer}/{layer.trailer}", told)
        return
    declared = trailer.at(*layer.count) or ""
    where = "/".join((pointer, layer.trailer, *layer.count))
    if not (declared.isascii() and declared.isdigit() and len(declared) < 20):
        yield Fault(Code.MALFORMED, where, f"{layer.trailer} counts {declared[:40]!r}, which is no count")
    elif int(declared) != count:
        yield Fault(
            Code.CONTRADICTION, where, f"{layer.trailer} counts {int(declared)}, and there are {count}"
        )
    begun, ended = header.at(*layer.number), trailer.at(*layer.again)
    if not _same(begun, ended):
        told = f"{layer.header} has the control number {_short(begun)}, {layer.trailer} has {_short(ended)}"
        yield Fault(Code.CONTRADICTION, "/".join((pointer, layer.trailer, *layer.again)), told)


def _same(begun: str | None, ended: str | None) -> bool:
    """Say whether two control numbers are one: zeros before a number count for nothing, as in X12 type N0."""
    if begun is None or ended is None:
        return False
    return begun == ended or (begun.isdigit() and begun.lstrip("0") == ended.lstrip("0"))


def _short(number: str | None) -> str:
    return "none" if number is None else number[:40]
