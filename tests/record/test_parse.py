"""The strict parser: what it takes it re-formats, what it refuses it explains in full."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.record.actions import CATALOGUE, Action, Catalogue
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event
from ordertrail.record.parse import MAX_LINE, parse_event, shape_problems_of

EXAMPLE: dict[str, Any] = {
    "id": "01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
    "time": "2026-11-22T14:02:10.120000Z",
    "action": "order.price.change",
    "outcome": "success",
    "actor": {"id": "clerk-17", "kind": "person", "roles": ["order.editor"]},
    "subject": {"kind": "order_line", "id": "SO-1042/2", "order": "SO-1042", "tenant": "main"},
    "changes": [
        {
            "path": "/lines/2/unit_price",
            "before": {"amount": 12000, "currency": "EUR"},
            "after": {"amount": 7200, "currency": "EUR"},
        }
    ],
    "context": {"ip": "203.0.113.7", "request": "r-81", "channel": "backoffice", "reason": "customer called"},
    "links": [{"system": "stripe", "kind": "payment_intent", "id": "pi_3N"}],
    "origin": {"client": "oms-1", "counter": 7},
    "cause": {"kind": "message", "id": "m-1"},
}


def line(value: Any = None, **changed: Any) -> bytes:
    """Return the example as a JSON line, with some fields changed or, where they are ..., left out."""
    event = dict(EXAMPLE if value is None else value) | changed
    return json.dumps({name: member for name, member in event.items() if member is not ...}).encode()


def after(value: Any) -> bytes:
    """Return the example with one change, to this value."""
    return line(changes=[{"path": "/x", "after": value}])


def problems(data: bytes) -> dict[str, str]:
    """Return what is wrong with a line, by path."""
    with pytest.raises(InputError) as refused:
        parse_event(data)
    return {problem.path: problem.message for problem in refused.value.problems}


def test_the_example_is_taken_as_it_is() -> None:
    """The documented example parses, and its canonical bytes parse to the same event."""
    event = parse_event(line())
    assert json.loads(encode(event)) == EXAMPLE
    assert parse_event(encode(event)) == event


def test_missing_id_and_outcome_are_made() -> None:
    """Left out, the id is a new one and the outcome is success, both written out."""
    event = parse_event(line(id=..., outcome=...))
    assert event.outcome == "success"
    assert event.id != parse_event(line(id=..., outcome=...)).id
    assert json.loads(encode(event))["outcome"] == "success"


def test_times_are_rewritten_to_utc() -> None:
    """Any offset is the same moment; the entry has one spelling."""
    assert parse_event(line(time="2026-11-22T15:02:10.12+01:00")).time == EXAMPLE["time"]


def test_absent_is_not_null() -> None:
    """A change from nothing differs from a change from null."""
    absent = parse_event(line(changes=[{"path": "/a", "after": 1}]))
    null = parse_event(line(changes=[{"path": "/a", "before": None, "after": 1}]))
    assert encode(absent) != encode(null)
    assert b'"before":null' in encode(null)


@pytest.mark.parametrize(
    ("data", "path", "why"),
    [
        (b"", "", "not JSON"),
        (b"{", "", "not JSON"),
        (b"[]", "", "must be an object"),
        (b"null", "", "must be an object"),
        (b"\xff", "", "not UTF-8"),
        (line().replace(b"clerk-17", b"clerk\xe9"), "", "not UTF-8"),
        (b'{"a": NaN}', "", "not a number in JSON"),
        (b"[" * 100_000, "", "nested too deeply"),
        (line() + b"x", "", "not JSON"),
        (line(action="order.pricechange"), "action", "did you mean"),
        (line(outcome="ok"), "outcome", "Invalid enum"),
        (line(actor=...), "actor", "is missing"),
        (line(actor={"id": "x", "kind": "robot"}), "actor.kind", "Invalid enum"),
        (line(actor={"id": "", "kind": "person"}), "actor.id", "is empty"),
        (line(subject={"kind": "order", "id": "a\tb"}), "subject.id", "control character"),
        (line(subject={"kind": "order", "id": "x" * 513}), "subject.id", "513 characters"),
        (line(extra=1), "extra", "not a field"),
        (line(context={"ip": 7}), "context.ip", "must be str"),
        (line(id="01935F6E-9C1A-7CC2-B0A5-3F1D2E4B5A69"), "id", "lower case"),
        (line(id="x"), "id", "not a UUID"),
        (line(time="2026-11-22T14:02:10"), "time", "no zone"),
        (line(changes=[{"path": "x", "after": 1}]), "changes.0.path", "JSON pointer"),
        (line(changes=[{"path": "/x"}]), "changes.0", "neither before nor after"),
        (line(changes=[{"path": "/x", "after": 1.5}]), "changes.0.after", "float"),
        (line(changes=[{"path": "/x", "after": [{"y": 0.1}]}]), "changes.0.after.0.y", "float"),
        (line(changes=[{"path": "/x", "after": 2**53}]), "changes.0.after", "beyond 2**53"),
        (after({"amount": 1, "currency": "EUX"}), "changes.0.after.currency", "ISO 4217"),
        (after({"amount": 1, "currency": "JPY", "exponent": 2}), "changes.0.after.exponent", "0 digits"),
        (after({"amount": "1.00", "currency": "EUR"}), "changes.0.after.amount", "minor units"),
        (after({"currency": "EUR"}), "changes.0.after.amount", "is missing"),
        (after({"blob": "x"}), "changes.0.after", "blob reference"),
        (line(origin={"client": "c", "counter": -1}), "origin.counter", "upwards"),
        (line().replace(b'"outcome"', b'"time"'), "time", "given twice"),
        (line().replace(b'"amount": 7200', b'"amount": 1, "amount": 7200'), "changes.0.after.amount", "given twice"),
        (line().replace(b"SO-1042/2", b"\\ud800"), "subject.id", "surrogate"),
    ],
)  # fmt: skip
def test_each_wrong_thing_is_named_with_its_path(data: bytes, path: str, why: str) -> None:
    """Bad input is refused, and the problem stands at the right path in words."""
    assert why in problems(data)[path]


def test_every_problem_is_named_not_only_the_first() -> None:
    """An event with five mistakes gets five problems."""
    found = problems(
        line(
            time="2026-11-22",
            action="order.bogus",
            actor={"kind": "person"},
            context={"nope": 1},
            changes=[{"path": "/x", "after": 0.5}],
        )
    )
    assert found.keys() == {"time", "action", "actor.id", "context.nope", "changes.0.after"}


def test_a_line_too_long_is_not_even_looked_at() -> None:
    """The parser is bounded."""
    assert "longest line" in problems(b" " * (MAX_LINE + 1))[""]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELD = st.sampled_from(sorted(EXAMPLE))


@given(st.dictionaries(FIELD, JSON_VALUES | st.just(...), max_size=2), st.booleans())
def test_fast_and_slow_agree(changed: dict[str, Any], compact: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
    """What the fast path takes has no problem that the slow path names, and the other way round."""
    event = {name: member for name, member in (EXAMPLE | changed).items() if member is not ...}
    data = json.dumps(event, separators=(",", ":") if compact else None).encode()
    try:
        parsed = parse_event(data)
    except InputError:
        assert all(problems(data).values())
    else:
        assert isinstance(parsed, Event)
        assert shape_problems_of(data)[1] == []
        assert parse_event(encode(parsed)) == parsed


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_taken_never_worse(data: bytes) -> None:
    """Nothing but InputError comes out of rubbish."""
    with pytest.raises(InputError):
        parse_event(data)


@given(st.integers(0, len(line()) - 1), st.integers(1, 255))
def test_any_flipped_byte_is_refused_or_a_different_event(at: int, flip: int) -> None:
    """A damaged line never passes for the undamaged one."""
    data = bytearray(line())
    data[at] ^= flip
    try:
        event = parse_event(bytes(data))
    except InputError:
        return
    assert encode(event) != encode(parse_event(line())) or json.loads(bytes(data)) == json.loads(line())


def test_a_trail_may_add_actions() -> None:
    """An added action is taken by its trail and by no other; a known or misspelled name is refused."""
    own = Catalogue([Action("order.gift.wrap", "wrapped as a gift")])
    data = line(action="order.gift.wrap", id=new_id())
    assert parse_event(data, own).action == "order.gift.wrap"
    assert "not in the action catalogue" in problems(data)["action"]
    with pytest.raises(InputError, match="already"):
        Catalogue([Action("order.create", "x")])
    with pytest.raises(InputError, match=r"thing\.verb"):
        Catalogue([Action("Order Create", "x")])


def test_the_catalogue_is_documented() -> None:
    """Every action has a phrase that reads after an actor's name."""
    assert len(CATALOGUE) > 50
    assert all(action.phrase and not action.phrase.startswith("!") for action in CATALOGUE.values())
    assert CATALOGUE["order.price.change"].sensitive
    assert not CATALOGUE["order.read"].sensitive
