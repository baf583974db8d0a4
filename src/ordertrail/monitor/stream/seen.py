"""What is kept of events that rules meant, and what was found."""

from dataclasses import dataclass

import msgspec

from ordertrail.query.projection import Indexed

Group = tuple[str, ...]
"""The values that tell one group of a correlation, or one alert of a rule, from another."""

Moved = tuple[str, int]
"""A currency, and minor units of it that changed hands or were changed, either way."""


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event that a rule meant: enough to say what happened, and where it stands in the log.

    ``time`` is in microseconds since 1970. ``person`` says whether a person did it; ``money`` is what its changes
    moved, by currency.
    """

    time: int
    id: str
    stream: str
    position: int
    action: str
    actor: str
    person: bool
    order: str | None = None
    tenant: str | None = None
    causes: tuple[str, ...] = ()
    money: tuple[Moved, ...] = ()

    @property
    def moment(self) -> tuple[int, str]:
        """Its place among others: by time, and by id where times are equal."""
        return self.time, self.id


class Onward(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an event stands in a correlation: its group, what is counted, what is summed up; and where from there."""

    group: Group
    value: str | None = None
    number: int | None = None
    onward: tuple["Onward | None", ...] = ()


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event in the window of a correlation.

    ``leg`` is the place of the leg that meant it; ``value`` what is counted, and ``number`` what is summed up.
    ``onward`` is where it goes if the correlation is hot at it: its place in each correlation that asks this one, None
    where it has none.
    """

    seen: Seen
    leg: int
    value: str | None = None
    number: int | None = None
    onward: tuple[Onward | None, ...] = ()

    @property
    def moment(self) -> tuple[int, str]:
        """Its place among others."""
        return self.seen.moment


@dataclass(frozen=True, slots=True)
class Kept:
    """An item, and the window that it was put into. ``rule`` is the version of the correlation."""

    rule: str
    group: Group
    item: Item


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule matched at an event.

    ``key`` and ``bucket`` (the beginning of a stretch of time, microseconds) tell which alert it belongs to; ``seen``
    are the events that made it match, as far as they were not told for the same alert before; ``measure`` is the live
    number: of events, of different values, or a sum in the unit of the rule. ``doers`` are who did what made it match:
    the person at the event itself, or else all persons who had part in it.
    """

    rule: str
    key: Group
    bucket: int
    at: Seen
    seen: tuple[Seen, ...]
    measure: int
    doers: tuple[str, ...]


def seen_of(event: Indexed) -> Seen:
    """Return what is kept of an event."""
    money: dict[str, int] = {}
    for change in event.changes:
        if change.unit:
            moved = change.delta if change.delta is not None else change.after_number or change.before_number
            money[change.unit] = max(money.get(change.unit, 0), abs(moved or 0))
    return Seen(
        event.time,
        event.id,
        event.stream,
        event.position,
        event.action,
        event.actor,
        event.actor_kind == "person",
        event.order,
        event.tenant,
        tuple(mark.value for mark in event.marks if mark.kind == "cause"),
        tuple(sorted((currency, amount) for currency, amount in money.items() if amount)),
    )
