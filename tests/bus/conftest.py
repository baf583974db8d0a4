"""A bus of three servers for all tests of a module, with lines of their own; a shop with an outbox; a trail."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from capture.matrix import seed
from capture.shop import POLICY, Base, enforce_references
from ordertrail.adapters.nats.publishing import Line
from ordertrail.assembly import create_trail
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture
from ordertrail.settings import Settings
from ordertrail.settings.transport import TransportSettings
from servers.nats_cluster import Cluster, running_cluster

_numbers = itertools.count()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three servers."""
    with running_cluster(tmp_path_factory.mktemp("bus") / "nodes") as cluster:
        yield cluster


@pytest.fixture
def bus(cluster: Cluster) -> Iterator[Cluster]:
    """The servers, with the line of the application shop; it is gone when the test ends."""
    cluster.add_line("shop")
    yield cluster
    cluster.ask("STREAM.DELETE.ordertrail-shop")


@pytest.fixture
def line(bus: Cluster) -> Line:
    """The shop's way to the ledger."""
    return Line(bus.address("shop"), "shop", patience=4.0)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Engine]:
    """A shop's database, captured; what seeding captured is not in its outbox."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    enforce_references(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        seed(session)
    create_outbox(engine)
    capture(engine, POLICY)
    yield engine
    engine.dispose()


@pytest.fixture
def root(tmp_path: Path, bus: Cluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty trail whose settings name the bus."""
    address = bus.address("ledger")
    assert address.password is not None
    monkeypatch.setenv("ORDERTRAIL_TRANSPORT_PASSWORD", address.password)
    transport = TransportSettings(urls=list(address.urls), applications=["shop"], user="ledger")
    with create_trail(
        tmp_path / "trail", "shop.example/orders", settings=Settings(immutable=False, transport=transport)
    ):
        pass
    return tmp_path / "trail"


def waiting(shop: Engine) -> int:
    """Return how many rows the outbox holds."""
    with shop.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM ordertrail_outbox")) or 0)
