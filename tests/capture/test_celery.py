"""A real Celery worker on a SQLAlchemy application: its tasks' changes carry who asked for them, and their task.

Run as a program, this file is the worker: ``python test_celery.py FOLDER URL``.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from capture.conftest import OpenEngine
from capture.matrix import seed
from capture.shop import POLICY, Base, Order
from ordertrail.capture import acting
from ordertrail.capture.celery import connect
from ordertrail.capture.outbox import create_outbox, pending
from ordertrail.capture.sqlalchemy import capture

TESTS = Path(__file__).parents[1]
WORKER = ("worker", "--pool=prefork", "--concurrency=2", "--without-gossip", "--without-mingle",
          "--without-heartbeat", "--loglevel=WARNING")  # fmt: skip


def application(folder: Path) -> Celery:
    """Return the application that sends and the one that works: its messages are files in a folder."""
    for name in ("messages", "control", "results"):
        (folder / name).mkdir(exist_ok=True)
    app = Celery("shop", broker="filesystem://", backend=f"file://{folder / 'results'}")
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    }
    app.conf.broker_connection_retry_on_startup = True
    connect()
    return app


def add_tasks(app: Celery, engine: Engine) -> None:
    """Add what the worker can do: write a note, and confirm an order and have another task note that it was."""

    @app.task(name="shop.note")  # type: ignore[untyped-decorator]
    def note(number: int, text: str) -> None:
        with Session(engine) as session, session.begin():
            session.get_one(Order, number).note = text

    @app.task(name="shop.confirm")  # type: ignore[untyped-decorator]
    def confirm(number: int) -> str:
        with Session(engine) as session, session.begin():
            session.get_one(Order, number).status = "confirmed"
        return str(note.delay(number, "confirmed").id)

    @app.task(name="shop.fail")  # type: ignore[untyped-decorator]
    def fail(number: int) -> None:
        with Session(engine) as session, session.begin():
            session.get_one(Order, number).note = "never"
            session.flush()
            raise ValueError(number)


@contextmanager
def worker(folder: Path, url: str) -> Iterator[None]:
    """A worker, with two processes of its own that work."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "C_FORCE_ROOT": "1"}
    process = subprocess.Popen([sys.executable, __file__, str(folder), url], env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_task_carries_who_asked_and_is_the_cause(
    open_engine: OpenEngine, database_url: str, tmp_path: Path
) -> None:
    """Whoever sent a task acts in it, from where they did; so in what that task sends. A failed one leaves nothing."""
    observer = open_engine()
    Base.metadata.create_all(observer)
    with Session(observer) as session, session.begin():
        seed(session)
    create_outbox(observer)
    app: Any = application(tmp_path)
    with worker(tmp_path, database_url):
        with acting("clerk-17", roles=["order.editor"], ip="203.0.113.7", request="r-7"):
            sent = app.send_task("shop.confirm", [1])
            failed = app.send_task("shop.fail", [2])
        second = sent.get(timeout=60)
        app.AsyncResult(second).get(timeout=60)
        assert isinstance(failed.get(timeout=60, propagate=False), ValueError)
    with observer.connect() as connection:
        events = pending(connection)
    assert {event.actor.id for event in events} == {"clerk-17"}
    assert {event.actor.roles for event in events} == {("order.editor",)}
    causes = [(event.cause.kind, event.cause.id) for event in events if event.cause is not None]
    assert causes == [("job", sent.id), ("job", second)]
    circumstances = {
        (event.context.ip, event.context.request) for event in events if event.context is not None
    }
    assert circumstances == {("203.0.113.7", "r-7")}


if __name__ == "__main__":
    folder, url = sys.argv[1:]
    shop = application(Path(folder))
    engine = create_engine(url, poolclass=NullPool)
    capture(engine, POLICY)
    add_tasks(shop, engine)
    shop.worker_main(list(WORKER))
