"""Statements that are asked of the index and of segments alike: one text, compiled for each of their databases.

Rollups of what is in no rollup yet are made by the same statements that made the rollups, so that both add up. A
``where`` is a condition on events; ``tail`` names a further table with the columns of the statement it is added to.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    and_,
    case,
    column,
    distinct,
    func,
    select,
    table,
    union_all,
)

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Burst, MovedAfter, Ranked, Rows, Statement
from ordertrail.query.rolled import BY_DAY, asks_for_times, floor, only_sensitive, over, rolled
from ordertrail.query.tables import (
    DAY,
    HOUR,
    Dialect,
    changes,
    day_counts,
    day_money,
    events,
    sensitive_hours,
)

DAY_ROW = ("day", "actor", "action", "outcome", "tenant", "sensitive", "events")
HOUR_ROW = ("hour", "actor", "action", "outcome", "tenant", "sensitive", "events")
MONEY_ROW = ("day", "actor", "action", "tenant", "currency", "events", "raised", "lowered")
"""Columns of the rollups, as :func:`day_rows`, :func:`hour_rows` and :func:`money_rows` return them."""

_TENANT = func.coalesce(events.c.tenant, "")


def day_rows(where: ColumnElement[bool]) -> Statement:
    """Count events as ``day_count`` does."""
    return _counted(where, DAY)


def hour_rows(where: ColumnElement[bool]) -> Statement:
    """Count sensitive events as ``sensitive_hour`` does."""
    return _counted(and_(where, events.c.sensitive), HOUR)


def _counted(where: ColumnElement[bool], width: int) -> Statement:
    of = events.c
    keys = (floor(of.time, width), of.actor, of.action, of.outcome, _TENANT, of.sensitive)
    return select(*keys, func.count()).where(where).group_by(*keys)


def money_rows(where: ColumnElement[bool]) -> Statement:
    """Sum what successes changed money by, as ``day_money`` does: what nets to nothing in an event moved none."""
    moved = _moved(where)
    keys = (floor(events.c.time, DAY), events.c.actor, events.c.action, _TENANT, moved.c.unit)
    return (
        select(*keys, func.count(), *_up_and_down(moved.c.delta))
        .join(moved, moved.c.key == events.c.key)
        .where(where)
        .group_by(*keys)
    )


def _moved(where: ColumnElement[bool]) -> Any:
    """Sum the differences of money of each event and currency."""
    own = changes.alias("own")  # a filter may ask for changes of its own, which are others than these
    delta = func.sum(own.c.delta)
    inner = (
        select(own.c.key, own.c.unit, delta.label("delta"))
        .join(events, events.c.key == own.c.key)
        .where(where, events.c.outcome == "success")
        .where(own.c.unit.is_not(None), own.c.unit != "", own.c.delta.is_not(None))
        .group_by(own.c.key, own.c.unit)
    )
    return inner.having(delta != 0).subquery("moved")


def _up_and_down(delta: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.sum(case((delta > 0, delta), else_=0)), func.sum(case((delta < 0, -delta), else_=0))


def steps(filter_: Filter, dialect: Dialect, width: int) -> Statement:
    """Count the events that are meant by intervals of a width, from the events themselves."""
    start = floor(events.c.time, width)
    return select(start, func.count()).where(filter_.sql(dialect)).group_by(start)


def values(filter_: Filter, dialect: Dialect, name: str) -> Statement:
    """Count the values of a column of the events that are meant."""
    return select(events.c[name], func.count()).where(filter_.sql(dialect)).group_by(events.c[name])


def counts_by_day(filter_: Filter, columns: Sequence[str]) -> Statement:
    """Sum ``day_count`` by day and columns; the columns are day, those, events."""
    by = (day_counts.c.day, *(day_counts.c[name] for name in columns))
    return select(*by, func.sum(day_counts.c.events)).where(over(filter_, day_counts, by[0])).group_by(*by)


def money_by_day(filter_: Filter) -> Statement:
    """Sum ``day_money`` by day, actor, action and currency."""
    own = day_money.c
    by = (own.day, own.actor, own.action, own.currency)
    sums = (func.sum(own.events), func.sum(own.raised), func.sum(own.lowered))
    return select(*by, *sums).where(over(filter_, day_money, own.day)).group_by(*by)


def ranked(filter_: Filter, columns: Sequence[str], most: int, tail: str | None = None) -> Statement:
    """Return the values with the most events: the columns, events, and days of UTC on which there were any."""
    day = day_counts.c.day
    named = [day_counts.c[name].label(name) for name in columns]
    rows = select(day.label("day"), *named, day_counts.c.events.label("events")).where(
        over(filter_, day_counts, day)
    )
    told = _with_tail(rows, ("day", *columns, "events"), tail).subquery("told")
    by = [told.c[name] for name in columns]
    sums = func.sum(told.c.events)
    return (
        select(*by, sums, func.count(distinct(told.c.day)))
        .group_by(*by)
        .order_by(sums.desc(), *by)
        .limit(most)
    )


BURST = ("actor", "start", "events")


def burst_rows(filter_: Filter, dialect: Dialect, width: int) -> Statement:
    """Count the events that are meant by actor and interval; from a rollup where one has them."""
    if width % HOUR == 0 and only_sensitive(filter_) and rolled(filter_, BY_DAY, HOUR):
        start = floor(sensitive_hours.c.hour, width)
        actor = sensitive_hours.c.actor
        number: ColumnElement[Any] = func.sum(sensitive_hours.c.events)
        where = over(filter_, sensitive_hours, sensitive_hours.c.hour)
    else:
        start, actor, number = floor(events.c.time, width), events.c.actor, func.count(events.c.key)
        where = filter_.sql(dialect)
    by = (actor, start)
    return (
        select(actor.label("actor"), start.label("start"), number.label("events")).where(where).group_by(*by)
    )


def bursts(rows: Statement, least: int, most: int, tail: str | None = None) -> Statement:
    """Return who had ``least`` events or more in an interval: actor, bursts, events, the largest."""
    told = _with_tail(rows, BURST, tail).subquery("told")
    number = func.sum(told.c.events)
    each = (
        select(told.c.actor, told.c.start, number.label("events"))
        .group_by(told.c.actor, told.c.start)
        .having(number >= least)
        .subquery("each")
    )
    total = func.sum(each.c.events)
    return (
        select(each.c.actor, func.count(), total, func.max(each.c.events))
        .group_by(each.c.actor)
        .order_by(total.desc(), each.c.actor)
        .limit(most)
    )


order_moves = Table(
    "order_move",
    MetaData(),
    *(Column(name, BigInteger) for name in ("position", "time", "delta")),
    *(Column(name, Text) for name in ("order", "tenant", "actor", "action", "outcome", "currency")),
    Column("sensitive", Boolean),
)
"""What each success changed money by, netted; segments have it, and the index has not. The tenant is empty for none."""

order_firsts = Table(
    "order_first",
    MetaData(),
    Column("time", BigInteger),
    *(Column(name, Text) for name in ("action", "order", "tenant")),
)
"""When each action first succeeded on each order; segments have it, and the index has not. The tenant as above."""

_OF_FIRSTS = frozenset({"action", "order", "tenant"})
_OF_MOVES = frozenset({"actor", "action", "outcome", "order", "tenant", "sensitive"})

OCCASION = ("order", "tenant", "time")
MOVE = ("order", "tenant", "time", "actor", "currency", "delta")


def occasion_rows(first: Filter, dialect: Dialect) -> Statement:
    """Return when each order first had a success that is meant."""
    of = events.c
    where = and_(first.sql(dialect), of.order.is_not(None), of.outcome == "success")
    named = (of.order.label("order"), _TENANT.label("tenant"), func.min(of.time).label("time"))
    return select(*named).where(where).group_by(of.order, _TENANT)


def first_rows(where: ColumnElement[bool]) -> Statement:
    """Return the rows of :data:`order_firsts`, from events."""
    of = events.c
    by = (of.action, of.order, _TENANT)
    told = and_(where, of.order.is_not(None), of.outcome == "success")
    return select(*by, func.min(of.time)).where(told).group_by(*by)


def first_occasion_rows(first: Filter, dialect: Dialect) -> Statement:
    """Do as :func:`occasion_rows`, from :data:`order_firsts` where they have all that is asked for."""
    own = order_firsts.c
    if asks_for_times(first) or not rolled(first, _OF_FIRSTS):
        return occasion_rows(first, dialect)
    return select(own.order, own.tenant, own.time).where(over(first, order_firsts, own.time))


def move_rows(then: Filter, dialect: Dialect) -> Statement:
    """Return what each success that is meant changed money of an order by."""
    where = and_(then.sql(dialect), events.c.order.is_not(None))
    moved = _moved(where)
    of = events.c
    return select(
        of.order.label("order"),
        _TENANT.label("tenant"),
        of.time.label("time"),
        of.actor.label("actor"),
        moved.c.unit.label("currency"),
        moved.c.delta.label("delta"),
    ).join(moved, moved.c.key == of.key)


def netted_rows(where: ColumnElement[bool]) -> Statement:
    """Return the rows of :data:`order_moves`, from events and their changes."""
    moved, of = _moved(where), events.c
    columns = (of.order, _TENANT, of.time, of.position, of.action, of.outcome, of.actor, of.sensitive)
    return select(*columns, moved.c.unit, moved.c.delta).join(moved, moved.c.key == of.key)


def netted_move_rows(then: Filter, dialect: Dialect) -> Statement:
    """Do as :func:`move_rows`, from :data:`order_moves` where they have all that is asked for."""
    own = order_moves.c
    if not rolled(then, _OF_MOVES, width=1):
        return move_rows(then, dialect)
    where = and_(over(then, order_moves, own.time), own.order.is_not(None))
    return select(own.order, own.tenant, own.time, own.actor, own.currency, own.delta).where(where)


def moved_after(
    occasions: Statement, moves: Statement, most: int, tails: tuple[str, str] | None = None
) -> Statement:
    """Return who changed money of orders after an occasion: actor, currency, changes, orders, raised, lowered."""
    said, done = tails or (None, None)
    first = _with_tail(occasions, OCCASION, said).subquery("said")
    when = select(first.c.order, first.c.tenant, func.min(first.c.time).label("time"))
    since = when.group_by(first.c.order, first.c.tenant).subquery("since")
    then = _with_tail(moves, MOVE, done).subquery("then_moved")
    raised, lowered = _up_and_down(then.c.delta)
    order = (then.c.actor, then.c.currency, then.c.order, then.c.tenant)
    same = and_(then.c.order == since.c.order, then.c.tenant == since.c.tenant)
    each = (
        select(*order, func.count().label("changes"), raised.label("raised"), lowered.label("lowered"))
        .join(since, same)
        .where(then.c.time > since.c.time)
        .group_by(*order)
        .subquery("each")
    )
    by = (each.c.actor, each.c.currency)
    up, down = func.sum(each.c.raised), func.sum(each.c.lowered)
    return (
        select(*by, func.sum(each.c.changes), func.count(), up, down)
        .group_by(*by)
        .order_by(each.c.currency, (up + down).desc(), each.c.actor)
        .limit(most)
    )


def ranked_of(rows: Rows) -> list[Ranked]:
    """Read the rows of :func:`ranked`."""
    return [Ranked(tuple(row[:-2]), int(row[-2]), int(row[-1])) for row in rows]


def bursts_of(rows: Rows) -> list[Burst]:
    """Read the rows of :func:`bursts`."""
    return [Burst(row[0], *(int(number) for number in row[1:])) for row in rows]


def moved_of(rows: Rows) -> list[MovedAfter]:
    """Read the rows of :func:`moved_after`."""
    return [MovedAfter(row[0], row[1], *(int(number) for number in row[2:])) for row in rows]


def _with_tail(rows: Statement, names: Sequence[str], tail: str | None) -> Any:
    if tail is None:
        return rows
    return union_all(rows, select(*(column(name) for name in names)).select_from(table(tail)))
