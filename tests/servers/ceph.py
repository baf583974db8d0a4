"""One Ceph gateway for a whole run of tests: ``python ceph.py FOLDER SCRIPT`` runs it while anybody needs it.

Whoever needs it holds a shared lock on ``users`` in the folder. A process of its own waits for all of them to
end, however they end, and then stops monitor, store and gateway and removes what they wrote.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCESS, SECRET = "ordertrail-test", "ordertrail-test-secret"  # of a store on loopback
PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "curl")
_PARTS = ("rgw", "osd", "mon")
"""What is to be ended, in this order."""

SERVER = "ceph"
"""The folder of Ceph's own files, in the run's."""

_AGAIN = """radosgw -c "$1/ceph.conf" -n client.rgw -f \\
  --rgw-frontends="beast endpoint=127.0.0.1:$2 tcp_nodelay=1" >"$1/rgw.out" 2>&1 & echo $! >"$1/rgw.pid" """

_PATIENCE = 60
"""Seconds to wait for a gateway or for a process to end."""


@contextmanager
def using(place: Path, script: Path) -> Iterator[str]:
    """Use the run's gateway, started by whoever comes first; yield its URL. Raises RuntimeError."""
    with _starting(place), (place / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        told = place / "told"
        if not told.exists():
            keeper = subprocess.Popen(
                [sys.executable, __file__, str(place), str(script)],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while not told.exists() and keeper.poll() is None:
                time.sleep(0.1)
            keeper.returncode = 0  # it outlives us, on purpose
        answer = json.loads(told.read_text())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        kept = os.dup(users.fileno())  # the lock is held until this is closed
    try:
        yield answer["url"]
    finally:
        os.close(kept)


@contextmanager
def _starting(place: Path) -> Iterator[None]:
    """Keep others from starting or ending the gateway, in a folder that is not about to be removed."""
    while True:
        place.mkdir(mode=0o700, exist_ok=True)
        try:
            starting = (place / "starting").open("w")
        except FileNotFoundError:
            continue
        with starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if os.fstat(starting.fileno()).st_nlink:
                yield
                return


def keep(place: Path, script: Path) -> None:
    """Run a gateway for as long as anybody holds ``users``."""
    home = place / SERVER
    try:
        _tell(place, {"url": _start(home, script)})
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        _tell(place, {"error": f"Ceph did not start: {error} {said.decode(errors='replace')[-500:]}"})
    processes = [process for part in _PARTS if (process := _process(home, part))]
    try:
        with _unused(place):
            _clean(place, processes)
    except BaseException:
        _clean(place, processes)
        raise


@contextmanager
def _unused(place: Path) -> Iterator[None]:
    """Wait until nobody uses the gateway, and keep everybody from beginning to."""
    with (place / "users").open("w") as users, (place / "starting").open("w") as starting:
        while True:
            fcntl.flock(users, fcntl.LOCK_EX)
            try:
                fcntl.flock(starting, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(users, fcntl.LOCK_UN)  # somebody is just coming
                time.sleep(0.1)
            else:
                yield
                return


def _clean(place: Path, processes: list[int]) -> None:
    for process in processes:
        _end(process)
    shutil.rmtree(place, ignore_errors=True)


def _tell(place: Path, answer: dict[str, str]) -> None:
    part = place / "told.part"
    part.write_text(json.dumps(answer))
    part.rename(place / "told")


def _start(home: Path, script: Path) -> str:
    """Start monitor, store and gateway; the script says how.

    The gateway is then started once more: without ``tcp_nodelay`` each answer with a body waits 40 ms for the
    client's delayed acknowledgement.
    """
    port = _free_ports()
    subprocess.run(
        ["bash", str(script), str(home), str(port), ACCESS, SECRET],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=3 * _PATIENCE,
    )
    if gateway := _process(home, "rgw"):
        _end(gateway)
    subprocess.run(["bash", "-c", _AGAIN, "bash", str(home), str(port)], check=True)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return f"http://127.0.0.1:{port}"
    raise RuntimeError("the gateway does not answer")


def _process(home: Path, part: str) -> int | None:
    """Return the id of one of our processes, as it was written down when it was started."""
    try:
        return int((home / f"{part}.pid").read_text())
    except (OSError, ValueError):
        return None


def _end(process: int) -> None:
    """End a process and wait until it is gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + _PATIENCE / 4
        while time.monotonic() < deadline and _runs(process):
            time.sleep(0.05)


def _runs(process: int) -> bool:
    """Say whether a process still runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _free_ports() -> int:
    """Return the first of three ports that nobody listens on, below those that clients are given."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000, 3):
        try:
            for each in range(port, port + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
    raise RuntimeError("there are no three free ports")


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
