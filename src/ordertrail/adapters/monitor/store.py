"""The state of a watch and its alerts in a database: both ports in one place, because one transaction keeps both."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, delete, exists, insert, select, update

from ordertrail.adapters.monitor.tables import (
    alerts,
    items,
    names,
    places,
    standings,
    transitions,
)
from ordertrail.adapters.state import StateDatabase
from ordertrail.monitor.alerts.alert import Alert, Transition
from ordertrail.monitor.ports import AlertQuery, Committed, Standing, Step
from ordertrail.monitor.stream.seen import Item, Kept

_READ = 5_000
_ONE = 1
_item = msgspec.json.Decoder(Item).decode
_group = msgspec.json.Decoder(tuple[str, ...]).decode
_alert = msgspec.json.Decoder(Alert).decode
_transition = msgspec.json.Decoder(Transition).decode
_encode = msgspec.json.Encoder().encode


class SqlMonitor:
    """Implements :class:`~ordertrail.monitor.ports.WatchStore`, ``AlertStore`` and ``Lives`` of the same module."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def standing(self) -> Standing:
        """See the port."""
        with self._database.reading() as connection:
            return _standing(connection)

    def kept(self) -> Iterator[Kept]:
        """See the port."""
        query = select(items.c.rule, items.c.group, items.c.item).execution_options(yield_per=_READ)
        with self._database.reading() as connection:
            for rule, group, item in connection.execute(query):
                yield Kept(rule, _group(group), _item(item))

    def commit(self, step: Step) -> Committed:
        """See the port."""
        with self._database.writing() as connection:
            now = _standing(connection)
            if dict(now.places) != dict(step.before.places) or now.watermark != step.before.watermark:
                return Committed.MOVED
            with connection.begin_nested() as nested:
                for alert, before in step.alerts:
                    if not self._put(connection, alert, before):
                        nested.rollback()
                        return Committed.CHANGED
            self._move(connection, step)
            _add_transitions(connection, step.transitions)
        return Committed.DONE

    def forget(self, versions: Sequence[str]) -> None:
        """See the port."""
        with self._database.writing() as connection:
            known = set(connection.scalars(select(items.c.rule).distinct()))
            for version in known - set(versions):
                connection.execute(delete(items).where(items.c.rule == version))

    def get(self, ids: Sequence[str]) -> Mapping[str, Alert]:
        """See the port."""
        found: dict[str, Alert] = {}
        with self._database.reading() as connection:
            for first in range(0, len(ids), _READ):
                query = select(alerts.c.alert).where(alerts.c.id.in_(ids[first : first + _READ]))
                told = [_alert(text) for text in connection.scalars(query)]
                found.update({one.id: one for one in told})
        return found

    def find(self, query: AlertQuery) -> Sequence[Alert]:
        """See the port."""
        with self._database.reading() as connection:
            return [_alert(text) for text in connection.scalars(_found(query))]

    def change(self, transition: Transition) -> bool:
        """See the port."""
        with self._database.writing() as connection:
            if not self._put(connection, transition.alert, transition.alert.version - 1):
                return False
            _add_transitions(connection, [transition])
        return True

    def untold(self, limit: int) -> Sequence[Transition]:
        """See the port."""
        query = (
            select(transitions.c.transition)
            .where(transitions.c.told.is_(False))
            .order_by(transitions.c.at, transitions.c.alert, transitions.c.version)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_transition(text) for text in connection.scalars(query)]

    def tell(self, told: Sequence[Transition]) -> None:
        """See the port."""
        with self._database.writing() as connection:
            for one in told:
                key = and_(transitions.c.alert == one.alert.id, transitions.c.version == one.alert.version)
                connection.execute(update(transitions).where(key).values(told=True))

    def life(self, alert: str) -> Sequence[Transition]:
        """See the port."""
        query = select(transitions.c.transition).where(transitions.c.alert == alert)
        with self._database.reading() as connection:
            found = connection.scalars(query.order_by(transitions.c.version))
            return [_transition(text) for text in found]

    def _move(self, connection: Connection, step: Step) -> None:
        after = step.after
        upsert = self._database.upsert
        for stream, place in after.places.items():
            told = upsert(places).values(stream=stream, next=place)
            connection.execute(
                told.on_conflict_do_update(index_elements=[places.c.stream], set_={"next": place})
            )
        figures = {"watermark": after.watermark, "late": after.late, "dropped": after.dropped}
        told = upsert(standings).values(number=_ONE, **figures)
        connection.execute(told.on_conflict_do_update(index_elements=[standings.c.number], set_=figures))
        if step.kept:
            rows = [_row(one) for one in step.kept]
            connection.execute(upsert(items).on_conflict_do_nothing(), rows)
        for version, horizon in step.horizons.items():
            connection.execute(delete(items).where(items.c.rule == version, items.c.time < horizon))

    def _put(self, connection: Connection, alert: Alert, before: int) -> bool:
        values: dict[str, Any] = {
            "version": alert.version,
            "rule": alert.rule,
            "name": alert.name,
            "status": alert.status.value,
            "severity": int(alert.severity),
            "tenant": alert.tenant,
            "owner": alert.owner,
            "last": alert.last,
            "alert": _encode(alert).decode(),
        }
        if before == 0:
            added = self._database.upsert(alerts).values(id=alert.id, **values).on_conflict_do_nothing()
            if connection.execute(added.returning(alerts.c.id)).first() is None:
                return False
        else:
            key = and_(alerts.c.id == alert.id, alerts.c.version == before)
            if connection.execute(update(alerts).where(key).values(**values)).rowcount != 1:
                return False
        told = [{"alert": alert.id, "kind": "person", "name": name} for name in alert.people]
        told += [{"alert": alert.id, "kind": "order", "name": name} for name in alert.orders]
        if told:
            connection.execute(self._database.upsert(names).on_conflict_do_nothing(), told)
        return True


