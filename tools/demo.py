"""``make run``: the main job, on the story of a small shop that comes with the project.

Runs the commands that a user would type and shows them: create a trail, record two days of orders, seal, verify, tell
one order's story, prove one event offline, then alter one row of a copy and see it found. On a terminal it then serves
the shop's pages, until Ctrl-C. ``make run ARGS=--empty`` serves the pages of a trail in which nothing happened yet.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from ordertrail.testing.story import order_story
from ordertrail.testing.tamper.rows import put_price_back

HERE = Path("story")
COMMAND = [str(Path(sys.executable).with_name("ordertrail"))]
ORDERS = 2_000
_BROWSER = "The same in a browser, with people, alerts and a channel that stopped:"
console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Run the demonstration in ``./story``; return an exit status."""
    if sys.argv[1:]:
        return look("empty-shop", *sys.argv[1:])
    for made in ("trail", "tampered", "proof"):
        shutil.rmtree(HERE / made, ignore_errors=True)
    HERE.mkdir(exist_ok=True)
    lines = [line.rstrip(b"\n") for line in order_story(orders=ORDERS)]
    (HERE / "orders.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    say(
        f"{len(lines):,} events of {ORDERS:,} orders: web shop, marketplace, EDI, back office; two days in November"
    )
    run(
        "init",
        "--origin",
        "shop.example/orders",
        "--no-immutable",
        note="an ordinary trail would set the flag",
    )
    run("record", "orders.jsonl")
    run("status")
    run("verify", "--anchor", "trail/log/checkpoint")
    fraud = find_fraud(lines)
    say("A clerk lowered a price after approval. The order's story, each event proven:")
    run("history", fraud["subject"]["order"])
    say("The one event, with a proof that anybody can check offline with the log's key:")
    run("prove", fraud["id"], "--out", "proof")
    run("check", f"proof/{fraud['id']}.tlog-proof", "--key", "trail/log/keys.txt")
    say("Now somebody edits the database: triggers dropped, the price in that one row put back.")
    shutil.copytree(HERE / "trail", HERE / "tampered")
    put_price_back(HERE / "tampered", fraud["id"])
    run("verify", "--trail", "tampered", "--anchor", "trail/log/checkpoint", expect=1)
    say(
        "Found, named, and everything is still provable from the published copy. The trail is in ./story/trail."
    )
    return look("shop")


def look(folder: str, *arguments: str) -> int:
    """Open a shop's pages, where somebody is there to look at them; return an exit status."""
    command = ["demo", f"story/{folder}", *arguments]
    if not sys.stdout.isatty():
        say(f"{_BROWSER} .venv/bin/ordertrail {' '.join(command)}")
        return 0
    say(_BROWSER)
    with suppress(KeyboardInterrupt):  # it ends the service, and is no failure
        return subprocess.run([*COMMAND, *command], check=False).returncode
    return 0


def find_fraud(lines: Sequence[bytes]) -> dict[str, Any]:
    """Return the first price change that a clerk made because a customer called."""
    for line in lines:
        event = json.loads(line)
        if event["action"] == "order.price.change" and "called" in event.get("context", {}).get("reason", ""):
            return event  # type: ignore[no-any-return]
    raise SystemExit("the story has no fraud in it")


def run(*arguments: str, expect: int = 0, note: str = "") -> int:
    """Show a command, run it, and stop the demonstration if it ends in another way than expected."""
    console.print(
        f"\n[bold cyan]$ ordertrail {' '.join(arguments)}[/bold cyan]"
        + (f"  [dim]# {note}[/dim]" if note else "")
    )
    status = subprocess.run([*COMMAND, *arguments], cwd=HERE, check=False).returncode
    if status != expect:
        raise SystemExit(f"ordertrail {arguments[0]} ended with status {status}, not {expect}")
    return status


def say(text: str) -> None:
    """Say what comes next."""
    console.print(f"\n[bold]{text}[/bold]")


if __name__ == "__main__":
    sys.exit(main())
