"""What became of an order: two states of it as a list of changes, and back.

Lists of things that have names (lines, payments, extensions, ...) are compared by name and not by place, so that a line
put in front is one line added and not every line changed. A change's path is a JSON pointer (RFC 6901) into the order's
**keyed view**: its canonical JSON, in which each such list is an object with its members' names as keys::

    /lines/2/unit_price          before {"amount": 12000, ...}   after {"amount": 7200, ...}
    /lines/3                     after {...}                     the line was added
    /ship_to/address/city        before "Kyiv"                   after "Lviv"
    /extensions/shopify~1tags/value  before ["a"]                after ["b"]
    /lines/                      before ["1", "2"]               after ["2", "1"]

The last is the sequence: the member with the empty name, which no thing can have. It is told only where it is not what
leaving out and putting at the end would make of it.

What has no name of its own (a tax, a discount, an amount of money, a list of texts) is a value as a whole. Absent is
not null: a change without ``before`` put something where nothing was.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from ordertrail.kernel.errors import InputError
from ordertrail.orders.format import format_order, order_of
from ordertrail.orders.model import Order
from ordertrail.record.encoding import encode
from ordertrail.record.event import Change

SEQUENCE = ""
"""The name of the member that is the sequence of a list's names."""

_NAMED: Mapping[tuple[str, ...], str] = {
    ("lines",): "id",
    ("shipping",): "id",
    ("payments",): "id",
    ("payments", "*", "transactions"): "id",
    ("fulfilments",): "id",
    ("returns",): "id",
    ("extensions",): "name",
}
"""The lists whose members have names, by their place; and by what they are named."""

_WHOLE = frozenset({"amount", "unit_price", "list_price", "value", "taxable", "refund"})
"""Objects that are values as a whole: money and prices, and what an extension holds."""

_MONEY = frozenset({"amount", "currency"})


def keyed(order: Order) -> dict[str, Any]:
    """Return an order's keyed view."""
    view: dict[str, Any] = _keyed(msgspec.json.decode(encode(order)), ())
    return view


def changes_between(old: Order, new: Order) -> tuple[Change, ...]:
    """Return what makes the new order of the old one, in the sequence of paths; nothing where they are equal."""
    return tuple(_changes(keyed(old), keyed(new), "", ()))


def changes_of_new(order: Order) -> tuple[Change, ...]:
    """Return the changes that an order's creation is: one for each member of its canonical JSON."""
    return tuple(Change(_join("", name), after=value) for name, value in sorted(keyed(order).items()))


def apply_changes(order: Order, changes: Iterable[Change]) -> Order:
    """Return the order that changes make of this one: ``apply_changes(old, changes_between(old, new)) == new``.

    Raises InputError where a change does not say what is there before it, and where no order comes of it.
    """
    view = keyed(order)
    sequences: dict[tuple[str, ...], list[str]] = {}
    for change in changes:
        _apply(view, change, sequences)
    made = order_of(encode(_unkeyed(view, (), sequences)))
    format_order(made)
    return made


def _keyed(value: Any, place: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _keyed(one, (*place, name)) for name, one in value.items()}
    named = _NAMED.get(place)
    if named is None or not isinstance(value, list):
        return value
    view: dict[str, Any] = {}
    for one in value:
        name = one["source"] + one["pointer"] if named == "name" else one[named]
        view[name] = _keyed(one, (*place, "*"))
    return view


def _unkeyed(
    view: Any, place: tuple[str, ...], sequences: Mapping[tuple[str, ...], list[str]], *path: str
) -> Any:
    if place in _NAMED and isinstance(view, dict):
        names = sequences.get(path) or list(view)
        if sorted(names) != sorted(view):
            raise InputError(
                f"the sequence at /{'/'.join(path)}/ does not name what is there; nothing was changed"
            )
        return [_unkeyed(view[name], (*place, "*"), sequences, *path, name) for name in names]
    if isinstance(view, dict):
        return {name: _unkeyed(one, (*place, name), sequences, *path, name) for name, one in view.items()}
    return view


def _is_whole(before: Any, after: Any, place: tuple[str, ...]) -> bool:
    """Say whether a difference between two values is told of them as a whole."""
    if not isinstance(before, dict) or not isinstance(after, dict) or _MONEY in (before.keys(), after.keys()):
        return True
    return bool(place) and place[-1] in _WHOLE


def _changes(before: Any, after: Any, path: str, place: tuple[str, ...]) -> Iterator[Change]:
    if _is_whole(before, after, place):
        if encode([before]) != encode([after]):
            yield Change(path, before, after)
        return
    named = place in _NAMED
    for name in sorted(before.keys() | after.keys()):
        inner = (*place, "*" if named else name)
        if inner in _NAMED:
            # A list that is absent is an empty one: its first member is one member added.
            yield from _changes(before.get(name, {}), after.get(name, {}), _join(path, name), inner)
        elif name not in after:
            yield Change(_join(path, name), before=before[name])
        elif name not in before:
            yield Change(_join(path, name), after=after[name])
        else:
            yield from _changes(before[name], after[name], _join(path, name), inner)
    if named:
        expected = [name for name in before if name in after] + [
            name for name in sorted(after) if name not in before
        ]
        if expected != list(after):
            yield Change(_join(path, SEQUENCE), before=list(before), after=list(after))


def _join(path: str, name: str) -> str:
    return f"{path}/{name.replace('~', '~0').replace('/', '~1')}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def split_pointer(path: str) -> tuple[str, ...]:
    """Return the names that a JSON pointer is made of."""
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in path.split("/")[1:])


def _apply(view: dict[str, Any], change: Change, sequences: dict[tuple[str, ...], list[str]]) -> None:
    *names, last = split_pointer(change.path)
    if last == SEQUENCE and names:
        sequences[tuple(names)] = [str(name) for name in _listed(change.after)]
        return
    inner: Any = view
    place: tuple[str, ...] = ()
    for name in names:
        place = (*place, "*" if place in _NAMED else name)
        if place in _NAMED and isinstance(inner, dict):
            inner = inner.setdefault(name, {})
        else:
            inner = inner.get(name) if isinstance(inner, dict) else None
    there = inner.get(last, UNSET) if isinstance(inner, dict) else UNSET
    same = (
        there is UNSET
        if change.before is UNSET
        else (there is not UNSET and encode([there]) == encode([change.before]))
    )
    if not isinstance(inner, dict) or not same:
        raise InputError(
            f"{change.path} is not what the change says that it was before",
            meaning="The changes were made of another state of the order; nothing was changed.",
            remedy="Apply them to the order that they were made of.",
        )
    if change.after is UNSET:
        del inner[last]
    else:
        inner[last] = change.after
