"""XES logs: streamed, hardened, and honest about where they break."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from eventlogs.small_logs import XES_MAPPING, Translated, event, mapping_of, trace, translate, xes
from ordertrail.adapters.eventlogs import open_event_log
from ordertrail.adapters.eventlogs.source import Limits

MAPPING = mapping_of(XES_MAPPING)


def test_an_event_knows_its_trace(tmp_path: Path) -> None:
    """The case is the trace's name, and the position counts both."""
    log = xes(
        trace("o1", event(), event("Paid")),
        trace("o2", event(more='<string key="org:resource" value="anna"/>')),
    )
    result = translate(log, MAPPING, tmp_path)
    assert [record.position for record in result.records] == [
        "trace 1 event 1",
        "trace 1 event 2",
        "trace 2 event 1",
    ]
    assert [one["subject"]["order"] for one in result.events] == ["o1", "o1", "o2"]
    assert [one["actor"]["id"] for one in result.events] == ["unknown", "unknown", "anna"]


def test_nothing_of_an_event_is_lost(tmp_path: Path) -> None:
    """Unused attributes, attributes of attributes, lists, and a trace's own attributes become changes."""
    more = (
        '<float key="price" value="9.50"><string key="currency" value="EUR"/></float>'
        '<list key="tags"><values><string key="tag" value="a"/><string key="tag" value="b"/></values></list>'
    )
    log = xes(
        '<trace><string key="concept:name" value="o1"/><string key="region" value="north"/>'
        + event(more=more)
        + event("Paid")
        + "</trace>"
    )
    first, second = translate(log, MAPPING, tmp_path).events
    assert first["changes"][1:] == [
        {"path": "/source/price", "after": "9.50"},
        {"path": "/source/price~1currency", "after": "EUR"},
        {"path": "/source/tags~1tag", "after": "a"},
        {"path": "/source/tags~1tag#2", "after": "b"},
        {"path": "/trace/region", "after": "north"},
    ]
    assert second["changes"] == [{"path": "/activity", "after": "Paid"}]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (event(when=None), "time: is missing (time:timestamp)"),
        (event(when="yesterday"), "time: 'yesterday' is not an ISO 8601 date and time"),
        (event(when="2026-11-22T14:02:10"), "has no zone"),
        (event(what=None), "activity: is missing"),
        (event("Vanished"), "activity: 'Vanished' has no action in the mapping"),
        (event(more='<string key="concept:name" value="Paid"/>'), "concept:name: stands twice"),
        (event(more='<string key="x"/>'), "x: lacks its key or its value"),
        (event(more='<blob key="x" value="1"/>'), "x: has the tag 'blob', which XES does not know"),
    ],
)
def test_one_bad_event_is_one_problem_between_two_records(bad: str, sentence: str, tmp_path: Path) -> None:
    """The events around it are translated, and it is kept as it was read."""
    result = translate(xes(trace("o1", event(), bad, event())), MAPPING, tmp_path)
    assert [record.position for record in result.records] == ["trace 1 event 1", "trace 1 event 3"]
    (problem,) = result.problems
    assert problem.position == "trace 1 event 2"
    assert sentence in str(problem)
    assert b"o1" in problem.original


def test_an_event_in_no_trace_has_a_position_and_a_problem(tmp_path: Path) -> None:
    """XES allows them; a mapping whose case is the trace's name cannot place them."""
    result = translate(xes(event(), trace("o1", event()), event()), MAPPING, tmp_path)
    assert [problem.position for problem in result.problems] == ["event 1", "event 2"]
    assert all("case: is missing: the event belongs to no case" in sentence for sentence in result.sentences)
    assert len(result.records) == 1


def test_a_trace_without_a_name_is_a_problem_of_each_of_its_events(tmp_path: Path) -> None:
    """No event of it is dropped in silence."""
    result = translate(
        xes("<trace>" + event() + event() + "</trace>", trace("o1", event())), MAPPING, tmp_path
    )
    assert len(result.problems) == 2
    assert len(result.records) == 1


