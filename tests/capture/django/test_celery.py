"""A real Celery worker: what its tasks change carries who asked for them, and which task was the cause."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client

from capture.django.conftest import Database
from capture.django.worker import application
from ordertrail.capture.django import pending

TESTS = Path(__file__).parents[2]


@contextmanager
def worker(folder: Path, database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on the shop's database."""
    environment = {
        **os.environ,
        "SHOP_DATABASE": json.dumps(database),
        "PYTHONPATH": str(TESTS),
        "C_FORCE_ROOT": "1",
    }
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("worker.py")), str(folder)], env=environment
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_task_carries_who_asked_and_is_the_cause(shop: Database, tmp_path: Path) -> None:
    """Who made the request that sent a task acts in it, from where they did, and the task is the cause."""
    get_user_model().objects.create_user("ada", password="x")
    page = Client(REMOTE_ADDR="203.0.113.7")
    page.login(username="ada", password="x")
    app: Any = application(tmp_path)
    with worker(tmp_path, shop):
        answer = page.get(f"/confirm/1?queue={tmp_path}", headers={"X-Request-ID": "r-7"})
        sent = app.AsyncResult(answer.content.decode())
        assert sent.get(timeout=60) == "done"
    (event,) = pending()
    assert event.actor.id == "ada"
    assert event.cause is not None
    assert (event.cause.kind, event.cause.id) == ("job", sent.id)
    assert event.context is not None
    assert (event.context.ip, event.context.request) == ("203.0.113.7", "r-7")
