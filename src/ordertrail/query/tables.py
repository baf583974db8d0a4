"""Where the index keeps events: one row each, and beside it their changes and marks. SQLAlchemy Core, for any database.

``key`` is made of the number of the event's stream and of its place in it (:func:`key_of`), so that an index that is
built again has the same keys. Pages run by ``time`` and ``key``, and each column that is asked for exactly has an index
with them, so that the newest hundred of any actor, order or action are read and nothing else.

Beside the events stand where each order is, and rollups: counts of events by day and by hour, and the money that
changes moved. They are written in the transaction that writes the events, and so are never of another moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    Select,
    SmallInteger,
    Table,
    Text,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql

metadata = MetaData()

_KEY = BigInteger().with_variant(Integer, "sqlite")
_TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Compared by code points, as Python compares: what begins with a text is a range of an index."""

_STREAM_BITS = 40
HOUR = 3_600_000_000
DAY = 24 * HOUR
"""Microseconds."""

BEGINNING = 64
"""Characters of a value after a change by which it is found; a value may be as long as an event."""

streams = Table(
    "stream",
    metadata,
    Column("number", SmallInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("name", _TEXT, nullable=False, unique=True),
    Column("next", _KEY, nullable=False),
    comment="How far each log has been read: the place of the entry that is read next.",
)

events = Table(
    "event",
    metadata,
    Column("key", _KEY, primary_key=True, autoincrement=False),
    Column("stream", _TEXT, nullable=False),
    Column("position", _KEY, nullable=False),
    Column("id", _TEXT, nullable=False, unique=True),
    Column("time", _KEY, nullable=False),
    Column("recorded", _KEY, nullable=False),
    Column("action", _TEXT, nullable=False),
    Column("outcome", _TEXT, nullable=False),
    Column("actor", _TEXT, nullable=False),
    Column("actor_kind", _TEXT, nullable=False),
    Column("subject_kind", _TEXT, nullable=False),
    Column("subject", _TEXT, nullable=False),
    Column("sensitive", Boolean, nullable=False),
    Column("attempt", Boolean, nullable=False),
    Column("search", _TEXT, nullable=False),
    Column("order", _TEXT),
    Column("number", _KEY),
    Column("tenant", _TEXT),
    Column("behalf", _TEXT),
    Column("session", _TEXT),
    Column("ip", _TEXT),
    Column("request", _TEXT),
    Column("trace", _TEXT),
    Column("channel", _TEXT),
    Column("source", _TEXT),
    Column("ticket", _TEXT),
)

changes = Table(
    "change",
    metadata,
    Column("key", _KEY, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("path", _TEXT, nullable=False),
    Column("field", _TEXT, nullable=False),
    Column("before", _TEXT),
    Column("after", _TEXT),
    Column("unit", _TEXT),
    Column("before_number", _KEY),
    Column("after_number", _KEY),
    Column("delta", _KEY),
    Column("ratio", _KEY),
    sqlite_with_rowid=False,
)

marks = Table(
    "mark",
    metadata,
    Column("key", _KEY, primary_key=True, autoincrement=False),
    Column("kind", _TEXT, primary_key=True),
    Column("value", _TEXT, primary_key=True),
    sqlite_with_rowid=False,
)

order_standings = Table(
    "order_standing",
    metadata,
    Column("order", _TEXT, primary_key=True),
    Column("tenant", _TEXT, primary_key=True),
    Column("status", _TEXT),
    Column("amount", _KEY),
    Column("currency", _TEXT),
    Column("stated", _KEY, nullable=False),
    Column("valued", _KEY, nullable=False),
    Column("changed", _KEY),
    Column("first", _KEY, nullable=False),
    Column("last", _KEY, nullable=False),
    Column("events", _KEY, nullable=False),
    Column("attempts", _KEY, nullable=False),
    Column("sensitive", _KEY, nullable=False),
    sqlite_with_rowid=False,
)

day_counts = Table(
    "day_count",
    metadata,
    Column("day", _KEY, primary_key=True),
    Column("actor", _TEXT, primary_key=True),
    Column("action", _TEXT, primary_key=True),
    Column("outcome", _TEXT, primary_key=True),
    Column("tenant", _TEXT, primary_key=True),
    Column("sensitive", Boolean, nullable=False),
    Column("events", _KEY, nullable=False),
    sqlite_with_rowid=False,
    comment="Events by day of UTC (its first microsecond), actor, action, outcome and tenant (empty where none).",
)

ever_counts = Table(
    "ever_count",
    metadata,
    Column("actor", _TEXT, primary_key=True),
    Column("action", _TEXT, primary_key=True),
    Column("outcome", _TEXT, primary_key=True),
    Column("tenant", _TEXT, primary_key=True),
    Column("sensitive", Boolean, nullable=False),
    Column("events", _KEY, nullable=False),
    sqlite_with_rowid=False,
    comment="As by day, of all days together: as many rows as there are actors and what they do, however long a trail.",
)

hour_counts = Table(
    "hour_count",
    metadata,
    Column("hour", _KEY, primary_key=True),
    Column("action", _TEXT, primary_key=True),
    Column("outcome", _TEXT, primary_key=True),
    Column("tenant", _TEXT, primary_key=True),
    Column("sensitive", Boolean, nullable=False),
    Column("events", _KEY, nullable=False),
    sqlite_with_rowid=False,
)

sensitive_hours = Table(
    "sensitive_hour",
    metadata,
    Column("hour", _KEY, primary_key=True),
    Column("actor", _TEXT, primary_key=True),
    Column("action", _TEXT, primary_key=True),
    Column("outcome", _TEXT, primary_key=True),
    Column("tenant", _TEXT, primary_key=True),
    Column("sensitive", Boolean, nullable=False),
    Column("events", _KEY, nullable=False),
    sqlite_with_rowid=False,
    comment="As by day, by hour: of sensitive events only.",
)

day_values = Table(
    "day_value",
    metadata,
    Column("day", _KEY, primary_key=True),
    Column("field", _TEXT, primary_key=True),
    Column("value", _TEXT, primary_key=True),
    Column("tenant", _TEXT, primary_key=True),
    Column("events", _KEY, nullable=False),
    sqlite_with_rowid=False,
    comment="Events by day and by the value of each column that has few values and is in no other rollup.",
)

day_money = Table(
    "day_money",
    metadata,
    Column("day", _KEY, primary_key=True),
    Column("actor", _TEXT, primary_key=True),
    Column("action", _TEXT, primary_key=True),
    Column("tenant", _TEXT, primary_key=True),
    Column("currency", _TEXT, primary_key=True),
    Column("events", _KEY, nullable=False),
    Column("raised", _KEY, nullable=False),
    Column("lowered", _KEY, nullable=False),
    sqlite_with_rowid=False,
    comment="What successes changed money by, up and down, in minor units.",
)

Index("event_by_time", events.c.time, events.c.key)
for _column in ("actor", "order", "action", "channel", "subject", "request", "trace", "session", "tenant"):
    _partly = None if not events.c[_column].nullable else events.c[_column].is_not(None)
    Index(
        f"event_by_{_column}",
        events.c[_column],
        events.c.time,
        events.c.key,
        sqlite_where=_partly,
        postgresql_where=_partly,
    )
for _flag in (events.c.sensitive, events.c.attempt):
    Index(
        f"event_by_{_flag.name}",
        _flag,
        events.c.time,
        events.c.key,
        sqlite_where=text(f"{_flag.name} = 1"),  # as queries say it: SQLite compares the words
        postgresql_where=_flag,
    )
Index(
    "event_by_sensitive_actor",
    events.c.actor,
    events.c.time,
    events.c.key,
    sqlite_where=text("sensitive = 1"),
    postgresql_where=events.c.sensitive,
)
Index("change_by_field", changes.c.field, func.substr(changes.c.after, 1, BEGINNING), changes.c.key)
Index("mark_by_value", marks.c.kind, marks.c.value, marks.c.key)
Index("order_by_status", order_standings.c.status, order_standings.c.last)
Index("order_by_value", order_standings.c.currency, order_standings.c.amount)
Index("day_count_by_actor", day_counts.c.actor, day_counts.c.day)
Index(  # with all that a ranking reads, so that it reads nothing else
    "day_count_by_action",
    day_counts.c.action,
    day_counts.c.day,
    day_counts.c.actor,
    day_counts.c.outcome,
    day_counts.c.tenant,
    day_counts.c.sensitive,
    day_counts.c.events,
)

INDEXED = ("actor", "order", "action", "channel", "subject", "request", "trace", "session", "tenant", "id")
"""Columns of events that an index finds."""

FEW = ("actor_kind", "subject_kind", "channel", "source")
"""Columns of events that :data:`day_values` counts."""


def key_of(stream: int, position: int) -> int:
    """Return the key of an event, of the number of its stream and its place in it."""
    return (stream << _STREAM_BITS) | position


Keys = Select[tuple[int]]
"""Selects keys of events."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What databases do each in their own way.

    ``contains`` says that an event's searched text has a folded text in it. ``with_texts`` finds the keys of the events
    that have all of several, and perhaps of a few more, by the database's own index for that; None where it has none.
    """

    contains: Callable[[str], ColumnElement[bool]]
    with_texts: Callable[[Sequence[str]], Keys | None]


def contains_plainly(needle: str) -> ColumnElement[bool]:
    """Look through the searched text of each event: right everywhere, and slow."""
    return events.c.search.contains(needle, autoescape=True)


def by_no_index(needles: Sequence[str]) -> Keys | None:
    """Find no text: each event is looked at."""
    del needles
    return None


PLAIN = Dialect(contains_plainly, by_no_index)


def all_keys() -> Keys:
    """Select the keys of all events."""
    return select(events.c.key)
