"""How fast the auditor's pages are in a real browser: first HTML, each part that loads later, layout shift, and weight.

Usage: ``bench/pages.py [--events N] [--runs N] [--dir DIR] [--keep DIR] [--json FILE]``.

The trail is told by ``bench/generated_trail.py``, recorded, sealed and indexed by the product, and served as
``ordertrail serve`` serves it, in as many processes. Chromium opens each page again and again as an auditor, with
another order, person or filter each time, its cache warm but for the first. *First HTML* is from the request to the
last byte of the document; a *part* is from its request to its last byte; *shift* is the browser's cumulative layout
shift until all parts are there; *weight* is what scripts and styles are as they travel. Every reading is recorded
before it is answered, and the durable write is in each figure.
"""

import argparse
import gzip
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

if __name__ == "__main__":
    sys.path[:0] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

from playwright.sync_api import Browser, Page

from bench.api import prepare, serve
from bench.figures import percentile
from bench.generated_trail import event_of
from ordertrail.assembly.serving import listen_for
from ordertrail.settings.serve import ServeSettings
from servers.chromium import chromium_browser

HTML, PART, WEIGHT = 300.0, 800.0, 75.0
"""Milliseconds of a document and of a part at the 95th percentile, and KB of scripts and styles, at most."""
_STATIC = Path(__file__).resolve().parents[1] / "src/ordertrail/web/static"

Draw = Callable[[random.Random, int], str]
PAGES: dict[str, Draw] = {
    "Overview": lambda _draw, _events: "/",
    "Explore: everything": lambda _draw, _events: "/explore",
    "Explore: a person's month": lambda draw, events: (
        "/explore?q=" + quote(f"actor:{event_of(draw.randrange(events)).actor.id} when:last-30-days")
    ),
    "Explore: words": lambda _draw, _events: "/explore?q=" + quote('"customer called"'),
    "Explore: prices lowered": lambda _draw, _events: (
        "/explore?by=actor&q=" + quote("lowered:unit_price>20%")
    ),
    "Orders": lambda _draw, _events: "/orders",
    "An order": lambda draw, events: f"/orders/{event_of(draw.randrange(events)).subject.order}",
    "A person": lambda draw, events: "/people/" + quote(event_of(draw.randrange(events)).actor.id, safe=""),
    "Who approved whose work": lambda draw, events: (
        "/duties?person=" + quote(event_of(draw.randrange(events)).actor.id, safe="")
    ),
    "An event": lambda draw, events: f"/events/{event_of(draw.randrange(events)).id}",
    "Integrity": lambda _draw, _events: "/integrity",
    "Settings": lambda _draw, _events: "/settings",
}

_WATCH = """
window.__shift = 0;
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.__shift += one.value;
}).observe({type: 'layout-shift', buffered: true});
"""
_TOLD = """() => ({
  html: (one => one.responseEnd - one.requestStart)(performance.getEntriesByType('navigation')[0]),
  parts: performance.getEntriesByType('resource')
    .filter(one => one.name.includes('region=')).map(one => one.responseEnd - one.requestStart),
  shift: window.__shift,
})"""
_SETTLED = "() => !document.querySelector('[aria-busy=true]') && document.readyState === 'complete'"


@dataclass
class Taken:
    """What the runs of a page took, in milliseconds; the layout shift of each; statuses that were not 200."""

    html: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    shift: list[float] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)


def visit(page: Page, url: str, taken: Taken) -> None:
    """Open a page and wait for all of its parts."""
    answer = page.goto(url)
    if answer is None or answer.status != 200:
        taken.wrong.append(0 if answer is None else answer.status)
        return
    page.wait_for_function(_SETTLED, timeout=60_000)
    page.wait_for_timeout(50)
    told: dict[str, Any] = page.evaluate(_TOLD)
    taken.html.append(told["html"])
    taken.parts += told["parts"]
    taken.shift.append(told["shift"])


