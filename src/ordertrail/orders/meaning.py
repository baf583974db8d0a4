"""Which action of the catalogue each change of an order is, and of which thing: what an auditor is told.

One state of an order seldom differs from the next in one way only. :func:`acts_between` tells the difference apart into
acts, each with its action, its subject and its changes: every change is in exactly one act.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from ordertrail.orders.diff import SEQUENCE, changes_between, split_pointer
from ordertrail.orders.lifecycle import FULFILMENT, ORDER, PAYMENT, RETURN
from ordertrail.orders.machine import Machine, Need
from ordertrail.orders.model import Order
from ordertrail.record.event import Change, Event, Subject


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done, or that a source tells was done."""

    meaning: str
    """In a word: ``price``, ``quantity``, ``status``, ``status.revert``, ``address``, ``line.add``, ..."""
    action: str
    """The word of the catalogue."""
    kind: str
    """The subject's: ``order``, ``order_line``, ``payment``, ``fulfilment``, ``return``."""
    id: str
    """The subject's: the order's id, and after a slash the part's."""
    changes: tuple[Change, ...]

    def subject(self, order: Order) -> Subject:
        """Return the subject of the event of this act."""
        return Subject(self.kind, self.id, order.id, order.tenant)

    def fits(self, event: Event) -> bool:
        """Say whether an event tells of this act."""
        return (event.action, event.subject.kind, event.subject.id) == (self.action, self.kind, self.id)


_PRICE = ("price", "order.price.change")
_ADDRESS = ("address", "order.update")
_TERMS = ("terms", "order.terms.change")
_OTHER = ("other", "order.update")

_ORDER_FIELDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            "discounts",
            "charges",
            "shipping",
            "taxes",
            "totals",
            "original_totals",
            "presentment_totals",
            "rounding",
        ),
        _PRICE,
    ),
    "tax_included": _PRICE,
    "currency": ("currency", "order.currency.change"),
    **dict.fromkeys(("bill_to", "ship_to", "deliver_to"), _ADDRESS),
    **dict.fromkeys(("buyer", "seller"), ("party", "order.update")),
    **dict.fromkeys(("incoterm", "requested_delivery", "priority", "type"), _TERMS),
    "held_from": ("status", "order.status.change"),
}
_LINE_FIELDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("unit_price", "list_price", "discounts", "charges", "taxes", "amount"), _PRICE),
    **dict.fromkeys(("quantities", "unit"), ("quantity", "order.quantity.change")),
    "requested_delivery": _TERMS,
}
_PARTS: Mapping[str, tuple[str, str, Machine[Any] | None, str, str]] = {
    "payments": ("payment", "payment", PAYMENT, "order.update", "order.update"),
    "fulfilments": ("fulfilment", "fulfilment", FULFILMENT, "shipment.create", "shipment.update"),
    "returns": ("return", "return", RETURN, "return.create", "order.update"),
}
"""By the list: meaning, subject's kind, lifecycle, and the action of one that is new and of one that is changed."""


def acts_between(old: Order, new: Order) -> tuple[Act, ...]:
    """Return what was done to make the new order of the old one; nothing where they are equal."""
    return tuple(acts_of(new.id, changes_between(old, new)))


def acts_of(order: str, changes: Iterable[Change]) -> Iterator[Act]:
    """Yield the acts that changes of an order are, in the sequence of their first changes."""
    grouped: dict[tuple[str, str, str, str], list[Change]] = {}
    for change in changes:
        grouped.setdefault(_meaning(order, change), []).append(change)
    for (meaning, action, kind, name), told in grouped.items():
        yield Act(meaning, action, kind, name, tuple(told))


def _meaning(order: str, change: Change) -> tuple[str, str, str, str]:
    """Return meaning, action, and the subject's kind and id of one change."""
    first, *rest = split_pointer(change.path)
    if first == "status":
        return (*_status(change, ORDER), "order", order)
    if first == "lines" and rest and rest[0] != SEQUENCE:
        return (*_of_line(change, rest), "order_line", f"{order}/{rest[0]}")
    if first in _PARTS and rest and rest[0] != SEQUENCE:
        meaning, kind, machine, made, changed = _PARTS[first]
        name = f"{order}/{rest[0]}"
        if rest[1:] == ["status"] and machine is not None:
            return (*_status(change, machine), kind, name)
        if len(rest) == 1:
            return (
                f"{meaning}.{_came_or_went(change)}",
                changed if change.after is UNSET else made,
                kind,
                name,
            )
        return (meaning, changed, kind, name)
    return (*_ORDER_FIELDS.get(first, _OTHER), "order", order)


def _of_line(change: Change, rest: list[str]) -> tuple[str, str]:
    if len(rest) == 1:
        which = _came_or_went(change)
        return f"line.{which}", {"add": "order.line.add", "delete": "order.line.delete"}[which]
    return _LINE_FIELDS.get(rest[1], ("line", "order.line.update"))


def _came_or_went(change: Change) -> str:
    return "delete" if change.after is UNSET else "add"


def _status(change: Change, machine: Machine[Any]) -> tuple[str, str]:
    """Return what a change of status is by its lifecycle; one that is not in the table is told as a mere change."""
    states = {str(state): state for state in machine.states}
    found = machine.table.get((states.get(str(change.before)), states.get(str(change.after))))
    if found is None:
        return "status", "order.status.change"
    return ("status.revert" if found.need is Need.REVERSION else "status"), found.action
