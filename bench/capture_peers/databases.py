"""Databases of the matrix: made once with their shop, then copied for each case."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Place:
    """Where databases are made: a folder (SQLite), or a PostgreSQL server at the address of its own database."""

    vendor: str
    where: str
    prefix: str = field(default_factory=lambda: f"peers_{os.getpid()}")

    @property
    def template(self) -> str:
        """The name of the database that is copied: a file's path, or a database's name."""
        return f"{self.where}/{self.prefix}.db" if self.vendor == "sqlite" else f"{self.prefix}_template"

    def create(self) -> str:
        """Make the template, empty; return its name."""
        if self.vendor == "postgresql":
            self._administrate("CREATE DATABASE {} TEMPLATE template0", self.template)
        return self.template

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Copy the template, to which nobody may be connected; yield the copy's name, and remove it afterwards."""
        name = f"{self.prefix}_{next(_numbers)}"
        if self.vendor == "sqlite":
            path = Path(self.where, f"{name}.db")
            shutil.copy(self.template, path)
            yield str(path)
            path.unlink()
        else:
            self._administrate("CREATE DATABASE {} TEMPLATE {}", name, self.template)
            yield name
            self._administrate("DROP DATABASE {} WITH (FORCE)", name)

    def url(self, name: str) -> str:
        """Return SQLAlchemy's address of a database."""
        if self.vendor == "sqlite":
            return f"sqlite:///{name}"
        return self.where.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")

    def django(self, name: str) -> dict[str, object]:
        """Return Django's settings of a database."""
        if self.vendor == "sqlite":
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
        folder = self.where.partition("host=")[2]
        return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": "postgres", "HOST": folder}

    def _administrate(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.where, autocommit=True) as admin:
            admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
