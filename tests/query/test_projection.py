"""What the index keeps of an event, of whatever was written there."""

import pytest

from ordertrail.query.projection import MICRO, Place, project
from ordertrail.record.event import Actor, Change, Event, Subject


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.50", 12_500_000),
        ("-1E+5", -100_000 * MICRO),
        ("0.0000001", None),
        ("9e999999", None),
        ("-9e-999999", None),
        ("9e99999999999999999999", None),
        ("NaN1", None),
    ],
)
def test_a_text_is_a_number_where_a_column_holds_it(text: str, number: int | None) -> None:
    """An exponent beyond all bounds is a text like any other: it neither fails nor takes a million digits."""
    event = Event(
        id="0198c0de-0000-7000-8000-000000000001",
        time="2026-11-23T10:00:00.000000Z",
        actor=Actor("t.varga", "person"),
        action="order.update",
        subject=Subject("order", "SO-1", "SO-1"),
        changes=(Change("/quantity", "1", text),),
    )
    (kept,) = project(event, Place("default", 0, event.time)).changes
    assert (kept.before_number, kept.after_number, kept.after) == (MICRO, number, text)
