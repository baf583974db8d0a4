"""What keeps correlation's projections does what correlation relies on: in memory, on SQLite, on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from ordertrail.adapters.correlate.books import (
    BooksDatabase,
    SqlCards,
    SqlExceptions,
    SqlFacts,
    SqlLinks,
    SqlReckonings,
)
from ordertrail.adapters.correlate.memory import (
    MemoryCards,
    MemoryExceptions,
    MemoryFacts,
    MemoryLinks,
    MemoryReckonings,
)
from ordertrail.correlate.matching.ports import Cards, EveryFact, Facts, Links
from ordertrail.correlate.reconciling.ports import Exceptions, Reckonings
from ordertrail.testing.conformance.correlate_books import *  # noqa: F403 - the suite
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]


@dataclass(frozen=True, slots=True)
class Books:
    """All of them."""

    cards: Cards
    facts: Facts
    links: Links
    exceptions: Exceptions
    reckonings: Reckonings


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """Empty books of each kind."""
    if request.param == "memory":
        yield Books(MemoryCards(), MemoryFacts(), MemoryLinks(), MemoryExceptions(), MemoryReckonings())
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'books.db'}"
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        with empty_database(server) as name:
            yield from _on(server.url(name).replace("postgresql://", "postgresql+psycopg://", 1))
        return
    yield from _on(url)


def _on(url: str) -> Iterator[Books]:
    engine = create_engine(url)
    database = BooksDatabase(engine)
    database.create()
    try:
        yield Books(
            SqlCards(database),
            SqlFacts(database),
            SqlLinks(database),
            SqlExceptions(database),
            SqlReckonings(database),
        )
    finally:
        engine.dispose()


@pytest.fixture
def cards(books: Books) -> Cards:
    """Empty cards."""
    return books.cards


@pytest.fixture
def facts(books: Books) -> Facts:
    """No facts."""
    return books.facts


@pytest.fixture
def every_fact(books: Books) -> EveryFact:
    """The same facts, to be summed."""
    assert isinstance(books.facts, MemoryFacts | SqlFacts)
    return books.facts


@pytest.fixture
def links(books: Books) -> Links:
    """No links."""
    return books.links


@pytest.fixture
def exceptions(books: Books) -> Exceptions:
    """No exceptions."""
    return books.exceptions


@pytest.fixture
def reckonings(books: Books) -> Reckonings:
    """No reckoning."""
    return books.reckonings
