"""A parcel: what is handed to a channel in one piece, one message or many with a count.

Its id and its content never change once it is made, so that handing it over again is the same parcel, and whoever gets
it twice knows it by its id (the ``webhook-id`` of Standard Webhooks).
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from ordertrail.kernel.numbers import count
from ordertrail.notify.message import TEST, Message, Severity, one_line

SHOWN: Final = 20
"""Messages that a parcel shows whole: the gravest, and of these the newest."""

_TITLE: Final = 120
_KINDS: Final = 10


class State(StrEnum):
    """What became of a parcel."""

    READY = "ready"
    """It is to be handed over, for the first time or again."""
    SENT = "sent"
    """Its channel took it."""
    DEAD = "dead"
    """It was given up, and waits for somebody to say that it is tried again."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed over. ``count`` messages went in, of which ``messages`` are shown."""

    id: str
    route: str
    made: str
    severity: Severity
    count: int
    title: str
    text: str
    messages: tuple[Message, ...]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel, and what became of it: the delivery log's row.

    ``due`` is when it is tried next, ``settled`` when it was sent or given up, ``error`` why the last attempt failed.
    """

    parcel: Parcel
    state: State = State.READY
    attempts: int = 0
    due: str
    settled: str | None = None
    error: str | None = None


def parcel_of(id_: str, route: str, made: str, messages: Sequence[Message]) -> Parcel:
    """Put messages together, at least one."""
    ranked = sorted(messages, key=lambda one: one.at, reverse=True)
    ranked.sort(key=lambda one: -one.severity)
    first = ranked[0]
    if len(ranked) == 1:
        title, text = first.text, _line(first)
    else:
        title = f"{count(len(ranked), 'message')}, the gravest: {first.text}"
        text = "\n".join(_lines(ranked))
    return Parcel(
        id=id_,
        route=route,
        made=made,
        severity=first.severity,
        count=len(ranked),
        title=one_line(f"[{first.severity.word}] {title}", _TITLE),
        text=text,
        messages=tuple(ranked[:SHOWN]),
    )


def _lines(ranked: Sequence[Message]) -> list[str]:
    """Return how often what happened, and then the gravest."""
    times = sorted(one.at for one in ranked)
    kinds = Counter(one.rule or one.action for one in ranked).most_common()
    told = [f"{number:,} of {kind}" for kind, number in kinds[:_KINDS]]
    if len(kinds) > _KINDS:
        told.append(f"and {count(len(kinds) - _KINDS, 'other kind')}")
    lines = [f"{count(len(ranked), 'message')} from {times[0]} to {times[-1]}: {', '.join(told)}.", ""]
    lines += [_line(one) for one in ranked[:SHOWN]]
    if len(ranked) > SHOWN:
        lines.append(f"… and {len(ranked) - SHOWN:,} more, which the trail has.")
    return lines


def _line(message: Message) -> str:
    told = f"{message.at} {message.text}"
    if message.link is not None:
        return f"{told}\n  {message.link}"
    return told if message.action == TEST or message.alert is not None else f"{told}\n  event {message.id}"
