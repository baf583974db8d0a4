"""The tables that only PostgreSQL has, as SQLAlchemy Core sees them."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, func

_metadata = MetaData()

entry_key = Table(
    "entry_key",
    _metadata,
    Column("stream", Integer, nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("event_id", LargeBinary, primary_key=True),
    Column("chain", Text),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("month", Date, nullable=False),
)
schema_version = Table(
    "schema_version",
    _metadata,
    Column("version", Integer, primary_key=True),
    Column("phase", Text, primary_key=True),
    Column("taken", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
epoch = Table(
    "epoch",
    _metadata,
    Column("stream", Integer, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("taken", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
