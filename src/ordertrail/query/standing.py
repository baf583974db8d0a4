"""Where an order stands: its status, its value and a few counts, as the events of it tell.

An order's own events tell its status by a change of ``/status``, or by what was done (an order that is cancelled is
``cancelled``), and its value by a change of one of the places of :data:`VALUE_PATHS`. What was refused, failed or was
undone tells nothing but that it was tried. Of two that tell, the one counts that was recorded later: the sequence in
which several logs are read makes no difference.
"""

from ordertrail.query.projection import Indexed, IndexedChange, OrderStanding

STATUS_PATHS = frozenset({"/status", "/state", "/order_status"})
VALUE_PATHS = frozenset(
    {"/total", "/grand_total", "/totals/grand_total", "/order_total", "/total_price", "/value"}
)
_THINGS = frozenset({"order", "orders", "order_total", "order_totals", "totals"})
"""Kinds of subjects whose changes are of the order as a whole."""

_STATUS_BY_ACTION = {
    "order.submit": "submitted",
    "order.approve": "approved",
    "order.reject": "rejected",
    "order.confirm": "confirmed",
    "order.cancel": "cancelled",
    "order.hold": "on_hold",
    "order.complete": "completed",
    "order.delete": "deleted",
}


def advance(known: OrderStanding | None, event: Indexed) -> OrderStanding | None:
    """Return where an order stands after one more event of it; None for an event of no order."""
    if event.order is None:
        return known
    attempt = event.outcome != "success"
    status, value = (None, None) if attempt else _told(event)
    changed = event.time if event.changes and not attempt else None
    if known is None:
        return OrderStanding(
            event.order,
            event.tenant or "",
            status,
            value.after_number if value is not None else None,
            value.unit if value is not None else None,
            event.recorded if status is not None else 0,
            event.recorded if value is not None else 0,
            changed,
            event.time,
            event.time,
            1,
            int(attempt),
            int(event.sensitive),
        )
    states = status is not None and event.recorded >= known.stated
    values = value if value is not None and event.recorded >= known.valued else None
    return OrderStanding(
        known.order,
        known.tenant,
        status if states else known.status,
        values.after_number if values is not None else known.amount,
        values.unit if values is not None else known.currency,
        event.recorded if states else known.stated,
        event.recorded if values is not None else known.valued,
        max(known.changed or changed or 0, changed or known.changed or 0) or None,
        min(known.first, event.time),
        max(known.last, event.time),
        known.events + 1,
        known.attempts + attempt,
        known.sensitive + event.sensitive,
    )


def _told(event: Indexed) -> tuple[str | None, IndexedChange | None]:
    """Return the status and the change of the value that an event tells."""
    if event.subject_kind not in _THINGS:
        return None, None
    status = _STATUS_BY_ACTION.get(event.action)
    value = None
    for change in event.changes:
        if change.path in STATUS_PATHS and event.subject_kind in {"order", "orders"}:
            status = change.after if change.after is not None else status
        elif change.path in VALUE_PATHS and change.unit and change.after_number is not None:
            value = change
    return status, value
