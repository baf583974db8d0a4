"""Capture in SQLAlchemy 2: sessions, connections and driver-level SQL of an engine, sync or async.

::

    capture(engine, policy)        # at start, once; fails with what is wrong, or captures from here on
"""

from ordertrail.capture.sqlalchemy.starting import capture

__all__ = ["capture"]
