"""XES, the XML event streams of process mining (IEEE 1849-2016): a log of traces of events.

::

    <log>
      <trace>
        <string key="concept:name" value="2000000000_00001"/>      attributes of the case
        <event>
          <date key="time:timestamp" value="2018-01-02T12:53:00+00:00"/>
          <string key="concept:name" value="SRM: Created"/>
        </event>
      </trace>
    </log>

is read as one ``SourceEvent("trace 1 event 1", {"time:timestamp": "2018-…", "concept:name": "SRM: Created"},
{"concept:name": "2000000000_00001"}, opens=True)``. Attributes of attributes get the key ``parent/child``;
in a list, where keys may repeat, the second is ``key#2``. Values stay the text that was written. Events
that stand in no trace are ``event 1``, ``event 2``, ….

Hardening. The parser is defusedxml's SAX reader with everything forbidden: a document type
declaration is refused outright, so there are no entities to expand ("billion laughs") and nothing
external is ever fetched. Memory is flat: nothing outlives its event, a tag may not be larger than
``Limits.element``, an event holds at most 10,000 attributes, elements nest at most 64 deep. XML that
breaks off or is malformed ends the reading, after all events before it, with its line and column.
"""

import xml.sax
from collections.abc import Iterator
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

import defusedxml.common
from defusedxml.expatreader import create_parser

from ordertrail.adapters.eventlogs.events import BrokenSourceError, Scalar, SourceEvent
from ordertrail.adapters.eventlogs.source import Progress, Source
from ordertrail.kernel.errors import Problem

_VALUED = frozenset({"string", "date", "int", "float", "boolean", "id"})
_HOLDERS = frozenset({"list", "container"})
_STRUCTURE = frozenset({"trace", "event"})
_MOST_ATTRIBUTES = 10_000
_DEEPEST = 64


class _RefusedError(Exception):
    """The document is not an event log that will be read further."""


def read_xes(source: Source, progress: Progress | None = None) -> Iterator[SourceEvent]:
    """Yield a log's events in their sequence. Raises BrokenSourceError after the last good one."""
    collector = _Collector()
    parser = create_parser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(collector)
    seen, unmoved = 0, 0
    try:
        for chunk in source.chunks(progress):
            parser.feed(chunk)
            yield from collector.take()
            unmoved = 0 if collector.elements != seen else unmoved + len(chunk)
            seen = collector.elements
            _check_size(unmoved, source.limits.element)
        parser.close()
    except xml.sax.SAXParseException as error:
        yield from collector.take()
        at = f"line {error.getLineNumber()} column {error.getColumnNumber()}"
        raise BrokenSourceError(at, f"the XML breaks off or is malformed: {error.getMessage()}") from error
    except (defusedxml.common.DefusedXmlException, _RefusedError) as error:
        yield from collector.take()
        message = f"document type declarations and entities are refused ({type(error).__name__})"
        if isinstance(error, _RefusedError):
            message = str(error)
        raise BrokenSourceError(f"line {parser.getLineNumber()}", message) from error
    except BrokenSourceError as error:
        yield from collector.take()
        message = f"{error.message}; the XML stops at line {parser.getLineNumber()}"
        raise BrokenSourceError(error.position, message) from error
    yield from collector.take()


def _check_size(size: int, largest: int) -> None:
    if size > largest:
        raise _RefusedError(f"a tag or text is larger than {largest} bytes")


