"""Measure pymerkle's SqliteTree: ``pymerkle_tree.py '<arguments as JSON>'``, one JSON object out.

Run by the Python of ``bench/.venv``. pymerkle has no check of a whole tree. The loop here makes one, as fast
as we can: its table is read in one query, each entry is hashed by its hasher and compared with its stored
leaf, and a tree opened anew must come to the root that the recording tree had.
"""

import json
import sqlite3
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pymerkle import SqliteTree  # type: ignore[import-not-found]


def measure(arguments: dict[str, Any]) -> dict[str, Any]:
    """Append in batches until the events or the seconds run out; check everything in a tree opened anew."""
    with Path(arguments["events"]).open("rb") as lines:
        entries = [line.rstrip(b"\n") for line, _ in zip(lines, range(arguments["count"]), strict=False)]
    batch, recorded = arguments["batch"], 0
    with SqliteTree(arguments["database"]) as tree:
        settings = {
            name: tree.con.execute(f"PRAGMA {name}").fetchone() for name in ("synchronous", "journal_mode")
        }
        began = time.perf_counter()
        while recorded < len(entries) and time.perf_counter() - began < arguments["seconds"]:
            tree.append_entries(entries[recorded : recorded + batch])
            recorded = min(recorded + batch, len(entries))
        record = time.perf_counter() - began
        root = tree.get_root()
    return {
        "version": version("pymerkle"),
        "settings": settings,
        "recorded": recorded,
        "record": record,
        "verify": check(arguments["database"], recorded, root),
    }


def check(database: str, size: int, root: bytes) -> float:
    """Check every leaf and the root; return the seconds it took."""
    began = time.perf_counter()
    connection = sqlite3.connect(database)
    with SqliteTree(database) as tree:
        checked = 0
        for entry, leaf in connection.execute("SELECT entry, hash FROM leaf ORDER BY id"):
            if tree.hash_buff(entry) != leaf:
                raise RuntimeError("a leaf is not the hash of its entry")
            checked += 1
        if checked != size or tree.get_root() != root:
            raise RuntimeError("the tree has another size or root")
    connection.close()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(json.loads(sys.argv[1]))) + "\n")
