"""Section ``postgresql``: how many events a second become durable and sealed on a PostgreSQL server beside us.

A real server, started for this, on the same disk and the same cores as the processes that use it, with ``fsync`` and
``synchronous_commit`` on and nothing else tuned but what any server of this size is given (``_SERVER``).
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.figures import Figure, Result, Skipped, at_least
from bench.machine import require_disk
from bench.trails import BATCH, ORIGIN
from bench.workshop import ROOT, Workshop

if TYPE_CHECKING:
    from servers.postgresql import Server

_TESTS = ROOT / "tests"
_PLACE = Path("/var/tmp")  # noqa: S108 - mkdtemp makes a private folder in it
_SERVER = ("shared_buffers=256MB", "max_wal_size=4GB")
_TARGET = at_least(10_000)
_SEALED = "SQL row, order chain, tile, signed checkpoint, journal row discarded"


def measure(shop: Workshop) -> Iterator[Result]:
    """Record and seal in one process by turns, and in two at once; skipped where there is no server."""
    sys.path.append(str(_TESTS))
    from servers.postgresql import NoServerError, running  # noqa: PLC0415 - of the tests, and needed here alone

    try:
        with running(*_SERVER, place=_PLACE) as server:
            require_disk(server.folder)
            yield _by_turns(shop, server)
            yield _in_two(shop, server)
    except NoServerError as error:
        yield Skipped("postgresql", str(error))


def _by_turns(shop: Workshop, server: "Server") -> Result:
    rates = [shop.sizes.sealed / told[0]["seconds"] for told in _runs(shop, server, ("turns",))]
    return Figure(
        f"postgresql.both_{BATCH}",
        f"record and seal, batches of {BATCH:,}, one process",
        median(rates),
        "events/s",
        _TARGET,
        f"{shop.sizes.sealed:,} events; median of {len(rates)}; JSON lines in; out: {_SEALED}",
    )


def _in_two(shop: Workshop, server: "Server") -> Result:
    rates = [shop.sizes.sealed / told[1]["seconds"] for told in _runs(shop, server, ("record", "seal"))]
    return Figure(
        f"postgresql.two_processes_{BATCH}",
        f"record and seal, batches of {BATCH:,}, two processes",
        median(rates),
        "events/s",
        _TARGET,
        f"{shop.sizes.sealed:,} events; median of {len(rates)}; from the first event in to the last one sealed; "
        "the sealing process is woken by NOTIFY",
    )


def _runs(shop: Workshop, server: "Server", roles: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
    """Yield what the jobs of each round say, a new trail in a new database for each."""
    from servers.databases import trail_database  # noqa: PLC0415 - as in measure
    from servers.trails import create_on_postgresql  # noqa: PLC0415 - as in measure

    events = shop.sizes.sealed
    for _ in range(shop.sizes.rounds):
        shop.say(f"recording and sealing {events:,} events on PostgreSQL: {' and '.join(roles)}")
        root = shop.place("postgresql")
        with trail_database(server) as trail:
            create_on_postgresql(root, ORIGIN, trail.url("sealer")).close()
            common = {"root": str(root), "events": events, "batch": BATCH}
            url = {role: trail.url("app" if role == "record" else "sealer") for role in roles}
            yield shop.run_beside(
                [("on_postgresql", common | {"url": url[role], "role": role}) for role in roles]
            )
