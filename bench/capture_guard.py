"""What the guard costs an application whose changes capture records anyway: the same work with and without it.

    python bench/capture_guard.py [--transactions 400]

Two databases on one server, in turns, so that whatever else the machine does meets both alike. Printed are the median
times of a transaction and their ratio. Commits are durable: PostgreSQL with its defaults, SQLite in WAL mode with
synchronous=FULL.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session

# In the place of this directory, where another benchmark has the name of the tests' package.
sys.path[0] = str(Path(__file__).parents[1] / "tests")

from capture.conftest import captured  # noqa: E402 - the tests' shop is found by now
from capture.guard.shop import guarded  # noqa: E402
from capture.matrix import seed  # noqa: E402
from capture.shop import ACTOR, POLICY, Base, Line, Order, enforce_references  # noqa: E402
from ordertrail.capture import acting  # noqa: E402
from ordertrail.capture.outbox import create_outbox  # noqa: E402
from servers.databases import empty_database  # noqa: E402
from servers.postgresql import running  # noqa: E402

LIMIT = 1.10
"""The ratio that single-row transactions must stay under."""

BULK = 10_000
_WARM = 20
_BULKS = 7

Work = Callable[[Session, int], None]


def main() -> int:
    """Measure, print, and say by the exit status whether the limit is kept."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--transactions", type=int, default=400)
    count = parser.parse_args().transactions
    kept = True
    for database in (_postgresql, _sqlite):
        with database() as pair:
            for name, work, times, limit in (
                ("one field of one row", _one_field, count, LIMIT),
                ("order with three lines", _one_order, count, LIMIT),
                (f"{BULK:,} rows, one statement", _bulk, _BULKS, None),
            ):
                if work is _bulk:
                    _fill(pair)
                plain, with_guard = _measured(pair, work, times)
                ratio = with_guard / plain
                kept = kept and (limit is None or ratio <= limit)
                said = f"{plain * 1e3:8.2f} ms  {with_guard * 1e3:8.2f} ms with the guard  x {ratio:.3f}"
                print(f"{pair[0].dialect.name:11} {name:27} {said}{f'  (limit {limit})' if limit else ''}")
    return 0 if kept else 1


def _measured(pair: tuple[Engine, Engine], work: Work, times: int) -> tuple[float, float]:
    """Return the median seconds of a transaction on each engine."""
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(times):
        for engine, seconds in zip(pair, spent, strict=True):
            begun = time.perf_counter()
            with acting(ACTOR), Session(engine) as session, session.begin():
                work(session, number)
            seconds.append(time.perf_counter() - begun)
    warm = min(_WARM, times // 3)
    return statistics.median(spent[0][warm:]), statistics.median(spent[1][warm:])


def _one_field(session: Session, number: int) -> None:
    session.get_one(Order, 1).note = f"note {number}"


def _one_order(session: Session, number: int) -> None:
    lines = [Line(sku=f"sku {line}", quantity=line, unit_price=1) for line in range(3)]
    session.add(Order(number=f"N-{number}", lines=lines))


def _bulk(session: Session, _number: int) -> None:
    session.execute(text("UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = 3"))


def _fill(pair: tuple[Engine, Engine]) -> None:
    rows = [{"n": f"bulk {number}"} for number in range(BULK)]
    for engine in pair:
        with acting(ACTOR), engine.begin() as connection:
            connection.execute(
                text("INSERT INTO order_lines (order_id, sku, quantity, unit_price) VALUES (3, :n, 1, 1)"),
                rows,
            )


def _prepared(url: str, *, guard: bool) -> Engine:
    engine = create_engine(url)
    enforce_references(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        seed(session)
    create_outbox(engine)
    if guard:
        guarded(engine, POLICY)
    return captured(engine)


def _durable(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


@contextmanager
def _postgresql() -> Iterator[tuple[Engine, Engine]]:
    with ExitStack() as stack:
        server = stack.enter_context(running())
        names = [stack.enter_context(empty_database(server)) for _ in range(2)]
        urls = [server.url(name).replace("postgresql://", "postgresql+psycopg://") for name in names]
        yield _prepared(urls[0], guard=False), _prepared(urls[1], guard=True)


@contextmanager
def _sqlite() -> Iterator[tuple[Engine, Engine]]:
    with tempfile.TemporaryDirectory() as folder:
        yield (
            _prepared(f"sqlite:///{folder}/plain.db", guard=False),
            _prepared(f"sqlite:///{folder}/guarded.db", guard=True),
        )


if __name__ == "__main__":
    sys.exit(main())
