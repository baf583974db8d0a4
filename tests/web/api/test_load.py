"""Many at once, slow ones among them: everybody is answered, and nothing grows."""

import os
import socket
import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ordertrail.access.roles import Role
from ordertrail.web.api import bodies
from web.api.conftest import Asker, Shop, id_of
from web.api.load import load

SECONDS = 300 if os.environ.get("ORDERTRAIL_SOAK") == "1" else 4
CLIENTS = 200
ASKED = (
    ("search", "/api/v1/events?q=action:order.cancel&limit=20"),
    ("event", f"/api/v1/events/{id_of(1)}"),
    ("facets", "/api/v1/facets"),
    ("order", "/api/v1/orders/T-1?tenant=east"),
    ("status", "/api/v1/status"),
    ("tile", "/tile/0/000"),
)


def resident() -> int:
    """Bytes of memory that this process has."""
    told = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) << 10 for line in told.splitlines() if line.startswith("VmRSS:"))


def test_two_hundred_clients(shop: Shop) -> None:
    """All are answered, well; memory does not grow after all of them were there once; nobody is left connected."""
    key = shop.key(Role.VIEWER)
    address = str(shop.client.base_url)
    warm = load(address, key, ASKED, CLIENTS, SECONDS / 4)
    before = resident()
    outcome = load(address, key, ASKED, CLIENTS, SECONDS)
    assert (outcome.broken, warm.broken) == ([], [])
    assert set(outcome.statuses) == {200}
    assert outcome.answers >= CLIENTS
    assert resident() - before < 64 << 20
    assert shop.client.get("/checkpoint").status_code == 200


def test_a_slow_sender_is_not_waited_for(
    shop: Shop, recorder: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that does not come in its time is refused, and its connection ended."""
    monkeypatch.setattr(bodies, "SECONDS", 0.3)
    address = shop.client.base_url
    slow = HTTPConnection(address.host, address.port or 80, timeout=20)
    slow.putrequest("POST", "/api/v1/events")
    for name, value in (recorder.headers() | {"Content-Type": "application/json"}).items():
        slow.putheader(name, value)
    slow.putheader("Content-Length", "1000")
    slow.endheaders(b"[")
    answer = slow.getresponse()
    assert (answer.status, answer.getheader("connection")) == (408, "close")
    assert b"urn:ordertrail:problem:too-slow" in answer.read()
    slow.close()


def test_slow_readers_keep_nobody_else_waiting(shop: Shop) -> None:
    """Whoever takes an export and does not read it holds its own place, and no other."""
    taker, reader = shop.asker(Role.EXPORTER), shop.asker(Role.VIEWER)
    address = shop.client.base_url
    stuck = [socket.create_connection((address.host, address.port or 80)) for _ in range(3)]
    for one in stuck:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        one.sendall(
            f"GET /api/v1/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {taker.key}\r\n\r\n".encode()
        )
    threads = [threading.Thread(target=reader.get, args=("/api/v1/status",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    for one in stuck:
        one.close()
