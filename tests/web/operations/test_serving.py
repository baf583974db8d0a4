"""``ordertrail serve``: what was acknowledged is kept, whatever is killed; what was begun is finished."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from ordertrail.access.roles import Role
from ordertrail.assembly import open_trail
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from web.house import shop_house
from web.operations.running import PROGRAM, Running, children_of, running

SECONDS = 120
SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict[str, str]]:
    """A trail, and the headers of who may record and of who may collect figures."""
    root = tmp_path_factory.mktemp("serving") / "trail"
    with shop_house(root, orders=5) as made:
        return root, made.bearer(Role.RECORDER), made.bearer(Role.COLLECTOR)


def an_event(number: int) -> dict[str, Any]:
    """Return an event as a program sends it."""
    return {
        "id": new_id(),
        "time": format_time(utc_now()),
        "action": "order.create",
        "actor": {"id": "web", "kind": "service"},
        "subject": {"kind": "order", "id": f"SO-{number}", "order": f"SO-{number}"},
    }


def until(wanted: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def sealed(root: Path, ids: list[str]) -> list[str]:
    """Return which of these events the log has."""
    with open_trail(root) as trail:
        found = []
        for one in ids:
            try:
                trail.find(one)
            except InputError:
                continue
            found.append(one)
        return found


class Load:
    """Clients that record without end; what was acknowledged is remembered."""

    def __init__(self, service: Running, headers: dict[str, str], clients: int = 4) -> None:
        self.acknowledged: list[str] = []
        self._service = service
        self._headers = headers
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        number = 0
        with self._service.client(headers=self._headers) as web:
            while not self._ending.is_set():
                number += 1
                event = an_event(client * 1_000_000 + number)
                try:
                    answer = web.post("/api/v1/events", json=[event])
                except httpx.HTTPError:
                    continue  # its worker was killed: nobody was promised anything
                assert answer.status_code == 201, answer.text
                self.acknowledged.append(event["id"])


def test_killed_workers_lose_nothing(house: tuple[Path, dict[str, str], dict[str, str]]) -> None:
    """Under load each process of a service is killed in turn: every acknowledged event is in the log, once."""
    root, recorder, _ = house
    with running(root, "--workers", "2") as service:
        with Load(service, recorder) as load:
            for _ in range(2):
                before = len(load.acknowledged)
                until(lambda seen=before: len(load.acknowledged) > seen + 20)  # type: ignore[misc]
                parts = list(service.workers().values())
                for process in parts[:1] + parts[-1:]:
                    os.kill(process, signal.SIGKILL)
                until(lambda killed=parts: len(set(service.workers().values()) - set(killed)) >= 2)  # type: ignore[misc]
        assert service.end() == 0
    assert len(load.acknowledged) > 40
    with open_trail(root) as trail:
        trail.seal()  # who seals may have been killed last: what was acknowledged waits, and is sealed by whoever comes
        assert not trail.verify().findings
    assert sealed(root, load.acknowledged) == load.acknowledged


def test_it_ends_when_it_is_asked_and_leaves_nothing_waiting(
    house: tuple[Path, dict[str, str], dict[str, str]],
) -> None:
    """SIGTERM: what was acknowledged is sealed, published and in the index, and no process is left."""
    root, recorder, _ = house
    with running(root, "--workers", "1") as service:
        with service.client(headers=recorder) as web:
            ids = [web.post("/api/v1/events", json=[an_event(number)]).json() for number in range(5)]
        processes = list(service.workers().values())
        assert service.end() == 0
    assert len(ids) == 5
    assert not [one for one in processes if Path(f"/proc/{one}").exists()]
    with open_trail(root) as trail:
        for state in trail.status():
            assert state.waiting == 0
            assert state.published == state.size


@pytest.mark.skipif(not SOAK, reason="takes long: make soak")
def test_new_settings_are_put_in_force_without_a_refused_request(
    house: tuple[Path, dict[str, str], dict[str, str]],
) -> None:
    """SIGHUP exchanges the processes one by one, and somebody answers all the time."""
    root, recorder, _ = house
    with running(root, "--workers", "2") as service:
        before = set(service.workers().values())
        with Load(service, recorder, clients=2) as load:
            service.process.send_signal(signal.SIGHUP)
            until(lambda: not before & set(service.workers().values()) and len(service.workers()) == 3)
        assert service.end() == 0
    assert sealed(root, load.acknowledged) == load.acknowledged


def test_figures_of_all_processes_are_one(house: tuple[Path, dict[str, str], dict[str, str]]) -> None:
    """Whichever worker answers, it tells what all of them and the background counted, and what a dead one did.

    And no process outlives its supervisor, whatever ends that.
    """
    root, _, collector = house
    with running(root, "--workers", "2") as service:
        for _ in range(20):
            httpx.get(f"{service.url}/healthz").raise_for_status()
        for process in service.workers().values():
            os.kill(process, signal.SIGKILL)
        until(lambda: _answers(service))
        sealing = 'ordertrail_background_running{job="seal:default"} 1.0'
        until(lambda: sealing in _metrics(service, collector))
        text = _metrics(service, collector)
        processes = list(service.workers().values())
        os.kill(service.process.pid, signal.SIGKILL)
        until(lambda: not any(_lives(one) for one in processes))
    (asked,) = [
        line
        for line in text.splitlines()
        if line.startswith("ordertrail_http_seconds_count{") and "/healthz" in line
    ]
    assert float(asked.rpartition(" ")[2]) >= 20


def _metrics(service: Running, collector: dict[str, str]) -> str:
    return httpx.get(f"{service.url}/metrics", headers=collector).text


@pytest.mark.skipif(not SOAK, reason="takes long: make soak")
def test_slow_and_silent_clients_are_cut_off(house: tuple[Path, dict[str, str], dict[str, str]]) -> None:
    """Whoever connects and does not ask holds a connection for some seconds, and no longer."""
    root, *_ = house
    with running(root, "--workers", "1") as service:
        host, _, port = service.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), SECONDS) as silent:
            silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            begun = time.monotonic()
            assert silent.recv(100) == b""
            assert time.monotonic() - begun < 30
        service.end()


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--host", "192.0.2.1"], "loopback address"), (["--trail", "/nowhere"], "there is no trail")],
)
def test_what_cannot_be_served_says_so(
    house: tuple[Path, dict[str, str], dict[str, str]], options: list[str], told: str
) -> None:
    """Status 2 and one sentence, before anything listens."""
    command = [*PROGRAM, "serve", "--trail", str(house[0]), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 2
    assert told in ended.stderr


def _lives(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def _answers(service: Running) -> bool:
    try:
        return httpx.get(f"{service.url}/healthz").is_success and len(service.workers()) == 3
    except httpx.HTTPError:
        return False


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Each test cleans up after itself."""
    yield
    assert not [
        one for one in children_of(os.getpid()) if _lives(one) and b"ordertrail.cli.main" in _command(one)
    ]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
