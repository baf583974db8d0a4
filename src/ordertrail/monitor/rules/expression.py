"""What a rule asks of one event, as a tree: told to Python as closures, and to the index as bounds.

Not all that Python can ask, a database can: a regular expression, say. So a node tells the index two conditions:
``least`` finds only events that are meant, and ``most`` finds all of them and perhaps more. Where a node can be told
exactly both are one. The past is looked through with ``most``, and the closure decides. ``Not`` exchanges the two.

Of an event's shape alone, such as its action, a node says what is known too (:class:`Verdict`): an event meets only
the rules that may mean its shape, and of these only what is left to ask; the past is driven by the actions that may be
meant.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from ordertrail.monitor.rules.fields import LOWER_CASE, RuleField, field_named
from ordertrail.monitor.rules.patterns import Pattern, Shape, lower
from ordertrail.query.filters.changed import Changed, Value
from ordertrail.query.filters.grammar import Filter, format_filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.projection import Indexed
from ordertrail.query.tables import Dialect

Test = Callable[[Indexed], bool]


class Bounds(NamedTuple):
    """What the index finds: only what is meant, and all that is meant."""

    least: ColumnElement[bool]
    most: ColumnElement[bool]


class Form(NamedTuple):
    """What many events have in common; None is what is not known. ``changed`` says whether anything was changed."""

    action: str
    kind: str | None = None
    outcome: str | None = None
    changed: bool | None = None


class Verdict(NamedTuple):
    """What is known of an event by its form alone: that it is surely meant, and that it may be meant."""

    surely: bool
    maybe: bool


UNKNOWN = Verdict(surely=False, maybe=True)
"""Nothing is known of an event by its form."""

_NEVER = Verdict(surely=False, maybe=False)
_OF_CHANGES = ("changed", "path", "before.", "after.", "delta.")


class Node(Protocol):
    """A condition on one event. Values: frozen, compared by what they say."""

    def test(self) -> Test:
        """Return what says whether an event is meant."""

    def bounds(self, dialect: Dialect) -> Bounds:
        """Return it over the index's tables; never NULL."""

    def of(self, form: Form) -> Verdict:
        """Say what is known of events of this form."""

    def words(self) -> str:
        """Return it in English."""


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]

    def test(self) -> Test:
        """See the protocol."""
        tests = [part.test() for part in self.parts]
        if len(tests) == 2:
            one, other = tests
            return lambda event: one(event) and other(event)
        return lambda event: all(test(event) for test in tests)

    def bounds(self, dialect: Dialect) -> Bounds:
        """See the protocol."""
        told = [part.bounds(dialect) for part in self.parts]
        return Bounds(and_(true(), *(one.least for one in told)), and_(true(), *(one.most for one in told)))

    def of(self, form: Form) -> Verdict:
        """See the protocol."""
        told = [part.of(form) for part in self.parts]
        return Verdict(all(one.surely for one in told), all(one.maybe for one in told))

    def words(self) -> str:
        """See the protocol."""
        return " and ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple[Node, ...]

    def test(self) -> Test:
        """See the protocol."""
        tests = [part.test() for part in self.parts]
        return lambda event: any(test(event) for test in tests)

    def bounds(self, dialect: Dialect) -> Bounds:
        """See the protocol."""
        told = [part.bounds(dialect) for part in self.parts]
        return Bounds(or_(false(), *(one.least for one in told)), or_(false(), *(one.most for one in told)))

    def of(self, form: Form) -> Verdict:
        """See the protocol."""
        told = [part.of(form) for part in self.parts]
        return Verdict(any(one.surely for one in told), any(one.maybe for one in told))

    def words(self) -> str:
        """See the protocol."""
        return " or ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """A part does not hold."""

    part: Node

    def test(self) -> Test:
        """See the protocol."""
        test = self.part.test()
        return lambda event: not test(event)

    def bounds(self, dialect: Dialect) -> Bounds:
        """See the protocol."""
        told = self.part.bounds(dialect)
        return Bounds(not_(told.most), not_(told.least))

    def of(self, form: Form) -> Verdict:
        """See the protocol."""
        told = self.part.of(form)
        return Verdict(not told.maybe, not told.surely)

    def words(self) -> str:
        """See the protocol."""
        return f"not {_bracketed(self.part)}"


@dataclass(frozen=True, slots=True)
class Text:
    """A field has a value that fits one of the patterns."""

    field: str
    patterns: tuple[Pattern, ...]

    def test(self) -> Test:
        """See the protocol."""
        field, test = field_named(self.field), _any_pattern(self.patterns)
        if field.one is not None:
            read = field.one
            return lambda event: (value := read(event)) is not None and test(value)
        many = field.many
        return lambda event: any(test(value) for value in many(event))

    def bounds(self, dialect: Dialect) -> Bounds:  # noqa: ARG002
        """See the protocol."""
        field = field_named(self.field)
        if field.holds is None:
            return Bounds(false(), true())
        told = [_column_test(field, one) for one in self.patterns]
        exact = [test for test in told if test is not None]
        least = or_(false(), *(field.holds(test) for test in exact))
        return Bounds(least, least if len(exact) == len(told) else true())

    def of(self, form: Form) -> Verdict:
        """See the protocol."""
        value = _known(self.field, form)
        if value is None:
            return _of_changes(self.field, form)
        meant = any(one.test()(value) for one in self.patterns)
        return Verdict(meant, meant)

    def words(self) -> str:
        """See the protocol."""
        return f"{self.field} " + " or ".join(one.words() for one in self.patterns)


class Compare(Enum):
    """How a number is held against another."""

    EQUAL = "is"
    UNEQUAL = "is not"
    MORE = "is more than"
    LEAST = "is at least"
    LESS = "is less than"
    MOST = "is at most"

    def holds(self, one: Any, other: Any) -> Any:
        """Compare two numbers, or a column and a number."""
        return _COMPARE[self](one, other)


_COMPARE: dict[Compare, Callable[[Any, Any], Any]] = {
    Compare.EQUAL: eq,
    Compare.UNEQUAL: ne,
    Compare.MORE: gt,
    Compare.LEAST: ge,
    Compare.LESS: lt,
    Compare.MOST: le,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a field compares so; ``value`` is in what the index keeps: millionths, or minor units of money."""

    field: str
    compare: Compare
    value: int

    def test(self) -> Test:
        """See the protocol."""
        numbers, compare, value = field_named(self.field).numbers, _COMPARE[self.compare], self.value
        assert numbers is not None  # noqa: S101 - the reader of detections asked
        return lambda event: any(compare(number, value) for number in numbers(event))

    def bounds(self, dialect: Dialect) -> Bounds:  # noqa: ARG002
        """See the protocol."""
        counts = field_named(self.field).counts
        assert counts is not None  # noqa: S101 - as above
        told = counts(lambda column: self.compare.holds(column, self.value))
        return Bounds(told, told)

    def of(self, form: Form) -> Verdict:
        """See the protocol."""
        return _of_changes(self.field, form)

    def words(self) -> str:
        """See the protocol."""
        scale = field_named(self.field).scale
        whole, rest = divmod(self.value, scale)
        return f"{self.field} {self.compare.value} {whole if not rest else self.value / scale}"


