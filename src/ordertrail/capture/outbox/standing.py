"""What the outbox holds at one moment, and what is missing in it; and how far the relay has come."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from ordertrail.capture.outbox.ddl import CLIENT, FILTERED, OUTBOX, RELAYED
from ordertrail.capture.outbox.holes import ClientRow, Hole, Present, find_holes

BYTES = 16 << 20
"""Bytes of the bodies of one round, but for one that is a single row."""

EVENTS = 20_000
"""Events of one round, but for a single row that has more: a row of a few bytes an event may hold 10,000."""

_WALKED = 5_000
"""Waiting events up to which each round looks at every row's counter."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the outbox, as the relay takes it."""

    position: int
    client: str
    counter: int
    events: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows a rule left out: reported so far, and to be reported now."""

    client: str
    rule: str
    table: str
    relayed: int
    reporting: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The outbox at one moment."""

    rows: list[Row]
    holes: list[Hole]
    more: bool


def look(engine: Engine, limit: int) -> Seen:
    """Return the oldest rows, and what is missing, as they are at one moment."""
    with engine.connect() as connection:
        _one_moment(connection)
        clients = _clients(connection)
        present = _present(connection, clients)
        holes = list(find_holes(clients, present)) if present is not None else []
        rows: list[Row] = []
        size = held = 0
        query = (
            f"SELECT position, client, counter, events, body FROM {OUTBOX} "  # noqa: S608 - constants
            f"WHERE coalesce(problem, '') = '' ORDER BY position LIMIT {limit}"
        )
        full = False
        for position, client, counter, events, body in connection.execute(text(query)):
            size, held = size + len(body), held + events
            full = bool(rows) and (size > BYTES or held > EVENTS)
            if full:
                break
            rows.append(Row(position, client, counter, events, body.encode()))
        connection.rollback()
        return Seen(rows, holes, len(rows) == limit or full)


def _clients(connection: Connection) -> dict[str, ClientRow]:
    query = (
        f"SELECT c.client, c.counter, coalesce(r.relayed, 0), c.follows, c.follows_counter, f.relayed "  # noqa: S608 - constants
        f"FROM {CLIENT} c LEFT JOIN {RELAYED} r ON r.client = c.client AND r.rule = '' AND r.relation = '' "
        f"LEFT JOIN {RELAYED} f ON f.client = c.client AND f.rule = 'follows' AND f.relation = ''"
    )
    found = {}
    for client, counter, relayed, follows, follows_counter, told in connection.execute(text(query)):
        found[client] = ClientRow(
            client, int(counter), int(relayed), follows if told is None else None, follows_counter
        )
    return found


def _present(connection: Connection, clients: dict[str, ClientRow]) -> list[Present] | None:
    """Return every waiting row's counters; None where they are many, and sums say that nothing is missing."""
    sums = (
        f"SELECT client, min(counter), max(counter + events), sum(events) FROM {OUTBOX} "  # noqa: S608 - constants
        "WHERE problem IS NULL GROUP BY client"
    )
    held = {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in connection.execute(text(sums))}
    wanted = {
        one.client: (one.relayed, one.counter, one.counter - one.relayed)
        for one in clients.values()
        if one.counter != one.relayed
    }
    plain = held == wanted and not any(one.follows for one in clients.values())
    if plain and sum(counted for _, _, counted in held.values()) > _WALKED:
        return None
    query = f"SELECT client, counter, events FROM {OUTBOX} WHERE problem IS NULL ORDER BY client, counter"  # noqa: S608 - constants
    return [Present(client, counter, events) for client, counter, events in connection.execute(text(query))]


def claim_filtered(engine: Engine) -> list[Counted]:
    """Settle how much of what was left out is reported now, durably, so that a crash cannot report it twice."""
    find = (
        f"SELECT f.client, f.rule, f.relation, coalesce(r.relayed, 0), coalesce(r.reporting, 0), f.rows "  # noqa: S608 - constants
        f"FROM {FILTERED} f LEFT JOIN {RELAYED} r "
        "ON r.client = f.client AND r.rule = f.rule AND r.relation = f.relation "
        "WHERE f.rows > coalesce(r.relayed, 0)"
    )
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(find))]
    counted = []
    for client, rule, table, relayed, reporting, rows in found:
        begun = reporting > relayed
        counted.append(Counted(client, rule, table, int(relayed), int(reporting if begun else rows)))
    if counted:
        with engine.begin() as connection:
            for one in counted:
                move_on(connection, one.client, one.rule, one.table, "reporting", one.reporting)
    return counted


def move_on(connection: Connection, client: str, rule: str, table: str, column: str, value: int) -> None:
    """Move a figure of the relay on; it never goes back."""
    connection.execute(
        text(
            f"INSERT INTO {RELAYED} (client, rule, relation, {column}) VALUES (:client, :rule, :table, :value) "  # noqa: S608 - constants
            f"ON CONFLICT (client, rule, relation) DO UPDATE SET {column} = excluded.{column} "
            f"WHERE {RELAYED}.{column} < excluded.{column}"
        ),
        {"client": client, "rule": rule, "table": table, "value": value},
    )


def _one_moment(connection: Connection) -> None:
    """Have everything that is read on a connection be of one moment."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    else:
        connection.exec_driver_sql("BEGIN")
