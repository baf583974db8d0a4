"""The path that an order takes as a rule, against the one that it took: its stages, and how long each lasted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ordertrail.record.event import Event
from ordertrail.web.pages.reading import Moment, Reading, duration

_STAGES: Final = (
    ("placed", ("order.create",)),
    ("paid", ("payment.authorize", "payment.capture")),
    ("approved", ("order.approve",)),
    ("confirmed", ("order.confirm",)),
    ("dispatched", ("shipment.dispatch", "shipment.create")),
    ("delivered", ("shipment.deliver",)),
    ("completed", ("order.complete",)),
)
_OPTIONAL: Final = frozenset({"approved"})
_AFTER: Final = (
    ("cancelled", ("order.cancel",)),
    ("refunded", ("payment.refund",)),
    ("returned", ("return.receive", "return.create")),
    ("reverted", ("order.status.revert",)),
)
"""What is on no order's usual path."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """A stage: when it was reached (None where not), how long after the one before, and whether it is unusual."""

    name: str
    at: Moment | None
    took: str
    off: bool


def path_of(events: Sequence[Event], reading: Reading) -> tuple[PathStep, ...]:
    """Return the stages that an order has passed, those that it has not, and what befell it beside."""
    done = [event for event in events if event.outcome == "success"]
    reached = {name: _first(done, actions) for name, actions in (*_STAGES, *_AFTER)}
    ended = any(reached[name] is not None for name, _ in _AFTER)
    last = max((n for n, (name, _) in enumerate(_STAGES) if reached[name] is not None), default=-1)
    steps: list[tuple[str, datetime | None, bool]] = []
    for place, (name, _) in enumerate(_STAGES):
        at = reached[name]
        if at is not None:
            steps.append((name, at, False))
        elif name not in _OPTIONAL and (place < last or not ended):
            steps.append((name, None, place < last))
    steps += [(name, at, True) for name, _ in _AFTER if (at := reached[name]) is not None]
    steps.sort(key=lambda one: (one[1] is None, one[1] or datetime.max.replace(tzinfo=reading.now.tzinfo)))
    shown = []
    before: datetime | None = None
    for name, at, off in steps:
        took = duration(at - before) if at is not None and before is not None else ""
        shown.append(PathStep(name, None if at is None else reading.moment(at), took, off))
        before = at or before
    return tuple(shown)


def _first(events: Sequence[Event], actions: tuple[str, ...]) -> datetime | None:
    return next((event.moment for event in events if event.action in actions), None)
