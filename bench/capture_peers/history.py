"""sqlalchemy-history, the fork of SQLAlchemy-Continuum. See :mod:`bench.capture_peers.versioned`."""

import sqlalchemy_history  # type: ignore[import-not-found]
from sqlalchemy_history.plugins import Plugin  # type: ignore[import-not-found]

from bench.capture_peers.ports import SQLAlchemyPeer
from bench.capture_peers.versioned import Versioned


def peer() -> SQLAlchemyPeer:
    """Return the library."""
    return Versioned(sqlalchemy_history, Plugin)
