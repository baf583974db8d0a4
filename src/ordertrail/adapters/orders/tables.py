"""The order tables: one row a thing, one column a field, so that capture tells an auditor what changed.

======================  ==========================================================================
orders                  the order's own fields; ``version`` counts how often it was put
order_totals            current, original and presentment totals: one row each
order_parties           buyer, seller, bill_to, ship_to, deliver_to: one row a role
order_lines             lines, with item and quantities spread out
order_shipping          what bringing it costs
order_payments          payments; order_transactions: what was done with each
order_fulfilments       parcels; order_returns: what comes back
order_references        what others call the order; searched
order_extensions        what the source has and the model has no field for
======================  ==========================================================================

Amounts are whole minor units, beside them ``currency``; decimals and times are text in their one spelling; small lists
without names of their own (discounts, taxes, notes) are JSON. ``position`` keeps the sequence of a list. ``person`` is
whose key seals the row's personal columns: the party's id, or a name made of the order's where there is none.

Each column's ``info`` says which field of the canonical JSON it holds; :mod:`.rows` reads and writes by it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, Text

metadata = MetaData()

ROLES = ("buyer", "seller", "bill_to", "ship_to", "deliver_to")
"""The rows of order_parties."""

KINDS = ("totals", "original_totals", "presentment_totals")
"""The rows of order_totals."""

_Column = Column[Any]


def _text(name: str, *path: str, required: bool = False) -> _Column:
    return Column(name, Text, nullable=not required, info={"path": path or (name,), "as": "plain"})


def _flag(name: str, *, required: bool = True) -> _Column:
    return Column(name, Boolean, nullable=not required, info={"path": (name,), "as": "plain"})


def _json(name: str, *path: str) -> _Column:
    return Column(name, JSON(none_as_null=True), info={"path": path or (name,), "as": "plain"})


def _money(name: str, *path: str) -> _Column:
    return Column(name, BigInteger, info={"path": path or (name,), "as": "money"})


def _texts(*names: str, prefix: str = "", inside: Sequence[str] = ()) -> list[_Column]:
    return [_text(prefix + name, *inside, name) for name in names]


def _key(name: str = "id") -> _Column:
    return Column(name, Text, primary_key=True, info={"path": (name,), "as": "plain"})


def _of_order() -> _Column:
    return Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)


def _position() -> _Column:
    return Column("position", Integer, nullable=False)


def _currency() -> _Column:
    """Of the row's amounts; null where it has none."""
    return Column("currency", Text)


def _person(nullable: bool = False) -> _Column:  # noqa: FBT001, FBT002 - a column's own word
    return Column("person", Text, nullable=nullable)


orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True, info={"path": ("id",), "as": "plain"}),
    Column("version", BigInteger, nullable=False),
    Column("schema_version", Integer, nullable=False, info={"path": ("schema",), "as": "plain"}),
    *(_text(name, required=True) for name in ("channel", "account", "status", "currency")),
    _flag("tax_included"),
    _json("rounding"),
    *_texts(
        "type", "tenant", "site", "number", "placed", "accepted", "updated", "cancelled", "cancel_reason"
    ),
    *_texts("held_from", "incoterm", "priority"),
    _flag("gift"),
    _flag("test"),
    *(
        _json(name)
        for name in ("source_version", "requested_delivery", "discounts", "charges", "taxes", "tags")
    ),
    _json("notes"),
    _person(),
)
order_totals = Table(
    "order_totals",
    metadata,
    _of_order(),
    Column("kind", Text, primary_key=True),
    _currency(),
    *map(
        _money,
        ("lines", "discount", "shipping", "charges", "duties", "tax", "rounding", "grand_total"),
    ),
    *map(_money, ("paid", "refunded", "due")),
    _json("tax_breakdown"),
)
order_parties = Table(
    "order_parties",
    metadata,
    _of_order(),
    Column("role", Text, primary_key=True),
    _person(),
    _text("party", "id"),
    *_texts("name", "given_name", "family_name", "organisation", "email", "phone", "gln"),
    *(_json(name) for name in ("tax_numbers", "address", "references")),
)
order_lines = Table(
    "order_lines",
    metadata,
    _of_order(),
    _key(),
    _position(),
    *_texts("number", "parent"),
    *_texts(
        "name", "variant", "sku", "gtin", "buyer_item", "manufacturer_item", prefix="item_", inside=["item"]
    ),
    *_texts("country_of_origin", "commodity_code", prefix="item_", inside=["item"]),
    *_texts(
        "ordered",
        "accepted",
        "allocated",
        "shipped",
        "delivered",
        "returned",
        "cancelled",
        inside=["quantities"],
    ),
    _text("unit", required=True),
    _currency(),
    _money("unit_price", "unit_price", "amount"),
    _text("unit_price_per", "unit_price", "per"),
    _money("list_price", "list_price", "amount"),
    _text("list_price_per", "list_price", "per"),
    _money("amount"),
    *(_json(name) for name in ("discounts", "charges", "taxes", "requested_delivery", "references", "notes")),
    _flag("gift"),
)
order_shipping = Table(
    "order_shipping",
    metadata,
    _of_order(),
    _key(),
    _position(),
    _currency(),
    _money("amount"),
    *_texts("name", "code", "carrier"),
    *(_json(name) for name in ("discounts", "taxes")),
)
order_payments = Table(
    "order_payments",
    metadata,
    _of_order(),
    _key(),
    _position(),
    _text("status", required=True),
    *_texts("method", "gateway", "reference"),
    _currency(),
    _money("amount"),
    _text("due"),
    _json("references"),
)
order_transactions = Table(
    "order_transactions",
    metadata,
    _of_order(),
    Column("payment_id", Text, primary_key=True),
    _key(),
    _position(),
    *(_text(name, required=True) for name in ("kind", "status")),
    _currency(),
    _money("amount"),
    *_texts("at", "reference", "parent", "reason"),
)
order_fulfilments = Table(
    "order_fulfilments",
    metadata,
    _of_order(),
    _key(),
    _position(),
    _person(),
    _text("status", required=True),
    *(_json(name) for name in ("lines", "origin", "destination")),
    *_texts("carrier", "service", "shipped", "delivered"),
    *(_json(name) for name in ("tracking_numbers", "sscc", "expected", "sightings", "references")),
)
order_returns = Table(
    "order_returns",
    metadata,
    _of_order(),
    _key(),
    _position(),
    _text("status", required=True),
    _json("lines"),
    _currency(),
    _money("refund"),
    *_texts("reason", "requested", "received"),
    _json("references"),
)
order_references = Table(
    "order_references",
    metadata,
    _of_order(),
    *map(_key, ("system", "kind", "id")),
    _position(),
    Index("order_references_by_name", "system", "kind", "id"),
)
order_extensions = Table(
    "order_extensions",
    metadata,
    _of_order(),
    *map(_key, ("source", "pointer")),
    _position(),
    _person(),
    Column("value", JSON, nullable=False, info={"path": ("value",), "as": "plain"}),
)

PARTS: dict[str, Table] = {
    "lines": order_lines,
    "shipping": order_shipping,
    "payments": order_payments,
    "fulfilments": order_fulfilments,
    "returns": order_returns,
    "references": order_references,
    "extensions": order_extensions,
}
"""The tables of an order's lists, by the field that they hold."""
