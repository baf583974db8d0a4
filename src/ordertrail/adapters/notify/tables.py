"""The tables of notifying. They hold no evidence: what was sent is told to the trail.

==================  ============================================================================
notify_place        one row a log: the place from which on it was not read yet
notify_message      one row a message and route; ``parcel`` names what it went into
notify_parcel       one row a parcel, with what became of it
==================  ============================================================================

Times are in the one spelling of times, so that text order is time order.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()


def _text(name: str, *, required: bool = True, key: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=not required, primary_key=key)


places = Table(
    "notify_place",
    metadata,
    _text("stream", key=True),
    Column("next", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
)

messages = Table(
    "notify_message",
    metadata,
    _text("route", key=True),
    _text("id", key=True),
    Column("severity", SmallInteger, nullable=False),
    _text("since"),
    _text("parcel", required=False),
    _text("message"),
)
_waits = messages.c.parcel.is_(None)
Index(
    "notify_message_waiting",
    messages.c.route,
    messages.c.since,
    messages.c.id,
    postgresql_where=_waits,
    sqlite_where=_waits,
)
Index("notify_message_by_parcel", messages.c.parcel)

parcels = Table(
    "notify_parcel",
    metadata,
    _text("id", key=True),
    _text("route"),
    _text("made"),
    _text("state"),
    Column("attempts", Integer, nullable=False),
    _text("due"),
    _text("settled", required=False),
    _text("error", required=False),
    Column("recorded", Boolean, nullable=False),
    _text("parcel"),
)
Index("notify_parcel_by_route", parcels.c.route, parcels.c.state, parcels.c.made)
Index("notify_parcel_by_settled", parcels.c.route, parcels.c.settled)
Index("notify_parcel_by_recorded", parcels.c.recorded, parcels.c.state, parcels.c.settled)
