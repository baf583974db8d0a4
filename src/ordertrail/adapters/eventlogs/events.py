"""The values that flow through the readers: what stood in the source, and what becomes of it.

A reader (XES, OCEL, CSV) yields one :class:`SourceEvent` for each event it finds, with nothing
interpreted. The translator turns each into exactly one of two things: a :class:`SourceRecord`, the
JSON line that ``ordertrail record`` takes, or a :class:`SourceProblem`, which says where the event
stood, what is wrong with it, and keeps it as it was read::

    SourceRecord("trace 17 event 4", b'{"id":"...","time":"...",...}')
    SourceProblem("row 12", (Problem("time", "is naive and ..."),), b'{"InvoiceNo":"536365",...}')

The number of source events is therefore always the number of records plus the number of problems
that carry an original; problems of the file itself (cut short, malformed) carry none.
"""

import json
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from ordertrail.kernel.errors import Problem

Scalar = str | int | Decimal | bool | None
"""What a source may say of one field. Floats are read as the decimal that was written."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A translated event: where it stood, and one JSON object without a line end."""

    position: str
    line: bytes


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """What cannot be translated: where it stood, everything wrong with it, and the thing itself.

    ``original`` is the event as JSON text, or empty where the source as a whole is broken.
    """

    position: str
    problems: tuple[Problem, ...]
    original: bytes = b""

    def __post_init__(self) -> None:
        # Bytes that were no text may stand in what is quoted; a problem must be printable all the same.
        object.__setattr__(self, "position", _printable(self.position))
        clean = tuple(Problem(_printable(one.path), _printable(one.message)) for one in self.problems)
        object.__setattr__(self, "problems", clean)

    def __str__(self) -> str:
        # An empty path is the event itself, which the position has named.
        return f"{self.position}: " + "; ".join(
            str(one) if one.path else one.message for one in self.problems
        )


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


class Related(msgspec.Struct, frozen=True, gc=False):
    """An object that an event names (OCEL), and the role in which it does."""

    id: str
    type: str
    qualifier: str = ""


class SourceEvent(msgspec.Struct, frozen=True):
    """One event as it was read.

    ``fields`` are its own attributes or columns; ``case`` the attributes of its trace (XES);
    ``related`` its objects (OCEL). ``opens`` is set on the first event of a trace, which carries the
    trace's remaining attributes. ``problems`` is what the reader itself found wrong.
    """

    position: str
    fields: dict[str, Scalar]
    case: dict[str, Scalar] = {}
    related: tuple[Related, ...] = ()
    opens: bool = False
    problems: tuple[Problem, ...] = ()

    def original(self) -> bytes:
        """Return the event as JSON text; bytes that were not UTF-8 appear as escaped lone surrogates."""
        content: dict[str, object] = dict(self.fields)
        if self.case:
            content = {"trace": self.case, "event": content}
        if self.related:
            content = {"event": content, "objects": [[o.type, o.id, o.qualifier] for o in self.related]}
        return json.dumps(content, ensure_ascii=True, default=str).encode("ascii")


def text_of(value: Scalar) -> str | None:
    """Write a scalar as text, as JSON and XML spell it; None is absent."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class UntranslatableError(ValueError):
    """One field of one event cannot be translated. Caught by the translator, never seen outside."""


class BrokenSourceError(Exception):
    """The source cannot be read further. Caught where the readers are opened and made a problem."""

    def __init__(self, position: str, message: str) -> None:
        super().__init__(f"{position}: {message}")
        self.position = position
        self.message = message