BILLION_LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<log><trace><string key="concept:name" value="&b;"/></trace></log>"""


@pytest.mark.parametrize(
    "content",
    [
        BILLION_LAUGHS,
        b'<?xml version="1.0"?><!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>',
        b'<?xml version="1.0"?><!DOCTYPE log [<!ENTITY % p SYSTEM "http://localhost/x">%p;]><log/>',
    ],
)
def test_entities_and_document_types_are_refused(content: bytes, tmp_path: Path) -> None:
    """Nothing is expanded and nothing is fetched: the declaration itself ends the reading."""
    result = translate(content, MAPPING, tmp_path)
    assert result.records == []
    assert "document type declarations and entities are refused" in result.sentences[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (xes(trace("o1", event()))[:-9], "line 5 column 0: the XML breaks off or is malformed"),
        (xes(trace("o1", event()), "<oops>"), "the XML breaks off or is malformed: mismatched tag"),
        (xes(trace("o1", event()), "<trace><trace/></trace>"), "line 6: a trace stands inside a trace"),
        (xes(trace("o1", event()), "<trace><x><event/></x></trace>"), "does not stand where XES has it"),
        (
            xes(trace("o1", event()).replace("</trace>", '<string key="k" value="v"/></trace>')),
            "stands after",
        ),
        (xes(trace("o1", event()), "<trace>" + "<container key='c'>" * 70), "nest deeper than 64"),
        (xes(trace("o1", event()), "<trace><string key='k' value='" + "x" * 200_000), "breaks off"),
    ],
)
def test_good_events_come_before_the_place_where_a_log_breaks(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    """What was whole before the damage is translated; the last problem says where it stopped."""
    result = translate(content, MAPPING, tmp_path)
    assert len(result.records) == 1
    assert sentence in result.sentences[-1]
    assert result.found[-1] is result.problems[-1]


def test_a_tag_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """The limit on one element holds for what the parser itself keeps back."""
    content = xes(trace("o1", event()), "<trace><string key='k' value='" + "x" * 3_000_000)
    result = translate(content, MAPPING, tmp_path, limits=Limits(element=1 << 20))
    assert len(result.records) == 1
    assert "a tag or text is larger than 1048576 bytes" in result.sentences[0]


def test_an_event_with_endless_attributes_is_refused(tmp_path: Path) -> None:
    """The number of an event's attributes is bounded."""
    more = "".join(f'<int key="k{number}" value="1"/>' for number in range(10_001))
    assert (
        "more than 10000 attributes"
        in translate(xes(trace("o1", event(more=more))), MAPPING, tmp_path).sentences[0]
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<html><body/></html>", "the root element is 'html'; an XES log has the root 'log'"),
        (b"<log><object-types/></log>", "this is an OCEL in XML"),
    ],
)
def test_other_xml_is_named_for_what_it_is(content: bytes, sentence: str, tmp_path: Path) -> None:
    """A file that is no XES is refused by its first tags."""
    assert sentence in translate(content, MAPPING, tmp_path).sentences[0]


def test_what_stands_outside_traces_is_no_event(tmp_path: Path) -> None:
    """Extensions, globals and classifiers of a log, namespaced or not, are passed over."""
    head = (
        '<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>'
        '<global scope="event"><string key="concept:name" value="?"/></global>'
        '<classifier name="c" keys="concept:name"/><string key="concept:name" value="the log"/>'
    )
    log = xes(head, trace("o1", event())).replace(b"<log>", b'<log xmlns="http://www.xes-standard.org/">')
    result = translate(log, MAPPING, tmp_path)
    assert len(result.records) == 1
    assert result.problems == []


def test_utf16_is_read_as_xml_says(tmp_path: Path) -> None:
    """XML names its own encoding; the reader follows it."""
    text = xes(trace("Bestellung ü", event())).decode().replace("'1.0'", "'1.0' encoding='utf-16'")
    assert translate(text.encode("utf-16"), MAPPING, tmp_path).events[0]["subject"]["id"] == "Bestellung ü"


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """Five times the events of few cases take no more memory."""

    def peak(events: int) -> int:
        path = tmp_path / "log"
        path.write_bytes(gzip.compress(xes(trace("o1", *[event()] * events))))
        tracemalloc.start()
        count = sum(1 for _ in open_event_log(path, MAPPING))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == events
        return highest

    assert peak(25_000) < peak(5_000) + 300_000


def test_a_log_of_nothing_has_nothing(tmp_path: Path) -> None:
    """An empty log is no problem and no event."""
    path = tmp_path / "log"
    path.write_bytes(b"<log/>")
    assert Translated(open_event_log(path, MAPPING)).found == []