def _standing(connection: Connection) -> Standing:
    found = {row.stream: row.next for row in connection.execute(select(places))}
    row = connection.execute(select(standings)).one_or_none()
    return Standing(found) if row is None else Standing(found, row.watermark, row.late, row.dropped)


def _row(kept: Kept) -> dict[str, Any]:
    return {
        "rule": kept.rule,
        "group": _encode(kept.group).decode(),
        "leg": kept.item.leg,
        "event": kept.item.seen.id,
        "time": kept.item.seen.time,
        "item": _encode(kept.item).decode(),
    }


def _add_transitions(connection: Connection, told: Sequence[Transition]) -> None:
    if told:
        rows = [
            {
                "alert": one.alert.id,
                "version": one.alert.version,
                "told": False,
                "at": one.at,
                "transition": _encode(one).decode(),
            }
            for one in told
        ]
        connection.execute(insert(transitions), rows)


def _found(query: AlertQuery) -> Select[Any]:
    told = select(alerts.c.alert).where(alerts.c.severity >= int(query.least))
    if query.statuses:
        told = told.where(alerts.c.status.in_(sorted(one.value for one in query.statuses)))
    if query.rule is not None:
        told = told.where((alerts.c.rule == query.rule) | (alerts.c.name == query.rule))
    if query.owner is not None:
        told = told.where(alerts.c.owner == query.owner)
    if query.tenants is not None:
        told = told.where(alerts.c.tenant.in_(sorted(query.tenants)))
    if query.since is not None:
        told = told.where(alerts.c.last >= query.since)
    for kind, name in (("person", query.person), ("order", query.order)):
        if name is not None:
            of_alert = and_(names.c.alert == alerts.c.id, names.c.kind == kind, names.c.name == name)
            told = told.where(exists().where(of_alert))
    return told.order_by(alerts.c.severity.desc(), alerts.c.last.desc(), alerts.c.id).limit(query.limit)
