"""The whole application of a small shop, served to a real browser on a port of its own."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from ordertrail.adapters.files.takeouts import FileTakeouts
from ordertrail.adapters.views.store import SqlViews
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.query.service import Query
from ordertrail.record.event import Event
from ordertrail.settings import Settings
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.app import create_app
from ordertrail.web.pages.routes import install
from ordertrail.web.pages.routes import router as pages
from web.house import ORIGIN, SERVE, House, shop_house

_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Served:
    """A house and where it answers."""

    house: House
    app: FastAPI
    url: str


def page_app(house: House) -> FastAPI:
    """Return the application with the pages in it, whether or not it composes them by itself yet."""
    app = create_app(
        house.services, ServeSettings(hosts=["127.0.0.1", "testserver"], insecure_cookies=True, workers=1)
    )
    if all(route.path != "/explore" for route in iter_route_contexts(app.routes)):
        app.include_router(pages)
    install(app)
    app.state.views = SqlViews.at(house.root / "views.db")
    app.state.takeouts = FileTakeouts(house.root / "takeouts")
    return app


@contextmanager
def served(root: Path, *, orders: int = 20, settings: Settings | None = None) -> Iterator[Served]:
    """Serve a new house until the context ends."""
    with shop_house(root, orders=orders, settings=settings) as house, serving(house) as running:
        yield running


@contextmanager
def serving(house: House) -> Iterator[Served]:
    """Serve a house until the context ends."""
    app = page_app(house)
    config = uvicorn.Config(
        app, "127.0.0.1", 0, log_level="error", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE
    while not server.started:
        assert thread.is_alive(), "the server ended before it began"
        assert time.monotonic() < deadline, "the server did not begin"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Served(house, app, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)


@contextmanager
def indexed(root: Path, events: Iterable[Event]) -> Iterator[Query]:
    """What is asked of a trail that holds these events, sealed and indexed."""
    with create_trail(root, ORIGIN, settings=Settings(immutable=False, serve=SERVE)) as trail:
        trail.record(list(events))
        trail.seal()
    with open_services(root) as services:
        services.query.feed()
        yield services.query
