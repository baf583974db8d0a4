"""How a source is: live, quiet or failing, with the reason in a sentence. Pure.

*Failing* is what somebody has to look at: its breaker is open, what it sends is not proven, much of it cannot enter, it
is not worked on, or it says that it sent more than came. *Quiet* is a source that sends far less than it does as a
rule. The rule is its own: the mean hour of the seven days before this hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ordertrail.intake.breaker import Circuit
from ordertrail.intake.ports import Figures, Received
from ordertrail.intake.states import MessageState
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.money import format_money
from ordertrail.kernel.numbers import count

_HOUR = timedelta(hours=1)
_WEEK_HOURS = 168


class Standing(StrEnum):
    """How a source is."""

    LIVE = "live"
    QUIET = "quiet"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a source is not well."""

    lag: timedelta = timedelta(minutes=15)
    """The oldest delivery that is not worked on."""
    errors: float = 0.2
    """The share of the last hour's messages that could not enter."""
    least: int = 5
    """Fewer messages or refusals say nothing."""
    silence: int = 3
    """Usual deliveries missed in a row, where there are some in each hour as a rule."""
    longest: timedelta = timedelta(hours=24)
    """Silence of a source that sends seldom."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a source is, and the figures that say so. ``usual`` and ``rate`` are deliveries in an hour."""

    source: str
    standing: Standing
    reason: str
    figures: Figures
    rate: int
    usual: float
    error_rate: float
    """Of the last hour's messages: held or dead."""
    lag_seconds: int


def health_of(source: str, figures: Figures, now: datetime, limits: Limits | None = None) -> Health:
    """Return how a source is."""
    limits = limits or Limits()
    usual, errors, lag = _usual(figures, now), _error_rate(figures), _lag(figures, now)
    failing = next(_failing(figures, errors, lag, limits), None)
    quiet = _quiet(figures, usual, now, limits) if failing is None else None
    if failing is not None:
        standing, reason = Standing.FAILING, failing
    elif quiet is not None:
        standing, reason = Standing.QUIET, quiet
    else:
        standing = Standing.LIVE
        reason = f"{count(figures.hour, 'delivery', 'deliveries')} in the last hour, {usual:.1f} as a rule."
    return Health(source, standing, reason, figures, figures.hour, usual, errors, int(lag.total_seconds()))


def _failing(figures: Figures, errors: float, lag: timedelta, limits: Limits) -> Iterator[str]:
    if figures.breaker.circuit is not Circuit.CLOSED:
        yield f"Its deliveries rest until {figures.breaker.until}: {figures.breaker.reason}."
    if figures.unasked is not None:
        yield figures.unasked
    if figures.refused >= limits.least and figures.refused * 2 >= figures.hour:
        yield f"{count(figures.refused, 'delivery', 'deliveries')} of the last hour did not prove to come from it."
    if sum(figures.states.values()) >= limits.least and errors >= limits.errors:
        yield f"{errors:.0%} of the last hour's messages could not enter."
    if lag >= limits.lag:
        yield f"Its oldest delivery has waited for {int(lag.total_seconds() // 60)} minutes."
    for one in figures.declared:
        difference = missing(one)
        if difference is not None:
            yield difference


def missing(received: Received) -> str | None:
    """Say what a source sent, by its own word, and we do not have; None where nothing is missing."""
    said, time = received.declared, f"{received.declared.begin[:10]} to {received.declared.end[:10]}"
    if received.orders != said.orders:
        return f"It says that it sent {count(said.orders, 'order')} of {time}; {received.orders:,} are here."
    if said.total is not None and received.total is not None and received.total != said.total:
        ours, theirs = format_money(received.total), format_money(said.total)
        return f"It says that the orders of {time} come to {theirs}; those that are here come to {ours}."
    return None


def _quiet(figures: Figures, usual: float, now: datetime, limits: Limits) -> str | None:
    if figures.last_received is None:
        return "Nothing has come from it yet."
    silence = now - parse_time(figures.last_received)
    expected = usual * (silence / _HOUR)
    if usual > 0 and expected >= limits.silence and silence >= _HOUR:
        return f"Nothing came for {_told(silence)}; {expected:.0f} deliveries would be usual."
    if silence >= limits.longest:
        return f"Nothing came for {_told(silence)}."
    return None


def _usual(figures: Figures, now: datetime) -> float:
    """Return the mean of deliveries in an hour, over as much of the week before this hour as the source is known."""
    if figures.first_received is None:
        return 0.0
    hours = (now - _HOUR - parse_time(figures.first_received)) / _HOUR
    return figures.week / min(max(hours, 1.0), _WEEK_HOURS)


def _error_rate(figures: Figures) -> float:
    whole = sum(figures.states.values())
    bad = figures.states.get(MessageState.DEAD, 0) + figures.states.get(MessageState.HELD, 0)
    return bad / whole if whole else 0.0


def _lag(figures: Figures, now: datetime) -> timedelta:
    return max(now - parse_time(figures.oldest), timedelta(0)) if figures.oldest is not None else timedelta(0)


def _told(time: timedelta) -> str:
    hours = time / _HOUR
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours" if hours >= 2 else "an hour"


def told_of_health(one: Health) -> dict[str, Any]:
    """Return how a source is, as JSON tells it: over HTTP and on the command line alike."""
    figures = one.figures
    return {
        "source": one.source,
        "standing": str(one.standing),
        "reason": one.reason,
        "last_received": figures.last_received,
        "last_success": figures.last_success,
        "rate_per_hour": one.rate,
        "usual_per_hour": round(one.usual, 2),
        "error_rate": round(one.error_rate, 4),
        "lag_seconds": one.lag_seconds,
        "backlog": figures.backlog,
        "duplicates": figures.duplicates,
        "refused": figures.refused,
        "open_letters": figures.open_letters,
        "parked": figures.parked,
        "circuit": str(figures.breaker.circuit),
    }
