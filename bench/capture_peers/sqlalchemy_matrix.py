"""The cases of ``tests/capture/matrix.py`` on one library and one database, in a process of its own.

    python -m bench.capture_peers.sqlalchemy_matrix MODULE VENDOR WHERE

Says one JSON object for each case, a line each.
"""

import sys
from collections import Counter
from dataclasses import asdict
from importlib import import_module

import msgspec
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import capture.matrix_sql  # noqa: F401 - adds its cases
from bench.capture_peers.databases import Place
from bench.capture_peers.isolation import apart
from bench.capture_peers.ports import SQLAlchemyPeer
from bench.capture_peers.shop_words import as_changes
from bench.capture_peers.verdict import Crash, Verdict, judge
from capture.matrix import CASES, Case, seed
from capture.shop import (
    Allocation,
    Line,
    Order,
    changed_rows,
    enforce_references,
    install_oracle,
    order_tags,
)

_FOLDED = "database cascades"
"""The group in which what one statement did to a row by and by counts once, as in our own test."""


def main() -> None:
    """Run all cases and say their verdicts."""
    module, vendor, where = sys.argv[1:]
    peer: SQLAlchemyPeer = import_module(f"bench.capture_peers.{module}").peer()
    place = Place(vendor, where)
    peer.declare([Order, Line, Allocation], [order_tags])
    ready = apart(lambda: _prepare(peer, place.url(place.create())))
    for one in CASES:
        if one.only is not None and not one.only.startswith(vendor):
            continue
        if isinstance(ready, Crash):
            told: Verdict | Crash = ready
        else:
            with place.copy() as name:
                told = apart(lambda one=one, name=name: _run(peer, one, place.url(name)))  # type: ignore[misc]
        line = {"group": one.group, "case": one.name, **asdict(told)}
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()


def _prepare(peer: SQLAlchemyPeer, url: str) -> None:
    """Make the shop, with what the library needs, and fill it while the library looks on."""
    engine = _open(url)
    peer.prepare(engine)
    with peer.acting(), Session(engine) as session, session.begin():
        seed(session)
    engine.dispose()


def _run(peer: SQLAlchemyPeer, one: Case, url: str) -> Verdict:
    """Do what a case does on a copy of the shop, and judge it."""
    observer, engine = _open(url), _open(url)
    with observer.begin() as connection:
        install_oracle(connection)
        known = Counter(peer.recorded(connection))
    peer.start(engine)
    with peer.acting():
        match one.takes:
            case "orm":
                with Session(engine) as session, session.begin():
                    one.run(session)
            case "core":
                with engine.begin() as connection:
                    one.run(connection)
            case "engine":
                one.run(engine)
    with observer.connect() as connection:
        net = as_changes(changed_rows(connection, folded=True))
        seen = net if one.group == _FOLDED else as_changes(changed_rows(connection))
        recorded = Counter(peer.recorded(connection))
    recorded.subtract(known)
    return judge(seen, net, +recorded)


def _open(url: str) -> Engine:
    engine = create_engine(url, poolclass=NullPool) if url.startswith("postgresql") else create_engine(url)
    enforce_references(engine)
    return engine


if __name__ == "__main__":
    main()
