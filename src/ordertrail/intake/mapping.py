"""A mapping: which places of a document, or which columns of a table, are which fields of an order. TOML, no code.

::

    [order]
    id = "/id"                                   # required; a JSON pointer (RFC 6901), or the name of a field or column
    number = "/name"
    status = { at = "/state", value = "received", words = { open = "received", shipped = "fulfilled" } }
    currency = { value = "EUR" }
    placed = "/created_at"
    version_time = "/updated_at"
    tax_included = { value = true }
    notes = ["/note", "/internal_note"]
    rounding = { scope = "line", mode = "half_up", increment = 5 }

    [order.totals]
    grand_total = "/total"                       # in major units: "72.00"
    tax = { at = "/tax_cents", minor = true }    # in minor units: 1150

    [order.buyer]                                # and seller, bill_to, ship_to, deliver_to
    id = "/customer/id"
    email = "/customer/email"
    street = ["/customer/address1", "/customer/address2"]
    country = "/customer/country"

    [[order.references]]
    system = "erp"
    kind = "purchase_order"
    id = "/po_number"

    [order.lines]                                # and discounts, charges, shipping, taxes, payments, fulfilments
    at = "/items"                                # where the list is; places within are those of one element
    id = "/id"
    sku = "/sku"
    ordered = "/quantity"
    unit_price = "/price"
    negative = "cancelled"                       # -3 pieces: 3 ordered and cancelled; without it a fault

``at`` is where a field stands, ``value`` what holds where nothing stands there, ``words`` what the source's words mean.
Statuses, types and transactions are the words of the order's model (docs/reference/orders.md). A field may be named by
its place alone. What no field names is kept as an extension.

Reading is strict: what is unknown or wrong is named with its path, all of it.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from ordertrail.intake.document import Node
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.orders.model import OrderType
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus
from ordertrail.orders.words import CHECKS

LONGEST: Final = 256 * 1024
"""Characters of the longest mapping."""


class Kind(StrEnum):
    """What a field is, and so how it is read."""

    ID = "id"
    TEXT = "text"
    TEXTS = "texts"
    FLAG = "flag"
    INTEGER = "integer"
    DECIMAL = "decimal"
    QUANTITY = "quantity"
    MONEY = "money"
    PRICE = "price"
    TIME = "time"
    CURRENCY = "currency"
    COUNTRY = "country"
    GTIN = "gtin"
    UNIT = "unit"
    WORD = "word"


NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.QUANTITY, Kind.MONEY, Kind.PRICE})
_CHECKED: Final = {Kind.CURRENCY: "currency", Kind.COUNTRY: "country", Kind.UNIT: "unit", Kind.ID: "id"}


def _kinds(**names: str) -> dict[str, Kind]:
    return {name: Kind(kind) for kind, listed in names.items() for name in listed.split()}


_PARTY = _kinds(
    id="id",
    text="name given_name family_name organisation email phone gln box city region region_code postal_code",
    texts="street",
    country="country",
)
_PARTIES = ("buyer", "seller", "bill_to", "ship_to", "deliver_to")
_LISTS: dict[str, dict[str, Kind]] = {
    "lines": _kinds(
        id="id number parent",
        text="sku name variant buyer_item manufacturer_item commodity_code tax_name discount_reason",
        texts="notes",
        flag="gift",
        quantity="ordered accepted allocated shipped delivered returned cancelled price_per",
        price="unit_price list_price",
        money="amount discount tax taxable",
        decimal="tax_rate",
        gtin="gtin",
        country="country_of_origin",
        unit="unit",
    ),
    "discounts": _kinds(money="amount", text="code reason", decimal="rate"),
    "charges": _kinds(money="amount", id="kind", text="name"),
    "shipping": _kinds(id="id", money="amount", text="name code carrier"),
    "taxes": _kinds(money="amount taxable", decimal="rate", text="name jurisdiction", id="category"),
    "payments": _kinds(id="id gateway reference", text="method", money="amount", time="due", word="status"),
    "fulfilments": _kinds(
        id="id", text="carrier service", texts="tracking_numbers", time="shipped delivered", word="status"
    ),
}
_ORDER = _kinds(
    id="id number site",
    text="cancel_reason incoterm priority",
    texts="notes tags",
    flag="tax_included gift test",
    integer="version_number",
    time="placed accepted updated cancelled version_time delivery_from delivery_until",
    currency="currency",
    word="status type",
)
_TOTALS = _kinds(money="lines discount shipping charges duties tax rounding grand_total paid refunded due")
_REFERENCE = _kinds(id="id")
_WORDS: dict[tuple[str, str], type[StrEnum]] = {
    ("order", "status"): OrderStatus,
    ("order", "type"): OrderType,
    ("payments", "status"): PaymentStatus,
    ("fulfilments", "status"): FulfilmentStatus,
}
_REQUIRED = {
    "order": ("id",),
    "lines": ("ordered",),
    "payments": ("status",),
    "fulfilments": ("id", "status"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the objects on the way, and its name in the last of them."""

    steps: tuple[str, ...]
    name: str

    def within(self, node: Node) -> Node:
        """Return the object that has the value."""
        for step in self.steps:
            node = node.child(step)
        return node


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an order: where it stands, what it is, and what holds where nothing stands there."""

    kind: Kind
    places: tuple[Place, ...] = ()
    value: Any = None
    words: Mapping[str, Any] | None = None
    minor: bool = False


Section = Mapping[str, Field]
"""Fields by their names."""

EMPTY: Final[Section] = {}


@dataclass(frozen=True, slots=True)
class Listed:
    """A list within the document and the fields of each of its elements."""

    at: Place | None
    fields: Section
    negative: bool = False
    """Whether a negative quantity takes back: so much was ordered, and is cancelled."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: whose name it is, of what, and where it stands."""

    system: str
    kind: str
    id: Field


