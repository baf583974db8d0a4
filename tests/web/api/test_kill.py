"""A server that is killed, by whatever means and at whatever moment, loses nothing that it acknowledged."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from ordertrail.access.roles import Role
from ordertrail.assembly import open_trail
from ordertrail.kernel.ids import new_id
from web.api.conftest import Shop, api_app
from web.api.served import served

SERVER = """
import sys, time
from pathlib import Path
from typing import Any
sys.path[:0] = [sys.argv[2]]
from ordertrail.assembly.house import open_services
from web.api.conftest import api_app
from web.api.served import served
with open_services(Path(sys.argv[1])) as services, served(api_app(services)) as address:
    print(address, flush=True)
    time.sleep(600)
"""


def test_a_killed_server_loses_nothing(shop: Shop) -> None:
    """Batches are sent by several clients while the server is killed: each that was answered is there, each once."""
    key, tests = shop.key(Role.RECORDER), str(Path(__file__).resolve().parents[2])
    arguments = [sys.executable, "-c", SERVER, str(shop.house.root), tests]
    server = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    acknowledged: list[str] = []
    sent: list[str] = []

    def send() -> None:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=10) as client:
            while True:
                batch = [event(new_id()) for _ in range(20)]
                sent.extend(one["id"] for one in batch)
                try:
                    answer = client.post("/api/v1/events", content=json.dumps(batch), headers=JSON)
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    acknowledged.extend(answer.json()["ids"])

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(acknowledged) < 400 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.send_signal(signal.SIGKILL)
    server.wait(10)
    server.stdout.close()
    for thread in threads:
        thread.join(20)
    assert len(acknowledged) >= 400
    with open_trail(shop.house.root) as trail:
        trail.seal()
        found = [trail.find(name).row.index for name in acknowledged]
        assert len(set(found)) == len(found)
        # Sent again, whatever was answered or not, each is there once.
        with served(api_app(shop.services)) as again:
            headers = JSON | {"Authorization": f"Bearer {key}"}
            body = json.dumps([event(name) for name in sent])
            answer = httpx.post(f"{again}/api/v1/events", content=body, headers=headers, timeout=30).json()
        assert answer["recorded"] + answer["repeated"] == len(sent)
        assert answer["repeated"] >= len(acknowledged)
        assert trail.verify().intact


JSON = {"Content-Type": "application/json"}


def event(name: str) -> dict[str, Any]:
    """An event with this id."""
    return {
        "id": name,
        "time": "2026-11-23T00:00:00Z",
        "action": "order.update",
        "actor": {"id": "erp", "kind": "system"},
        "subject": {"kind": "order", "id": "X-1", "order": "X-1"},
    }
