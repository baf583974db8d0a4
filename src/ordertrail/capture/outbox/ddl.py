"""The outbox's four tables, as text for migrations: ``outbox_sql("postgresql")``, ``outbox_sql("sqlite")``.

``ordertrail_outbox``
    What was captured and not relayed yet. ``position`` orders the events of each order as their transactions
    committed. ``counter`` is the first of this row's events among its client's, ``events`` how many they are.
    ``captured`` is in milliseconds since 1970. ``transaction`` (PostgreSQL) is the id of the transaction that wrote
    the row. ``problem`` says why the trail refused it, if it did.
``ordertrail_client``
    Who captures, and how far each has counted: the first counter that is not given out yet. ``follows`` names the
    client that this one took over from because its row was not as it had left it, and ``follows_counter`` how far
    that one had come.
``ordertrail_filtered``
    How many rows the policy left out, by client, rule and table.
``ordertrail_relayed``
    How far the relay has come, which nobody else writes. With an empty rule: the first counter of a client that is
    not relayed yet; what lies between it and the client's own counter must be in the outbox, or is lost. With a rule:
    how many of the rows that it left out are reported, and how many are being reported.

The application needs INSERT on the first, and INSERT, SELECT and UPDATE on the second and third; the relay SELECT,
UPDATE and DELETE on the first, SELECT on the next two, and all three on the last. No role of the application should be
able to delete from the outbox.
"""

from ordertrail.kernel.errors import ConfigurationError

OUTBOX = "ordertrail_outbox"
CLIENT = "ordertrail_client"
FILTERED = "ordertrail_filtered"
RELAYED = "ordertrail_relayed"

TABLES = (OUTBOX, CLIENT, FILTERED, RELAYED)

_CLIENT = f"""\
CREATE TABLE IF NOT EXISTS {CLIENT} (
    client text NOT NULL PRIMARY KEY,
    counter bigint NOT NULL,
    started text NOT NULL,
    host text NOT NULL,
    process integer NOT NULL,
    follows text,
    follows_counter bigint
)"""

_FILTERED = f"""\
CREATE TABLE IF NOT EXISTS {FILTERED} (
    client text NOT NULL,
    rule text NOT NULL,
    relation text NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (client, rule, relation)
)"""

_RELAYED = f"""\
CREATE TABLE IF NOT EXISTS {RELAYED} (
    client text NOT NULL,
    rule text NOT NULL DEFAULT '',
    relation text NOT NULL DEFAULT '',
    relayed bigint NOT NULL DEFAULT 0,
    reporting bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (client, rule, relation)
)"""

_STATEMENTS = {
    "sqlite": (
        f"""\
CREATE TABLE IF NOT EXISTS {OUTBOX} (
    position integer PRIMARY KEY AUTOINCREMENT,
    client text NOT NULL,
    counter integer NOT NULL,
    events integer NOT NULL,
    relation text NOT NULL,
    captured integer NOT NULL,
    problem text,
    body text NOT NULL
)""",
        _CLIENT,
        _FILTERED,
        _RELAYED,
    ),
    "postgresql": (
        f"""\
CREATE TABLE IF NOT EXISTS {OUTBOX} (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client text NOT NULL,
    counter bigint NOT NULL,
    events integer NOT NULL,
    relation text NOT NULL,
    captured bigint NOT NULL,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    problem text,
    body text NOT NULL
)""",
        # Written once, read once, deleted: to compress it would cost the application more than the disk.
        f"ALTER TABLE {OUTBOX} ALTER COLUMN body SET STORAGE EXTERNAL",
        # Rows that are counted up in each transaction find room for their next version in their own page.
        f"{_CLIENT} WITH (fillfactor = 50)",
        f"{_FILTERED} WITH (fillfactor = 50)",
        _RELAYED,
    ),
}


def outbox_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that create the outbox. Raises ConfigurationError for a dialect that is not known."""
    try:
        return _STATEMENTS[dialect]
    except KeyError:
        raise ConfigurationError(
            f"there is no outbox for {dialect}; it can be kept in {' and '.join(_STATEMENTS)}",
            meaning="Nothing is captured.",
            remedy="Keep the application's tables in one of these.",
        ) from None


def outbox_sql(dialect: str) -> str:
    """Return the outbox's DDL as one text, for a migration."""
    return ";\n".join(outbox_statements(dialect)) + ";\n"
