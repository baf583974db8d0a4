"""``make run``: the main job, on the story of a small shop that comes with the project.

Runs the commands that a user would type and shows them: create a trail, record two days of orders, seal,
verify, tell one order's story, prove one event offline, then alter one byte on a copy and see it found.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ordertrail.testing.story import order_story

HERE = Path("story")
COMMAND = [str(Path(sys.executable).with_name("ordertrail"))]
ORDERS = 2_000
console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Run the demonstration in ``./story``; return an exit status."""
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
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
    tamper(fraud["id"])
    status = run("verify", "--trail", "tampered", "--anchor", "trail/log/checkpoint", expect=1)
    say(
        "Found, named, and everything is still provable from the published copy. The trail is in ./story/trail."
    )
    return 0 if status == 1 else 1


def find_fraud(lines: Sequence[bytes]) -> dict[str, Any]:
    """Return the first price change that a clerk made because a customer called."""
    for line in lines:
        event = json.loads(line)
        if event["action"] == "order.price.change" and "called" in event.get("context", {}).get("reason", ""):
            return event  # type: ignore[no-any-return]
    raise SystemExit("the story has no fraud in it")


def tamper(event_id: str) -> None:
    """Edit one row of a copy, as somebody with the database's password could."""
    shutil.copytree(HERE / "trail", HERE / "tampered")
    database = sqlite3.connect(HERE / "tampered" / "ordertrail.db")
    with database:
        database.execute("DROP TRIGGER entry_no_update")
        found = database.execute(
            "SELECT idx, entry FROM entry WHERE event_id = ?", (bytes.fromhex(event_id.replace("-", "")),)
        ).fetchone()
        index, entry = found
        change = json.loads(entry)["event"]["changes"][0]
        lowered, usual = (b'"amount":%d' % change[side]["amount"] for side in ("after", "before"))
        database.execute("UPDATE entry SET entry = ? WHERE idx = ?", (entry.replace(lowered, usual), index))
    database.close()


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
