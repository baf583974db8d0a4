"""SQLAlchemy-Continuum, which writes versions itself at each flush. See :mod:`bench.capture_peers.versioned`."""

import sqlalchemy_continuum
from sqlalchemy_continuum.plugins import Plugin

from bench.capture_peers.ports import SQLAlchemyPeer
from bench.capture_peers.versioned import Versioned


def peer() -> SQLAlchemyPeer:
    """Return the library."""
    return Versioned(sqlalchemy_continuum, Plugin)
