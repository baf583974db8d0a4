"""Terms of a filter. All terms of a filter must hold; of the values of one term, any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select

from ordertrail.query.filters.fields import FIELDS, Field
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.projection import Indexed, fold
from ordertrail.query.tables import INDEXED, Dialect, Keys, all_keys, events, marks, order_standings


class Term(Protocol):
    """One condition. Values: frozen, compared by what they say."""

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:
        """Return it over the index's tables; never NULL."""

    def keys(self, dialect: Dialect) -> Keys | None:
        """Select the keys of the events that are meant, and perhaps of more, by an index of their own.

        None where no index finds them. Whoever drives a query by it says :meth:`sql` too.
        """

    def matches(self, event: Indexed) -> bool:
        """Say whether an event is meant."""

    def words(self) -> str:
        """Return it as a part of an English sentence that begins with "Events"."""

    def text(self) -> str:
        """Return its spelling, of which the grammar makes the same term again."""


@dataclass(frozen=True, slots=True)
class Word:
    """A text that stands somewhere in what is searched, in any case."""

    needle: str

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:
        """See the protocol."""
        return dialect.contains(fold(self.needle))

    def keys(self, dialect: Dialect) -> Keys | None:
        """See the protocol."""
        return dialect.with_texts((fold(self.needle),))

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return fold(self.needle) in event.search

    def words(self) -> str:
        """See the protocol."""
        return f"with “{self.needle}” in them"

    def text(self) -> str:
        """See the protocol."""
        return quoted(self.needle, word=True)


@dataclass(frozen=True, slots=True)
class Is:
    """A field has one of the values; unless ``exact``, a value that ends in ``*`` stands for all that begin so."""

    field: str
    values: tuple[str, ...]
    exact: bool = False

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See the protocol."""
        field = FIELDS[self.field]
        if field.of_order:
            return of_order(_any_of(order_standings.c[field.column], self.values, exact=self.exact))
        if field.mark is None:
            return _any_of(events.c[field.column], self.values, exact=self.exact)
        of_kind = and_(marks.c.key == events.c.key, marks.c.kind == field.mark)
        return exists().where(of_kind, _any_of(marks.c.value, self.values, exact=self.exact))

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        field = FIELDS[self.field]
        if field.of_order:
            return in_orders(_any_of(order_standings.c[field.column], self.values, exact=self.exact))
        if field.mark is not None:
            told = _any_of(marks.c.value, self.values, exact=self.exact)
            return select(marks.c.key).where(marks.c.kind == field.mark, told)
        if field.column not in INDEXED:
            return None
        return all_keys().where(_any_of(events.c[field.column], self.values, exact=self.exact))

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return any(
            _fits(value, wanted, exact=self.exact)
            for value in _values(FIELDS[self.field], event)
            for wanted in self.values
        )

    def words(self) -> str:
        """See the protocol."""
        return FIELDS[self.field].phrase.format(_either(self.values, exact=self.exact))

    def text(self) -> str:
        """See the protocol."""
        values = ",".join(quoted(value) for value in self.values)
        return f"{self.field}:{'=' if self.exact else ''}{values}"


@dataclass(frozen=True, slots=True)
class Has:
    """A field has any value at all."""

    field: str

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See the protocol."""
        field = FIELDS[self.field]
        if field.of_order:
            return of_order(order_standings.c[field.column].is_not(None))
        if field.mark is None:
            return events.c[field.column].is_not(None)
        return exists().where(marks.c.key == events.c.key, marks.c.kind == field.mark)

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        field = FIELDS[self.field]
        if field.mark is None:
            return None
        return select(marks.c.key).where(marks.c.kind == field.mark)

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return bool(_values(FIELDS[self.field], event))

    def words(self) -> str:
        """See the protocol."""
        return FIELDS[self.field].phrase.format("anyone" if self.field == "actor" else "any")

    def text(self) -> str:
        """See the protocol."""
        return f"{self.field}:*"


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What people are told of at once."""

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See the protocol."""
        return events.c.sensitive

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        return all_keys().where(events.c.sensitive)

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return event.sensitive

    def words(self) -> str:
        """See the protocol."""
        return "that are sensitive"

    def text(self) -> str:
        """See the protocol."""
        return "is:sensitive"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What did not come about: denied, failed, or rolled back."""

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See the protocol."""
        return events.c.attempt

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        return all_keys().where(events.c.attempt)

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return event.outcome != "success"

    def words(self) -> str:
        """See the protocol."""
        return "that were attempts"

    def text(self) -> str:
        """See the protocol."""
        return "is:attempt"


@dataclass(frozen=True, slots=True)
class Not:
    """What a term does not mean."""

    term: Term

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:
        """See the protocol."""
        return not_(self.term.sql(dialect))

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol: what is not there, no index has."""
        return None

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return not self.term.matches(event)

    def words(self) -> str:
        """See the protocol."""
        return f"not {self.term.words()}"

    def text(self) -> str:
        """See the protocol."""
        return f"-{self.term.text()}"


_ITS_ORDER = and_(
    order_standings.c.order == events.c.order, order_standings.c.tenant == func.coalesce(events.c.tenant, "")
)


def of_order(told: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return that an event's order stands so; false where it belongs to none."""
    return exists().where(_ITS_ORDER, told)


def in_orders(told: ColumnElement[bool]) -> Keys:
    """Select the keys of the events of all orders that stand so."""
    return all_keys().join(order_standings, _ITS_ORDER).where(told)


def _any_of(column: ColumnElement[str], values: Sequence[str], *, exact: bool) -> ColumnElement[bool]:
    """Return that a column has one of the values; false where it has none."""
    whole = [value for value in values if exact or not value.endswith("*")]
    begins = [_begins_with(column, value[:-1]) for value in values if not exact and value.endswith("*")]
    told = or_(false(), *([column.in_(whole)] if whole else []), *begins)
    return and_(column.is_not(None), told)


def _begins_with(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Return that a column begins with a text: as a range, which an index answers in any collation of code points."""
    if not prefix:
        return column.is_not(None)
    last = ord(prefix[-1])
    if last == 0x10FFFF or 0xD7FF <= last < 0xE000:
        return column.startswith(prefix, autoescape=True)
    return and_(column >= prefix, column < prefix[:-1] + chr(last + 1))


def _fits(value: str, wanted: str, *, exact: bool) -> bool:
    return value.startswith(wanted[:-1]) if wanted.endswith("*") and not exact else value == wanted


def _values(field: Field, event: Indexed) -> tuple[str, ...]:
    if field.of_order:
        value = None if event.standing is None else getattr(event.standing, field.column)
        return () if value is None else (value,)
    if field.mark is not None:
        return tuple(mark.value for mark in event.marks if mark.kind == field.mark)
    value = getattr(event, field.column)
    return () if value is None else (value,)


def _either(values: Sequence[str], *, exact: bool) -> str:
    told = [f"{value[:-1]}…" if value.endswith("*") and not exact else value for value in values]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} or {told[-1]}"
