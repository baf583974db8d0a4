"""``doctor``: what could keep a trail from working, looked at one by one."""

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ordertrail.kernel.errors import OrderTrailError

_FREE_BYTES = 1 << 30
_OLDEST_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
_SQLITE = (3, 37)  # STRICT tables
_PART_PREFIX = ".part-"

Level = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    name: str
    level: Level
    message: str


Probe = Callable[[], Diagnosis]
"""Looks at one configured part; what goes wrong while it looks is what it found."""


def diagnose(
    root: Path,
    open_trail: Callable[[Path], AbstractContextManager[object]],
    probes: Iterable[tuple[str, Probe]],
) -> Iterator[Diagnosis]:
    """Look at the machine, at the trail in ``root``, and at each part that its settings name."""
    yield _python()
    yield _sqlite()
    yield _clock()
    yield _space(root)
    try:
        with open_trail(root):
            pass
    except OrderTrailError as error:
        yield Diagnosis("trail", "failed", told(error))
        return
    yield Diagnosis("trail", "ok", f"{root} opens; its settings are right")
    yield from _private_files(root)
    yield _leftovers(root)
    for name, probe in probes:
        try:
            yield probe()
        except OrderTrailError as error:
            yield Diagnosis(name, "failed", told(error))


def told(error: OrderTrailError) -> str:
    """Return what happened, what it means for the evidence and what to do, in one line."""
    found = error.diagnostics()
    return f"{found.happened} ({found.meaning} {found.remedy})"


def _python() -> Diagnosis:
    return Diagnosis("python", "ok", f"{sys.version.split()[0]}")


def _sqlite() -> Diagnosis:
    level: Level = "ok" if sqlite3.sqlite_version_info >= _SQLITE else "failed"
    return Diagnosis("sqlite", level, f"{sqlite3.sqlite_version} (3.37 or newer is needed)")


def _clock() -> Diagnosis:
    now = datetime.now(UTC)
    level: Level = "ok" if now > _OLDEST_CLOCK else "failed"
    synchronized = (
        "synchronized" if Path("/run/systemd/timesync/synchronized").exists() else "synchronization unknown"
    )
    return Diagnosis(
        "clock",
        level,
        f"{now:%Y-%m-%d %H:%M:%S} UTC, {synchronized}, resolution {time.get_clock_info('time').resolution} s",
    )


def _space(root: Path) -> Diagnosis:
    place = root if root.exists() else Path()
    free = shutil.disk_usage(place).free
    level: Level = "ok" if free > _FREE_BYTES else "warning"
    return Diagnosis("disk", level, f"{free / 1e9:.1f} GB free at {place}")


def _private_files(root: Path) -> Iterator[Diagnosis]:
    for path in sorted((root / "keys").glob("*")):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            yield Diagnosis("keys", "failed", f"{path} has mode {mode:o}; run: chmod 600 {path}")
            return
    yield Diagnosis("keys", "ok", "private keys are read by their owner only")
    if not (root / "ordertrail.db").exists():
        return
    if os.access(root / "ordertrail.db", os.W_OK):
        yield Diagnosis("database", "ok", "can be written by this user")
    else:
        yield Diagnosis(
            "database", "warning", "cannot be written by this user; checking works, recording does not"
        )


def _leftovers(root: Path) -> Diagnosis:
    parts = [name for _, _, names in os.walk(root) for name in names if name.startswith(_PART_PREFIX)]
    if not parts:
        return Diagnosis("leftovers", "ok", "no unfinished files")
    return Diagnosis(
        "leftovers",
        "warning",
        f"{len(parts)} unfinished files of a crash; harmless, may be deleted: {parts[0]}",
    )
