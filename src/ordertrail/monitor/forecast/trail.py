"""What learning sees of a trail's event: words and numbers, and of people no more than their roles.

Left out on purpose: who a person is, from which address, on whose behalf; free text; and everything that is sealed,
which no index holds. Services are named, because what they do is no person's behaviour. That somebody reads or
searches for an order is left out as well: it may be because the order has gone wrong.
"""

from datetime import UTC, datetime
from math import log10

from ordertrail.monitor.forecast.prefixes import HOUR, Step
from ordertrail.query.projection import Indexed, IndexedChange

_UNSEEN = (
    "order.read", "evidence.", "identity.", "integrity.", "case.", "bundle.", "hold.", "retention.",
    "alert.", "notify.", "suggestion.", "policy.", "model.", "rule.",
)  # fmt: skip
"""Beginnings of actions that look at an order or answer what was found of it: a forecast must not feed on itself."""

_TOLD = frozenset({"status", "state"})
_LARGE = 0.1
_DAY = 24 * HOUR


def is_seen(event: Indexed) -> bool:
    """Say whether an event is of an order, and one that learning sees."""
    return event.order is not None and not event.action.startswith(_UNSEEN)


def observe(event: Indexed) -> Step:
    """Return what learning sees of an event."""
    words = [
        f"action={event.action}",
        f"actor={event.actor_kind if event.actor_kind == 'person' else event.actor}",
    ]
    if event.outcome != "success":
        words.append(f"outcome={event.outcome}")
    words += [f"{mark.kind}={mark.value}" for mark in event.marks if mark.kind in {"role", "system", "tag"}]
    numbers = [("hour", event.time % _DAY / HOUR), ("weekday", float(_weekday(event.time)))]
    for change in event.changes:
        words.append(f"field={change.field}")
        if change.field in _TOLD and change.after is not None:
            words.append(f"{change.field}={change.after[:40]}")
        numbers += _measured(change)
    levels = tuple((name, value) for name, value in numbers if name in {"amount", "hour", "weekday"})
    return Step(event.id, event.time, tuple(words), tuple(numbers), _first(event), levels)


def _first(event: Indexed) -> tuple[str, ...]:
    told = (("channel", event.channel), ("source", event.source), ("actor", event.actor_kind))
    return tuple(f"{name}={value}" for name, value in told if value is not None)


def _measured(change: IndexedChange) -> list[tuple[str, float]]:
    """Return the numbers of a change: how large an amount is (its logarithm), and by how much it moved (a share)."""
    found = []
    if change.unit and change.after_number is not None:
        found.append(("amount", log10(1 + abs(change.after_number))))
    if change.ratio is not None:
        moved = change.ratio / 10_000
        if abs(moved) >= _LARGE:
            found.append(("lowered" if moved < 0 else "raised", abs(moved)))
    return found


def _weekday(time: int) -> int:
    return datetime.fromtimestamp(time / 1_000_000, UTC).weekday()
