"""Where people look at what has not entered, in SQL tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, or_, select, update

from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.rows import attempt_of, letter_of
from ordertrail.adapters.intake.tables import attempts, bodies, deliveries, messages
from ordertrail.intake.ports import Change, Letter, Query
from ordertrail.intake.states import DeliveryState, MessageState

_OF_DELIVERY = tuple(deliveries.c[name] for name in ("received", "sha256", "size", "way", "headers", "name"))


class SqlDesk:
    """Implements :class:`ordertrail.intake.ports.Desk`. Threads and processes may share it."""

    def __init__(self, database: IntakeDatabase) -> None:
        self._database = database

    def letters(self, query: Query) -> list[Letter]:
        """See the port."""
        found = _matching(select(messages, *_OF_DELIVERY), query).join(
            deliveries, deliveries.c.id == messages.c.delivery
        )
        with self._database.reading() as connection:
            rows = connection.execute(
                found.order_by(messages.c.delivery, messages.c.number).limit(query.limit)
            )
            return [letter_of(row) for row in rows]

    def letter(self, delivery: str, number: int) -> Letter | None:
        """See the port."""
        this = (messages.c.delivery == delivery, messages.c.number == number)
        found = (
            select(messages, *_OF_DELIVERY)
            .join(deliveries, deliveries.c.id == messages.c.delivery)
            .where(*this)
        )
        tries = select(attempts).where(attempts.c.delivery == delivery, attempts.c.message == number)
        with self._database.reading() as connection:
            row = connection.execute(found).one_or_none()
            if row is None:
                return None
            rows = connection.execute(tries.order_by(attempts.c.attempt))
            return letter_of(row, tuple(map(attempt_of, rows)))

    def causes(self, query: Query) -> list[tuple[str, str, int]]:
        """See the port."""
        columns = (messages.c.source, func.coalesce(messages.c.cause, ""))
        found = _matching(select(*columns, func.count()), query).group_by(*columns)
        with self._database.reading() as connection:
            rows = connection.execute(found.order_by(func.count().desc(), *columns).limit(query.limit))
            return [(source, cause, count) for source, cause, count in rows]

    def change(self, changes: Sequence[Change], time: str) -> list[bool]:
        """See the port."""
        with self._database.writing() as connection:
            done = [self._change(connection, one, time) for one in changes]
            events = [one.event for one, was in zip(changes, done, strict=True) if was]
            self._database.tell(connection, events)
        return done

    def body(self, sha256: str) -> bytes | None:
        """See the port."""
        with self._database.reading() as connection:
            found = connection.scalar(select(bodies.c.body).where(bodies.c.sha256 == sha256))
            return None if found is None else bytes(found)

    def _change(self, connection: Connection, change: Change, time: str) -> bool:
        letter = change.letter
        seen = and_(
            messages.c.delivery == letter.delivery,
            messages.c.number == letter.number,
            messages.c.state == letter.state,
            messages.c.attempt == letter.attempt,
        )
        if change.fixed_body is not None:
            body = {"sha256": change.fix, "body": change.fixed_body}
            connection.execute(self._database.upsert(bodies).values(body).on_conflict_do_nothing())
        if change.state is MessageState.REPLAYED and letter.whole:
            return self._read_again(connection, change, seen, time)
        values: dict[str, Any] = {"state": change.state, "settled": time, "again_at": None}
        if change.state is MessageState.REPLAYED:
            values["again_at"] = time
        if change.fix is not None:
            values |= {"fix": change.fix, "content": None}
        if change.approval is not None:
            values["approval"] = {"by": change.approval.by, "reason": change.approval.reason}
        return connection.execute(update(messages).where(seen).values(values)).rowcount == 1

    @staticmethod
    def _read_again(connection: Connection, change: Change, seen: Any, time: str) -> bool:
        """Have a delivery read on from where it could not be read; its tries so far stay as they are."""
        letter = change.letter
        if connection.execute(delete(messages).where(seen)).rowcount != 1:
            return False
        values = {
            "state": DeliveryState.LANDED,
            "progress": letter.number,
            "tries": 0,
            "again_at": time,
            "error": None,
            **({"fix": change.fix} if change.fix is not None else {}),
        }
        done = and_(deliveries.c.id == letter.delivery, deliveries.c.state == DeliveryState.DONE)
        connection.execute(update(deliveries).where(done).values(values))
        return True


def _matching(select_: Select[Any], query: Query) -> Select[Any]:
    """Return a selection of messages narrowed to what a query asks for."""
    found = select_.where(messages.c.state.in_(sorted(query.states)))
    if query.source is not None:
        found = found.where(messages.c.source == query.source)
    if query.cause is not None:
        found = found.where(messages.c.cause == query.cause)
    if query.order is not None:
        found = found.where(messages.c.order_id == query.order)
    if query.delivery is not None:
        found = found.where(messages.c.delivery == query.delivery)
    if query.after is not None:
        delivery, number = query.after
        later = and_(messages.c.delivery == delivery, messages.c.number > number)
        found = found.where(or_(messages.c.delivery > delivery, later))
    return found
