"""Writing the outbox and committing in one message to PostgreSQL: a transaction's last journey, not its last but one.

A message of several statements costs one journey to the server. But nobody is there to look between them, whether
what was written is what had to be. So the writing is a function of the database, ``ordertrail_write``: it does what
:func:`ordertrail.capture.outbox.writing.write` does, in the same order, and what is to be done where the client's row
is not as the client left it. Its plans are kept by the server for as long as the connection lives; no statement is
prepared, so that poolers between us and the server are none the wiser.

If we stop here: the server has the message whole and commits, or it has not and rolls back.
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ordertrail.capture.outbox.clients import Client
from ordertrail.capture.outbox.ddl import CLIENT, OUTBOX
from ordertrail.capture.outbox.writing import lock_keys
from ordertrail.capture.transaction import Entry

MOST = 100
"""Entries that are written in one message with the commit; more are worth a message of their own."""

_ALL = -(1 << 63)

_ARGUMENTS = "text, bigint, bigint, bigint[], integer[], text[], bigint, text[], text, text, integer"

KNOWN = f"SELECT to_regprocedure('ordertrail_write({_ARGUMENTS})') IS NOT NULL"
"""Asks whether the function is there."""

REMOVE = f"DROP FUNCTION IF EXISTS ordertrail_write({_ARGUMENTS})"

CREATE = f"""\
CREATE OR REPLACE FUNCTION ordertrail_write(
    writer text, was bigint, comes bigint, locks bigint[], counts integer[], relations text[], moment bigint,
    bodies text[], successor text, at_host text, of_process integer
) RETURNS boolean LANGUAGE plpgsql AS $ordertrail$
DECLARE
    held boolean;
    one bigint;
    place bigint := was;
BEGIN
    UPDATE {CLIENT} SET counter = comes WHERE client = writer AND counter = was;
    held := FOUND;
    IF NOT held THEN
        -- Somebody changed or removed the client's row. Another client goes on, and says after whom.
        INSERT INTO {CLIENT} (client, counter, started, host, process, follows, follows_counter)
        VALUES (successor, comes - was, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                at_host, of_process, writer, was);
        writer := successor;
        place := 0;
    END IF;
    FOREACH one IN ARRAY locks LOOP
        IF one = {_ALL} THEN
            PERFORM pg_advisory_xact_lock_shared(one);
        ELSE
            PERFORM pg_advisory_xact_lock(CASE one WHEN {_ALL + 1} THEN {_ALL} ELSE one END);
        END IF;
    END LOOP;
    FOR n IN 1 .. array_length(bodies, 1) LOOP
        INSERT INTO {OUTBOX} (client, counter, events, relation, captured, body)
        VALUES (writer, place, counts[n], relations[n], moment, bodies[n]);
        place := place + counts[n];
    END LOOP;
    RETURN held;
END
$ordertrail$"""  # noqa: S608 - constants


def may_write_at_once(connection: Any, client: Client, entries: Sequence[Entry]) -> bool:
    """Say whether a transaction's entries can be written in one message with the commit, over this connection.

    That needs psycopg 3, which takes several statements in one text and reads what each returned; and strings in which
    a backslash is a backslash, as they are by PostgreSQL's default since release 9.1.
    """
    driver = connection.connection
    if not client.registered or not 0 < len(entries) <= MOST or not hasattr(driver, "pgconn"):
        return False
    plain = driver.pgconn.parameter_status(b"standard_conforming_strings") == b"on"
    return plain and not driver.pgconn.pipeline_status


def write_and_commit(connection: Any, client: Client, successor: Client, entries: Sequence[Entry]) -> bool:
    """Write a transaction's entries and commit it; say whether the client's row was as it had left it.

    Where it was not, ``successor`` has written them. Errors are Django's.
    """
    events = [entry.events for entry in entries]
    keys = ",".join(map(str, lock_keys(entries)))
    text = (
        f"SELECT ordertrail_write({_literal(client.id)}, {client.counter}, {client.counter + sum(events)}, "
        f"'{{{keys}}}', '{{{','.join(map(str, events))}}}', {_array([entry.table for entry in entries])}, "
        f"{time.time_ns() // 1_000_000}, {_array([entry.body.decode() for entry in entries])}, "
        f"{_succession(successor.id)}); COMMIT"
    )
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(text)
        return bool(cursor.fetchone()[0])


@lru_cache(maxsize=1_000)
def _succession(successor: str) -> str:
    """Return what the function is told of a client that may have to go on; no fork has the same as its parent."""
    _, host, process, _, _ = Client(successor).row
    return f"{_literal(successor)}, {_literal(host)}, {process}"


def _array(texts: list[str]) -> str:
    return f"ARRAY[{', '.join(map(_literal, texts))}]"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
