"""The machine that a run was on: what the figures would be meaningless without."""

import hashlib
import os
import platform
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import format_value, percentile

_NOT_DISKS = frozenset({"tmpfs", "ramfs", "devtmpfs"})
_SYNCS = 200
_BUSY = 0.5
_HERE = Path(__file__).resolve().parent
_LIBRARIES = ("cryptography", "msgspec", "sqlalchemy")


class NotADiskError(Exception):
    """The folder is in memory: nothing measured there would be durable."""


def file_system(folder: Path) -> tuple[str, str]:
    """Return the type of the file system that holds a folder, and its device."""
    best, found = "", ("unknown", "unknown")
    place = str(folder.resolve())
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        mount = before.split()[4].replace("\\040", " ")
        inside = place == mount or place.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            kind, device, *_ = after.split()
            best, found = mount, (kind, device)
    return found


def require_disk(folder: Path) -> None:
    """Refuse a folder that is in memory. Raises NotADiskError."""
    kind, _ = file_system(folder)
    if kind in _NOT_DISKS:
        raise NotADiskError(
            f"{folder} is on {kind}, which is memory: durable figures need a disk; choose one with --dir"
        )


def sync_seconds(folder: Path, count: int = _SYNCS) -> list[float]:
    """Measure how long it takes to append 4,096 bytes to a file and fsync it."""
    path, taken = folder / "fsync", []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for _ in range(count):
            began = time.perf_counter()
            os.write(descriptor, bytes(4_096))
            os.fsync(descriptor)
            taken.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return taken


def describe(folder: Path) -> dict[str, Any]:
    """Describe the machine, its disk and its software."""
    kind, device = file_system(folder)
    syncs = sync_seconds(folder)
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "ram_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "file_system": kind,
        "device": device,
        "fsync_ms": {
            "p50": round(median(syncs) * 1e3, 3),
            "p99": round(percentile(syncs, 0.99) * 1e3, 3),
        },
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "ordertrail": version("ordertrail"),
        "revision": _revision(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def format_machine(machine: dict[str, Any]) -> str:
    """Write the description as lines for people."""
    syncs = machine["fsync_ms"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    p50, p99 = (format_value(syncs[name], "ms") for name in ("p50", "p99"))
    busy = ": the machine is busy, the figures are noisy" if machine["load_average"] > _BUSY else ""
    return "\n".join(
        (
            f"  {machine['cpu']}, {machine['cores']} cores, {machine['ram_gib']} GiB; {machine['system']}",
            f"  {machine['file_system']} on {machine['device']}; 4 KiB and fsync: p50 {p50}, p99 {p99}",
            f"  OrderTrail {machine['ordertrail']} ({machine['revision']})",
            f"  Python {machine['python']}, SQLite {machine['sqlite']}, {libraries}",
            f"  load average at the start {machine['load_average']}{busy}",
        )
    )


def waited_seconds() -> float | None:
    """Return for how long, since the system began, some process that could run waited for a core."""
    try:
        first = Path("/proc/pressure/cpu").read_text().splitlines()[0]
    except OSError:
        return None
    return int(first.rpartition("total=")[2]) / 1e6


def source_digest() -> str:
    """Return a digest of the source that is measured: a run over a tree that changes meanwhile means little."""
    digest = hashlib.sha256()
    for path in sorted((_HERE.parent / "src").rglob("*")):
        if path.suffix in {".py", ".sql"}:
            digest.update(f"{path.relative_to(_HERE.parent)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _revision() -> str:
    """Say which source is measured: its commit, and whether it was changed since."""
    try:
        commit = _git("rev-parse", "--short", "HEAD").strip()
        changed = _git("status", "--porcelain", "--", "src")
    except (OSError, subprocess.CalledProcessError):
        return "revision unknown"
    return f"commit {commit}{', src changed since' if changed else ''}"


def _git(*arguments: str) -> str:
    command = ["git", "--no-optional-locks", *arguments]
    return subprocess.run(command, cwd=_HERE, capture_output=True, text=True, check=True).stdout


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or "unknown"
