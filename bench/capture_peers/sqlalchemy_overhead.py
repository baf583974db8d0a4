"""The work of ``bench/capture.py`` on one library and one database, asked for line by line.

python -m bench.capture_peers.sqlalchemy_overhead MODULE VENDOR WHERE
"""

import sys
from importlib import import_module

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from bench import capture as benchmark
from bench.capture_peers.databases import Place
from bench.capture_peers.serving import serve

_ORDERS = 500


def main() -> None:
    """Make the database, and serve."""
    module, vendor, where = sys.argv[1:]
    peer = import_module(f"bench.capture_peers.{module}").peer()
    peer.declare([benchmark.Order, benchmark.Line, benchmark.Stock], [])
    place = Place(vendor, where)
    engine = benchmark.open_engine(place.url(place.create()))
    peer.prepare(engine)
    with Session(engine) as session, session.begin():
        session.execute(insert(benchmark.Order), [{"customer": "c", "status": "new"} for _ in range(_ORDERS)])
        rows = [{"sku": f"S{n}", "quantity": n, "unit_price": 1} for n in range(benchmark.BULK)]
        session.execute(insert(benchmark.Stock), rows)
    peer.start(engine)

    def work(name: str, number: int) -> None:
        benchmark.WORK[name][0](engine, number)

    def tidy(vacuum: bool) -> None:  # noqa: FBT001 - a port's one argument
        peer.relay(engine)
        if vacuum and vendor == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM"))

    def count() -> int:
        with engine.connect() as connection:
            return int(peer.count(connection))

    with peer.acting():
        serve(work, count, tidy)


if __name__ == "__main__":
    main()
