from collections import Counter
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.monitor.forecast.prefixes import HOUR, TRACED, Step, after, prefixes
from ordertrail.monitor.forecast.trail import is_seen, observe
from ordertrail.query.projection import Place, project
from ordertrail.record.event import Actor, Change, Context, Event, Sealed, SealedValue, Subject

STEPS = st.lists(
    st.tuples(
        st.integers(0, 500),
        st.lists(st.sampled_from(["a=1", "a=2", "b=1"]), max_size=3),
        st.floats(-1e6, 1e6),
    ),
    min_size=1,
    max_size=12,
).map(
    lambda told: [
        Step(f"e{place}", hours * HOUR, tuple(words), (("x", value),))
        for place, (hours, words, value) in enumerate(sorted(told, key=lambda one: one[0]))
    ]
)


@given(STEPS)
def test_values_kept_up_are_those_worked_out_anew(steps: list[Step]) -> None:
    """What is kept up event by event is what a look at all events gives."""
    values = after(steps).values
    said = Counter(word for step in steps for word in step.words)
    numbers = [value for step in steps for _name, value in step.numbers]
    assert {name[6:]: value for name, value in values.items() if name.startswith("count ")} == said
    assert values["steps"] == len(steps)
    assert values["number x max"] == max(numbers)
    assert values["number x min"] == min(numbers)
    assert values["number x last"] == numbers[-1]
    assert values["number x mean"] == pytest.approx(fmean(numbers), abs=1e-6)
    assert values["number x std"] == pytest.approx(pstdev(numbers), abs=1e-1 + 1e-3 * max(map(abs, numbers)))
    assert values["number age last"] == (steps[-1].time - steps[0].time) / HOUR


@given(STEPS)
def test_the_newest_word_of_a_kind_is_that_of_the_last_event_with_one(steps: list[Step]) -> None:
    """Of each kind, the newest words are those of the last event that has any."""
    expected = set()
    for kind in ("a", "b"):
        having = [step for step in steps if any(word.startswith(kind) for word in step.words)]
        expected |= {f"last {word}" for step in having[-1:] for word in step.words if word.startswith(kind)}
    assert {name for name in after(steps).values if name.startswith("last ")} == expected


@given(STEPS, st.integers(1, 12))
def test_a_prefix_does_not_know_what_comes_later(steps: list[Step], cut: int) -> None:
    """The values at an event are the same, whatever follows it."""
    whole = [dict(prefix.values) for prefix in prefixes(steps)]
    assert whole[: len(steps[:cut])] == [dict(prefix.values) for prefix in prefixes(steps[:cut])]


@given(STEPS)
def test_a_value_names_the_events_that_made_it(steps: list[Step]) -> None:
    """A counted word names the newest events that said it; a number the one where it was largest."""
    prefix = after(steps)
    for word in {word for step in steps for word in step.words}:
        saying = [step.id for step in steps for one in step.words if one == word]
        assert list(prefix.events(f"count {word}")) == saying[-TRACED:]
    largest = max(value for step in steps for _name, value in step.numbers)
    (event,) = prefix.events("number x max")
    assert dict(next(step for step in steps if step.id == event).numbers)["x"] == largest


def _event(**told: object) -> Event:
    parts: dict[str, object] = {
        "id": "01935f6e-9c1a-7cc2-b0a5-000000000001",
        "time": "2026-03-02T12:00:00.000000Z",
        "action": "order.update",
        "actor": Actor("clerk-17", "person", ("order.editor",), on_behalf_of="boss-1", session="s-9"),
        "subject": Subject("order", "SO-1", "SO-1", "tenant-1"),
    }
    return Event(**(parts | told))  # type: ignore[arg-type]


def test_learning_sees_no_person() -> None:
    """Who somebody is, their address, session and words, and what is sealed, is in no value."""
    sealed = SealedValue(Sealed("p-1", "c2VjcmV0", "abc"))
    event = _event(
        changes=(Change("/buyer/name", sealed, sealed), Change("/note", "old words", "secret words")),
        context=Context(
            ip="203.0.113.7", reason="customer called", ticket="HD-1", user_agent="Mozilla", channel="web"
        ),
    )
    step = observe(project(event, Place("default", 1, event.time)))
    told = repr(step)
    for hidden in (
        "clerk-17",
        "boss-1",
        "s-9",
        "203.0.113.7",
        "called",
        "HD-1",
        "Mozilla",
        "secret",
        "old words",
        "p-1",
    ):
        assert hidden not in told.replace(event.id, "")
    assert "role=order.editor" in step.words


@pytest.mark.parametrize(
    "action", ["order.read", "evidence.search", "alert.raise", "identity.reveal", "suggestion.make"]
)
def test_looking_at_an_order_is_not_learned_from(action: str) -> None:
    """That somebody looks at an order, or is told of it by a forecast, is in no prefix: none feeds on itself."""
    event = _event(action=action)
    assert not is_seen(project(event, Place("default", 1, event.time)))
