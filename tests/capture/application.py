"""An application under capture that works until it is killed: ``python application.py URL SEED``."""

import random
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import create_engine, delete, event, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from capture.shop import ACTOR, POLICY, Line, Order, enforce_references
from ordertrail.capture import acting
from ordertrail.capture.sqlalchemy import capture


def main(url: str, seed: int) -> None:
    """Work."""
    options = {"connect_args": {"timeout": 30}} if url.startswith("sqlite") else {}
    engine = create_engine(url, **options)
    enforce_references(engine)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def wal(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA journal_mode = WAL")

    capture(engine, POLICY, name=f"app-{seed}")
    chance = random.Random(seed)
    while True:
        with acting(ACTOR), Session(engine) as session:
            try:
                chance.choice(WORK)(session, chance)
                if chance.random() < 0.1:
                    session.rollback()
                else:
                    session.commit()
            except DBAPIError:
                session.rollback()


def new_order(session: Session, chance: random.Random) -> None:
    """Make an order with lines."""
    lines = [Line(sku=f"S{n}", quantity=n, unit_price=Decimal("1.50")) for n in range(chance.randrange(1, 4))]
    session.add(Order(status="new", lines=lines))


def change_lines(session: Session, chance: random.Random) -> None:
    """Change lines of an order, one by one."""
    for line in session.scalars(select(Line).order_by(Line.id.desc()).limit(chance.randrange(1, 6))):
        line.quantity += 1


def change_many(session: Session, chance: random.Random) -> None:
    """Change lines in one statement."""
    session.execute(
        update(Line).where(Line.id % 7 == chance.randrange(7)).values(unit_price=Line.unit_price + 1)
    )


def by_text(session: Session, chance: random.Random) -> None:
    """Change an order by text."""
    session.execute(
        text("UPDATE orders SET note = :note WHERE id = (SELECT max(id) FROM orders)"),
        {"note": str(chance.random())},
    )


def delete_order(session: Session, _chance: random.Random) -> None:
    """Delete the oldest order; its lines go with it."""
    oldest = session.scalar(select(Order.id).order_by(Order.id).limit(1))
    session.execute(delete(Order).where(Order.id == oldest))


WORK: list[Callable[[Session, random.Random], None]] = [
    new_order, new_order, new_order, change_lines, change_many, by_text, delete_order,
]  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
