"""Where the index keeps events: one row each, and beside it their changes and marks. SQLAlchemy Core, for any database.

``key`` is the index's own, in the sequence in which events were indexed; it names nothing outside. Pages run by
``time`` and ``key`` downwards, and each column that is asked for exactly has an index with them, so that the newest
hundred of any actor, order or action are read and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

_KEY = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "event",
    metadata,
    Column("key", _KEY, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("position", _KEY, nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("time", _KEY, nullable=False),
    Column("recorded", _KEY, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sensitive", Boolean, nullable=False),
    Column("search", Text, nullable=False),
    Column("order", Text),
    Column("number", _KEY),
    Column("tenant", Text),
    Column("behalf", Text),
    Column("session", Text),
    Column("ip", Text),
    Column("request", Text),
    Column("trace", Text),
    Column("channel", Text),
    Column("source", Text),
    Column("ticket", Text),
)

changes = Table(
    "change",
    metadata,
    Column("key", _KEY, ForeignKey(events.c.key), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("unit", Text),
    Column("before_number", _KEY),
    Column("after_number", _KEY),
    Column("delta", _KEY),
    Column("ratio", _KEY),
)

marks = Table(
    "mark",
    metadata,
    Column("key", _KEY, ForeignKey(events.c.key), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
)

Index("event_by_time", events.c.time, events.c.key)
for _column in ("actor", "order", "action", "channel", "subject", "request", "trace", "session", "tenant"):
    Index(f"event_by_{_column}", events.c[_column], events.c.time, events.c.key)
Index("event_by_sensitive", events.c.sensitive, events.c.time, events.c.key)
Index("event_by_place", events.c.stream, events.c.position, unique=True)
Index("change_by_field", changes.c.field, changes.c.key)
Index("mark_by_value", marks.c.kind, marks.c.value, marks.c.key)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What databases do each in their own way.

    ``contains`` says that an event's searched text has a folded text in it, by the database's own index for that.
    """

    contains: Callable[[str], ColumnElement[bool]]


def contains_plainly(needle: str) -> ColumnElement[bool]:
    """Look through the searched text of each event: right everywhere, and slow."""
    return events.c.search.contains(needle, autoescape=True)


PLAIN = Dialect(contains_plainly)
