"""An order as rows and back: pure. The canonical JSON is what rows are made of, column by column.

``rows_of`` gives, for each table, the rows of an order by their keys; ``order_from`` makes the order of them again, and
is held to be the inverse by a law.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Table

from ordertrail.adapters.orders.tables import (
    KINDS,
    PARTS,
    ROLES,
    order_fulfilments,
    order_parties,
    order_totals,
    order_transactions,
    orders,
)
from ordertrail.orders.model import Order
from ordertrail.record.encoding import encode

Row = dict[str, Any]
Key = tuple[Any, ...]
Rows = dict[Table, dict[Key, Row]]

_INSIDE = {"item", "quantities"}
"""Objects that are there even where all in them is absent."""


def rows_of(order: Order, version: int) -> Rows:
    """Return an order's rows by table and primary key."""
    plain = msgspec.json.decode(encode(order))
    rows: Rows = {}
    for table, row in _rows(plain, version):
        rows.setdefault(table, {})[key_of(table, row)] = row
    return rows


def key_of(table: Table, row: Mapping[str, Any]) -> Key:
    """Return a row's primary key."""
    return tuple(row[name] for name in _key_columns(table))


def order_from(rows: Mapping[Table, Sequence[Mapping[str, Any]]]) -> Order:
    """Make the order of its rows; what a list's rows are numbered by is their sequence."""
    (row,) = rows[orders]
    plain = _plain(orders, row)
    for one in rows.get(order_totals, ()):
        plain[one["kind"]] = _plain(order_totals, one)
    for one in rows.get(order_parties, ()):
        plain[one["role"]] = _plain(order_parties, one)
    for name, table in PARTS.items():
        plain[name] = [_plain(table, one) for one in _in_sequence(rows.get(table, ()))]
    payments = {payment["id"]: payment for payment in plain["payments"]}
    for one in _in_sequence(rows.get(order_transactions, ())):
        payments[one["payment_id"]].setdefault("transactions", []).append(_plain(order_transactions, one))
    return msgspec.convert(plain, Order)


def _in_sequence(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: row["position"])


def _rows(plain: dict[str, Any], version: int) -> Iterator[tuple[Table, Row]]:
    order_id = plain["id"]
    buyer = plain.get("buyer", {}).get("id")
    yield orders, {**_columns(orders, plain), "version": version, "person": buyer or f"{order_id}/buyer"}
    for kind in KINDS:
        if kind in plain:
            yield order_totals, {"order_id": order_id, "kind": kind, **_columns(order_totals, plain[kind])}
    for role in ROLES:
        if role in plain:
            person = plain[role].get("id") or f"{order_id}/{role}"
            row = {"order_id": order_id, "role": role, "person": person}
            yield order_parties, {**row, **_columns(order_parties, plain[role])}
    for name, table in PARTS.items():
        for position, one in enumerate(plain.get(name, ())):
            row = {"order_id": order_id, "position": position, **_columns(table, one)}
            if "person" in table.c:
                party = one.get("destination", {}).get("id") if table is order_fulfilments else buyer
                row["person"] = party or f"{order_id}/buyer"
            yield table, row
    for payment in plain.get("payments", ()):
        for position, one in enumerate(payment.get("transactions", ())):
            row = {"order_id": order_id, "payment_id": payment["id"], "position": position}
            yield order_transactions, {**row, **_columns(order_transactions, one)}


def _columns(table: Table, plain: Mapping[str, Any]) -> Row:
    """Return the columns that hold fields; ``currency`` is that of the row's amounts, where it is no field itself."""
    row: Row = {}
    currency = None
    for column, path, kind in _fields(table):
        value: Any = plain.get(path[0])
        for name in path[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            value = False if kind == "flag" else None
        elif kind == "money":
            currency, value = value["currency"], value["amount"]
        row[column] = value
    if _has_currency_of_its_own(table):
        row["currency"] = currency
    return row


@cache
def _fields(table: Table) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """Return name, path and kind of each column that holds a field."""
    return tuple(
        (
            column.name,
            column.info["path"],
            "flag" if column.name in {"gift", "test"} else str(column.info["as"]),
        )
        for column in table.columns
        if "path" in column.info
    )


@cache
def _has_currency_of_its_own(table: Table) -> bool:
    return "currency" in table.c and "path" not in table.c.currency.info


@cache
def _key_columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _plain(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the canonical JSON of a row."""
    plain: dict[str, Any] = {
        name: {} for name in _INSIDE if any(_leads_into(column, name) for column in table.columns)
    }
    for column in table.columns:
        value = row[column.name]
        if "path" not in column.info or (value is None and column.name != "value"):
            continue
        if column.info["as"] == "money":
            value = {"amount": value, "currency": row["currency"]}
        *names, last = column.info["path"]
        inner = plain
        for name in names:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return plain


def _leads_into(column: Any, name: str) -> bool:
    path = column.info.get("path", ())
    return len(path) > 1 and path[0] == name
