"""A relay from the address of an application's database to one log of a trail."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError

from ordertrail.capture.guard.settling import settle
from ordertrail.capture.outbox.ddl import TABLES
from ordertrail.capture.outbox.relay import Relay, translated
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.services import DEFAULT_STREAM, Trail

_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""What an address without a driver means; SQLAlchemy would look for an older one."""


@contextmanager
def open_relay(
    trail: Trail, url: str, *, stream: str = DEFAULT_STREAM, password: str | None = None
) -> Iterator[Relay]:
    """Open a relay; ``url`` is ``postgresql://user@host/database`` or ``sqlite:///path``.

    Raises ConfigurationError for an address that is none, a driver that is not installed, or a database without an
    outbox; UnavailableError where it cannot be reached.
    """
    try:
        address = make_url(url)
        scheme = _DRIVERS.get(address.drivername, address.drivername)
        address = address.set(drivername=scheme)
        if password is not None:
            address = address.set(password=password)
        engine = create_engine(address)
    except (ArgumentError, ImportError) as error:
        raise ConfigurationError(
            f"the application's database {_without_password(url)} cannot be opened: {error}",
            meaning="Nothing was relayed; what was captured waits in the outbox.",
            remedy="Name it postgresql://user@host/database (pip install 'ordertrail[postgresql]') or sqlite:///path.",
        ) from None
    try:
        with translated(), engine.connect() as connection:
            present = set(inspect(connection).get_table_names())
        missing = [table for table in TABLES if table not in present]
        if missing:
            raise ConfigurationError(
                f"there is no outbox in {_without_password(url)}: table {', '.join(missing)} is missing",
                meaning="Nothing was relayed.",
                remedy="Name the application's database; create_outbox of ordertrail.capture.outbox makes its outbox.",
            )
        yield Relay(engine, trail.log(stream).recorder, gather=settle)
    finally:
        engine.dispose()


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    scheme, mark, rest = before.partition("://")
    return f"{scheme}{mark}{rest.partition(':')[0]}{at}{after}"
