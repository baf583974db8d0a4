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

Of a document with many orders each is a :meth:`Document.part`. Its nodes and its extensions are placed within the part,
so that an order has the same extensions whether it came alone or as the third of a list; its faults are placed in the
whole, where a person looks for them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self, TypeVar
from zoneinfo import ZoneInfo

from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.json_text import json_tree
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.orders.decimals import canonical_decimal, format_decimal
from ordertrail.orders.extensions import Extension, extension_value
from ordertrail.orders.lines import Price
from ordertrail.orders.pricing import price_of

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
    markup: bool = False
    """Made of XML (:mod:`ordertrail.intake.xml`): what holds a text is that text or an object with it as ``#text``, and
    a node reads either, by either name: ``node.text("ID")`` and ``node.child("ID").text("#text")``."""
    within: str = ""
    """Where the extensions of a document about a part of an order stand among the order's: ``/refunds/17``. Without it,
    the ``/id`` of a refund would be taken for the ``/id`` of a parcel."""

    @classmethod
    def of_json(cls, body: bytes, zone: ZoneInfo | None = None) -> Self:
        """Read JSON: UTF-8, no name twice in an object, fractions as decimals. Raises FaultyError."""
        return cls(json_tree(body), zone or ZoneInfo("UTC"))

    @property
    def root(self) -> "Node":
        """Return its outermost node, of which nothing was read yet."""
        return Node(self, self.tree, self.within)

    def placed(self, kind: str, name: str = "id") -> Self:
        """Return it as one about a part of an order, named by its kind and by the field of its id."""
        ident = self.tree.get(name) if isinstance(self.tree, dict) else None
        step = _step(ident) if isinstance(ident, str | int) else ""
        return replace(self, within=f"/{_step(kind)}/{step}" if step else f"/{_step(kind)}")

    def part(self, tree: Any, pointer: str) -> Self:
        """Return a part that has faults of its own: one order of many."""
        return type(self)(tree, self.zone, [], self.pointer + pointer, self.markup)


