"""A program that changes one column of a few orders, through capture and past it, until it is killed.

``python writer.py URL SEED``. Each change gives the column a value that it never had, so that the changes of a row are
a chain: what is missing or doubled among the events breaks it.
"""

import random
import sys
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from capture.shop import ACTOR, POLICY, Order, enforce_references
from ordertrail.capture import acting
from ordertrail.capture.sqlalchemy import capture


def main(url: str, seed: int) -> None:
    """Write until killed; say so when it begins."""
    chosen = random.Random(seed)
    plain, captured = create_engine(url), create_engine(url)
    for engine in (plain, captured):
        enforce_references(engine)
    capture(captured, POLICY)
    print("writing", flush=True)  # noqa: T201 - whoever kills us waits for it
    while True:
        chosen.choice((_captured, _past, _mixed))(plain, captured, chosen)


def _captured(_plain: Engine, captured: Engine, chosen: random.Random) -> None:
    with acting(ACTOR), Session(captured) as session, session.begin():
        session.get_one(Order, chosen.randint(1, 3)).note = str(uuid4())


def _past(plain: Engine, _captured: Engine, chosen: random.Random) -> None:
    with plain.connect() as connection:
        for _ in range(chosen.randint(1, 3)):
            number = chosen.randint(1, 3)
            given = {"note": str(uuid4()), "id": number}
            connection.execute(text("UPDATE orders SET note = :note WHERE id = :id"), given)
        if chosen.random() < 0.8:
            connection.commit()


def _mixed(_plain: Engine, captured: Engine, chosen: random.Random) -> None:
    first, second = chosen.sample((1, 2, 3), 2)
    with acting(ACTOR), Session(captured) as session, session.begin():
        session.get_one(Order, first).note = str(uuid4())
        session.flush()
        cursor = session.connection().connection.cursor()
        cursor.execute(f"UPDATE orders SET note = '{uuid4()}' WHERE id = {second}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
