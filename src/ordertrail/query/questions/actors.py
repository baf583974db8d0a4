"""Who is this: what an actor does, when, with how much money, from where, and with whom."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Counted, Counts, MoneyMoved
from ordertrail.query.projection import MICRO
from ordertrail.query.span import Span
from ordertrail.query.tables import HOUR

_LOOKED = 5_000
_SHOWN = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Profile:
    """An actor in a time. Counts of values are over the newest :data:`_LOOKED` events.

    ``hours`` has seven rows, Monday first, of 24 counts by the clock of the zone asked for; ``money`` is by day of UTC,
    action and currency; ``peers`` are who else worked on the orders that the actor works on most.
    """

    actor: str
    events: int
    attempts: int
    actions: tuple[Counted, ...]
    hours: tuple[tuple[int, ...], ...]
    money: tuple[MoneyMoved, ...]
    sessions: tuple[Counted, ...]
    addresses: tuple[Counted, ...]
    orders: tuple[Counted, ...]
    peers: tuple[Counted, ...]


def actor_profile(counts: Counts, actor: str, span: Span, within: Filter | None = None) -> Profile:
    """Describe an actor in a span, which is widened to whole days of UTC.

    ``within`` may have terms of tenants, no others.
    """
    last = span.end + timedelta(days=1) - timedelta(microseconds=1)
    days = Span(_midnight(span.start), _midnight(last), span.zone).term()
    theirs = (within or Filter()).with_(Is("actor", (actor,), exact=True), days)
    by_day = counts.days(theirs, ("action", "outcome"))
    actions: Counter[str] = Counter()
    attempts = 0
    for one in by_day:
        action, outcome = one.key
        actions[action] += one.events
        attempts += one.events if outcome != "success" else 0
    newest = counts.tally(theirs, ("session", "ip", "order"), _SHOWN, _LOOKED)
    orders = tuple(one.value for one in newest["order"].values if one.value is not None)
    others: tuple[Counted, ...] = ()
    if orders:
        on_them = (within or Filter()).with_(Is("order", orders, exact=True), days)
        told = counts.tally(on_them, ("actor",), _SHOWN, _LOOKED)["actor"].values
        others = tuple(one for one in told if one.value != actor)
    return Profile(
        actor,
        actions.total(),
        attempts,
        tuple(Counted(*item) for item in actions.most_common()),
        _week(counts, theirs, span.zone),
        tuple(counts.money(theirs)),
        _some(newest["session"].values),
        _some(newest["ip"].values),
        _some(newest["order"].values),
        others,
    )


def _some(values: tuple[Counted, ...]) -> tuple[Counted, ...]:
    return tuple(one for one in values if one.value is not None)


def _week(counts: Counts, filter_: Filter, zone: ZoneInfo) -> tuple[tuple[int, ...], ...]:
    """Count by the hours of a week in a zone; an hour of UTC counts where it begins."""
    week = [[0] * 24 for _ in range(7)]
    for begin, events in counts.steps(filter_, HOUR).items():
        here = (_EPOCH + timedelta(seconds=begin // MICRO)).astimezone(zone)
        week[here.weekday()][here.hour] += events
    return tuple(map(tuple, week))


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
