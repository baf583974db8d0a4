"""CEF, syslog and CloudEvents: what their readers read is what was told, whatever an event holds."""

import json
import re

import pytest
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from exporting.entries import SEALED_BOX, SENDER, entries, entry_of, exported
from ordertrail.exporting.cef import cef, escape_header, escape_value
from ordertrail.exporting.cloudevents import batch, cloud_event, source_of
from ordertrail.exporting.entry import Exported
from ordertrail.exporting.syslog import NOTICE, About, Machine, frame, message
from ordertrail.record.event import Actor, Event, Subject

MACHINE = Machine("trail.example", "0.1.0", 4711)
ANY = st.text(st.characters(codec="utf-8") | st.sampled_from('\\|=\n\r"]\x00\u2028'), max_size=80)
_RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[\x21-\x7e]{1,255}) (?P<program>[\x21-\x7e]{1,48}) "
    r"(?P<process>[\x21-\x7e]{1,128}) (?P<kind>[\x21-\x7e]{1,32}) "
    r'(?P<data>(?:\[[a-zA-Z]+(?: [a-zA-Z]+="(?:\\["\\\]]|[^"\\\]])*")*\])+) (?P<content>.*)',
    re.DOTALL,
)
_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def read_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Read a line of CEF as the standard has it: seven fields, then pairs; what is escaped is itself."""
    fields = re.split(r"(?<!\\)((?:\\\\)*)\|", line, maxsplit=7)
    header = [fields[at] + fields[at + 1] for at in range(0, 14, 2)]
    keys = list(re.finditer(r"(?:^|(?<= ))([A-Za-z0-9]+)=", fields[14]))
    pairs = {}
    for number, key in enumerate(keys):
        end = keys[number + 1].start() - 1 if number + 1 < len(keys) else len(fields[14])
        pairs[key[1]] = _unescape(fields[14][key.end() : end])
    return [_unescape(one) for one in header], pairs


def _unescape(text: str) -> str:
    ends = {"n": "\n", "r": "\r"}
    return re.sub(r"\\(.)", lambda found: ends.get(found[1], found[1]), text)


@given(ANY)
def test_an_escaped_header_field_is_one_field_of_one_line(text: str) -> None:
    """Law: no pipe of a value ends its field, no line end a line."""
    told = escape_header(text)
    assert not _LINE_ENDS.search(told)
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", told)
    assert _unescape(told) == re.sub(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]", " ", text)


@given(ANY)
def test_an_escaped_value_is_read_as_it_was(text: str) -> None:
    """Law: unescaping gives the value back, but for control characters; no equals sign begins another key."""
    told = escape_value(text)
    assert not _LINE_ENDS.search(told)
    assert not re.search(r"(?<!\\)(?:\\\\)*=", told)
    kept = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]", " ", text)
    assert _unescape(told) == kept


@given(entries())
def test_cef_tells_an_event(one: Exported) -> None:
    """Law: one line, seven fields, and the keys that lead back to the event, whatever it holds."""
    line = cef(one, SENDER)
    assert not _LINE_ENDS.search(line)
    header, pairs = read_cef(line)
    assert header[:5] == ["CEF:0", "OrderTrail", "OrderTrail", "0.1.0", one.event.action]
    assert 0 <= int(header[6]) <= 10
    assert pairs["externalId"] == one.event.id
    assert pairs["cn1"] == str(one.sealed.place.position)
    assert all(len(value) <= 4_000 for value in pairs.values())
    assert SEALED_BOX not in line


def test_cef_is_written_as_the_standard_shows_it() -> None:
    """Worked by hand from the standard's own examples of escaping: pipes in the header, equals signs in values."""
    actor = Actor("a=b|c\\d", "person")
    one = exported(
        Event(id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69", time="2026-11-22T14:02:10.120000Z", action="order.delete",
              actor=actor, subject=Subject("order", "SO|1"))
    )  # fmt: skip
    line = cef(one, SENDER)
    assert line.startswith(
        "CEF:0|OrderTrail|OrderTrail|0.1.0|order.delete|deleted|7|rt=1795356130120 "
        "externalId=01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69 act=order.delete outcome=success suser=a\\=b|c\\\\d "
    )


@given(st.lists(entries(), max_size=5))
def test_frames_are_told_apart_by_their_lengths(some: list[Exported]) -> None:
    """Law (RFC 6587 section 3.4.1): a stream is split into the messages that were framed, whatever they hold."""
    messages = [
        message(MACHINE, About(NOTICE, one.event.time, one.event.action, number), cef(one, SENDER))
        for number, one in enumerate(some)
    ]
    stream, found = b"".join(map(frame, messages)), []
    while stream:
        length, _, rest = stream.partition(b" ")
        found.append(rest[: int(length)].decode())
        stream = rest[int(length) :]
    assert found == messages


@given(ANY, ANY, st.integers(0, 2**63))
def test_a_header_is_one_by_the_grammar(host: str, kind: str, sequence: int) -> None:
    """Law (RFC 5424 section 6): whatever a machine and an action are called, the header's fields are fields."""
    told = message(Machine(host, host, 1), About(4, "2026-11-22T14:02:10.120000Z", kind, sequence), "x")
    found = _RFC5424.fullmatch(told)
    assert found is not None
    assert (found["pri"], found["content"]) == ("108", "x")
    (number,) = re.findall(r'sequenceId="(\d+)"', found["data"])
    assert 1 <= int(number) <= 2_147_483_647


@given(entries())
def test_a_cloud_event_is_one_to_its_own_sdk(one: Exported) -> None:
    """Law: the reader of the specification's authors takes it, and finds the log's own bytes in it."""
    text = cloud_event(one, SENDER)
    read = JSONFormat().read(None, text.encode())
    assert read.get_id() == one.event.id
    assert read.get_source() == source_of(SENDER.origin, "default") == "//shop.example/trail#default"
    assert read.get_type() == f"ordertrail.{one.event.action}"
    assert read.get_extension("sequence") == f"{one.sealed.place.position:020}"
    assert b'"data":' + one.body + b"," in text.encode()


def test_a_batch_is_a_list() -> None:
    """JSON batch format: an array of events, in order."""
    events = [cloud_event(entry_of("order.update"), SENDER) for _ in range(3)]
    assert [one["id"] for one in json.loads(batch(events))] == [json.loads(one)["id"] for one in events]
    assert json.loads(batch([])) == []


@pytest.mark.parametrize(("ip", "key"), [("203.0.113.7", "src"), ("2001:db8::7", "c6a2")])
def test_addresses_stand_under_the_key_of_their_version(ip: str, key: str) -> None:
    """``src`` is an address of version 4; readers refuse another."""
    one = entry_of("order.update")
    context = one.context
    event = Event(
        **{name: getattr(one.event, name) for name in one.event.__struct_fields__}
        | {"context": type(context)(ip=ip)}
    )
    assert read_cef(cef(exported(event), SENDER))[1][key] == ip
