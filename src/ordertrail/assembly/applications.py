"""An application's database, from the address that somebody typed."""

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from ordertrail.kernel.errors import ConfigurationError

_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""What an address without a driver means; SQLAlchemy would look for an older one."""


def application_engine(url: str, password: str | None, *, meaning: str) -> Engine:
    """Return an engine on ``postgresql://user@host/database`` or ``sqlite:///path``; nothing is connected yet.

    Raises ConfigurationError, with ``meaning``, for an address that is none and a driver that is not installed.
    """
    try:
        address = make_url(url)
        address = address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))
        return create_engine(address if password is None else address.set(password=password))
    except (ArgumentError, ImportError) as error:
        raise ConfigurationError(
            f"the application's database {without_password(url)} cannot be opened: {error}",
            meaning=meaning,
            remedy="Name it postgresql://user@host/database (pip install 'ordertrail[postgresql]') or sqlite:///path.",
        ) from None


def without_password(url: str) -> str:
    """Return an address as it may be shown."""
    before, at, after = url.rpartition("@")
    scheme, mark, rest = before.partition("://")
    return f"{scheme}{mark}{rest.partition(':')[0]}{at}{after}"
