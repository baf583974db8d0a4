"""Running the cases on every library and database, and what came of it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bench.capture_peers.catalogue import Contestant
from bench.capture_peers.processes import BrokenError, Job, hear, python_of
from bench.capture_peers.verdict import Crash, Verdict

_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder in it
_ROOM = 2 << 30
"""Bytes that a server and its databases, two of them at once, never need."""

_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case, each time it ran: twice where it ran in autocommit mode and in a transaction."""

    group: str
    case: str
    outcomes: tuple[Verdict | Crash, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A library on a database: its cases, or why it could not be had at all."""

    contestant: Contestant
    vendor: str
    results: tuple[CaseResult, ...]
    broken: str | None = None


def run_matrix(contestants: Sequence[Contestant], python: Path, say: Callable[[str], None]) -> list[Column]:
    """Run all cases on each, some at once; nothing has to be durable here."""
    pairs = [(one, vendor) for one in contestants for vendor in one.vendors]
    pool = ThreadPoolExecutor(_AT_ONCE)
    with _places() as places:

        def run(pair: tuple[Contestant, str]) -> Column:
            contestant, vendor = pair
            work = Job("matrix", contestant.framework, contestant.module, vendor, places[vendor])
            try:
                lines = hear(work.command(python_of(contestant, python)))
                found = Column(contestant, vendor, tuple(_results(lines)))
            except BrokenError as error:
                found = Column(contestant, vendor, (), str(error))
            say(f"{contestant.title} on {vendor}: {found.broken or f'{len(found.results)} cases'}")
            return found

        try:
            return list(pool.map(run, pairs))
        finally:
            pool.shutdown(cancel_futures=True)


def _results(lines: Sequence[dict[str, Any]]) -> Iterator[CaseResult]:
    names = [field.name for field in fields(Verdict)]
    by_case: dict[tuple[str, str], list[Verdict | Crash]] = {}
    for line in lines:
        outcome = (
            Crash(line["reason"]) if "reason" in line else Verdict(**{name: line[name] for name in names})
        )
        by_case.setdefault((line["group"], line["case"]), []).append(outcome)
    for (group, case), outcomes in by_case.items():
        yield CaseResult(group, case, tuple(outcomes))


@contextmanager
def _places() -> Iterator[dict[str, str]]:
    """Yield where databases may be made, in memory where there is room: a folder, and a server."""
    from servers.postgresql import running  # noqa: PLC0415 - of the tests, and needed here alone

    memory = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM else None
    with (
        tempfile.TemporaryDirectory(prefix="ordertrail-peers-", dir=memory) as folder,
        running("max_prepared_transactions=10", "fsync=off", place=memory) as server,
    ):
        yield {"sqlite": folder, "postgresql": server.url()}
