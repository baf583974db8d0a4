"""The supervisor: what ends is started again, what will not do ends all, and groups end in their order."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from ordertrail.assembly import serving
from ordertrail.assembly.processes import SETUP, Part, Supervisor
from web.operations import parts

SECONDS = 60.0


def lines_of(file: Path) -> list[str]:
    """Return what parts wrote down."""
    return file.read_text().splitlines() if file.exists() else []


def until(wanted: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def run(supervisor: Supervisor, when: Callable[[], bool]) -> int:
    """Run a supervisor until something is so, and then ask it to end."""

    def ask() -> None:
        until(when)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        return supervisor.run()
    finally:
        thread.join()


def test_groups_end_one_after_the_other(tmp_path: Path) -> None:
    """Who answers ends before who works; and each process that ended is told."""
    file, ended = tmp_path / "told", list[int]()
    groups = [[Part(name, parts.living, (file, name))] for name in ("answers", "works")]
    supervisor = Supervisor(groups, ended=ended.append)
    assert run(supervisor, lambda: len(lines_of(file)) == 2) == 0
    assert lines_of(file)[2:] == ["answers ends", "works ends"]
    assert len(set(ended)) == 2


def test_what_fails_is_started_again_beside_what_lives(tmp_path: Path) -> None:
    """Again and again, with pauses; the others never notice."""
    file, living = tmp_path / "told", tmp_path / "living"
    groups = [[Part("fails", parts.failing, (file,)), Part("lives", parts.living, (living, "it"))]]
    assert (
        run(Supervisor(groups), lambda: len(lines_of(file)) >= 3 and lines_of(living) == ["it begins"]) == 0
    )
    assert lines_of(living) == ["it begins", "it ends"]


def test_what_cannot_work_as_it_is_set_up_ends_all(tmp_path: Path) -> None:
    """Trying again would not help, and may harm: the status says so, and nobody is left."""
    file = tmp_path / "told"
    groups = [[Part("lives", parts.living, (file, "it"))], [Part("wrong", parts.misconfigured)]]
    assert Supervisor(groups).run() == SETUP


def test_what_does_not_end_is_killed(tmp_path: Path) -> None:
    """After its grace."""
    file = tmp_path / "told"
    begun = time.monotonic()
    assert (
        run(Supervisor([[Part("stays", parts.stubborn, (file,), grace=0.2)]]), lambda: bool(lines_of(file)))
        == 0
    )
    assert time.monotonic() - begun < SECONDS


def test_whoever_does_not_take_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that nobody reads is not kept for ever: its connection is ended, and its work with it."""
    monkeypatch.setattr(serving, "_READING_SECONDS", 0.3)
    ended = threading.Event()

    async def endless(_request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield bytes(1 << 20)
                    await asyncio.sleep(0)
            finally:
                ended.set()

        return StreamingResponse(pieces())

    app = Starlette(routes=[Route("/", endless)])
    with serving.listen_for("127.0.0.1", 0) as listening:
        address = listening.getsockname()
        begun = threading.Event()
        server = serving.make_server(app, serving.Bounds(grace=1), begun.set)
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
        thread.start()
        assert begun.wait(SECONDS)
        with socket.create_connection(address) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert ended.wait(SECONDS)
        server.should_exit = True
        thread.join(SECONDS)
    assert not thread.is_alive()
