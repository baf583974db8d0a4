"""Measure auditchain's SqliteBackend: ``auditchain_log.py '<arguments as JSON>'``, one JSON object out.

Run by the Python of ``bench/.venv``. Events are parsed before time counts, for its interface takes values.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from auditchain import (  # type: ignore[import-not-found]
    AuditLog,
    SqliteBackend,
    __version__,
    generate_keypair,
)

Record = tuple[str, str, str, dict[str, Any]]


def records(path: Path, count: int) -> list[Record]:
    """Return events as auditchain takes them: actor, action, subject, and all the rest beside."""
    taken = []
    with path.open("rb") as lines:
        for line, _ in zip(lines, range(count), strict=False):
            event = json.loads(line)
            taken.append((event["actor"]["id"], event.pop("action"), event["subject"]["id"], event))
    return taken


async def measure(arguments: dict[str, Any]) -> dict[str, Any]:
    """Record in batches until the events or the seconds run out; verify everything in a log opened anew."""
    entries = records(Path(arguments["events"]), arguments["count"])
    batch, database = arguments["batch"], Path(arguments["database"])
    options = {"signing_key": generate_keypair()[0]} if arguments["signed"] else {}
    recorded = 0
    async with AuditLog(SqliteBackend(database), **options) as log:
        settings = _settings(log)
        began = time.perf_counter()
        while recorded < len(entries) and time.perf_counter() - began < arguments["seconds"]:
            await log.append_many(entries[recorded : recorded + batch])
            recorded = min(recorded + batch, len(entries))
        record = time.perf_counter() - began
    async with AuditLog(SqliteBackend(database), **options) as log:
        began = time.perf_counter()
        report = await log.verify(expected_count=recorded)
        verify = time.perf_counter() - began
    if not report.ok or (arguments["signed"] and report.signed_records != recorded):
        raise RuntimeError(report.reason)
    return {
        "version": __version__,
        "settings": settings,
        "recorded": recorded,
        "record": record,
        "verify": verify,
    }


def _settings(log: Any) -> dict[str, Any]:
    """Ask the log's own connection, which sets nothing itself, how durable it is."""
    connection = log.backend._connection()  # noqa: SLF001 - synchronous is a connection's own setting
    return {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(measure(json.loads(sys.argv[1])))) + "\n")