def _step(name: str | int) -> str:
    """Return a name as one step of a pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")


class Node:
    """One object of a document. Methods named by a kind return the field as this kind, or None where it is absent.

    A field of another kind than asked for is a fault of the document, and None. ``required=True`` makes an absent one a
    fault too. Names are those of the object; a field that was asked for counts as read, but for an amount of which
    nobody knows the currency. ``pointer`` is the node's place in its document, or in the part that is read on its own.
    """

    __slots__ = ("_children", "_document", "_is_text", "_read", "_tree", "pointer")

    def __init__(self, document: Document, tree: Any, pointer: str) -> None:
        self._document = document
        self._is_text = document.markup and isinstance(tree, str)
        if self._is_text:
            tree = {"#text": tree}
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
        inside = (self.at(name) if name else self.pointer).removeprefix(self._document.within)
        place = self._document.pointer + inside
        self._document.faults.append(Fault(code, place, message))

    def at(self, name: str | int) -> str:
        """Return the pointer of a field."""
        if self._is_text and name == "#text":
            return self.pointer
        return f"{self.pointer}/{_step(name)}"

    def raw(self, name: str, *, required: bool = False) -> Any:
        """Return a field as it stands in the tree, None where it says nothing."""
        self._read.add(name)
        value = self._tree.get(name)
        if not value and value in _NOTHING:  # most say something, and that is told fastest so
            if required:
                self.fault(Code.MISSING, name, f"{name} is missing")
            return None
        if self._document.markup and name[:1] not in {"@", "#"} and _is_leaf(value):
            return self.child(name).raw("#text", required=required)
        return value

    def text(self, name: str, *, required: bool = False) -> str | None:
        """Return a text without the white space around it; numbers and flags are told as JSON has them."""
        value = self.raw(name, required=required)
        if value is None:
            return None
        if isinstance(value, str):
            text = value.strip() or None
            if text is None and required:
                self.fault(Code.MISSING, name, f"{name} is missing: it is white space")
            return text
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, Decimal) and _is_short(value):
            return f"{value:f}"
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
        if currency is None:
            self.unread(name)
        if number is None or currency is None:
            return None
        try:
            minor = number.scaleb(exponent_of(currency), _EXACT)
            if minor != minor.to_integral_value() or abs(minor) > MAX_INTEGER:
                self._not(name, self._tree[name], f"an amount in whole minor units of {currency}")
                return None
        except (ValueError, InvalidOperation):
            self._not(name, self._tree[name], f"an amount of {currency}")
            return None
        return Money(int(minor), currency)

    def rounded(self, name: str, currency: str | None, *, required: bool = False) -> Money | None:
        """Return an amount given in major units of any fineness, a half of a minor unit rounded away from zero.

        Where something was rounded, the field does not count as read: its digits are kept as an extension.
        """
        number = self._number(name, required=required)
        if currency is None:
            self.unread(name)
        if number is None or currency is None:
            return None
        minor = number.scaleb(exponent_of(currency), _EXACT)
        whole = minor.to_integral_value(ROUND_HALF_UP)
        if abs(whole) > MAX_INTEGER:
            self._not(name, self._tree[name], f"an amount of {currency}")
            return None
        if whole != minor:
            self.unread(name)
        return Money(int(whole), currency)

    def minor(self, name: str, currency: str | None, *, required: bool = False) -> Money | None:
        """Return an amount given in minor units (``1200``)."""
        amount = self.integer(name, required=required)
        if currency is None:
            self.unread(name)
        return None if amount is None or currency is None else Money(amount, currency)

    def price(
        self, name: str, currency: str | None, per: str = "1", *, required: bool = False
    ) -> Price | None:
        """Return a price given in major units, of any fineness, for ``per`` units."""
        number = self._number(name, required=required)
        if currency is None:
            self.unread(name)
        if number is None or currency is None:
            return None
        try:
            return price_of(str(number), currency, per)
        except ValueError:
            self._not(name, self._tree[name], f"a price in {currency}")
            return None

    def percent(self, name: str) -> str | None:
        """Return a rate given as a part of one, in per cent: ``0.0825`` is ``8.25``."""
        number = self._number(name, required=False)
        if number is None:
            return None
        try:
            return format_decimal(number.scaleb(2, _EXACT))
        except ValueError:
            self._not(name, self._tree[name], "a rate")
            return None

    def same(self, name: str, *known: str | Money | None) -> bool:
        """Say whether a field only repeats what is known from elsewhere; if not, it does not count as read.

        Texts are compared without the white space around them, amounts by their value in major units.
        """
        if name not in self:
            return True
        value = self._tree[name]
        if self._document.markup and isinstance(value, dict):
            return self.child(name).same("#text", *known)
        found = any(_repeats(value, one) for one in known if one is not None)
        if found:
            self._read.add(name)
        return found

    def repeats(self, other: "Node") -> None:
        """Count as read what stands in another node of the document in the same words, where it is read or kept."""
        for name, value in self._tree.items():
            if name not in self._children and value == other.tree.get(name, _ABSENT):
                self._read.add(name)

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

    def time(self, name: str, *, required: bool = False, zone: tzinfo | None = None) -> str | None:
        """Return a moment in UTC from ISO 8601, a date alone (its midnight) or Unix seconds or milliseconds.

        RFC 2822 (``Wed, 13 Mar 2019 16:35:37 +0000``) is read too. A time that names no zone is of ``zone``, or else of
        the document's.
        """
        value = self.raw(name, required=required)
        if value is None:
            return None
        try:
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                seconds = value / Decimal(1000) if value > _MILLISECONDS else Decimal(value)
                return format_time(datetime.fromtimestamp(float(seconds), UTC))
            return self._instant(str(value).strip(), zone)
        except (ValueError, OverflowError, OSError):
            self._not(name, value, "a date or time of ISO 8601")
            return None

    def moment(self, day: str, hour: str, *, required: bool = False) -> str | None:
        """Return a moment in UTC from a date in one field and, where it is told, a time of day in another.

        Either may name its zone, as dates and times of XML Schema do; the time's counts.
        """
        date, clock = self.text(day, required=required), self.text(hour)
        if date is None:
            if clock is not None:
                self.unread(hour)
            return None
        plain, zone = (date[:10], date[10:]) if date[:10].count("-") == 2 else (date, "")
        if clock is None:
            clock = "00:00:00"
        has_zone = clock[-1:] in "Zz" or clock[-6:-5] in {"+", "-"}
        try:
            return self._instant(f"{plain}T{clock}" if has_zone else f"{plain}T{clock}{zone}")
        except (ValueError, OverflowError):
            self._not(day, f"{date} {clock}", "a date and a time of ISO 8601")
            return None

    def _instant(self, text: str, zone: tzinfo | None = None) -> str:
        moment = parsedate_to_datetime(text) if _MAIL_DATE.match(text) else datetime.fromisoformat(text)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone or self._document.zone)
        return format_time(aware.astimezone(UTC))

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
        found = self._children[name]
        return found[0] if found else Node(self._document, None, self.at(name))

    def children(self, name: str) -> "list[Node]":
        """Return a list of objects within this one; a single object counts as a list of one."""
        if name not in self._children:
            self._read.add(name)
            value = self._tree.get(name)
            if value and (isinstance(value, dict) or (self._document.markup and isinstance(value, str))):
                self._children[name] = [Node(self._document, value, self.at(name))]
            elif isinstance(value, list):
                base = self.at(name)
                self._children[name] = [
                    Node(self._document, one, f"{base}/{place}")
                    for place, one in enumerate(value)
                    if one not in _NOTHING
                ]
            else:
                self._children[name] = []
                if value not in _NOTHING:
                    self._not(name, value, "a list")
        return self._children[name]

    def first(self, name: str) -> "Node":
        """Return the first object of a list, an empty one where there is none. The others stay unread."""
        found = self.children(name)
        return found[0] if found else Node(self._document, {}, self.at(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one."""
        if self._document.markup:
            return tuple(text for one in self.children(name) if (text := one.text("#text")) is not None)
        value = self.raw(name)
        if value is None:
            return ()
        found = value if isinstance(value, list) else [value]
        if any(isinstance(one, dict | list) for one in found):
            self._not(name, value, "a list of texts")
            return ()
        return tuple(text for one in found if one is not None and (text := str(one).strip()))

    def unread(self, name: str) -> None:
        """Say that a field that was read, with all that is in it, is to be kept as an extension all the same."""
        if self._document.markup and name in self._children:
            for child in self._children[name]:
                child.unread("#text")
        else:
            self._read.discard(name)
            self._children.pop(name, None)

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
        number = _number_in(value)
        if number is not None:
            return number
        self._not(name, value, "a number")
        return None

    def _not(self, name: str, value: Any, kind: str) -> None:
        self.fault(Code.MALFORMED, name, f"{_shown(value)} is not {kind}")


