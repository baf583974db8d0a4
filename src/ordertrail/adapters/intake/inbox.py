"""The inbox in SQL tables: landing, claiming with a lease, and settling in one transaction with the orders.

*If we stop* before a commit, the database rolls all of it back: what was not acknowledged is sent again, and what was
claimed is due again when its lease ends. Nothing here needs to be mended at a start.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, exc, func, insert, or_, select, update

from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.rows import attempt_row, claim_of, message_row, waiting_of
from ordertrail.adapters.intake.tables import attempts, bodies, deliveries, messages, sources
from ordertrail.intake.breaker import Circuit
from ordertrail.intake.events import reuse_event
from ordertrail.intake.ports import (
    Arrival,
    Claim,
    Known,
    Landed,
    Progress,
    Settlement,
    Settling,
    Waiting,
)
from ordertrail.intake.ports import Outcome as Message
from ordertrail.intake.states import WAITING, DeliveryState, MessageState
from ordertrail.kernel.clock import format_time
from ordertrail.orders.statuses import OrderStatus

_QUIET = frozenset({MessageState.ACCEPTED, MessageState.DUPLICATE, MessageState.FOREIGN, MessageState.LATE})
"""States whose coming at the first try needs no row of its own to tell."""

_MANY = 500
"""Ids of one query."""


class _RolledBackError(Exception):
    """A settlement came to nothing."""

    def __init__(self, why: Settling) -> None:
        super().__init__(why.value)
        self.why = why


class SqlInbox:
    """Implements :class:`ordertrail.intake.ports.Inbox`. Threads and processes may share it."""

    def __init__(self, database: IntakeDatabase) -> None:
        self._database = database

    def land(self, arrivals: Sequence[Arrival]) -> list[Landed]:
        """See the port. In the sequence of their keys, so that two that land the same wait in no circle."""
        landed: dict[int, Landed] = {}
        places = sorted(range(len(arrivals)), key=lambda place: _key(arrivals[place]))
        with self._database.writing() as connection:
            for place in places:
                landed[place] = self._land(connection, arrivals[place])
            reused = [arrivals[place] for place in places if landed[place].reused]
            self._database.tell(
                connection,
                [
                    reuse_event(
                        time=one.received,
                        source=one.source,
                        delivery=one.id,
                        delivery_id=one.delivery_id or "",
                        sha256=one.sha256,
                    )
                    for one in reused
                ],
            )
        return [landed[place] for place in range(len(arrivals))]

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
        """See the port."""
        time = format_time(now)
        resting = select(sources.c.source).where(
            sources.c.circuit == Circuit.OPEN, or_(sources.c.until.is_(None), sources.c.until > time)
        )
        due = (
            select(deliveries.c.id, deliveries.c.tries)
            .where(deliveries.c.state != DeliveryState.DONE, deliveries.c.again_at <= time)
            .where(deliveries.c.source.not_in(resting))
            .order_by(deliveries.c.again_at, deliveries.c.id)
            .limit(limit)
        )
        taken = {
            "state": DeliveryState.READING,
            "attempt": deliveries.c.attempt + 1,
            "tries": deliveries.c.tries + 1,
            "again_at": format_time(now + lease),
        }
        with self._database.writing() as connection:
            found = connection.execute(self._skipping(due)).all()
            if not found:
                return []
            ids = [row.id for row in found if not row.tries] if not found[0].tries else [found[0].id]
            query = update(deliveries).where(deliveries.c.id.in_(ids)).values(taken).returning(*deliveries.c)
            rows = sorted(connection.execute(query).all(), key=lambda row: (row.received, row.id))
            held = self._bodies(connection, rows)
        return [claim_of(row, held.get(row.fix or row.sha256)) for row in rows]

    def claim_waiting(self, now: datetime, lease: timedelta, limit: int) -> list[Waiting]:
        """See the port."""
        due = (
            select(messages.c.delivery, messages.c.number)
            .where(messages.c.state.in_(sorted(WAITING)), messages.c.again_at <= format_time(now))
            .order_by(messages.c.again_at, messages.c.delivery, messages.c.number)
            .limit(limit)
        )
        taken = {"attempt": messages.c.attempt + 1, "again_at": format_time(now + lease)}
        found = []
        with self._database.writing() as connection:
            for delivery, number in connection.execute(self._skipping(due)).all():
                theirs = (messages.c.delivery == delivery, messages.c.number == number)
                row = connection.execute(
                    update(messages).where(*theirs).values(taken).returning(*messages.c)
                ).one()
                of = connection.execute(select(deliveries).where(deliveries.c.id == delivery)).one()
                held = {} if row.content is not None else self._bodies(connection, [of], row.fix)
                found.append(waiting_of(row, of, held.get(row.fix or of.fix or of.sha256)))
        return found

    def known(self, order_ids: Sequence[str]) -> dict[str, Known]:
        """See the port."""
        with self._database.reading() as connection:
            stored = self._database.orders.get(connection, order_ids)
            told: dict[str, OrderStatus] = {}
            ids = list(stored)
            for start in range(0, len(ids), _MANY):
                told |= _told(connection, ids[start : start + _MANY])
        return {order_id: Known(one, told.get(order_id)) for order_id, one in stored.items()}

    def settle(self, settlement: Settlement, lease_until: datetime) -> Settling:
        """See the port. What is fenced comes first: who lost a claim has written nothing that others wait for."""
        try:
            with self._database.acting(settlement.outcomes), self._database.writing() as connection:
                self._progress(connection, settlement.progress, format_time(lease_until))
                self._outcomes(connection, settlement.outcomes, settlement.time)
                if settlement.puts and not self._database.orders.put(connection, settlement.puts):
                    raise _RolledBackError(Settling.CONFLICT)  # noqa: TRY301 - whatever is raised rolls back
                self._wake(connection, [put.order.id for put in settlement.puts], settlement.time)
                self._database.tell(connection, settlement.events)
        except _RolledBackError as error:
            return error.why
        return Settling.DONE

    def _skipping(self, query: Any) -> Any:
        """Have a query of due rows lock them, and pass over those that others have locked."""
        return query.with_for_update(skip_locked=True) if self._database.skips_locked else query

    def _land(self, connection: Connection, arrival: Arrival) -> Landed:
        upsert = self._database.upsert
        row = {
            "id": arrival.id,
            "source": arrival.source,
            "key": _key(arrival),
            "delivery_id": arrival.delivery_id,
            "sha256": arrival.sha256,
            "size": arrival.size,
            "received": arrival.received,
            "way": arrival.way,
            "name": arrival.name,
            "headers": dict(arrival.headers),
            "state": DeliveryState.LANDED,
            "attempt": 0,
            "tries": 0,
            "again_at": arrival.received,
            "progress": 0,
            "counts": {},
            "copies": 0,
        }
        statement = upsert(deliveries).values(row)
        copied = {"copies": deliveries.c.copies + 1, "last_copy": statement.excluded.received}
        statement = statement.on_conflict_do_update(index_elements=["source", "key"], set_=copied)
        found: str = connection.scalar(statement.returning(deliveries.c.id)) or ""
        if found != arrival.id:
            return Landed(found, duplicate=True)
        if arrival.body is not None:
            body = {"sha256": arrival.sha256, "body": arrival.body}
            connection.execute(upsert(bodies).values(body).on_conflict_do_nothing())
        return Landed(found, duplicate=False, reused=_is_reused(connection, arrival))

    @staticmethod
    def _bodies(connection: Connection, rows: Iterable[Row[Any]], fix: str | None = None) -> dict[str, bytes]:
        names = {fix or row.fix or row.sha256 for row in rows}
        query = select(bodies.c.sha256, bodies.c.body).where(bodies.c.sha256.in_(names))
        return {row.sha256: bytes(row.body) for row in connection.execute(query)}

    @staticmethod
    def _progress(connection: Connection, progress: Iterable[Progress], lease_until: str) -> None:
        for one in progress:
            state = DeliveryState.READING
            if one.done or one.again_at is not None:
                state = DeliveryState.DONE if one.done else DeliveryState.LANDED
            values = {
                "progress": one.settled,
                "state": state,
                "again_at": None if one.done else one.again_at or lease_until,
                "error": one.error,
                "counts": {str(name): number for name, number in one.counts.items()},
            }
            if one.settled > one.claim.progress:
                values["tries"] = 0
            ours = (
                deliveries.c.id == one.claim.id,
                deliveries.c.attempt == one.claim.attempt,
                deliveries.c.state == DeliveryState.READING,
            )
            if connection.execute(update(deliveries).where(*ours).values(values)).rowcount != 1:
                raise _RolledBackError(Settling.LOST)

    @staticmethod
    def _outcomes(connection: Connection, outcomes: Sequence[Message], time: str) -> None:
        for one in outcomes:
            if not one.taken_up:
                continue
            ours = (
                messages.c.delivery == one.delivery,
                messages.c.number == one.number,
                messages.c.attempt == one.attempt,
                messages.c.state.in_(sorted(WAITING)),
            )
            row = message_row(one, time)
            if connection.execute(update(messages).where(*ours).values(row)).rowcount != 1:
                raise _RolledBackError(Settling.LOST)
        new = [message_row(one, time) | {"since": time} for one in outcomes if not one.taken_up]
        if new:
            try:
                connection.execute(insert(messages), new)
            except exc.IntegrityError:
                raise _RolledBackError(Settling.LOST) from None
        told = [attempt_row(one, time) for one in outcomes if one.taken_up or one.state not in _QUIET]
        if told:
            connection.execute(insert(attempts), told)

    @staticmethod
    def _wake(connection: Connection, order_ids: Sequence[str], time: str) -> None:
        for start in range(0, len(order_ids), _MANY):
            theirs = messages.c.order_id.in_(order_ids[start : start + _MANY])
            parked = (messages.c.state == MessageState.PARKED, messages.c.again_at > time)
            connection.execute(update(messages).where(theirs, *parked).values(again_at=time))


def _key(arrival: Arrival) -> str:
    """Return what a delivery is known again by: a source's id alone may be used twice, for other bytes."""
    if arrival.again:
        return f"again:{arrival.id}"
    return (
        f"sha256:{arrival.sha256}"
        if arrival.delivery_id is None
        else f"{arrival.sha256}:{arrival.delivery_id}"
    )


def _is_reused(connection: Connection, arrival: Arrival) -> bool:
    if arrival.delivery_id is None or arrival.again:
        return False
    same = (deliveries.c.source == arrival.source, deliveries.c.delivery_id == arrival.delivery_id)
    others = select(deliveries.c.id).where(*same, deliveries.c.id != arrival.id).limit(1)
    return connection.scalar(others) is not None


def _told(connection: Connection, order_ids: Sequence[str]) -> dict[str, OrderStatus]:
    """Return the state that each order's source told last, of the messages that were accepted and told one."""
    of_order = (
        messages.c.order_id.in_(order_ids),
        messages.c.state == MessageState.ACCEPTED,
        messages.c.told.is_not(None),
    )
    latest = (
        select(messages.c.order_id, func.max(messages.c.settled).label("settled"))
        .where(*of_order)
        .group_by(messages.c.order_id)
        .subquery()
    )
    query = (
        select(messages.c.order_id, messages.c.told)
        .join(latest, (messages.c.order_id == latest.c.order_id) & (messages.c.settled == latest.c.settled))
        .where(*of_order)
    )
    return {row.order_id: OrderStatus(row.told) for row in connection.execute(query)}
