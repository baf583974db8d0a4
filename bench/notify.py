"""How long from the commit of a change to the message in a receiver's hands, with everything running.

Usage: ``bench/notify.py [--events N] [--rate N] [--json]``.

A process seals as it comes (``Trail.follow``), another follows the log and sends signed webhooks to a receiver in this
process, which records events, one at a time at an even rate. Measured is from the return of ``record`` (the event is
committed in the journal) to the receiver's having the whole request, by one clock of one machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median, quantiles

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.notify import open_notify
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.settings import Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the example of Standard Webhooks
_WARM = 5
_SEALING = """
import sys
from pathlib import Path
from ordertrail.assembly import open_trail
with open_trail(Path(sys.argv[1])) as trail:
    trail.follow(lambda: False)
"""
_TELLING = """
import sys
from pathlib import Path
from ordertrail.assembly.notify import open_notify
from ordertrail.settings.notify import RouteSettings
said = RouteSettings(
    name="desk", to="webhook", url=sys.argv[2], secret_files=["hook.secret"], most_per_minute=10_000
)
with open_notify(Path(sys.argv[1]), [said]) as notify:
    notify.follow(lambda: False)
"""


@dataclass(frozen=True)
class Figures:
    """What was measured, in seconds."""

    events: int
    rate: float
    median: float
    p99: float
    worst: float


@contextmanager
def receiver(arrived: dict[str, float]) -> Iterator[str]:
    """Take webhooks, and remember when each event of them came."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            now = time.perf_counter()
            for one in json.loads(body)["data"]["messages"]:
                arrived.setdefault(one["id"], now)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def measure(events: int, rate: float) -> Figures:
    """Run a trail with everything beside it, and record."""
    arrived: dict[str, float] = {}
    committed: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home, receiver(arrived) as url:
        root = Path(home) / "trail"
        create_trail(root, "bench.example/log", settings=Settings(immutable=False)).close()
        (root / "hook.secret").write_text(SECRET)
        with open_notify(root, []) as notify:
            notify.run()
        programs = [
            subprocess.Popen([sys.executable, "-c", _SEALING, str(root)]),
            subprocess.Popen([sys.executable, "-c", _TELLING, str(root), url]),
        ]
        try:
            with open_trail(root) as trail:
                for number in range(_WARM + events):
                    begun = time.perf_counter()
                    event = _refund(number)
                    trail.record([event])
                    committed[event.id] = time.perf_counter()
                    if number < _WARM:
                        _wait(arrived, 1 + number)
                    else:
                        time.sleep(max(0.0, 1 / rate - (time.perf_counter() - begun)))
            _wait(arrived, _WARM + events)
        finally:
            for program in programs:
                program.kill()
                program.wait()
    took = [arrived[one] - at for one, at in list(committed.items())[_WARM:]]
    return Figures(events, rate, median(took), quantiles(took, n=100)[98], max(took))


def _wait(arrived: dict[str, float], number: int) -> None:
    end = time.monotonic() + 60
    while len(arrived) < number:
        if time.monotonic() > end:
            raise SystemExit(f"only {len(arrived)} of {number} events arrived within a minute")
        time.sleep(0.01)


def _refund(number: int) -> Event:
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action="payment.refund",
        actor=Actor("clerk-17", "person"),
        subject=Subject("payment", f"pay-{number}", f"SO-{number}"),
        changes=(Change("/refunded", after={"amount": 5000, "currency": "EUR"}),),
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    figures = measure(told.events, told.rate)
    if told.json:
        print(json.dumps(asdict(figures)))
        return
    told_in = {"median": figures.median, "p99": figures.p99, "worst": figures.worst}
    print(f"{figures.events:,} events at {figures.rate:g}/s, from commit to the receiver:")
    print("  " + "   ".join(f"{name} {seconds * 1000:,.0f} ms" for name, seconds in told_in.items()))


if __name__ == "__main__":
    main()
