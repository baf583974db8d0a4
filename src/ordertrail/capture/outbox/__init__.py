"""The outbox: what was captured, in the application's own database, until the relay brings it to the ledger.

::

    create_outbox(engine)                # or outbox_sql("postgresql") in a migration
    with engine.connect() as connection:
        pending(connection)              # the events that wait
        filtered(connection)             # what the policy left out, counted by rule and table
"""

from ordertrail.capture.outbox.creation import create_outbox
from ordertrail.capture.outbox.ddl import outbox_sql
from ordertrail.capture.outbox.reading import filtered, pending

__all__ = ["create_outbox", "filtered", "outbox_sql", "pending"]
