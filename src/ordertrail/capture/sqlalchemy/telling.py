"""Events that an application makes itself, put into the outbox beside those of its rows, in the same transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from ordertrail.capture.sqlalchemy.starting import hooks_of
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.record.event import Event


def tell(connection: Connection, events: Sequence[Event], relation: str) -> None:
    """Record events if and only if the connection's transaction commits; ``relation`` is what they are about.

    Raises ConfigurationError where capture has not started on the connection's engine.
    """
    hooks = hooks_of(connection.dialect)
    if hooks is None:
        raise ConfigurationError(
            "events were to be told on a connection whose engine is not captured",
            meaning="They were not recorded, and the transaction should not commit.",
            remedy="Call ordertrail.capture.sqlalchemy.capture(engine, policy) first.",
        )
    for event in events:
        hooks.tell(connection, event, relation)
