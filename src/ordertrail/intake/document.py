"""A source's document, read with a memory: what was read, what was wrong with it, and what is left.

A tree as JSON has it (objects, lists, texts, numbers, flags, null); XML, EDI and tables are made into one first. A
channel reads it through :class:`Node` and never by hand, so that three things come of themselves: every fault is told
with its place, all of them and not only the first; whatever the channel does not read becomes an extension of the
order, by its place; and a test can ask which places were read.

::

    >>> document = Document.of_json(b'{"id": 7, "total": "12.00", "gift": {"wrap": "red"}}')
    >>> node = document.root
    >>> node.id("id"), node.money("total", "EUR")
    ('7', Money(amount=1200, currency='EUR'))
    >>> [(one.pointer, one.value) for one in node.rest("shop")]
    [('/gift', {'wrap': 'red'})]

``null``, an empty text, an empty list and an empty object say nothing: they are as absent, and are no extensions. (The
delivered bytes are kept as they came; nothing is lost by that.)
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self, TypeVar
from zoneinfo import ZoneInfo

from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.orders.decimals import canonical_decimal
from ordertrail.orders.extensions import Extension, extension_value
from ordertrail.orders.lines import Price
from ordertrail.orders.pricing import price_of

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the largest document that is read whole."""

DEEPEST: Final = 64
"""Levels of the deepest."""

_Word = TypeVar("_Word")
_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})


@dataclass(slots=True)
class Document:
    """A document, or one part of it that is read on its own, and what was found wrong with it.

    ``zone`` is of its times that name none; ``pointer`` is where a part stands in the whole.
    """

    tree: Any
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    faults: list[Fault] = field(default_factory=list)
    pointer: str = ""

    @classmethod
    def of_json(cls, body: bytes, zone: ZoneInfo | None = None) -> Self:
        """Read JSON: UTF-8, no name twice in an object, fractions as decimals. Raises FaultyError."""
        return cls(json_tree(body), zone or ZoneInfo("UTC"))

    @property
    def root(self) -> "Node":
        """Return its outermost node, of which nothing was read yet."""
        return Node(self, self.tree, self.pointer)

    def part(self, tree: Any, pointer: str) -> Self:
        """Return a part that has faults of its own: one order of many."""
        return type(self)(tree, self.zone, [], self.pointer + pointer)


def json_tree(body: bytes) -> Any:
    """Return the tree of a JSON text; fractions are Decimal. Raises FaultyError for what is none."""
    if len(body) > LARGEST:
        raise FaultyError(
            Fault(Code.TOO_LARGE, "", f"{len(body)} bytes are more than the {LARGEST} that are read")
        )
    try:
        tree = json.loads(
            body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refused, object_pairs_hook=_once
        )
    except UnicodeDecodeError as error:
        raise FaultyError(Fault(Code.UNREADABLE, "", f"byte {error.start} is not UTF-8")) from None
    except json.JSONDecodeError as error:
        message = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise FaultyError(Fault(Code.UNREADABLE, "", f"not JSON: {message}")) from None
    except RecursionError:
        raise FaultyError(Fault(Code.TOO_LARGE, "", "nested too deep to be read")) from None
    except ValueError as error:
        raise FaultyError(Fault(Code.UNREADABLE, "", f"not JSON: {error}")) from None
    if depth_over(tree, DEEPEST):
        raise FaultyError(Fault(Code.TOO_LARGE, "", f"nested over {DEEPEST} levels deep"))
    return tree


def depth_over(tree: Any, deepest: int) -> bool:
    """Say whether a tree is deeper than so many levels, without going deeper."""
    level = [tree]
    for _ in range(deepest):
        level = [
            below
            for one in level
            if isinstance(one, dict | list)
            for below in (one.values() if isinstance(one, dict) else one)
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:80]!r} stands twice in one object")
    return found


