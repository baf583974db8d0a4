"""Creating a trail's roles, schema and tables on a PostgreSQL server, and bringing older ones up to date."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg import sql

from ordertrail.adapters.sql.dialects.postgresql.connect import SCHEMA, Address
from ordertrail.adapters.sql.dialects.postgresql.errors import translated
from ordertrail.adapters.sql.migrations import Phase, Step, Taken, due, steps_of
from ordertrail.kernel.errors import ConfigurationError

_LOGIN = {"owner": "NOLOGIN", "sealer": "LOGIN", "app": "LOGIN", "auditor": "LOGIN"}


_LONGEST_NAME = 63 - len("_auditor")
"""Bytes of a database's name; PostgreSQL cuts longer names of roles off (manual, "Identifiers and Key Words")."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The four roles of a trail's database: who owns its tables, seals, records and reads."""

    owner: str
    sealer: str
    app: str
    auditor: str

    @classmethod
    def of_database(cls, name: str) -> "Roles":
        """Return the roles of the database of this name."""
        return cls(*(f"{name}_{role}" for role in _LOGIN))


def create_schema(admin: Address) -> Roles:
    """Create the roles, the schema and its tables in a database that is there; return the roles.

    ``admin`` may create roles and schemas there. All or nothing; roles that are there already are kept as they are.
    Roles are made without a password: nobody logs in by one before an administrator has set it. Raises
    ConfigurationError where the schema exists already.
    """
    with _administering(admin) as connection, connection.transaction():
        return _create(connection)


def migrate(admin: Address, phase: Phase, steps: Sequence[Step] | None = None) -> list[str]:
    """Take the steps of a phase that were not taken yet, each in a transaction of its own; return their names."""
    names = []
    with _administering(admin) as connection:
        for step in steps_of("postgresql") if steps is None else steps:
            with connection.transaction():
                # Of two that migrate at once, one takes a step, and the other finds that it is taken.
                connection.execute(f"LOCK TABLE {SCHEMA}.schema_version IN SHARE ROW EXCLUSIVE MODE")
                if [step] != list(due([step], _taken(connection), phase)):
                    continue
                roles = Roles.of_database(connection.info.dbname)
                connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(roles.owner)))
                connection.execute(f"SET LOCAL search_path = {SCHEMA}, pg_temp")
                connection.execute(_filled_in(step.sql, roles, connection), prepare=False)
                row = [step.version, step.phase]
                connection.execute("INSERT INTO schema_version (version, phase) VALUES (%s, %s)", row)
            names.append(str(step))
    return names


def _taken(connection: psycopg.Connection) -> Taken:
    query = f"SELECT phase, max(version) FROM {SCHEMA}.schema_version GROUP BY phase"  # noqa: S608 - a constant
    versions: dict[str, int] = dict(connection.execute(query.encode()).fetchall())
    return Taken(versions.get("pre", 0), versions.get("post", 0))


@contextmanager
def _administering(admin: Address) -> Iterator[psycopg.Connection]:
    """Connect as an administrator; raise errors of the driver as those of our own tree."""
    try:
        with admin.connect(prepared=False) as connection:
            yield connection
    except psycopg.errors.DuplicateSchema:
        raise ConfigurationError(
            f"{admin} has a schema {SCHEMA} already: it holds a trail, and a database holds one",
            remedy="Name another database, or open the trail that is there.",
        ) from None
    except psycopg.Error as error:
        ours = translated(error, str(admin))
        if ours is None:
            raise
        raise ours from error


def _filled_in(script: str, roles: Roles, connection: psycopg.Connection) -> bytes:
    """Return a script with the names of the roles in the places for them."""
    for role in _LOGIN:
        script = script.replace(f':"{role}"', sql.Identifier(getattr(roles, role)).as_string(connection))
    return script.encode()


def has_schema(address: Address) -> bool:
    """Say whether a database has the schema of a trail. Raises as :func:`create_schema` does."""
    try:
        with address.connect(prepared=False) as connection:
            row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [SCHEMA]).fetchone()
    except psycopg.Error as error:
        ours = translated(error, str(address))
        if ours is None:
            raise
        raise ours from error
    return row == (True,)


def _create(connection: psycopg.Connection) -> Roles:
    row = connection.execute(
        "SELECT current_database(), current_setting('server_version_num')::int, current_setting('server_encoding')"
    ).fetchone()
    database, version, encoding = row or ("", 0, "")
    if version < 150_000 or encoding != "UTF8":
        raise ConfigurationError(
            f"the database {database} is PostgreSQL {version // 10_000} with the encoding {encoding}",
            remedy="OrderTrail needs PostgreSQL 15 or newer, and a database that was created with ENCODING 'UTF8'.",
        )
    if len(database.encode()) > _LONGEST_NAME:
        raise ConfigurationError(
            f"the name of the database {database} is too long for its roles to be named after it",
            remedy=f"Choose one of {_LONGEST_NAME} bytes at most.",
        )
    roles = Roles.of_database(database)
    _create_roles(connection, roles)
    ddl = (files("ordertrail.adapters.sql.ddl") / "postgresql/schema.sql").read_text()
    connection.execute(_filled_in(ddl, roles, connection), prepare=False)
    connection.execute("RESET ROLE")
    _allow_checks(connection, roles)
    return roles


def _create_roles(connection: psycopg.Connection, roles: Roles) -> None:
    known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    for role, login in _LOGIN.items():
        name = getattr(roles, role)
        if name not in known:
            connection.execute(sql.SQL(f"CREATE ROLE {{}} {login} NOINHERIT").format(sql.Identifier(name)))
    if not _is_superuser(connection):
        # Only who belongs to a role can make it the owner of anything; a superuser belongs to every one.
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(roles.owner)))


def _allow_checks(connection: psycopg.Connection, roles: Roles) -> None:
    """Let those who check look for damage with PostgreSQL's own extension, where it is there and may be installed."""
    there = connection.execute(
        "SELECT FROM pg_available_extensions WHERE name = 'amcheck' AND to_regnamespace('public') IS NOT NULL"
    ).fetchone()
    if there is None or not _is_superuser(connection):
        return
    connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA public")
    schema = connection.execute(
        "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'amcheck'"
    ).fetchone()
    connection.execute(
        sql.SQL(
            "GRANT EXECUTE ON FUNCTION {schema}.bt_index_check(regclass, boolean),"
            " {schema}.verify_heapam(regclass, boolean, boolean, text, bigint, bigint) TO {roles}"
        ).format(
            schema=sql.Identifier(str(schema and schema[0])),
            roles=sql.SQL(", ").join(map(sql.Identifier, (roles.sealer, roles.auditor))),
        )
    )


def _is_superuser(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return row is not None and bool(row[0])
