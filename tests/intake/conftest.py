"""A shop's intake on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.shop import Shop, durable_engine, open_shop, prepare
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]


@pytest.fixture(params=["sqlite", "postgresql"])
def shop_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'orders.db'}"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    with empty_database(server) as name:
        yield server.url(name)


@pytest.fixture
def shop(shop_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop on each database."""
    engine = durable_engine(shop_url)
    prepare(engine)
    yield open_shop(engine, tmp_path / "bodies")
    engine.dispose()