class Node:
    """One object of a document. Methods named by a kind return the field as this kind, or None where it is absent.

    A field of another kind than asked for is a fault of the document, and None. ``required=True`` makes an absent one a
    fault too. Names are those of the object; a field that was asked for counts as read.
    """

    __slots__ = ("_children", "_document", "_read", "_tree", "pointer")

    def __init__(self, document: Document, tree: Any, pointer: str) -> None:
        self._document = document
        self._tree: Mapping[str, Any] = tree if isinstance(tree, dict) else {}
        self._read: set[str] = set()
        self._children: dict[str, list[Node]] = {}
        self.pointer = pointer
        if not isinstance(tree, dict) and tree not in _NOTHING:
            self.fault(Code.MALFORMED, "", f"{_shown(tree)} stands where an object was expected")

    def __contains__(self, name: str) -> bool:
        """Say whether a field says something; this does not count as reading it."""
        return self._tree.get(name) not in _NOTHING

    @property
    def tree(self) -> Mapping[str, Any]:
        """Return the object itself, for what is not a field of its own; this does not count as reading."""
        return self._tree

    def names(self) -> tuple[str, ...]:
        """Return the names of all fields, whether they were read or not."""
        return tuple(self._tree)

    @property
    def faults(self) -> list[Fault]:
        """Return what was found wrong so far with the whole document."""
        return self._document.faults

    def fault(self, code: Code, name: str, message: str) -> None:
        """Tell a fault of a field; the empty name is the node itself."""
        self._document.faults.append(Fault(code, self.at(name) if name else self.pointer, message))

    def at(self, name: str | int) -> str:
        """Return the pointer of a field."""
        return f"{self.pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"

    def raw(self, name: str, *, required: bool = False) -> Any:
        """Return a field as it stands in the tree, None where it says nothing."""
        self._read.add(name)
        value = self._tree.get(name)
        if value in _NOTHING:
            if required:
                self.fault(Code.MISSING, name, f"{name} is missing")
            return None
        return value

    def text(self, name: str, *, required: bool = False) -> str | None:
        """Return a text without the white space around it; numbers and flags are told as JSON has them."""
        value = self.raw(name, required=required)
        if value is None:
            return None
        if isinstance(value, str):
            return value.strip() or None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | Decimal):
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        self._not(name, value, "a text")
        return None

    def id(self, name: str, *, required: bool = False) -> str | None:
        """Return an id: a text of at most 512 characters without control characters."""
        text = self.text(name, required=required)
        if text is not None and (len(text) > _LONGEST_ID or not text.isprintable()):
            self._not(name, text, "an id")
            return None
        return text

    def flag(self, name: str) -> bool | None:
        """Return true or false; ``1``, ``0``, ``"true"``, ``"yes"`` and their like are read so."""
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return value
        found = _FLAGS.get(str(value).strip().lower())
        if found is None:
            self._not(name, value, "true or false")
        return found

    def integer(self, name: str, *, required: bool = False) -> int | None:
        """Return a whole number that JSON can hold exactly."""
        number = self._number(name, required=required)
        if number is None:
            return None
        if number != number.to_integral_value() or abs(number) > MAX_INTEGER:
            self._not(name, self._tree[name], "a whole number")
            return None
        return int(number)

    def decimal(self, name: str, *, required: bool = False) -> str | None:
        """Return a decimal in canonical form: ``1.5``."""
        number = self._number(name, required=required)
        if number is None:
            return None
        try:
            return canonical_decimal(str(number))
        except ValueError:
            self._not(name, self._tree[name], "a decimal number")
            return None

    def quantity(self, name: str, *, required: bool = False) -> str | None:
        """Return a decimal that is not negative."""
        found = self.decimal(name, required=required)
        if found is not None and found.startswith("-"):
            self._not(name, self._tree[name], "a quantity, which is not negative")
            return None
        return found

    def money(self, name: str, currency: str | None, *, required: bool = False) -> Money | None:
        """Return an amount given in major units (``"12.00"``). Digits finer than the minor unit are a fault."""
        number = self._number(name, required=required)
        if number is None or currency is None:
            return None
        try:
            minor = number.scaleb(exponent_of(currency))
            if minor != minor.to_integral_value() or abs(minor) > MAX_INTEGER:
                self._not(name, self._tree[name], f"an amount in whole minor units of {currency}")
                return None
        except (ValueError, InvalidOperation):
            self._not(name, self._tree[name], f"an amount of {currency}")
            return None
        return Money(int(minor), currency)

    def minor(self, name: str, currency: str | None, *, required: bool = False) -> Money | None:
        """Return an amount given in minor units (``1200``)."""
        amount = self.integer(name, required=required)
        return None if amount is None or currency is None else Money(amount, currency)

    def price(
        self, name: str, currency: str | None, per: str = "1", *, required: bool = False
    ) -> Price | None:
        """Return a price given in major units, of any fineness, for ``per`` units."""
        number = self._number(name, required=required)
        if number is None or currency is None:
            return None
        try:
            return price_of(str(number), currency, per)
        except ValueError:
            self._not(name, self._tree[name], f"a price in {currency}")
            return None

    def currency(self, name: str, default: str | None = None, *, required: bool = True) -> str | None:
        """Return an ISO 4217 code, the default where the field is absent."""
        text = self.text(name, required=required and default is None)
        if text is None:
            return default
        try:
            exponent_of(text.upper())
        except ValueError:
            self.fault(Code.UNKNOWN_WORD, name, f"{text[:40]!r} is not an ISO 4217 currency in use")
            return None
        return text.upper()

    def time(self, name: str, *, required: bool = False) -> str | None:
        """Return a moment in UTC from ISO 8601, a date alone (its midnight) or Unix seconds or milliseconds."""
        value = self.raw(name, required=required)
        if value is None:
            return None
        try:
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                seconds = value / Decimal(1000) if value > _MILLISECONDS else Decimal(value)
                return format_time(datetime.fromtimestamp(float(seconds), UTC))
            moment = datetime.fromisoformat(str(value).strip())
            aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._document.zone)
            return format_time(aware.astimezone(UTC))
        except (ValueError, OverflowError, OSError):
            self._not(name, value, "a date or time of ISO 8601")
            return None

    def word(self, name: str, words: Mapping[str, _Word], *, required: bool = False) -> _Word | None:
        """Return what a word of the source's stands for, whatever its case; an unknown one is a fault."""
        text = self.text(name, required=required)
        if text is None:
            return None
        try:
            return words[text] if text in words else words[text.lower()]
        except KeyError:
            known = ", ".join(sorted(words)[:_SHOWN])
            self.fault(Code.UNKNOWN_WORD, name, f"{text[:80]!r} is not known here; known are {known}")
            return None

    def child(self, name: str) -> "Node":
        """Return an object within this one; an absent one is empty."""
        if name not in self._children:
            self._read.add(name)
            self._children[name] = [Node(self._document, self._tree.get(name), self.at(name))]
        return self._children[name][0]

    def children(self, name: str) -> "list[Node]":
        """Return a list of objects within this one; a single object counts as a list of one."""
        if name not in self._children:
            self._read.add(name)
            value = self._tree.get(name)
            if isinstance(value, dict) and value:
                self._children[name] = [Node(self._document, value, self.at(name))]
            elif isinstance(value, list):
                base = self.at(name)
                self._children[name] = [
                    Node(self._document, one, f"{base}/{place}") for place, one in enumerate(value)
                ]
            else:
                self._children[name] = []
                if value not in _NOTHING:
                    self._not(name, value, "a list")
        return self._children[name]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one."""
        value = self.raw(name)
        if value is None:
            return ()
        found = value if isinstance(value, list) else [value]
        if any(isinstance(one, dict | list) for one in found):
            self._not(name, value, "a list of texts")
            return ()
        return tuple(text for one in found if one is not None and (text := str(one).strip()))

    def unread(self, name: str) -> None:
        """Say that a field that was read is to be kept as an extension all the same."""
        self._read.discard(name)

    def rest(self, source: str) -> tuple[Extension, ...]:
        """Return what was not read, here and in every node within, as extensions of a source."""
        return tuple(
            Extension(source=source, pointer=pointer, value=extension_value(value))
            for pointer, value in self.left()
        )

    def left(self) -> Iterator[tuple[str, Any]]:
        """Yield the pointer and the value of what was not read, here and within."""
        for name, value in self._tree.items():
            if name in self._children:
                for child in self._children[name]:
                    yield from child.left()
            elif name not in self._read and value not in _NOTHING:
                yield self.at(name), value

    def mapped(self) -> Iterator[str]:
        """Yield the pointers of the fields that were read, here and within."""
        for name in self._read:
            if name in self._children:
                for child in self._children[name]:
                    yield from child.mapped()
            elif name in self._tree:
                yield self.at(name)

    def _number(self, name: str, *, required: bool) -> Decimal | None:
        value = self.raw(name, required=required)
        if value is None:
            return None
        if isinstance(value, int | Decimal | str) and not isinstance(value, bool):
            text = str(value).strip()
            try:
                number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
            except InvalidOperation:
                number = None
            if number is not None and number.is_finite() and abs(number.adjusted()) <= _LONGEST_NUMBER:
                return number
        self._not(name, value, "a number")
        return None

    def _not(self, name: str, value: Any, kind: str) -> None:
        self.fault(Code.MALFORMED, name, f"{_shown(value)} is not {kind}")


_LONGEST_ID = 512
_LONGEST_NUMBER = 80
_MILLISECONDS = 100_000_000_000
"""Seconds since 1970 from the year 5138 on: a number above them counts milliseconds."""
_SHOWN = 20
_FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "y", "t", "on"), True),
    **dict.fromkeys(("0", "false", "no", "n", "f", "off"), False),
}


def _shown(value: Any) -> str:
    """Tell a value for a person: short, and of an object or list only what it is."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return repr(value[:60] + "…" if len(value) > 60 else value)
        case bool():
            return str(value).lower()
        case _:
            return str(value)[:60]