def measure(browser: Browser, address: str, key: str, events: int, runs: int) -> dict[str, Taken]:
    """Open every page so often; the first time of each is not counted: caches of disk and browser are cold then."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, extra_http_headers={"Authorization": f"Bearer {key}"}
    )
    context.add_init_script(_WATCH)
    page, found = context.new_page(), {}
    for name, path in PAGES.items():
        draw, taken = random.Random(name), Taken()  # noqa: S311 - the same pages each time
        visit(page, address + path(draw, events), Taken())
        for _ in range(runs):
            visit(page, address + path(draw, events), taken)
        found[name] = taken
        show(name, taken)
    context.close()
    return found


def show(name: str, taken: Taken) -> None:
    """Print what a page took."""
    html, parts = (
        [percentile(sorted(one), share) if one else 0.0 for share in (0.5, 0.95)]
        for one in (taken.html, taken.parts)
    )
    wrong = f"  WRONG: {taken.wrong}" if taken.wrong else ""
    print(
        f"  {name:28} {html[0]:8.0f} {html[1]:8.0f}   {parts[0]:8.0f} {parts[1]:8.0f}"
        f"   {max(taken.shift, default=0.0):8.4f}{wrong}",
        flush=True,
    )


def weight() -> float:
    """Return the KB of the scripts and styles of a page, as they travel."""
    named = [
        *_STATIC.glob("*.js"),
        *_STATIC.glob("*.css"),
        *_STATIC.glob("vendor/*.js"),
        *_STATIC.glob("vendor/*.css"),
    ]
    return sum(len(gzip.compress(one.read_bytes())) for one in named) / 1_000


def main() -> int:
    """Measure, tell, and return 1 where a page was wrong or slower than it may be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=40, help="of each page")
    parser.add_argument("--workers", type=int, default=ServeSettings().workers, help="processes that answer")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"))  # noqa: S108 - mkdtemp makes a folder in it
    parser.add_argument(
        "--keep", type=Path, help="a folder for the trail, or where one is from an earlier run"
    )
    parser.add_argument("--json", type=Path, help="a file for every figure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ordertrail-pages-", dir=options.dir) as folder:
        root = (options.keep or Path(folder)) / "trail"
        key = _key(root, options.events)
        listening = listen_for("127.0.0.1", 0)
        started = multiprocessing.get_context("spawn")
        servers = [started.Process(target=serve, args=(root, listening)) for _ in range(options.workers)]
        for server in servers:
            server.start()
        try:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            heads = " ".join(f"{head:>8}" for head in ("HTML P50", "P95", "", "part P50", "P95", "", "shift"))
            print(
                f"\n  {f'ms over {options.events:,} events':28} {heads}".replace("         part", "   part")
            )
            with chromium_browser() as browser:
                found = measure(browser, address, key, options.events, options.runs)
        finally:
            for server in servers:
                server.terminate()
                server.join()
            listening.close()
    kilobytes = weight()
    print(f"  scripts and styles: {kilobytes:.1f} KB gzipped, of {WEIGHT:g}")
    if options.json is not None:
        options.json.write_text(
            json.dumps({name: vars(one) for name, one in found.items()} | {"weight": kilobytes})
        )
    good = kilobytes <= WEIGHT and all(_good(one) for one in found.values())
    print("  kept" if good else "  NOT kept: 300 ms of HTML, 800 ms of a part, no shift")
    return 0 if good else 1


def _key(root: Path, events: int) -> str:
    kept = root.with_name("key.json")
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        if found["events"] == events:
            return str(found["key"])
    began = time.perf_counter()
    key, _ = prepare(root, events)
    print(f"{events:,} events recorded, sealed and indexed in {time.perf_counter() - began:,.0f} s")
    kept.write_text(json.dumps({"events": events, "key": key}))
    return key


def _good(taken: Taken) -> bool:
    html, parts = sorted(taken.html), sorted(taken.parts)
    return (
        not taken.wrong
        and percentile(html, 0.95) <= HTML
        and (not parts or percentile(parts, 0.95) <= PART)
        and max(taken.shift) == 0.0
    )


if __name__ == "__main__":
    sys.exit(main())
