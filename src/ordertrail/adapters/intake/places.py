"""Where sources were asked up to, in a table beside what they answered."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select, update

from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.tables import places
from ordertrail.intake.asking import Asked
from ordertrail.intake.polling import Place


class SqlPlaces:
    """Implements :class:`ordertrail.intake.polling.Places`. Threads and processes may share it."""

    def __init__(self, database: IntakeDatabase) -> None:
        self._database = database

    def place(self, source: str) -> Place | None:
        """See the port."""
        with self._database.reading() as connection:
            return read_place(connection, source)

    def move(self, source: str, before: Place | None, after: Place) -> bool:
        """See the port."""
        values = asdict(after)
        values |= values.pop("asked")
        with self._database.writing() as connection:
            if before is None:
                fresh = self._database.upsert(places).values(source=source, **values)
                moved = fresh.on_conflict_do_nothing().returning(places.c.source)
                return connection.scalar(moved) is not None
            theirs = select(places).where(places.c.source == source).with_for_update()
            row = connection.execute(theirs).one_or_none()
            if row is None or _read(row) != before:
                return False
            connection.execute(update(places).where(places.c.source == source).values(values))
            return True


def read_place(connection: Connection, source: str) -> Place | None:
    """Return a source's place within a transaction."""
    row = connection.execute(select(places).where(places.c.source == source)).one_or_none()
    return None if row is None else _read(row)


def _read(row: Any) -> Place:
    asked = Asked(row.since, row.page, row.leads)
    return Place(asked, row.begun, row.again_at, row.last, row.failures, row.reason, row.answered)