@dataclass(frozen=True, slots=True)
class Present:
    """A field has any value."""

    field: str

    def test(self) -> Test:
        """See the protocol."""
        many = field_named(self.field).many
        return lambda event: bool(many(event))

    def bounds(self, dialect: Dialect) -> Bounds:  # noqa: ARG002
        """See the protocol."""
        holds = field_named(self.field).holds
        if holds is None:
            return Bounds(false(), true())
        told = holds(lambda column: column.is_not(None))
        return Bounds(told, told)

    def of(self, form: Form) -> Verdict:
        """See the protocol."""
        if _known(self.field, form) is not None:
            return Verdict(surely=True, maybe=True)
        return _of_changes(self.field, form)

    def words(self) -> str:
        """See the protocol."""
        return f"there is a {self.field}"


@dataclass(frozen=True, slots=True)
class Meant:
    """A filter of the shared grammar means the event."""

    filter: Filter

    def test(self) -> Test:
        """See the protocol."""
        return self.filter.matches

    def bounds(self, dialect: Dialect) -> Bounds:
        """See the protocol."""
        told = self.filter.sql(dialect)
        return Bounds(told, told)

    def of(self, form: Form) -> Verdict:
        """See the protocol."""
        for term in self.filter.terms:
            if isinstance(term, Changed | Value) and form.changed is False:
                return _NEVER
            if isinstance(term, Is):
                value = _known(term.field, form)
                if value is not None and not _of_values(term, value):
                    return _NEVER
        return UNKNOWN

    def words(self) -> str:
        """See the protocol."""
        return f"the filter “{format_filter(self.filter)}”"


def _bracketed(node: Node) -> str:
    return f"({node.words()})" if isinstance(node, All | Either) else node.words()


def _any_pattern(patterns: Sequence[Pattern]) -> Callable[[str], bool]:
    """Return what says whether a value fits one of the patterns; whole texts are looked up together."""
    whole = frozenset(lower(one.text) for one in patterns if one.shape is Shape.WHOLE and not one.cased)
    others = [one.test() for one in patterns if one.shape is not Shape.WHOLE or one.cased]
    if not others:
        return lambda value: lower(value) in whole
    return lambda value: lower(value) in whole or any(test(value) for test in others)


def _column_test(
    field: RuleField, pattern: Pattern
) -> Callable[[ColumnElement[str]], ColumnElement[bool]] | None:
    """Return a pattern as a condition on a column; None where a database would not say just the same."""
    if pattern.shape in {Shape.PATTERN, Shape.NETWORK}:
        return None
    if pattern.cased:
        return (lambda column: column == pattern.text) if pattern.shape is Shape.WHOLE else None
    told = lower(pattern.text)

    def test(column: ColumnElement[str]) -> ColumnElement[bool]:
        value = column if field.name in LOWER_CASE else func.lower(column)
        match pattern.shape:
            case Shape.WHOLE:
                return value == told
            case Shape.BEGINS:
                return value.startswith(told, autoescape=True)
            case Shape.ENDS:
                return value.endswith(told, autoescape=True)
            case _:
                return value.contains(told, autoescape=True)

    return test


def _known(field: str, form: Form) -> str | None:
    """Return the value that a field has in all events of a form; None where that is not known."""
    match field:
        case "action":
            return form.action
        case "kind":
            return form.kind
        case "outcome":
            return form.outcome
        case _:
            return None


def _of_changes(field: str, form: Form) -> Verdict:
    """Say what is known of a field of changes in events of a form: nothing, or that there are none."""
    return _NEVER if form.changed is False and field.startswith(_OF_CHANGES) else UNKNOWN


def _of_values(term: Is, told: str) -> bool:
    return any(
        told.startswith(value[:-1]) if value.endswith("*") and not term.exact else told == value
        for value in term.values
    )
