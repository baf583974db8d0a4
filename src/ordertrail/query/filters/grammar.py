"""Reading and writing filters.

::

    clerk-17 action:order.price.change -channel:web when:last-7-days lowered:unit_price>20% "customer called"

Terms stand side by side, and all of them must hold. ``field:a,b`` means either, ``field:=a*`` just this value; a minus
before a term means all but it; a text without a colon is looked for in what the event says. Quotes keep spaces and
signs: ``reason "20 % off: ok"``. What is read is written the same way again, and read the same::

    parse_filter(format_filter(parse_filter(text))) == parse_filter(text)
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, true

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.query.filters.changed import Changed, Direction, Side, Value, parse_margin
from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.spelling import unquoted
from ordertrail.query.filters.terms import Attempt, Has, Is, Not, Sensitive, Term, Word
from ordertrail.query.filters.when import When, parse_when
from ordertrail.query.filters.worth import parse_worth
from ordertrail.query.projection import Indexed
from ordertrail.query.tables import Dialect

LONGEST = 4_000
"""Characters of the longest filter."""
MOST = 60
"""Terms of the longest filter."""

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TERM = re.compile(rf"(?:{_QUOTED}|[^\s\"])+", re.DOTALL)
_PIECE = re.compile(rf"{_QUOTED}|[^,\"]+", re.DOTALL)
_NAMED = re.compile(r"(-?)([a-z]+):(.*)", re.DOTALL)
_OF_FIELD = re.compile(rf"({_QUOTED}|[^=>\"]+)(?:([=>])(.+))?", re.DOTALL)
_FLAGS: dict[str, Term] = {"sensitive": Sensitive(), "attempt": Attempt()}


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; without any, everything is meant."""

    terms: tuple[Term, ...] = ()

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:
        """Return it over the index's tables."""
        return and_(true(), *(term.sql(dialect) for term in self.terms))

    def matches(self, event: Indexed) -> bool:
        """Say whether an event is meant."""
        return all(term.matches(event) for term in self.terms)

    def sentence(self) -> str:
        """Return it in English: "Events by clerk-17, in channel web, not tagged test"."""
        return f"Events {', '.join(term.words() for term in self.terms)}" if self.terms else "All events"

    def with_(self, *terms: Term) -> "Filter":
        """Return it with more terms, each once."""
        return Filter(tuple(dict.fromkeys((*self.terms, *terms))))

    def without(self, term: Term) -> "Filter":
        """Return it without a term."""
        return Filter(tuple(one for one in self.terms if one != term))

    def fixed(self) -> "Filter":
        """Return it with times that mean the same tomorrow: for links that are kept."""
        return Filter(tuple(term.fixed() if isinstance(term, When) else term for term in self.terms))


def parse_filter(text: str, now: datetime, zone: ZoneInfo) -> Filter:
    """Read a filter; phrases such as ``today`` are of ``now`` in ``zone``.

    Raises InputError naming every term that is none, by its number from 0.
    """
    if len(text) > LONGEST:
        raise InputError(f"a filter has at most {LONGEST} characters, and this one {len(text)}")
    if "\0" in text or (not text.isprintable() and any(0xD800 <= ord(one) < 0xE000 for one in text)):
        raise InputError("a filter is text; this one holds what no text has", meaning="Nothing was searched.")
    pieces = _pieces(text)
    if len(pieces) > MOST:
        raise InputError(f"a filter has at most {MOST} terms, and this one {len(pieces)}")
    terms: list[Term] = []
    problems: list[Problem] = []
    for place, piece in enumerate(pieces):
        try:
            terms.append(_term(piece, now, zone))
        except ValueError as error:
            problems.append(Problem(f"terms.{place}", str(error)))
    if problems:
        raise InputError(problems, meaning="Nothing was searched.", remedy="Correct the terms named.")
    return Filter(tuple(dict.fromkeys(terms)))


def format_filter(filter_: Filter) -> str:
    """Write a filter as people write it."""
    return " ".join(term.text() for term in filter_.terms)


def _pieces(text: str) -> list[str]:
    """Return the texts of the terms. Raises InputError for a quote that is not closed."""
    pieces = _TERM.findall(text)
    if len("".join(pieces)) != len(
        re.sub(rf"({_QUOTED})|\s+", lambda found: found[1] or "", text, flags=re.DOTALL)
    ):
        raise InputError("a quote is opened and not closed", meaning="Nothing was searched.")
    return pieces


def _term(piece: str, now: datetime, zone: ZoneInfo) -> Term:
    found = _NAMED.fullmatch(piece)
    if found is None:
        excluded = piece.startswith("-") and len(piece) > 1
        needle = unquoted(piece[1:] if excluded else piece)
        if not needle.strip():
            raise ValueError("an empty text is in every event")
        return Not(Word(needle)) if excluded else Word(needle)
    minus, name, value = found.groups()
    term = _named(name, value, now, zone)
    return Not(term) if minus else term


def _named(name: str, value: str, now: datetime, zone: ZoneInfo) -> Term:
    if not value:
        raise ValueError(f"{name}: has no value after its colon")
    if name == "when":
        return parse_when(unquoted(value), now, zone)
    if name == "is":
        if value not in _FLAGS:
            raise ValueError(f"is: is followed by {' or '.join(_FLAGS)}, not by {value[:40]!r}")
        return _FLAGS[value]
    if name == "value":
        return parse_worth(value)
    if name in set(Direction) | set(Side):
        return _change(name, value)
    if name not in FIELDS:
        known = ", ".join((*FIELDS, "when", "is", "value", *Direction, *Side))
        raise ValueError(
            f"there is no field {name!r}; there are {known}. A text with a colon stands in quotes"
        )
    if value == "*":
        return Has(name)
    return Is(name, _values(value.removeprefix("=")), exact=value.startswith("="))


def _change(name: str, value: str) -> Term:
    found = _OF_FIELD.fullmatch(value)
    if found is None:
        raise ValueError(f"{name}: is followed by a field, such as unit_price")
    field, sign, rest = unquoted(found[1]), found[2], found[3]
    if name in set(Side):
        if sign != "=":
            raise ValueError(f"{name}: is followed by a field and its value, such as status=paid")
        return Value(Side(name), field, _values(rest))
    if sign is None:
        return Changed(field, Direction(name))
    if sign != ">" or name == Direction.ANY:
        raise ValueError(
            f"{name}: takes a field; lowered: and raised: take a margin too, such as unit_price>20%"
        )
    return Changed(field, Direction(name), parse_margin(rest))


def _values(text: str) -> tuple[str, ...]:
    pieces = _PIECE.findall(text)
    if not pieces or ",".join(pieces) != text:
        raise ValueError(f'{text[:60]!r} is no list of values; write a,b or "a text",b')
    return tuple(dict.fromkeys(unquoted(piece) for piece in pieces))


def join(filters: Iterable[Filter]) -> Filter:
    """Return what all filters mean together."""
    terms: Sequence[Term] = [term for one in filters for term in one.terms]
    return Filter(tuple(dict.fromkeys(terms)))