@dataclass(frozen=True, slots=True)
class OrderMapping:
    """What of a document is which field of an order."""

    order: Section
    totals: Section = field(default_factory=dict)
    parties: Mapping[str, Section] = field(default_factory=dict)
    lists: Mapping[str, Listed] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    rounding: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Tables beside [order], which the channel reads."""

    def places(self, kinds: frozenset[Kind], name: str | None = None) -> Iterator[Place]:
        """Yield where fields of these kinds stand: the order's own, or those of a list's elements."""
        sections = [self.lists[name].fields] if name is not None and name in self.lists else []
        if name is None:
            own = {f"reference {number}": one.id for number, one in enumerate(self.references)}
            sections = [self.order, self.totals, own, *self.parties.values()]
        for section in sections:
            for one in section.values():
                if one.kind in kinds:
                    yield from one.places


@lru_cache(maxsize=64)
def parse_mapping(text: str) -> OrderMapping:
    """Read a mapping from TOML, or the shipped one of that name. Raises InputError with every problem and its path."""
    if re.fullmatch(r"[a-z0-9_]+", text):
        text = _preset(text)
    if len(text) > LONGEST:
        raise InputError(f"the mapping has {len(text):,} characters; {LONGEST:,} are read")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"the mapping is not TOML: {error}") from None
    parser = _Parser()
    found = parser.mapping(data)
    if parser.problems:
        raise InputError(
            sorted(parser.problems),
            meaning="Nothing of this source is read until its mapping can be.",
            remedy="Correct what is named; docs/reference/channels.md has the grammar.",
        )
    return found


def _preset(name: str) -> str:
    file = resources.files("ordertrail.intake") / "presets" / f"{name}.toml"
    if not file.is_file():
        raise InputError(f"there is no shipped mapping {name!r}")
    return file.read_text(encoding="utf-8")


def place_of(text: str) -> Place:
    """Return the place that a JSON pointer or a plain name says. Raises ValueError for what is neither."""
    if not text or not text.isprintable():
        raise ValueError(f"{text[:40]!r} is not a JSON pointer or a name")
    if not text.startswith("/"):
        return Place((), text)
    if CHECKS["pointer"](text) is not None:
        raise ValueError(f"{text[:40]!r} is not a JSON pointer such as /customer/id")
    *steps, name = (one.replace("~1", "/").replace("~0", "~") for one in text.split("/")[1:])
    return Place(tuple(steps), name)


class _Parser:
    """Reads one mapping and remembers what is wrong with it."""

    def __init__(self) -> None:
        self.problems = list[Problem]()

    def mapping(self, data: dict[str, Any]) -> OrderMapping:
        order = self._table(data.get("order"), "order", required=True)
        parts = {*_PARTIES, *_LISTS, "totals", "references", "rounding"}
        own = {name: value for name, value in order.items() if name not in parts}
        return OrderMapping(
            order=self._section(own, _ORDER, "order", "order"),
            totals=self._section(
                self._table(order.get("totals"), "order.totals"), _TOTALS, "totals", "order.totals"
            ),
            parties={
                name: self._section(self._table(order[name], f"order.{name}"), _PARTY, name, f"order.{name}")
                for name in _PARTIES
                if name in order
            },
            lists={name: self._list(order[name], name) for name in _LISTS if name in order},
            references=tuple(self._references(order.get("references", []))),
            rounding=self._rounding(self._table(order.get("rounding"), "order.rounding")),
            extra={name: value for name, value in data.items() if name != "order"},
        )

    def _wrong(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _table(self, value: Any, path: str, *, required: bool = False) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value is not None or required:
            self._wrong(path, "must be a table" if value is not None else "is missing")
        return {}

    def _section(self, table: dict[str, Any], kinds: dict[str, Kind], name: str, path: str) -> Section:
        for missing in _REQUIRED.get(name, ()):
            if missing not in table:
                self._wrong(f"{path}.{missing}", "is missing")
        found = {}
        for key, value in table.items():
            if key not in kinds:
                self._wrong(f"{path}.{key}", f"is no field here; fields are {', '.join(sorted(kinds))}")
                continue
            found[key] = self._field(value, kinds[key], _WORDS.get((name, key)), f"{path}.{key}")
        return found

    def _list(self, value: Any, name: str) -> Listed:
        path = f"order.{name}"
        table = self._table(value, path)
        at = self._places(table["at"], f"{path}.at") if "at" in table else ()
        negative = table.get("negative", "refused")
        if negative not in {"refused", "cancelled"} or ("negative" in table and name != "lines"):
            self._wrong(f"{path}.negative", "must be refused or cancelled, and is of lines only")
        fields = {key: one for key, one in table.items() if key not in {"at", "negative"}}
        section = self._section(fields, _LISTS[name], name, path)
        return Listed(at[0] if at else None, section, negative == "cancelled")

    def _references(self, value: Any) -> Iterator[Reference]:
        if not isinstance(value, list):
            self._wrong("order.references", "must be a list of tables")
            return
        for number, one in enumerate(value):
            path = f"order.references.{number}"
            table = self._table(one, path)
            for key in table:
                if key not in {"system", "kind", "id"}:
                    self._wrong(f"{path}.{key}", "is no field here; fields are id, kind, system")
            names = [table.get(key) for key in ("system", "kind")]
            for key, text in zip(("system", "kind"), names, strict=True):
                problem = CHECKS["id"](text) if isinstance(text, str) else "must be a text"
                if problem is not None:
                    self._wrong(f"{path}.{key}", problem)
            found = self._section({"id": table.get("id", "")}, _REFERENCE, "reference", path)
            yield Reference(str(names[0]), str(names[1]), found["id"])

    def _rounding(self, table: dict[str, Any]) -> dict[str, Any]:
        allowed = {"scope": ("line", "total"), "mode": ("half_up", "half_even", "down")}
        for key, value in table.items():
            path = f"order.rounding.{key}"
            if key == "increment":
                if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000:
                    self._wrong(path, "must be a number of minor units from 1 to 10000")
            elif key not in allowed:
                self._wrong(path, "is no field here; fields are increment, mode, scope")
            elif value not in allowed[key]:
                self._wrong(path, f"must be one of {', '.join(allowed[key])}")
        return table

    def _field(self, value: Any, kind: Kind, enum: type[StrEnum] | None, path: str) -> Field:
        table = value if isinstance(value, dict) else {"at": value}
        for key in table:
            if key not in {"at", "value", "words", "minor"}:
                self._wrong(f"{path}.{key}", "is not known; a field has at, value, words and minor")
        if not {"at", "value"} & table.keys():
            self._wrong(path, "says neither where it stands (at) nor what it is (value)")
        places = self._places(table["at"], f"{path}.at" if table is value else path) if "at" in table else ()
        if len(places) > 1 and kind is not Kind.TEXTS:
            self._wrong(path, "stands in one place; only texts are put together of several")
        minor = table.get("minor", False)
        if not isinstance(minor, bool) or (minor and kind is not Kind.MONEY):
            self._wrong(f"{path}.minor", "must be true or false, and true of money only")
        constant = (
            None if "value" not in table else self._constant(table["value"], kind, enum, f"{path}.value")
        )
        return Field(kind, places, constant, self._words(table.get("words"), kind, enum, path), minor is True)

    def _places(self, value: Any, path: str) -> tuple[Place, ...]:
        found = []
        for text in value if isinstance(value, list) else [value]:
            try:
                found.append(place_of(text if isinstance(text, str) else ""))
            except ValueError as error:
                self._wrong(path, str(error) if isinstance(text, str) else "must be a JSON pointer or a name")
        return tuple(found)

    def _constant(self, value: Any, kind: Kind, enum: type[StrEnum] | None, path: str) -> Any:
        if enum is not None:
            if value not in list(enum):
                self._wrong(path, f"must be one of {', '.join(enum)}")
                return None
            return enum(value)
        expected = {Kind.FLAG: bool, Kind.INTEGER: int}.get(kind, str)
        if kind in {Kind.MONEY, Kind.PRICE, Kind.TIME, Kind.TEXTS, Kind.GTIN}:
            self._wrong(path, f"a field of the kind {kind} has no constant value")
        elif type(value) is not expected:
            self._wrong(path, f"must be a {expected.__name__}")
        else:
            check = {**_CHECKED, Kind.QUANTITY: "amount", Kind.DECIMAL: "decimal"}.get(kind)
            problem = CHECKS[check](str(value)) if check is not None else None
            if problem is not None:
                self._wrong(path, problem)
        return value

    def _words(
        self, value: Any, kind: Kind, enum: type[StrEnum] | None, path: str
    ) -> Mapping[str, Any] | None:
        if enum is not None and value is None:
            return {one.value: one for one in enum}
        if value is None:
            return None
        if enum is None and kind not in {Kind.COUNTRY, Kind.CURRENCY, Kind.UNIT, Kind.FLAG, Kind.TEXT}:
            self._wrong(f"{path}.words", f"a field of the kind {kind} has no words")
            return None
        found = {}
        for word, meaning in self._table(value, f"{path}.words").items():
            found[word] = found[word.lower()] = self._constant(meaning, kind, enum, f"{path}.words.{word}")
        return found
