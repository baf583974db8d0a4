"""Reading the outbox over one of Django's connections."""

from collections import Counter
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, connections

from ordertrail.capture.batch import expand
from ordertrail.capture.outbox.ddl import FILTERED
from ordertrail.capture.outbox.reading import PENDING

if TYPE_CHECKING:
    from ordertrail.record.event import Event


def pending(using: str = DEFAULT_DB_ALIAS) -> "list[Event]":
    """Return the events of a database that are captured and not yet relayed, oldest first."""
    with connections[using].cursor() as cursor:
        cursor.execute(PENDING)
        rows = cursor.fetchall()
    return [event for client, counter, body in rows for event in expand(body.encode(), client, counter)]


def filtered(using: str = DEFAULT_DB_ALIAS) -> Counter[tuple[str, str]]:
    """Return how many rows of a database the policy has left out since the outbox was made, by (rule, table)."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT rule, relation, sum(rows) FROM {FILTERED} GROUP BY rule, relation")  # noqa: S608 - constants
        return Counter({(rule, table): int(rows) for rule, table, rows in cursor.fetchall()})
