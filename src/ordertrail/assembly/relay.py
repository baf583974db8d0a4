"""A relay from the address of an application's database to one log of a trail."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, inspect

from ordertrail.assembly.applications import application_engine, without_password
from ordertrail.assembly.filing import door_of
from ordertrail.capture.guard.settling import settle
from ordertrail.capture.outbox.ddl import TABLES
from ordertrail.capture.outbox.relay import Relay, translated
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.services import DEFAULT_STREAM, Trail


@contextmanager
def open_relay(
    trail: Trail, url: str, *, stream: str = DEFAULT_STREAM, password: str | None = None
) -> Iterator[Relay]:
    """Open a relay; ``url`` is ``postgresql://user@host/database`` or ``sqlite:///path``.

    Each event goes to the stream of its class, as the retention policy in force says; where none is in force, or
    another ``stream`` is named, all go to that one.

    Raises ConfigurationError for an address that is none, a driver that is not installed, or a database without an
    outbox; UnavailableError where it cannot be reached.
    """
    with outbox_engine(url, password) as engine:
        yield Relay(engine, door_of(trail, stream), gather=settle)


@contextmanager
def outbox_engine(url: str, password: str | None) -> Iterator[Engine]:
    """Open an application's database that has an outbox; raises as :func:`open_relay` does."""
    engine = application_engine(
        url, password, meaning="Nothing was relayed; what was captured waits in the outbox."
    )
    try:
        with translated(), engine.connect() as connection:
            present = set(inspect(connection).get_table_names())
        missing = [table for table in TABLES if table not in present]
        if missing:
            raise ConfigurationError(
                f"there is no outbox in {without_password(url)}: table {', '.join(missing)} is missing",
                meaning="Nothing was relayed.",
                remedy="Name the application's database; create_outbox of ordertrail.capture.outbox makes its outbox.",
            )
        yield engine
    finally:
        engine.dispose()
