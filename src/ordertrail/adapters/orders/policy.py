"""The capture policy of the order tables: intake's own writes are audited by the same means as anyone's.

Hand :func:`order_policy` to :meth:`ordertrail.capture.Policy.from_dict`, and that with the engine that
:class:`.store.SqlOrders` uses to :func:`ordertrail.capture.sqlalchemy.capture`.

Capture tells forwards from backwards by one sequence of states, and a lifecycle is no sequence: an order that was being
changed goes on where it was. :func:`sequence_of` finds one in which every reversion goes backwards, so that none is
told as a mere change; the few transitions that are none and go backwards too are told as reversions.
"""

from typing import Any

from sqlalchemy import Table

from ordertrail.adapters.orders.tables import metadata
from ordertrail.orders.lifecycle import FULFILMENT, ORDER, PAYMENT, RETURN
from ordertrail.orders.machine import Machine, Need

PERSONAL: dict[str, tuple[str, ...]] = {
    "orders": ("notes",),
    "order_parties": (
        "name",
        "given_name",
        "family_name",
        "organisation",
        "email",
        "phone",
        "tax_numbers",
        "address",
    ),
    "order_fulfilments": ("origin", "destination", "sightings"),
    "order_extensions": ("value",),
}
"""Columns that may hold personal data, by table. What a channel has beside the model is taken to be personal."""

_IGNORED = {"version", "person"}
"""``version`` changes with every put; ``person`` is in what is sealed."""

_KINDS = {
    "orders": "order",
    "order_lines": "order_line",
    "order_payments": "payment",
    "order_transactions": "payment_transaction",
    "order_fulfilments": "fulfilment",
    "order_returns": "return",
}
_MACHINES: dict[str, Machine[Any]] = {
    "orders": ORDER,
    "order_payments": PAYMENT,
    "order_fulfilments": FULFILMENT,
    "order_returns": RETURN,
}
_PRICE = "order.price.change"
_QUANTITY = "order.quantity.change"
_ACTIONS: dict[str, dict[str, str]] = {
    "orders": {
        "insert": "order.create",
        "delete": "order.delete",
        "currency": "order.currency.change",
        **dict.fromkeys(("tax_included", "rounding", "discounts", "charges", "taxes"), _PRICE),
        **dict.fromkeys(("incoterm", "requested_delivery", "priority", "type"), "order.terms.change"),
    },
    "order_totals": dict.fromkeys(("grand_total", "lines", "discount", "shipping", "tax"), _PRICE),
    "order_lines": {
        "insert": "order.line.add",
        "update": "order.line.update",
        "delete": "order.line.delete",
        **dict.fromkeys(
            ("unit_price", "unit_price_per", "list_price", "amount", "discounts", "charges"), _PRICE
        ),
        **dict.fromkeys(("ordered", "accepted", "cancelled", "unit"), _QUANTITY),
    },
    "order_shipping": {"insert": _PRICE, "delete": _PRICE, "amount": _PRICE, "discounts": _PRICE},
    "order_fulfilments": {"insert": "shipment.create", "update": "shipment.update"},
    "order_returns": {"insert": "return.create"},
}


def order_policy(*, sealed: bool = True) -> dict[str, Any]:
    """Return the policy as a dictionary.

    ``sealed``: personal columns are sealed under their person's key, and capture wants a sealer. Otherwise it is
    recorded that they changed, and not to what.
    """
    return {"tables": {table.name: _rule(table, sealed=sealed) for table in metadata.sorted_tables}}


def _rule(table: Table, *, sealed: bool) -> dict[str, Any]:
    name = table.name
    rule: dict[str, Any] = {
        "order": "id" if name == "orders" else "order_id",
        "kind": _KINDS.get(name, name.removesuffix("s").replace("partie", "party")),
        "ignore": [column.name for column in table.columns if column.name in _IGNORED],
    }
    if name == "orders":
        rule["tenant"] = "tenant"
    money = [column.name for column in table.columns if column.info.get("as") == "money"]
    if money:
        rule["money"] = {column: {"column": "currency", "minor": True} for column in money}
    if name in PERSONAL:
        personal = PERSONAL[name]
        if sealed:
            rule["personal"] = dict.fromkeys(personal, "person")
        else:
            rule["redact"] = list(personal)
    if name in _ACTIONS:
        rule["actions"] = _ACTIONS[name]
    if name in _MACHINES:
        rule["status"] = {"column": "status", "order": sequence_of(_MACHINES[name])}
    return rule


def sequence_of(machine: Machine[Any]) -> list[str]:
    """Return a machine's states such that every reversion goes backwards, and all else forwards where that can be."""
    after: dict[str, set[str]] = {str(state): set() for state in machine.states}
    reversions = [(str(one.after), str(one.before)) for one in machine if one.need is Need.REVERSION]
    forwards = [(str(one.before), str(one.after)) for one in machine if one.need is not Need.REVERSION]
    for first, second in (*reversions, *forwards):
        if not _leads(after, second, first):
            after[first].add(second)
    return sorted(after, key=lambda state: (-len(_all_after(after, state)), state))


def _leads(after: dict[str, set[str]], first: str, second: str) -> bool:
    return first == second or second in _all_after(after, first)


def _all_after(after: dict[str, set[str]], state: str) -> set[str]:
    found: set[str] = set()
    waiting = [state]
    while waiting:
        for one in after[waiting.pop()] - found:
            found.add(one)
            waiting.append(one)
    return found
