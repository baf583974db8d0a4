"""Entries to send on: of every action, of a shop's story, and of anything that an event may hold."""

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import strategies as st

from ordertrail.exporting.entry import Exported, Sender
from ordertrail.kernel.ids import new_id
from ordertrail.query.entries import SealedEvent
from ordertrail.query.projection import Place
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Change, Context, Event, Outcome, Sealed, SealedValue, Subject
from ordertrail.record.parse import parse_event
from ordertrail.testing.story import order_story

SENDER = Sender("shop.example/trail", "0.1.0")
SEALED_BOX = "c2VhbGVkLWJveA"
_SEALED = SealedValue(Sealed("person-7", SEALED_BOX, "Y29tbWl0bWVudA"))
_RECORDED = "2026-11-22T14:02:11.000000Z"


def exported(event: Event, position: int = 42) -> Exported:
    """Return an event as the log has it."""
    place = Place("default", position, _RECORDED)
    ledger = {"index": position, "previous": "00" * 32, "recorded": _RECORDED}
    body = encode({"event": msgspec.to_builtins(event), "ledger": ledger})
    return Exported(SealedEvent(event, place), body)


def entry_of(action: str, *, outcome: Outcome = "success", sealed: bool = False) -> Exported:
    """Return an entry of an action."""
    context = Context(
        ip=_SEALED if sealed else "203.0.113.7",
        user_agent=_SEALED if sealed else "curl/8",
        request="r-1",
        channel="web",
    )
    changes = (Change("/customer/name", before=_SEALED, after=_SEALED),) if sealed else ()
    return exported(
        Event(
            id=new_id(),
            time="2026-11-22T14:02:10.120000Z",
            action=action,
            outcome=outcome,
            actor=Actor("clerk-17", "person", ("order.editor",), session="s-1"),
            subject=Subject("order", "SO-1042", "SO-1042", "main"),
            changes=changes,
            context=context,
        )
    )


def story(orders: int = 5) -> Iterator[Exported]:
    """Return a shop's story as entries."""
    for position, line in enumerate(order_story(orders)):
        yield exported(parse_event(line), position)


_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from('\\|=\n\r"]\u2028\x1b\x7f'),
    max_size=60,
)
_WORD = _TEXT.filter(lambda text: text.strip() != "")
_MAYBE = st.none() | _TEXT
_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    _TEXT,
    st.just(_SEALED),
    st.just({"amount": 7200, "currency": "EUR"}),
)


@st.composite
def entries(draw: st.DrawFn) -> Exported:
    """Any event, with texts that mean something to some format."""
    actor = Actor(
        draw(_WORD),
        draw(st.sampled_from(("person", "service", "system"))),
        tuple(draw(st.lists(_WORD, max_size=3))),
        draw(_MAYBE),
        draw(_MAYBE),
    )
    address = draw(st.none() | st.just(_SEALED) | st.ip_addresses().map(str))
    context = Context(
        ip=address, user_agent=draw(_MAYBE), request=draw(_MAYBE), channel=draw(_MAYBE), reason=draw(_MAYBE)
    )
    paths = st.lists(st.tuples(_WORD, _VALUES, _VALUES), max_size=30)
    event = Event(
        id=new_id(),
        time="2026-11-22T14:02:10.120000Z",
        action=draw(
            st.sampled_from(
                ("order.update", "order.delete", "access.role.change", "alert.raise", "intake.refuse")
            )
        ),
        outcome=draw(st.sampled_from(("success", "denied", "failed", "rolled_back"))),
        actor=actor,
        subject=Subject(draw(_WORD), draw(_WORD), draw(_MAYBE), draw(_MAYBE)),
        changes=tuple(Change(f"/{path}", before, after) for path, before, after in draw(paths)),
        context=context,
    )
    return exported(event, draw(st.integers(0, 2**40)))
