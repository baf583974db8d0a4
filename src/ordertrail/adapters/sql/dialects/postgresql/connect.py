"""Connections to a PostgreSQL server: how they are made, and what each is told first.

An address is libpq's (PostgreSQL's manual, "Connection Strings"), so that all it knows works: several hosts for
failover, TLS, password files, service files. What is set here gives way to what the address says.
"""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ordertrail.kernel.errors import ConfigurationError

SCHEMA = "ordertrail"

_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 10,
    # A host that died says nothing: after some ten seconds without an answer the connection is given up.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
    "application_name": "ordertrail",
}
_TOLD = (
    # pg_temp last: no temporary table of anybody's stands before ours.
    f"SET search_path = {SCHEMA}, pg_temp;"
    # Many short statements: compiling one takes longer than doing it.
    "SET jit = off;"
    # What is acknowledged is on disk, whatever the server's default is; a stricter default stays.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)


class Address:
    """Where a database is and how to get in. Its text never shows the password."""

    def __init__(self, url: str, password: str | None = None) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # Not with its words, which repeat the address, and the password with it.
            raise ConfigurationError(
                "the address of the database is not one that PostgreSQL understands",
                remedy="Write [database] url as postgresql://user@host:5432/database.",
            ) from None
        if password is not None:
            given["password"] = password
        parameters: dict[str, Any] = {**_DEFAULTS, **given}
        self._address = make_conninfo(**parameters)
        self.host = str(given.get("host") or given.get("hostaddr") or given.get("service") or "localhost")
        self.user = str(given.get("user") or "")
        self.database = str(given.get("dbname") or "")
        self.port = str(given.get("port") or "")
        self.application = str(parameters["application_name"])

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"postgresql://{user}{self.host}{port}/{self.database}"

    __repr__ = __str__

    def connect(self, *, prepared: bool = True) -> psycopg.Connection:
        """Open a connection of which every statement is its own transaction, until BEGIN. Raises psycopg.Error.

        Without ``prepared``, nothing is said but what is asked: for one who creates the schema that others want.
        """
        connection = psycopg.connect(self._address, autocommit=True)
        if prepared:
            try:
                connection.execute(_TOLD, prepare=False)
            except BaseException:
                connection.close()
                raise
        return connection
