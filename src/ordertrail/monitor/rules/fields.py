"""What a rule may ask of an event, by the name that stands before the colon of a Sigma detection.

A rule sees an event as the index keeps it (:class:`~ordertrail.query.projection.Indexed`), and uses the names of
filters for it; these are added::

    changed             names of the fields that were changed                    path      their places
    before.status       the text that a field had, and has now                   after.status
    after.quantity|gt   a field's number; of money in minor units of a currency  after.total.EUR|gte: 100000
    delta.total.money   by how much it changed; ``money`` is any currency        delta.quantity|lt: -5
    network             the network of the address: /24 of IPv4, /48 of IPv6
    day                 the day of UTC on which it happened: 2026-11-23

Where an order stands now (``state``, ``value``) is no field of a rule: it would change with what happens later, and a
rule must find tomorrow in the past what it found today.
"""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter

from sqlalchemy import ColumnElement, and_, exists

from ordertrail.kernel.money import EXPONENTS
from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.projection import MICRO, Indexed, IndexedChange
from ordertrail.query.tables import changes, events, marks

Reader = Callable[[Indexed], str | None]
ManyReader = Callable[[Indexed], tuple[str, ...]]
NumbersReader = Callable[[Indexed], tuple[int, ...]]
ColumnTest = Callable[[ColumnElement[str]], ColumnElement[bool]]
NumberTest = Callable[[ColumnElement[int]], ColumnElement[bool]]

MONEY = "money"
"""Stands for the minor units of any currency."""

LOWER_CASE = frozenset({"action", "outcome", "kind"})
"""Fields whose values are in lower case always, so that an index finds them as they are."""

_SIDES = ("before", "after", "delta")
_OWN = ("changed", "path", "network", "day")


@dataclass(frozen=True, slots=True)
class RuleField:
    """A field, as Python and the index read it.

    ``one`` reads the value of a field that has at most one; ``many`` all values. ``numbers`` and ``scale`` are of
    fields that hold numbers: what a rule writes, times the scale, is compared. The index's forms are None where it
    does not keep the field.
    """

    name: str
    many: ManyReader
    one: Reader | None = None
    numbers: NumbersReader | None = None
    scale: int = 1
    holds: Callable[[ColumnTest], ColumnElement[bool]] | None = None
    counts: Callable[[NumberTest], ColumnElement[bool]] | None = None


def known_fields() -> list[str]:
    """Return the names of all fields; those of changes with FIELD in the place of a field's name."""
    plain = [name for name, field in FIELDS.items() if not field.of_order]
    return [*plain, *_OWN, *(f"{side}.FIELD" for side in _SIDES)]


@lru_cache(maxsize=4_096)
def field_named(name: str) -> RuleField:
    """Return a field. Raises ValueError with a sentence for a person where there is none of this name."""
    field = FIELDS.get(name)
    if field is not None and field.of_order:
        raise ValueError(f"{name!r} is of where an order stands now; a rule asks what an event changed")
    if field is not None and field.mark is not None:
        return _mark(name, field.mark)
    if field is not None:
        return _column(name, field.column)
    if name in {"changed", "path"}:
        return _change_text(name, name if name == "path" else "field")
    if name == "network":
        return RuleField(name, lambda event: _some(network_of(event)), one=network_of)
    if name == "day":
        return RuleField(name, lambda event: (_day(event),), one=_day)
    side, dot, rest = name.partition(".")
    if dot and rest and side in _SIDES:
        return _change_value(name, side, rest)
    raise ValueError(f"there is no field {name!r}; there are {', '.join(known_fields())}")


def network_of(event: Indexed) -> str | None:
    """Return the network that an event's address is in; None where it has none."""
    return None if event.ip is None else _network(event.ip)


@lru_cache(maxsize=65_536)
def _network(address: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    length = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, length), strict=False))


def _day(event: Indexed) -> str:
    return datetime.fromtimestamp(event.time // MICRO, UTC).date().isoformat()


def _some(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _column(name: str, column: str) -> RuleField:
    read: Reader = attrgetter(column)

    def holds(test: ColumnTest) -> ColumnElement[bool]:
        return and_(events.c[column].is_not(None), test(events.c[column]))

    return RuleField(name, lambda event: _some(read(event)), one=read, holds=holds)


def _mark(name: str, kind: str) -> RuleField:
    def many(event: Indexed) -> tuple[str, ...]:
        return tuple(mark.value for mark in event.marks if mark.kind == kind)

    def holds(test: ColumnTest) -> ColumnElement[bool]:
        return exists().where(marks.c.key == events.c.key, marks.c.kind == kind, test(marks.c.value))

    return RuleField(name, many, holds=holds)


def _change_text(name: str, attribute: str) -> RuleField:
    read: Callable[[IndexedChange], str] = attrgetter(attribute)

    def many(event: Indexed) -> tuple[str, ...]:
        return tuple(read(change) for change in event.changes)

    def holds(test: ColumnTest) -> ColumnElement[bool]:
        return exists().where(changes.c.key == events.c.key, test(changes.c[attribute]))

    return RuleField(name, many, holds=holds)


def _change_value(name: str, side: str, rest: str) -> RuleField:
    field, unit = _unit(rest)
    text = attrgetter(side) if side != "delta" else None
    number = attrgetter("delta" if side == "delta" else f"{side}_number")
    fits = _fitting(unit)

    def at(event: Indexed) -> Iterable[IndexedChange]:
        return (change for change in event.changes if change.field == field)

    def many(event: Indexed) -> tuple[str, ...]:
        return () if text is None else tuple(said for one in at(event) if (said := text(one)) is not None)

    def one(event: Indexed) -> str | None:
        return next(iter(many(event)), None)

    def numbers(event: Indexed) -> tuple[int, ...]:
        return tuple(n for change in at(event) if fits(change.unit) and (n := number(change)) is not None)

    def holds(test: ColumnTest) -> ColumnElement[bool]:
        column = changes.c[side]
        told = and_(column.is_not(None), test(column))
        return exists().where(changes.c.key == events.c.key, changes.c.field == field, told)

    def counts(test: NumberTest) -> ColumnElement[bool]:
        column = changes.c["delta" if side == "delta" else f"{side}_number"]
        of_unit = changes.c.unit != "" if unit == MONEY else changes.c.unit == unit
        told = and_(column.is_not(None), changes.c.unit.is_not(None), of_unit, test(column))
        return exists().where(changes.c.key == events.c.key, changes.c.field == field, told)

    return RuleField(
        name,
        many,
        one=one if text is not None else None,
        numbers=numbers,
        scale=1 if unit else MICRO,
        holds=holds if text is not None else None,
        counts=counts,
    )


def _unit(rest: str) -> tuple[str, str]:
    """Return the name of a changed field, and its unit: a currency, ``money``, or an empty text for plain numbers."""
    field, dot, unit = rest.rpartition(".")
    if dot and (unit in EXPONENTS or unit == MONEY):
        return field, unit
    return rest, ""


def _fitting(unit: str) -> Callable[[str | None], bool]:
    if unit == MONEY:
        return bool
    return lambda told: told == unit
