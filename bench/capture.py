"""What capture costs an application: the same work with and without it, side by side, on SQLite and PostgreSQL.

    python bench/capture.py [--transactions 1400] [--rounds 21]

Both engines work on the same database, in turns of a few transactions, so that whatever else the machine does meets
both alike. Printed is the median time of a transaction and the ratio of the medians. Commits are durable on both
databases: PostgreSQL with its defaults, SQLite in WAL mode with synchronous=FULL.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Engine,
    ForeignKey,
    Integer,
    Numeric,
    String,
    create_engine,
    event,
    insert,
    text,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from ordertrail.capture import Policy, acting
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

LIMITS = {
    "order with three lines": {"postgresql": 1.25, "sqlite": 2.0},
    "one field of one row": {"postgresql": 1.25, "sqlite": 2.0},
    "10,000 rows, one statement": {"postgresql": 2.5, "sqlite": 2.5},
    "10,000 rows, by key": {"postgresql": 2.5, "sqlite": 2.5},
    "10,000 rows, unit of work": {"postgresql": 2.5, "sqlite": 2.5},
}
BULK = 10_000

POLICY = Policy.from_dict(
    {
        "tables": {
            "orders": {"order": "id"},
            "order_lines": {"order": "order_id", "actions": {"unit_price": "order.price.change"}},
            "stock": {"order": "id", "kind": "stock"},
        }
    }
)


class Base(DeclarativeBase):
    """The application's tables."""


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(20))
    note: Mapped[str | None] = mapped_column(String(200))
    lines: Mapped[list["Line"]] = relationship()


class Line(Base):
    """A line of an order."""

    __tablename__ = "order_lines"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    sku: Mapped[str] = mapped_column(String(40))
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


class Stock(Base):
    """What the bulk updates change."""

    __tablename__ = "stock"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    sku: Mapped[str] = mapped_column(String(40))
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


def new_order(engine: Engine, number: int) -> None:
    """Insert an order with three lines."""
    with Session(engine) as session:
        lines = [Line(sku=f"S{n}", quantity=n, unit_price=Decimal("12.50")) for n in range(3)]
        session.add(Order(customer=f"customer {number}", status="new", lines=lines))
        session.commit()


def one_field(engine: Engine, number: int) -> None:
    """Load an order and change one field of it."""
    with Session(engine) as session:
        session.get_one(Order, 1 + number % 500).note = f"note {number} {time.perf_counter_ns()}"
        session.commit()


def one_statement(engine: Engine, _number: int) -> None:
    """Change 10,000 rows in one statement."""
    with Session(engine) as session:
        session.execute(
            update(Stock).values(quantity=Stock.quantity + 1),
            execution_options={"synchronize_session": False},
        )
        session.commit()


def by_key(engine: Engine, number: int) -> None:
    """Change 10,000 rows in bulk by primary key."""
    with Session(engine) as session:
        session.execute(update(Stock), [{"id": n, "quantity": n + number} for n in range(1, BULK + 1)])
        session.commit()


def unit_of_work(engine: Engine, _number: int) -> None:
    """Load 10,000 objects and change each."""
    with Session(engine) as session:
        for stock in session.query(Stock):
            stock.quantity += 1
        session.commit()


WORK: dict[str, tuple[Callable[[Engine, int], None], int]] = {
    "order with three lines": (new_order, 1),
    "one field of one row": (one_field, 1),
    "10,000 rows, one statement": (one_statement, 100),
    "10,000 rows, by key": (by_key, 100),
    "10,000 rows, unit of work": (unit_of_work, 100),
}


@contextmanager
def databases() -> Iterator[Iterator[tuple[str, str]]]:
    """Yield the name and address of each database."""
    from servers.postgresql import running  # noqa: PLC0415 - the tests' folder is on the path only now

    with tempfile.TemporaryDirectory(prefix="ordertrail-bench-") as folder, running() as server:
        yield iter(
            [
                ("postgresql", server.url().replace("postgresql://", "postgresql+psycopg://")),
                ("sqlite", f"sqlite:///{folder}/shop.db"),
            ]
        )


def open_engine(url: str) -> Engine:
    """Open an engine as an application would."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def durable(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

    return engine


def measure(url: str, transactions: int, rounds: int) -> Iterator[tuple[str, float, float]]:
    """Yield each work's name and its median seconds without and with capture."""
    plain, audited = open_engine(url), open_engine(url)
    Base.metadata.create_all(plain)
    with Session(plain) as session, session.begin():
        session.execute(insert(Order), [{"customer": "c", "status": "new"} for _ in range(500)])
        session.execute(
            insert(Stock),
            [{"sku": f"S{n}", "quantity": n, "unit_price": Decimal("9.90")} for n in range(BULK)],
        )
    create_outbox(audited)
    capture(audited, POLICY)
    for name, (work, share) in WORK.items():
        each = max(1, transactions // share // rounds)
        times: dict[Engine, list[float]] = {plain: [], audited: []}
        with acting("clerk-17", roles=["order.editor"], ip="203.0.113.7", reason="customer called"):
            for engine in (plain, audited):
                work(engine, 0)  # statements are compiled and read once
            for number in range(rounds):
                for engine in (plain, audited) if number % 2 else (audited, plain):
                    for one in range(each):
                        start = time.perf_counter()
                        work(engine, number * each + one)
                        times[engine].append(time.perf_counter() - start)
                with plain.begin() as connection:
                    connection.execute(text("DELETE FROM ordertrail_outbox"))  # as the relay would
                if engine.dialect.name == "postgresql":
                    with plain.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                        connection.execute(text("VACUUM stock, orders, ordertrail_outbox, ordertrail_client"))
        yield name, statistics.median(times[plain]), statistics.median(times[audited])
    plain.dispose()
    audited.dispose()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_400)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    print(f"{'database':<11} {'work':<28} {'without':>10} {'with':>10} {'ratio':>6} {'limit':>6}")
    with databases() as found:
        for database, url in found:
            for name, without, with_ in measure(url, options.transactions, options.rounds):
                limit = LIMITS[name][database]
                print(
                    f"{database:<11} {name:<28} {without * 1e3:>7.2f} ms {with_ * 1e3:>7.2f} ms "
                    f"{with_ / without:>6.2f} {limit:>6.2f}{'' if with_ / without <= limit else '  over'}"
                )


if __name__ == "__main__":
    main()
