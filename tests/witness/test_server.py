"""The server over real connections: the protocol's answers, and bounds on what a stranger can make it do."""

import http.client
import logging
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from ordertrail.adapters.memory.witness_state import MemoryWitnessState
from ordertrail.adapters.witness import server
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.add_checkpoint import MAX_MESSAGE_SIZE, Answer
from ordertrail.ledger.vkey import format_vkey
from ordertrail.ledger.witness import Witness
from ordertrail.testing.conformance.together import at_once
from witness.growing import NAME, ORIGIN, GrowingLog, cosigner, make_witness, serving
from witness.test_witness import conversation, litewitness_log, require_step

LOG = GrowingLog.of(40)


@pytest.fixture
def witness() -> Witness:
    """A witness that has cosigned nothing."""
    return make_witness()


@pytest.fixture
def url(witness: Witness) -> Iterator[str]:
    """Where it is served."""
    with serving(witness) as served:
        yield served


def post(url: str, body: bytes) -> Answer:
    """Ask; the answer."""
    done = httpx.post(f"{url}/add-checkpoint", content=body)
    return Answer(done.status_code, done.content, done.headers["Content-Type"])


def raw(url: str, *parts: bytes, pause: float = 0) -> bytes:
    """Send bytes one after the other on one connection; what comes back until the other side ends it."""
    parts_of_url = urlsplit(url)
    with socket.create_connection(
        (str(parts_of_url.hostname), int(parts_of_url.port or 0)), timeout=20
    ) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(pause)
        received = b""
        while chunk := line.recv(1 << 16):
            received += chunk
        return received


def test_the_conversation_of_litewitness() -> None:
    """All nine steps, in order, over HTTP."""
    log = litewitness_log()
    name = "example.com/witness"
    with serving(Witness(name, [cosigner(name)], {log.name: (log,)}, MemoryWitnessState())) as url:
        for step in conversation():
            require_step(step, post(url, step["request"].encode()))


def test_it_says_who_it_is(url: str, witness: Witness) -> None:
    """In plain text: its name, the keys to check it by, and the logs that it knows."""
    said = httpx.get(url)
    assert said.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert said.text == (
        f"witness {NAME} (C2SP tlog-witness)\nkey {format_vkey(witness.signers[0].key)}\nlog {ORIGIN}\n"
    )


def test_there_is_nothing_else(url: str) -> None:
    """404 for other paths, 405 for other methods, and no redirects to guess by."""
    for path in ("/add-checkpoint/", "/add-checkpoints", "/docs", "/state", "//", "/../etc/passwd"):
        assert httpx.post(url + path, content=b"x").status_code == 404, path
    for method, path in (
        ("GET", "/add-checkpoint"),
        ("PUT", "/add-checkpoint"),
        ("POST", "/"),
        ("DELETE", "/"),
    ):
        assert httpx.request(method, url + path).status_code == 405, (method, path)


def test_a_connection_serves_many_requests(url: str) -> None:
    """Clients should keep theirs open."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    for old, size in ((0, 3), (3, 8), (8, 40)):
        connection.request("POST", "/add-checkpoint", LOG.request(old, size))
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.read().startswith("\u2014 witness.example/w1 ".encode())
    connection.close()


def test_a_body_that_is_too_large_is_not_read(url: str) -> None:
    """Announced, it is refused before it comes; not announced, once there is too much of it."""
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"
    announced = raw(url, head + b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE_SIZE + 1))
    assert announced.startswith(b"HTTP/1.1 413 ")
    assert post(url, b"x" * (MAX_MESSAGE_SIZE + 1)).status == 413
    assert post(url, b"x" * MAX_MESSAGE_SIZE).status == 400

    def chunks() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x" * (MAX_MESSAGE_SIZE // 4)

    assert httpx.post(f"{url}/add-checkpoint", content=chunks()).status_code == 413


def test_who_dawdles_is_cut_off(monkeypatch: pytest.MonkeyPatch, witness: Witness) -> None:
    """Who says nothing, who never ends a request's head, and who never ends its body."""
    monkeypatch.setattr(server, "REQUEST_SECONDS", 1.0)
    with serving(witness) as url:
        begun = time.monotonic()
        assert raw(url) == b""
        assert (
            raw(url, *[b"POST /add-checkpoint HTTP/1.1\r\n", b"X-A: b\r\n", b"X-C: d\r\n"], pause=0.2) == b""
        )
        whole = b"GET / HTTP/1.1\r\nHost: w\r\n\r\n"
        assert raw(url, whole, b"GET / HT").count(b"HTTP/1.1 ") == 1
        slow = raw(url, b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 9\r\n\r\nold")
        assert slow.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - begun < 15
        assert post(url, LOG.request(0, 5)).status == 200


def test_what_is_no_http_is_refused(url: str) -> None:
    """And the next one is served."""
    assert raw(url, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert raw(url, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000).startswith(b"HTTP/1.1 400 ")
    assert post(url, LOG.request(0, 5)).status == 200


def test_of_many_requests_at_once_one_history_is_cosigned(url: str) -> None:
    """Exactly one of two faces, through real connections."""
    fork = LOG.fork(4)
    cosigned = at_once(
        *(lambda log=log, size=size: (post(url, log.request(0, size)), log, size)
          for size in range(6, 18) for log in (LOG, fork))
    )  # fmt: skip
    good = [(log, size) for answer, log, size in cosigned if answer.status == 200]  # type: ignore[misc]
    assert len(good) == 1
    log, size = good[0]
    other = fork if log is LOG else LOG
    assert post(url, log.request(size, 40)).status == 200
    assert post(url, other.request(40, 40)).status == 409


def test_only_known_logs_and_sizes_are_logged(
    url: str, caplog: pytest.LogCaptureFixture, witness: Witness
) -> None:
    """No body, no address, no name that a stranger chose; a log with two faces is an error that shows."""
    caplog.set_level(logging.DEBUG, "ordertrail.witness")
    stranger = GrowingLog.of(3).request(0, 3).replace(ORIGIN.encode(), b"\x1b[31mevil")
    for body in (LOG.request(0, 9), stranger, b"nonsense", LOG.request(0, 12), LOG.fork(2).request(9, 9)):
        post(url, body)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"200: {ORIGIN} from 0 to 9"),
        ("INFO", "400: not a request about a log that this witness knows"),
        ("INFO", "400: not a request about a log that this witness knows"),
        ("INFO", f"409: {ORIGIN} from 0 to 12"),
        ("ERROR", f"409: {ORIGIN} signed two roots at 9: a split view; what it signed is kept"),
    ]
    assert witness.state.conflict(ORIGIN) is not None


def test_a_memory_out_of_reach_is_said(url: str, witness: Witness, caplog: pytest.LogCaptureFixture) -> None:
    """503 while it is away, 500 where it is damaged; nothing is cosigned, and it recovers."""
    assert isinstance(witness.state, MemoryWitnessState)
    witness.state.availability.up = False
    assert post(url, LOG.request(0, 5)).status == 503
    witness.state.availability.up = True
    assert post(url, LOG.request(0, 5)).status == 200
    witness.state.advance(ORIGIN, witness.state.latest(ORIGIN), b"damaged")
    assert post(url, LOG.request(5, 9)).status == 500
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_a_port_that_is_taken_is_unavailable() -> None:
    """It may be free later."""
    with server.listen("127.0.0.1", 0) as taken, pytest.raises(UnavailableError):
        server.listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UnavailableError):
        server.listen("nowhere.invalid", 0)
