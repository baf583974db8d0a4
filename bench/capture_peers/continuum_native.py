"""SQLAlchemy-Continuum with ``native_versioning``: PostgreSQL's triggers write the versions.

As its manual says, by the option alone; the triggers write where a flush has begun its transaction.
"""

import sqlalchemy_continuum
from sqlalchemy import Engine, text
from sqlalchemy_continuum.plugins import Plugin

from bench.capture_peers.ports import SQLAlchemyPeer
from bench.capture_peers.versioned import Versioned


class Native(Versioned):
    """Its triggers use hstore, which the manual does not say."""

    def prepare(self, engine: Engine) -> None:
        """Install what its triggers use, then make the tables."""
        with engine.begin() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS hstore"))
        super().prepare(engine)


def peer() -> SQLAlchemyPeer:
    """Return the library."""
    return Native(sqlalchemy_continuum, Plugin, native_versioning=True)
