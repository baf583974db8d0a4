"""XES (IEEE 1849-2016): a trace an order, its events by time, with the extensions concept, time and organizational.

Events that belong to no order have no case, and are counted in the log's attribute ``ordertrail:without_order``.
"""

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from ordertrail.correlate.export.event_log import EventLog, LogEvent, printable

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <global scope="trace"><string key="concept:name" value="order"/></global>
  <global scope="event">
    <string key="concept:name" value="action"/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
  </global>
  <classifier name="Action" keys="concept:name"/>
"""


def xes(log: EventLog) -> Iterator[str]:
    """Yield a log as XES, in pieces."""
    cases: dict[str, list[LogEvent]] = {}
    without = 0
    for event in log.events:
        if event.order is None:
            without += 1
        else:
            cases.setdefault(event.order, []).append(event)
    yield _HEAD
    yield f'  <int key="ordertrail:without_order" value="{without}"/>\n'
    for order, events in cases.items():
        yield f"  <trace>\n{_text('concept:name', order, 4)}"
        for event in events:
            yield "".join(_event(event))
        yield "  </trace>\n"
    yield "</log>\n"


def _event(event: LogEvent) -> Iterator[str]:
    yield "    <event>\n"
    yield _text("concept:name", event.type)
    time = event.time.replace("Z", "+00:00")
    yield f'      <date key="time:timestamp" value="{time}"/>\n'
    yield _text("identity:id", event.id)
    for name, value in event.attributes:
        yield _text("org:resource" if name == "actor" else f"ordertrail:{name}", value)
    yield "    </event>\n"


def _text(key: str, value: str, indent: int = 6) -> str:
    return f"{' ' * indent}<string key={quoteattr(key)} value={quoteattr(printable(value))}/>\n"