class _Collector(ContentHandler):
    """Gathers attributes into events as tags open and close."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        self._done: list[SourceEvent] = []
        self._depth = 0
        self._holder = 0
        """The depth of the open trace or event, 0 where there is none; attributes stand one deeper."""
        self._in_event = False
        self._in_trace = False
        self._trace = 0
        self._event = 0
        self._loose = 0
        """Events so far that stood in no trace."""
        self._case: dict[str, Scalar] = {}
        self._fields: dict[str, Scalar] = {}
        self._nested: list[str] = []
        """Keys of the attributes that are open above the current one."""
        self._problems: list[Problem] = []
        self._case_problems: list[Problem] = []
        """What is wrong with the open trace's own attributes; every event of the trace shares it."""

    def take(self) -> list[SourceEvent]:
        """Return the events that were completed since the last call."""
        done, self._done = self._done, []
        return done

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 the name that SAX calls
        """Open a tag."""
        self.elements += 1
        self._depth += 1
        if self._depth == 1 and name != "log":
            raise _RefusedError(f"the root element is {name!r}; an XES log has the root 'log'")
        if name in _STRUCTURE and self._depth > 1:
            self._open(name)
        elif self._holder:
            self._attribute(name, attrs)
        elif name in ("object-types", "objects") and self._depth == 2:
            raise _RefusedError("this is an OCEL in XML; OCEL is read as JSON or SQLite")

    def endElement(self, name: str) -> None:  # noqa: N802 the name that SAX calls
        """Close a tag."""
        if self._in_event and name == "event" and self._depth == self._holder:
            self._close_event()
        elif self._in_trace and self._depth == self._holder:
            self._in_trace, self._holder = False, 0
            self._case, self._case_problems = {}, []
            self._event = self._loose
        elif self._nested and self._depth > self._holder:
            self._nested.pop()
        self._depth -= 1

    def _open(self, name: str) -> None:
        """Open a trace or an event, where XES has one: a trace in the log, an event in either."""
        if self._in_event or self._depth != self._holder + (1 if self._in_trace else 2):
            raise _RefusedError(f"the tag {name!r} does not stand where XES has it")
        self._holder = self._depth
        if name == "event":
            self._in_event = True
            self._event += 1
            self._fields, self._problems = {}, []
        elif self._in_trace:
            raise _RefusedError("a trace stands inside a trace")
        else:
            self._in_trace = True
            self._trace += 1
            self._event = 0
            self._case, self._case_problems = {}, []

    def _close_event(self) -> None:
        position = f"trace {self._trace} event {self._event}" if self._in_trace else f"event {self._event}"
        opens = self._in_trace and self._event == 1
        problems = (*self._case_problems, *self._problems)
        self._done.append(SourceEvent(position, self._fields, self._case, (), opens, problems))
        self._in_event, self._holder = False, self._depth - 1 if self._in_trace else 0
        if not self._in_trace:
            self._loose = self._event

    def _attribute(self, name: str, attrs: AttributesImpl) -> None:
        if self._depth > _DEEPEST:
            raise _RefusedError(f"elements nest deeper than {_DEEPEST}")
        key, value = attrs.get("key"), attrs.get("value")
        fields = self._fields if self._in_event else self._case
        if (
            not self._nested
            and key is not None
            and value is not None
            and name in _VALUED
            and key not in fields
        ):
            fields[key] = value
            self._nested.append(key)
            if len(fields) > _MOST_ATTRIBUTES:
                raise _RefusedError(f"an event or trace has more than {_MOST_ATTRIBUTES} attributes")
        else:
            self._unusual_attribute(name, key, value, fields)
        if not self._in_event and self._event and self._in_trace:
            # A trace's attributes come before its events (IEEE 1849): earlier events missed this one.
            raise _RefusedError(f"an attribute of trace {self._trace} stands after the trace's first event")

    def _unusual_attribute(
        self, name: str, key: str | None, value: str | None, fields: dict[str, Scalar]
    ) -> None:
        """Read an attribute of an attribute, a list, or what XES does not know."""
        path = "/".join([*(step for step in self._nested if step), *([key] if key else [])])
        nested = bool(self._nested)
        self._nested.append(key or "")
        if value is None and (name in _HOLDERS or (name == "values" and nested)):
            return
        problems = self._problems if self._in_event else self._case_problems
        if name not in _VALUED:
            problems.append(Problem(path, f"has the tag {name!r}, which XES does not know"))
        elif key is None or value is None:
            problems.append(Problem(path, "lacks its key or its value"))
        elif path in fields and not nested:
            problems.append(Problem(path, "stands twice in one event or trace"))
        else:
            number = 1
            while (unique := path if number == 1 else f"{path}#{number}") in fields:
                number += 1
            fields[unique] = value
