"""The cases of ``tests/capture/django/matrix.py`` on one library and one database, in autocommit and in ``atomic``."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import msgspec
from django.db import transaction

import capture.django.matrix_sql  # noqa: F401 - adds its cases
from bench.capture_peers.databases import Place
from bench.capture_peers.django_shop import make_shop
from bench.capture_peers.django_words import as_change
from bench.capture_peers.isolation import apart
from bench.capture_peers.ports import ACTOR, DjangoPeer
from bench.capture_peers.verdict import Change, Crash, Verdict, judge
from capture.django.conftest import use
from capture.django.matrix import CASES, Case, seed
from capture.django.oracle import changed_rows, columns_of, install_oracle, observing
from capture.django.settings import TABLES

_MODES = ("autocommit", "atomic")


def work(peer: DjangoPeer, vendor: str, where: str) -> None:
    """Run all cases and say their verdicts."""
    place = Place(vendor, where)
    ready = apart(lambda: _prepare(peer, place.django(place.create())))
    for one in CASES:
        if one.only not in {None, vendor}:
            continue
        for mode in _MODES:
            if one.mode not in {None, mode}:
                continue
            told = ready if isinstance(ready, Crash) else _judged(peer, one, mode, place)
            line = {"group": one.group, "case": one.name, **asdict(told)}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()


def _judged(peer: DjangoPeer, one: Case, mode: str, place: Place) -> Verdict | Crash:
    with place.copy() as name:
        return apart(lambda: _run(peer, one, mode, place.django(name)))


def _prepare(peer: DjangoPeer, database: dict[str, Any]) -> None:
    """Make the shop, with what the library needs, and fill it while the library looks on."""
    make_shop(peer, database)
    with peer.acting():
        seed()
    peer.settle()
    use(None)


def _run(peer: DjangoPeer, one: Case, mode: str, database: dict[str, Any]) -> Verdict:
    """Do what a case does on a copy of the shop, and judge it."""
    if database["ENGINE"].endswith("sqlite3"):
        # Triggers of rows that REPLACE deletes fire: the oracle sees them.
        database = {**database, "OPTIONS": {"init_command": "PRAGMA recursive_triggers = ON"}}
    use(database)
    known = Counter(peer.recorded())
    with observing(database) as observer:
        install_oracle(observer, columns_of(TABLES))
        with peer.acting(), transaction.atomic() if mode == "atomic" else nullcontext():
            one.run()
        rows = observer.execute("SELECT tbl, op, old, new FROM oracle ORDER BY n").fetchall()
    recorded = Counter(peer.recorded())
    recorded.subtract(known)
    return judge(_seen(rows), _seen(list(_folded(rows))), +recorded)


def _seen(rows: Sequence[Any]) -> list[Change]:
    return [as_change(one) for one in changed_rows(rows, ACTOR).elements()]


def _folded(rows: Sequence[Any]) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Tell what became of each row from the first change to the last."""
    by_row: dict[tuple[str, int], list[tuple[str | None, str | None]]] = {}
    for table, _, old, new in rows:
        by_row.setdefault((table, msgspec.json.decode(old or new)["id"]), []).append((old, new))
    for (table, _), steps in by_row.items():
        old, new = steps[0][0], steps[-1][1]
        if old or new:
            yield table, "update" if old and new else "insert" if new else "delete", old, new
