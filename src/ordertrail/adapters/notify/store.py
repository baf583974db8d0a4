"""Messages and deliveries in a database: all ports of it in one place, because one transaction keeps a step of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from ordertrail.adapters.notify.tables import messages, parcels, places
from ordertrail.adapters.state import StateDatabase
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.notify.digest import Waiting
from ordertrail.notify.message import Message, Severity
from ordertrail.notify.parcel import Delivery, Parcel, State, parcel_of
from ordertrail.notify.ports import Backlog, DeliveryQuery, Queued

_IDS: Final = 500
"""Ids named in one statement."""

_ENDED: Final = (State.SENT.value, State.DEAD.value)
_message = msgspec.json.Decoder(Message).decode
_parcel = msgspec.json.Decoder(Parcel).decode
_encode = msgspec.json.Encoder().encode


class SqlNotify:
    """Implements ``Queue``, ``Outbox`` and ``DeliveryLog`` of :mod:`ordertrail.notify.ports`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def places(self) -> Mapping[str, int] | None:
        """See the port."""
        with self._database.reading() as connection:
            return _places(connection)

    def take(
        self,
        before: Mapping[str, int] | None,
        after: Mapping[str, int],
        queued: Sequence[Queued],
        now: datetime,
    ) -> bool:
        """See the port."""
        upsert, since = self._database.upsert, format_time(now)
        with self._database.writing() as connection:
            known = _places(connection)
            if known != (None if before is None else dict(before)):
                return False
            for stream, place in after.items():
                told = upsert(places).values(stream=stream, next=place)
                connection.execute(
                    told.on_conflict_do_update(index_elements=[places.c.stream], set_={"next": place})
                )
            rows = [
                {
                    "route": one.route,
                    "id": one.message.id,
                    "severity": int(one.message.severity),
                    "since": since,
                    "parcel": None,
                    "message": _encode(one.message).decode(),
                }
                for one in queued
            ]
            if rows:
                connection.execute(upsert(messages).on_conflict_do_nothing(), rows)
        return True

    def waiting(self, route: str, limit: int) -> Sequence[Waiting]:
        """See the port."""
        query = (
            select(messages.c.id, messages.c.severity, messages.c.since)
            .where(messages.c.route == route, messages.c.parcel.is_(None))
            .order_by(messages.c.since, messages.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [
                Waiting(row.id, Severity(row.severity), parse_time(row.since))
                for row in connection.execute(query)
            ]

    def recent(self, route: str, since: datetime) -> Sequence[datetime]:
        """See the port."""
        query = select(parcels.c.settled).where(
            parcels.c.route == route, parcels.c.settled >= format_time(since)
        )
        with self._database.reading() as connection:
            return [parse_time(text) for text in connection.scalars(query)]

    def pack(self, route: str, ids: Sequence[str], id_: str, now: datetime) -> Parcel | None:
        """See the port."""
        made = format_time(now)
        with self._database.writing() as connection:
            found: list[Message] = []
            for first in range(0, len(ids), _IDS):
                put = (
                    update(messages)
                    .where(
                        messages.c.route == route,
                        messages.c.id.in_(ids[first : first + _IDS]),
                        messages.c.parcel.is_(None),
                    )
                    .values(parcel=id_)
                    .returning(messages.c.message)
                )
                found += [_message(text) for text in connection.scalars(put)]
            if not found:
                return None
            parcel = parcel_of(id_, route, made, found)
            values = _values(Delivery(parcel=parcel, due=made))
            connection.execute(
                insert(parcels).values(
                    id=id_, route=route, made=made, parcel=_encode(parcel).decode(), **values
                )
            )
        return parcel

    def next(self, route: str) -> Delivery | None:
        """See the port."""
        query = (
            select(parcels)
            .where(parcels.c.route == route, parcels.c.state == State.READY.value)
            .order_by(parcels.c.made, parcels.c.id)
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _delivery(row)

    def settle(self, delivery: Delivery) -> None:
        """See the port."""
        key = parcels.c.id == delivery.parcel.id
        with self._database.writing() as connection:
            connection.execute(update(parcels).where(key).values(**_values(delivery)))

    def find(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """See the port."""
        told = select(parcels)
        if query.route is not None:
            told = told.where(parcels.c.route == query.route)
        if query.state is not None:
            told = told.where(parcels.c.state == query.state.value)
        told = told.order_by(parcels.c.made.desc(), parcels.c.id.desc()).limit(query.limit)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(told)]

    def revive(self, ids: Sequence[str] | None, now: datetime) -> int:
        """See the port. One whose end the trail does not know of yet stays dead until it does."""
        key = and_(parcels.c.state == State.DEAD.value, parcels.c.recorded.is_(True))
        if ids is not None:
            key = and_(key, parcels.c.id.in_(ids))
        values = {
            "state": State.READY.value,
            "attempts": 0,
            "due": format_time(now),
            "settled": None,
            "recorded": False,
        }
        with self._database.writing() as connection:
            return connection.execute(update(parcels).where(key).values(**values)).rowcount

    def unrecorded(self, limit: int) -> Sequence[Delivery]:
        """See the port."""
        query = (
            select(parcels)
            .where(parcels.c.recorded.is_(False), parcels.c.state.in_(_ENDED))
            .order_by(parcels.c.settled)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def recorded(self, deliveries: Sequence[Delivery], before: datetime) -> None:
        """See the port."""
        ids = [one.parcel.id for one in deliveries]
        old = and_(
            parcels.c.recorded.is_(True),
            parcels.c.state == State.SENT.value,
            parcels.c.settled < format_time(before),
        )
        with self._database.writing() as connection:
            for first in range(0, len(ids), _IDS):
                key = parcels.c.id.in_(ids[first : first + _IDS])
                connection.execute(update(parcels).where(key).values(recorded=True))
            connection.execute(delete(messages).where(messages.c.parcel.in_(select(parcels.c.id).where(old))))
            connection.execute(delete(parcels).where(old))

    def backlog(self) -> Sequence[Backlog]:
        """See the port."""
        waits = (
            select(messages.c.route, func.count())
            .where(messages.c.parcel.is_(None))
            .group_by(messages.c.route)
        )
        under_way = (
            select(parcels.c.route, parcels.c.state, func.count())
            .where(parcels.c.state != State.SENT.value)
            .group_by(parcels.c.route, parcels.c.state)
        )
        with self._database.reading() as connection:
            waiting: dict[str, int] = {row[0]: row[1] for row in connection.execute(waits)}
            ended = {(route, state): number for route, state, number in connection.execute(under_way)}
        routes = sorted(waiting.keys() | {route for route, _ in ended})
        return [
            Backlog(
                route,
                waiting.get(route, 0),
                ended.get((route, State.READY.value), 0),
                ended.get((route, State.DEAD.value), 0),
            )
            for route in routes
        ]


def _places(connection: Connection) -> dict[str, int] | None:
    found = {row.stream: row.next for row in connection.execute(select(places))}
    return found or None


def _values(delivery: Delivery) -> dict[str, Any]:
    return {
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "due": delivery.due,
        "settled": delivery.settled,
        "error": delivery.error,
        "recorded": False,
    }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        parcel=_parcel(row.parcel),
        state=State(row.state),
        attempts=row.attempts,
        due=row.due,
        settled=row.settled,
        error=row.error,
    )
