"""A small shop's tables, as an application would have them, and an oracle that no capture code has a part in.

The oracle is a set of triggers that write every change of a row into a table, as the database sees it. What capture
recorded is held against that.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    event,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from ordertrail.capture import Policy
from ordertrail.capture.outbox import pending
from ordertrail.record.event import Event

ACTOR = "clerk-17"


class Base(DeclarativeBase):
    """The shop's tables."""


order_tags = Table(
    "order_tags",
    Base.metadata,
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
)


class Customer(Base):
    """Not audited; its rows take orders with them."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class Tag(Base):
    """Not audited."""

    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str | None] = mapped_column(String(40), unique=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(String(20), default="new")
    total: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    paid: Mapped[bool] = mapped_column(Boolean, default=False)
    placed_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now())
    note: Mapped[str | None] = mapped_column(String(200))
    lines: Mapped[list["Line"]] = relationship(back_populates="order", cascade="all, delete-orphan")
    tags: Mapped[list[Tag]] = relationship(secondary=order_tags)


class Line(Base):
    """A line of an order."""

    __tablename__ = "order_lines"
    __table_args__ = (UniqueConstraint("order_id", "sku"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE", onupdate="CASCADE"))
    sku: Mapped[str] = mapped_column(String(40))
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    order: Mapped[Order] = relationship(back_populates="lines")


class Allocation(Base):
    """Stock that is kept for a line; it knows its order only by way of the line."""

    __tablename__ = "allocations"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"))
    quantity: Mapped[int] = mapped_column(Integer)


POLICY = Policy.from_dict(
    {
        "tables": {
            "orders": {"order": "id", "sensitive": ["total", "status"]},
            "order_lines": {"order": "order_id", "sensitive": ["unit_price"]},
            "allocations": {"order": "line_id.order_id"},
            "order_tags": {"order": "order_id"},
        }
    }
)

AUDITED = ("orders", "order_lines", "allocations", "order_tags")


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row, before and after; None where there is none. ``fields`` are those that changed, or all."""

    table: str
    op: str
    before: tuple[tuple[str, Any], ...] | None
    after: tuple[tuple[str, Any], ...] | None
    actor: str = field(default=ACTOR)


def enforce_references(engine: Engine) -> None:
    """Have SQLite follow foreign keys, and fire triggers of the rows that REPLACE deletes, as an application would."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def switch(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute("PRAGMA recursive_triggers = ON")
            cursor.close()


def install_oracle(connection: Connection) -> None:
    """Have the database write down every change of an audited row."""
    if connection.dialect.name == "sqlite":
        connection.execute(
            text("CREATE TABLE oracle (n integer PRIMARY KEY, tbl text, op text, old text, new text)")
        )
        for name in AUDITED:
            columns = [column.name for column in Base.metadata.tables[name].columns]
            old, new = (
                "json_object(" + ", ".join(f"'{column}', {side}.{column}" for column in columns) + ")"
                for side in ("OLD", "NEW")
            )
            for op, before, after in (("INSERT", "NULL", new), ("UPDATE", old, new), ("DELETE", old, "NULL")):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER ordertrail_oracle_{name}_{op} AFTER {op} ON {name} BEGIN "
                    f"INSERT INTO oracle (tbl, op, old, new) VALUES ('{name}', '{op.lower()}', {before}, {after}); END"
                )
        return
    connection.exec_driver_sql(
        "CREATE TABLE oracle (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tbl text, op text, old text, new text)"
    )
    connection.exec_driver_sql(
        """CREATE FUNCTION ordertrail_oracle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'TRUNCATE' THEN
                EXECUTE format('INSERT INTO oracle (tbl, op, old) SELECT %%L, ''delete'', to_jsonb(t)::text FROM %%I t',
                               TG_TABLE_NAME, TG_TABLE_NAME);
                RETURN NULL;
            END IF;
            INSERT INTO oracle (tbl, op, old, new) VALUES (TG_TABLE_NAME, lower(TG_OP),
                CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD)::text END,
                CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW)::text END);
            RETURN NULL;
        END $$"""
    )
    for name in AUDITED:
        connection.exec_driver_sql(
            f"CREATE TRIGGER ordertrail_oracle AFTER INSERT OR UPDATE OR DELETE ON {name} "
            "FOR EACH ROW EXECUTE FUNCTION ordertrail_oracle()"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER ordertrail_oracle_all BEFORE TRUNCATE ON {name} EXECUTE FUNCTION ordertrail_oracle()"
        )


def changed_rows(connection: Connection, *, folded: bool = False) -> list[RowChange]:
    """Return what the oracle saw: rows that did change, each with what changed in it.

    ``folded``: what one statement did to a row by and by (set a reference to null, then delete the row) counts once.
    """
    found = []
    rows = connection.exec_driver_sql("SELECT tbl, op, old, new FROM oracle ORDER BY n").all()
    for table, op, old, new in _folded(rows) if folded else _replacements(rows):
        before = _told(table, msgspec.json.decode(old)) if old else None
        after = _told(table, msgspec.json.decode(new)) if new else None
        if op == "update" and before is not None and after is not None:
            changed = {name for name in before if before[name] != after[name]}
            if not changed:
                continue
            before, after = ({name: side[name] for name in changed} for side in (before, after))
        found.append(RowChange(table, op, _frozen(before), _frozen(after)))
    return found


def _replacements(rows: Sequence[Any]) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Tell a row that REPLACE deleted and put back in one statement as what it is to anybody else: an update."""
    waiting: tuple[str, str, str | None, str | None] | None = None
    for table, op, old, new in rows:
        if waiting is not None:
            same = op == "insert" and table == waiting[0] and _id(waiting[2]) == _id(new) is not None
            if same:
                yield table, "update", waiting[2], new
                waiting = None
                continue
            yield waiting
            waiting = None
        if op == "delete":
            waiting = (table, op, old, new)
        else:
            yield table, op, old, new
    if waiting is not None:
        yield waiting


