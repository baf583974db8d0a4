"""Reading the outbox: what waits, and what the policy left out."""

from collections import Counter
from typing import TYPE_CHECKING

from ordertrail.capture.batch import expand
from ordertrail.capture.outbox.ddl import FILTERED, OUTBOX

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ordertrail.record.event import Event

PENDING = f"SELECT client, counter, body FROM {OUTBOX} ORDER BY position"  # noqa: S608 - constants


def pending(connection: "Connection") -> "list[Event]":
    """Return the events that are captured and not yet relayed, oldest first.

    With an AsyncConnection: ``await connection.run_sync(pending)``.
    """
    rows = connection.exec_driver_sql(PENDING).all()
    return [event for client, counter, body in rows for event in expand(body.encode(), client, counter)]


def filtered(connection: "Connection") -> Counter[tuple[str, str]]:
    """Return how many rows the policy has left out since the outbox was made, by (rule, table)."""
    counted: Counter[tuple[str, str]] = Counter()
    query = f"SELECT rule, relation, sum(rows) FROM {FILTERED} GROUP BY rule, relation"  # noqa: S608 - constants
    for rule, table, rows in connection.exec_driver_sql(query):
        counted[rule, table] = int(rows)
    return counted
