"""The intake tables, beside the order tables in one database: what came, and what became of it.

======================  ==========================================================================
intake_bodies           delivered bytes by their SHA-256; larger ones are files
intake_deliveries       one row a delivery; copies of it are counted in its row
intake_messages         one row a message, with its state
intake_attempts         one row a try that did not accept its message
intake_sources          one row a source: its breaker
intake_places           one row a source that is asked: how far it was
intake_refusals         what was turned away, counted by source, cause and minute
intake_declared         what a source says that it sent
======================  ==========================================================================

``attempt`` fences: whoever claims a row counts it up, and whoever settles names the number under which it was claimed.
``again_at`` is when a row is due: at once, after a delay, or when the lease of who has it ends. Times are text in their
one spelling, in which the order of texts is the order of times.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

BODY = 1 << 20
"""Bytes of the largest body that is kept in a row."""


def _text(name: str, *, required: bool = True) -> Column[Any]:
    return Column(name, Text, nullable=not required)


def _time(name: str) -> Column[Any]:
    return Column(name, Text)


def _partial(name: str, condition: str, *columns: str) -> Index:
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


bodies = Table(
    "intake_bodies",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
deliveries = Table(
    "intake_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    _text("source"),
    _text("key"),
    _text("delivery_id", required=False),
    _text("sha256"),
    Column("size", BigInteger, nullable=False),
    _text("received"),
    _text("way"),
    _text("name"),
    Column("headers", JSON, nullable=False),
    _text("state"),
    Column("attempt", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    _time("again_at"),
    Column("progress", BigInteger, nullable=False),
    Column("counts", JSON, nullable=False),
    _text("fix", required=False),
    _text("error", required=False),
    Column("copies", Integer, nullable=False),
    _time("last_copy"),
    Index("intake_deliveries_once", "source", "key", unique=True),
    Index("intake_deliveries_received", "source", "received"),
    _partial("intake_deliveries_due", "state <> 'done'", "again_at", "id"),
    _partial("intake_deliveries_named", "delivery_id IS NOT NULL", "source", "delivery_id"),
)
messages = Table(
    "intake_messages",
    metadata,
    Column("delivery", ForeignKey("intake_deliveries.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    _text("source"),
    _text("state"),
    _text("settled"),
    _text("pointer", required=False),
    _text("order_id", required=False),
    _text("told", required=False),
    Column("version", JSON(none_as_null=True)),
    _text("cause", required=False),
    Column("faults", JSON(none_as_null=True)),
    Column("attempt", Integer, nullable=False),
    _time("again_at"),
    _text("since", required=False),
    Column("whole", Boolean, nullable=False),
    Column("content", LargeBinary),
    _text("fix", required=False),
    Column("approval", JSON(none_as_null=True)),
    Column("value", BigInteger),
    _text("currency", required=False),
    _text("tier", required=False),
    _text("promised", required=False),
    Index("intake_messages_of_order", "order_id", "settled"),
    _partial("intake_messages_due", "state IN ('parked', 'replayed')", "again_at"),
    _partial("intake_messages_parked", "state = 'parked'", "order_id"),
    _partial("intake_messages_open", "state IN ('held', 'dead')", "source", "cause"),
    Index("intake_messages_settled", "source", "settled"),
)
attempts = Table(
    "intake_attempts",
    metadata,
    Column("delivery", Text, primary_key=True),
    Column("message", BigInteger, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    _text("time"),
    _text("state"),
    Column("faults", JSON, nullable=False),
)
sources = Table(
    "intake_sources",
    metadata,
    Column("source", Text, primary_key=True),
    _text("circuit"),
    Column("failures", Integer, nullable=False),
    Column("opened", Integer, nullable=False),
    _time("until"),
    _text("reason", required=False),
)
places = Table(
    "intake_places",
    metadata,
    Column("source", Text, primary_key=True),
    _text("since"),
    Column("page", Integer, nullable=False),
    _text("leads", required=False),
    _text("begun", required=False),
    _time("again_at"),
    _text("last", required=False),
    Column("failures", Integer, nullable=False),
    _text("reason", required=False),
    _text("answered", required=False),
)
refusals = Table(
    "intake_refusals",
    metadata,
    Column("source", Text, primary_key=True),
    Column("minute", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("count", Integer, nullable=False),
)
declared = Table(
    "intake_declared",
    metadata,
    Column("source", Text, primary_key=True),
    Column("begin", Text, primary_key=True),
    Column("end", Text, primary_key=True),
    Column("orders", BigInteger, nullable=False),
    Column("total", BigInteger),
    _text("currency", required=False),
)
