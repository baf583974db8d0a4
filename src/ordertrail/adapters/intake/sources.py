"""What is known of each source, in SQL tables: its breaker, what was turned away, and what is counted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select

from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.places import read_place
from ordertrail.adapters.intake.tables import declared as declarations
from ordertrail.adapters.intake.tables import deliveries, messages, refusals, sources
from ordertrail.intake.breaker import Breaker, Circuit
from ordertrail.intake.events import refusal_event
from ordertrail.intake.polling import unasked
from ordertrail.intake.ports import Declared, Figures, Load, Received, Refusal
from ordertrail.intake.states import DeliveryState, MessageState
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.money import Money
from ordertrail.record.event import Event

_MINUTE = len("2026-11-22T14:02")
_DECLARATIONS = 31


class SqlSources:
    """Implements :class:`ordertrail.intake.ports.Sources`. Threads and processes may share it."""

    def __init__(self, database: IntakeDatabase) -> None:
        self._database = database

    def load(self, source: str) -> Load:
        """See the port."""
        with self._database.reading() as connection:
            return Load(_breaker(connection, source), _backlog(connection, source)["backlog"])

    def turn(self, source: str, before: Breaker, after: Breaker, event: Event | None) -> bool:
        """See the port."""
        values = {
            "circuit": after.circuit,
            "failures": after.failures,
            "opened": after.opened,
            "until": after.until,
            "reason": after.reason,
        }
        with self._database.writing() as connection:
            seen = _breaker(connection, source)
            if seen != before:
                return False
            row = {"source": source, **values}
            upsert = self._database.upsert(sources).values(row)
            connection.execute(upsert.on_conflict_do_update(index_elements=["source"], set_=values))
            self._database.tell(connection, [] if event is None else [event])
        return True

    def refuse(self, refused: Sequence[Refusal]) -> None:
        """See the port."""
        with self._database.writing() as connection:
            for one in sorted(refused, key=lambda refusal: refusal.source):
                row = {
                    "source": one.source,
                    "minute": one.time[:_MINUTE],
                    "code": str(one.fault.code),
                    "count": 1,
                }
                upsert = self._database.upsert(refusals).values(row)
                counted = upsert.on_conflict_do_update(
                    index_elements=["source", "minute", "code"], set_={"count": refusals.c.count + 1}
                )
                if connection.scalar(counted.returning(refusals.c.count)) == 1:
                    event = refusal_event(
                        time=one.time, source=one.source, fault=one.fault, sha256=one.sha256
                    )
                    self._database.tell(connection, [event])

    def declare(self, source: str, said: Declared) -> None:
        """See the port."""
        total = said.total
        values = {
            "orders": said.orders,
            "total": None if total is None else total.amount,
            "currency": None if total is None else total.currency,
        }
        row = {"source": source, "begin": said.begin, "end": said.end, **values}
        upsert = self._database.upsert(declarations).values(row)
        with self._database.writing() as connection:
            connection.execute(
                upsert.on_conflict_do_update(index_elements=["source", "begin", "end"], set_=values)
            )

    def figures(self, source: str, now: datetime) -> Figures:
        """See the port."""
        hour, week = now - timedelta(hours=1), now - timedelta(days=7, hours=1)
        with self._database.reading() as connection:
            place = read_place(connection, source)
            return Figures(
                **_backlog(connection, source),
                **_traffic(connection, source, format_time(hour), format_time(week)),
                **_messages(connection, source, format_time(hour)),
                refused=_refused(connection, source, format_time(hour)),
                breaker=_breaker(connection, source).seen(now),
                declared=self._declared(connection, source),
                unasked=None if place is None else unasked(place),
            )

    def _declared(self, connection: Connection, source: str) -> tuple[Received, ...]:
        theirs = select(declarations).where(declarations.c.source == source)
        found = []
        channel, _, account = source.partition("/")
        for row in connection.execute(
            theirs.order_by(declarations.c.begin.desc()).limit(_DECLARATIONS)
        ).all():
            orders, totals = self._database.orders.sums(connection, channel, account, row.begin, row.end)
            total = None if row.total is None else Money(row.total, row.currency)
            ours = None if total is None else Money(totals.get(total.currency, 0), total.currency)
            found.append(Received(Declared(row.begin, row.end, row.orders, total), orders, ours))
        return tuple(found)


def _breaker(connection: Connection, source: str) -> Breaker:
    row = connection.execute(select(sources).where(sources.c.source == source)).one_or_none()
    if row is None:
        return Breaker()
    return Breaker(Circuit(row.circuit), row.failures, row.opened, row.until, row.reason)


def _backlog(connection: Connection, source: str) -> dict[str, Any]:
    waiting = select(func.count(), func.min(deliveries.c.received)).where(
        deliveries.c.source == source, deliveries.c.state != DeliveryState.DONE
    )
    count, oldest = connection.execute(waiting).one()
    return {"backlog": count, "oldest": oldest}


def _traffic(connection: Connection, source: str, hour: str, week: str) -> dict[str, Any]:
    theirs = deliveries.c.source == source
    ends = select(func.min(deliveries.c.received), func.max(deliveries.c.received)).where(theirs)
    first, last = connection.execute(ends).one()
    this = case((deliveries.c.received > hour, 1), else_=0)
    counted = select(
        func.coalesce(func.sum(this), 0),
        func.coalesce(func.sum(1 - this), 0),
        func.coalesce(func.sum(case((deliveries.c.last_copy > hour, deliveries.c.copies), else_=0)), 0),
    ).where(theirs, deliveries.c.received > week)
    in_hour, in_week, copies = connection.execute(counted).one()
    return {
        "first_received": first,
        "last_received": last,
        "hour": int(in_hour),
        "week": int(in_week),
        "duplicates": int(copies),
    }


def _messages(connection: Connection, source: str, hour: str) -> dict[str, Any]:
    theirs = messages.c.source == source
    states = (
        select(messages.c.state, func.count())
        .where(theirs, messages.c.settled > hour)
        .group_by(messages.c.state)
    )
    accepted = select(func.max(messages.c.settled)).where(theirs, messages.c.state == MessageState.ACCEPTED)
    letters = select(func.count()).where(theirs, messages.c.state.in_(("held", "dead")))
    parked = select(func.count()).where(theirs, messages.c.state == MessageState.PARKED)
    return {
        "states": {MessageState(state): count for state, count in connection.execute(states)},
        "last_success": connection.scalar(accepted),
        "open_letters": connection.scalar(letters) or 0,
        "parked": connection.scalar(parked) or 0,
    }


def _refused(connection: Connection, source: str, hour: str) -> int:
    theirs = (refusals.c.source == source, refusals.c.minute >= hour[:_MINUTE])
    return int(connection.scalar(select(func.coalesce(func.sum(refusals.c.count), 0)).where(*theirs)) or 0)
