"""Databases of trails on the tests' PostgreSQL: made for a test, and dropped when it ends."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from ordertrail.adapters.sql.dialects.postgresql.connect import Address
from ordertrail.adapters.sql.dialects.postgresql.schema import Roles, create_schema
from servers.postgresql import Server

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class TrailDatabase:
    """A database with the trail's roles and schema in it."""

    server: Server
    name: str
    roles: Roles

    def url(self, role: str = "sealer") -> str:
        """Return its address for one of its roles, or for the administrator (``admin``)."""
        user = "postgres" if role == "admin" else getattr(self.roles, role)
        return self.server.url(self.name, user)

    def run(self, statement: str, *parameters: object, role: str = "admin") -> list[tuple[object, ...]]:
        """Do a statement as a role, in the trail's schema; return its rows, if it has any."""
        with psycopg.connect(self.url(role), autocommit=True) as connection:
            connection.execute("SET search_path = ordertrail")
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def empty_database(server: Server) -> Iterator[str]:
    """A database without anything in it; yields its name."""
    name = f"trail_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    yield name
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for (role,) in admin.execute(
            "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [f"{name}_"]
        ):
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@contextmanager
def trail_database(server: Server) -> Iterator[TrailDatabase]:
    """A database with a trail's roles and schema."""
    with empty_database(server) as name:
        yield TrailDatabase(server, name, create_schema(Address(server.url(name))))


@pytest.fixture
def trail_on_postgresql(postgresql_server: Server) -> Iterator[TrailDatabase]:
    """A database with a trail's roles and schema, for one test."""
    with trail_database(postgresql_server) as database:
        yield database
