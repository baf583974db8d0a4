"""How fast the interface answers over HTTP: its main questions, asked by one, by 8 and by 200 clients at once.

Usage: ``bench/api.py [--events N] [--seconds S] [--clients 1,8,200] [--workers N] [--dir DIR] [--json FILE]``.

The trail is told by ``bench/generated_trail.py``, recorded, sealed and indexed by the product, and served as
``ordertrail serve`` serves it, in a process of its own. Each client has a connection and asks one thing after another
without a pause, so that what 200 wait is the time of 200 answers. Every reading is recorded before it is answered: the
durable write is in each figure, and what answering costs without one is shown by an address that reads no evidence.
"""

import argparse
import json
import multiprocessing
import socket
import sys
import tempfile
import time
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import quote

if __name__ == "__main__":
    sys.path[:0] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

from bench.figures import percentile
from bench.generated_trail import NOW, event_of
from ordertrail.access.account import Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import NOT_BY_KEY, Role, verbs_of
from ordertrail.access.service import local_principal
from ordertrail.access.telling import Where
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.assembly.serving import Bounds, listen_for, serve_on
from ordertrail.kernel.clock import format_time
from ordertrail.settings import Settings
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.app import create_app
from web.api.load import Outcome, load

_BASE = "/api/v1"
_BATCH = 5_000


def prepare(root: Path, events: int) -> tuple[str, list[tuple[str, str]]]:
    """Make a trail; return a key that may ask, and what it asks: names and addresses."""
    with create_trail(root, "bench.example/log", settings=Settings(immutable=False)) as trail:
        for start in range(0, events, _BATCH):
            trail.record(map(event_of, range(start, min(start + _BATCH, events))))
        trail.seal(limit=10_000)
    with open_services(root) as services:
        services.query.feed()
        services.query.index.settle()
        here = Where(channel="bench")
        local, roles = local_principal(), (Role.AUDITOR,)
        given = services.access.people.add(
            local, "bench", "bench", Wanted(roles, Scope()), here, kind=Kind.SERVICE
        )
        verbs = verbs_of(roles) - NOT_BY_KEY
        made = services.access.keyring.make(local, given.account, "bench", verbs, timedelta(days=1), here)
    return made.text, _asked(events)


def _asked(events: int) -> list[tuple[str, str]]:
    some = event_of(events // 2)
    order, actor = some.subject.order or "", quote(some.actor.id)
    span = "start=2025-11-23T00:00:00Z&end=2026-11-24T00:00:00Z"
    now, words = quote(format_time(NOW)), quote('"customer called"')
    return [
        ("search: the newest 50", f"{_BASE}/events"),
        ("search: an order", f"{_BASE}/events?q=order:{order}"),
        ("search: words", f"{_BASE}/events?q={words}&limit=20"),
        ("search: price lowered by a fifth", f"{_BASE}/events?q={quote('lowered:unit_price>20%')}&limit=20"),
        ("facets", f"{_BASE}/facets"),
        ("facets of an action", f"{_BASE}/facets?q=action:order.cancel"),
        ("histogram by month", f"{_BASE}/histogram?{span}&step=month"),
        ("an event", f"{_BASE}/events/{some.id}"),
        ("an event proven", f"{_BASE}/events/{some.id}/proof"),
        ("what else happened", f"{_BASE}/events/{some.id}/neighbours"),
        ("causes and effects", f"{_BASE}/events/{some.id}/causes"),
        ("an order's history", f"{_BASE}/orders/{order}"),
        ("an order as of a moment", f"{_BASE}/orders/{order}/at?time={now}"),
        ("a profile", f"{_BASE}/actors/{actor}?{span}"),
        ("a ranking over all years", f"{_BASE}/facts/ranking?by=actor"),
        ("where the trail stands", f"{_BASE}/status"),
        ("a filter read (records nothing)", f"{_BASE}/filter?q=actor:{actor}"),
    ]


def serve(root: Path, listening: socket.socket) -> None:
    """Serve a trail until the process is ended."""
    with open_services(root) as services:
        app = create_app(services, ServeSettings(insecure_cookies=True, workers=1))
        serve_on(app, listening, Bounds(), lambda: None)


def resident(process: BaseProcess) -> float:
    """Return the MiB of memory that a process has."""
    told = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("VmRSS:"))


def show(clients: int, outcome: Outcome) -> dict[str, list[float]]:
    """Print what each question took; return it."""
    rate = outcome.answers / outcome.seconds
    statuses = ", ".join(f"{number:,} of {status}" for status, number in sorted(outcome.statuses.items()))
    print(
        f"\n{clients} at once: {rate:,.0f} answers a second; {statuses}; {len(outcome.broken)} connections broke"
    )
    print(f"  {'milliseconds':36} {'P50':>8} {'P95':>8} {'P99':>8}")
    told = {}
    for name, took in outcome.took.items():
        figures = [percentile(took, share) for share in (0.5, 0.95, 0.99)]
        told[name] = figures
        print(f"  {name:36}" + "".join(f" {figure:8.1f}" for figure in figures))
    return told


def main() -> int:
    """Measure what was asked for; return 1 where an answer was wrong or missing."""
    parser = argparse.ArgumentParser(prog="bench/api.py", description="Measure the interface over HTTP.")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each number of clients")
    parser.add_argument("--clients", default="1,8,200", help="at once")
    parser.add_argument("--workers", type=int, default=1, help="processes that answer")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"))  # noqa: S108 - mkdtemp makes a folder in it
    parser.add_argument("--json", type=Path, help="a file for every figure")
    options = parser.parse_args()
    told: dict[str, object] = {"events": options.events, "workers": options.workers}
    good = True
    with tempfile.TemporaryDirectory(prefix="ordertrail-api-", dir=options.dir) as folder:
        root = Path(folder) / "trail"
        began = time.perf_counter()
        key, asked = prepare(root, options.events)
        print(
            f"{options.events:,} events recorded, sealed and indexed in {time.perf_counter() - began:,.0f} s"
        )
        listening = listen_for("127.0.0.1", 0)
        started = multiprocessing.get_context("fork")
        servers = [started.Process(target=serve, args=(root, listening)) for _ in range(options.workers)]
        for server in servers:
            server.start()
        try:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            load(address, key, asked, 1, 2.0)
            for clients in map(int, options.clients.split(",")):
                before = sum(map(resident, servers))
                outcome = load(address, key, asked, clients, options.seconds)
                told[str(clients)] = show(clients, outcome)
                grown = sum(map(resident, servers)) - before
                print(f"  memory of the servers: {before:,.0f} MiB before, {grown:+,.1f} MiB after")
                good = good and not outcome.broken and set(outcome.statuses) == {200}
        finally:
            for server in servers:
                server.terminate()
                server.join()
            listening.close()
    if options.json is not None:
        options.json.write_text(json.dumps(told))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
