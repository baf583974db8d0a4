"""The logs of a trail, as registered in its database."""

from sqlalchemy import Connection, insert, select

from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.tables import signing_key, stream
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import KeyPeriod
from ordertrail.ledger.rotation import LogIdentity


def add_stream(database: Database, new: LogIdentity, first: KeyPeriod | None = None) -> None:
    """Register a log, with its first key: both or none, so that there is never a log that nobody can sign for."""

    def work(connection: Connection) -> None:
        connection.execute(
            insert(stream).values(
                name=new.name, origin=new.origin, keep_days=new.keep_days, created=new.created
            )
        )
        if first is not None:
            connection.execute(
                insert(signing_key).values(
                    stream=stream_id(connection, new.name),
                    first=first.first,
                    vkey=first.vkey,
                    statement=first.statement,
                )
            )

    database.transact(work)


def list_streams(database: Database) -> list[LogIdentity]:
    """Return the trail's logs, the default one first."""
    columns = (stream.c.name, stream.c.origin, stream.c.keep_days, stream.c.created)
    with database.read() as connection:
        return [LogIdentity(*row) for row in connection.execute(select(*columns).order_by(stream.c.id))]


def stream_id(connection: Connection, name: str) -> int:
    """Return a stream's number. Raises ConfigurationError if there is no such stream."""
    number: int | None = connection.scalar(select(stream.c.id).where(stream.c.name == name))
    if number is None:
        raise ConfigurationError(
            f"there is no stream {name!r} in this trail", remedy="See 'ordertrail status' for its streams."
        )
    return number