_ABSENT = object()
_MAIL_DATE = re.compile(r"[A-Za-z]{3}, [0-9]{1,2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}")
_LONGEST_ID = 512
_LONGEST_NUMBER = 80
_EXACT = Context(prec=4 * _LONGEST_NUMBER)
"""No digit of a number that is read gets lost."""
_MILLISECONDS = 100_000_000_000
"""Seconds since 1970 from the year 5138 on: a number above them counts milliseconds."""
_SHOWN = 20
_FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "y", "t", "on"), True),
    **dict.fromkeys(("0", "false", "no", "n", "f", "off"), False),
}


def _is_short(number: Decimal) -> bool:
    """Say whether a number can be written out in so many digits, whatever its exponent."""
    return number.is_finite() and abs(number.adjusted()) <= _LONGEST_NUMBER


def _number_in(value: Any) -> Decimal | None:
    """Return the number that a value of a document is or spells."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    text = str(value).strip()
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        return None
    return number if number is not None and _is_short(number) else None


def _repeats(value: Any, known: str | Money) -> bool:
    """Say whether a value of a document says the same as a text or an amount that is known."""
    if isinstance(known, Money):
        return _number_in(value) == Decimal(known.amount).scaleb(-exponent_of(known.currency), _EXACT)
    return not isinstance(value, bool | dict | list) and str(value).strip() == known


def _is_leaf(value: Any) -> bool:
    """Say whether an element of XML is a text, with attributes or without."""
    return isinstance(value, str) or (isinstance(value, dict) and "#text" in value)


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