def _folded(rows: Sequence[Any]) -> Iterator[tuple[str, str, str | None, str | None]]:
    by_row: dict[tuple[str, Any], list[tuple[str | None, str | None]]] = {}
    for table, _, old, new in rows:
        row = msgspec.json.decode(old or new)
        by_row.setdefault((table, row.get("id", str(row))), []).append((old, new))
    for (table, _), steps in by_row.items():
        old, new = steps[0][0], steps[-1][1]
        yield table, "update" if old and new else "insert" if new else "delete", old, new


def _id(row: str | None) -> Any:
    return msgspec.json.decode(row).get("id") if row else None


def recorded_rows(events: Sequence[Event]) -> list[RowChange]:
    """Return what capture recorded, in the oracle's words."""
    found = []
    for one in events:
        table = {"order": "orders", "order_line": "order_lines", "allocation": "allocations"}.get(
            one.subject.kind, "order_tags"
        )
        before = {
            change.path[1:]: change.before for change in one.changes if change.before is not msgspec.UNSET
        }
        after = {change.path[1:]: change.after for change in one.changes if change.after is not msgspec.UNSET}
        op = "update" if before and after else "insert" if after else "delete"
        found.append(RowChange(table, op, _frozen(before or None), _frozen(after or None), one.actor.id))
    return found


def _frozen(row: dict[str, Any] | None) -> tuple[tuple[str, Any], ...] | None:
    return None if row is None else tuple(sorted(row.items()))


def _told(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return the oracle's JSON of a row in an event's words."""
    columns = Base.metadata.tables[table].columns
    return {name: _word(columns[name].type, value) for name, value in row.items()}


def _word(type_: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(type_, Numeric):
        return f"{Decimal(str(value)):.{type_.scale}f}"
    if isinstance(type_, DateTime):
        return datetime.fromisoformat(value).isoformat(timespec="microseconds")
    return bool(value) if isinstance(type_, Boolean) else value


def events_of(connection: Connection) -> list[Event]:
    """Return what waits in the outbox."""
    return pending(connection)


@contextmanager
def session_of(engine: Engine) -> Iterator[Session]:
    """A session that commits at its end."""
    with Session(engine) as session, session.begin():
        yield session
