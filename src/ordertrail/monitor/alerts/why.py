"""Why an alert was raised: the rule's own words with the live numbers, and what it names."""

from datetime import UTC, datetime, timedelta

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.money import Money, format_money
from ordertrail.kernel.numbers import count
from ordertrail.monitor.alerts.alert import Alert

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def why(alert: Alert) -> str:
    """Return why an alert was raised, in English; the events themselves are its evidence."""
    told = f"{count(len(alert.evidence), 'event')}{' and more' if alert.more else ''}"
    parts = [f"The rule looks for {alert.asked}.", f"It found {told}{_measured(alert)}, {_when(alert)}."]
    if alert.doers or alert.people:
        parts.append(f"By {_some(alert.doers or alert.people)}.")
    if alert.orders:
        parts.append(f"About {'order' if len(alert.orders) == 1 else 'orders'} {_some(alert.orders)}.")
    if alert.money:
        sums = " and ".join(format_money(Money(amount, currency)) for currency, amount in alert.money)
        parts.append(f"Money moved: {sums}.")
    return " ".join(parts)


def happened(microseconds: int) -> str:
    """Return microseconds since 1970 as a time."""
    return format_time(_EPOCH + timedelta(microseconds=microseconds))


def _measured(alert: Alert) -> str:
    return f" (measured: {alert.measure:,})" if alert.measure not in {1, len(alert.evidence)} else ""


def _when(alert: Alert) -> str:
    first, last = happened(alert.first), happened(alert.last)
    return f"at {first}" if first == last else f"from {first} to {last}"


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
