"""Tables of cases and custody. Rows are only ever added: triggers refuse to change or to delete them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
)

metadata = MetaData()

case_acts = Table(
    "evidence_case_act",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("person", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("pinned_event", Text),
    Column("pinned_stream", Text),
    Column("pinned_index", BigInteger),
    Column("pinned_entry", LargeBinary),
    Column("pinned_proof", LargeBinary),
    Column("set_aside", Text),
    Column("sample", LargeBinary),
)

bundles = Table(
    "evidence_bundle",
    metadata,
    Column("bundle", Text, primary_key=True),
    Column("about", Text, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("case_id", Text),
)

custody_acts = Table(
    "evidence_custody_act",
    metadata,
    Column("bundle", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("link", Text),
    Column("until", Text),
    Column("whom", Text, nullable=False),
)

Index("evidence_case_opened", case_acts.c.number, case_acts.c.case_id)


def _guard(table: Table, connection: Connection, **_options: object) -> None:
    """Have the database itself refuse to change or delete rows of a new table."""
    name, refused = table.name, f"rows of {table.name} are only ever added"
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{refused}'); END"
            )
        return
    connection.exec_driver_sql(
        f"CREATE FUNCTION {name}_added_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refused}'; END $$"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {name}_added_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
        f"EXECUTE FUNCTION {name}_added_only()"
    )


for _table in (case_acts, bundles, custody_acts):
    event.listen(_table, "after_create", _guard)
