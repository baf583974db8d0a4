"""Changes in filters: which field, in which direction, by how much, from what, to what.

::

    changed:unit_price        changed:/lines/2/unit_price       any change of the field, or of just this place
    lowered:unit_price        raised:quantity                   a number went down, or up
    lowered:unit_price>20%    raised:quantity>5                 by more than a part of what it was, or than so much
    raised:unit_price>5.00EUR                                   money has a currency, and is held against no other
    was:status=paid           became:status=cancelled,refunded  the value before, or after
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, func, select

from ordertrail.kernel.money import EXPONENTS, Money, format_money, parse_money
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.projection import LARGEST, MICRO, Indexed, IndexedChange, field_of
from ordertrail.query.tables import BEGINNING, Dialect, Keys, changes, events


class Direction(StrEnum):
    """What kind of change is meant."""

    ANY = "changed"
    DOWN = "lowered"
    UP = "raised"


class Side(StrEnum):
    """Which value is meant."""

    BEFORE = "was"
    AFTER = "became"


@dataclass(frozen=True, slots=True)
class Margin:
    """By more than how much: hundredths of a per cent, or whole numbers of a unit (see the projection)."""

    amount: int
    unit: str | None
    """None is hundredths of a per cent; an empty unit is millionths; else a currency's minor units."""

    def __str__(self) -> str:
        if self.unit is None:
            return f"{_plain(Decimal(self.amount) / 100)}%"
        if self.unit:
            return format_money(Money(self.amount, self.unit)).replace(" ", "")
        return _plain(Decimal(self.amount) / MICRO)


@dataclass(frozen=True, slots=True)
class Changed:
    """A field was changed; with a direction, a number in it went so; with a margin, by more than that."""

    field: str
    direction: Direction = Direction.ANY
    margin: Margin | None = None

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See :class:`~ordertrail.query.filters.terms.Term`."""
        return exists().where(changes.c.key == events.c.key, *self._told())

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        return select(changes.c.key).where(changes.c.field == _last(self.field), *self._told())

    def _told(self) -> list[ColumnElement[bool]]:
        told = [_at(self.field)]
        if self.direction is not Direction.ANY:
            sign = 1 if self.direction is Direction.UP else -1
            told += [changes.c.delta.is_not(None), sign * changes.c.delta > 0]
            if self.margin is not None and self.margin.unit is None:
                told += [changes.c.ratio.is_not(None), sign * changes.c.ratio > self.margin.amount]
            elif self.margin is not None:
                told += [changes.c.unit == self.margin.unit, sign * changes.c.delta > self.margin.amount]
        return told

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return any(_is_at(self.field, change) and self._went(change) for change in event.changes)

    def _went(self, change: IndexedChange) -> bool:
        if self.direction is Direction.ANY:
            return True
        sign = 1 if self.direction is Direction.UP else -1
        if change.delta is None or sign * change.delta <= 0:
            return False
        if self.margin is None:
            return True
        if self.margin.unit is None:
            return change.ratio is not None and sign * change.ratio > self.margin.amount
        return change.unit == self.margin.unit and sign * change.delta > self.margin.amount

    def words(self) -> str:
        """See the protocol."""
        by = f" by more than {self.margin}" if self.margin is not None else ""
        return f"that {self.direction} the {_named(self.field)}{by}"

    def text(self) -> str:
        """See the protocol."""
        return f"{self.direction}:{quoted(self.field)}" + (
            f">{self.margin}" if self.margin is not None else ""
        )


@dataclass(frozen=True, slots=True)
class Value:
    """A field had one of these values before, or has it after."""

    side: Side
    field: str
    values: tuple[str, ...]

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See the protocol."""
        column = changes.c.before if self.side is Side.BEFORE else changes.c.after
        told = and_(column.is_not(None), column.in_(self.values))
        return exists().where(changes.c.key == events.c.key, _at(self.field), told)

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        if self.side is Side.BEFORE:
            return select(changes.c.key).where(
                changes.c.field == _last(self.field), changes.c.before.in_(self.values)
            )
        begins = {value[:BEGINNING] for value in self.values}
        return select(changes.c.key).where(
            changes.c.field == _last(self.field), func.substr(changes.c.after, 1, BEGINNING).in_(begins)
        )

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return any(
            _is_at(self.field, change)
            and (change.before if self.side is Side.BEFORE else change.after) in self.values
            for change in event.changes
        )

    def words(self) -> str:
        """See the protocol."""
        verb = "changed the {} from {}" if self.side is Side.BEFORE else "made the {} {}"
        return f"that {verb.format(_named(self.field), ' or '.join(self.values))}"

    def text(self) -> str:
        """See the protocol."""
        return f"{self.side}:{quoted(self.field)}={','.join(quoted(value) for value in self.values)}"


_MARGIN = re.compile(r"(\d{1,20}(?:\.\d{1,10})?)(%|[A-Z]{3})?")


def parse_margin(text: str) -> Margin:
    """Read ``20%``, ``5.00EUR`` or ``5``. Raises ValueError with a sentence for a person."""
    found = _MARGIN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no margin; write 20%, 5.00EUR or 5")
    number, unit = found[1], found[2]
    try:
        if unit == "%":
            return Margin(_whole(Decimal(number) * 100, text), None)
        if unit is None:
            return Margin(_whole(Decimal(number) * MICRO, text), "")
        if unit not in EXPONENTS:
            raise ValueError(f"{unit} is not an ISO 4217 currency in use")
        return Margin(_whole(Decimal(parse_money(number, unit).amount), text), unit)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no margin") from None


def _whole(number: Decimal, text: str) -> int:
    if number != int(number) or number > LARGEST:
        raise ValueError(f"{text} is finer or larger than what is kept")
    return int(number)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _named(field: str) -> str:
    return field.rsplit("/", 1)[-1].replace("_", " ") if not field.startswith("/") else field


def _last(field: str) -> str:
    """Return the name of the field at a place, by which an index finds its changes."""
    return field_of(field) if field.startswith("/") else field


def _at(field: str) -> ColumnElement[bool]:
    """Return that a change is of a field: by its name, or where it begins with a slash by its place."""
    return (changes.c.path if field.startswith("/") else changes.c.field) == field


def _is_at(field: str, change: IndexedChange) -> bool:
    return (change.path if field.startswith("/") else change.field) == field
