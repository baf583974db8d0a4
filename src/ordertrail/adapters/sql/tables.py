"""The tables as SQLAlchemy Core sees them. ``ddl/`` creates them; a test holds the two equal."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

stream = Table(
    "stream",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("keep_days", Integer, nullable=False),
    Column("created", Text, nullable=False),
)
signing_key = Table(
    "signing_key",
    metadata,
    Column("stream", Integer, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("vkey", Text, nullable=False),
    Column("statement", LargeBinary, nullable=False),
)
outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger, primary_key=True),
    Column("stream", Integer, nullable=False),
    Column("event_id", LargeBinary, nullable=False),
    Column("chain", Text),
    Column("body", LargeBinary, nullable=False),
)
entry = Table(
    "entry",
    metadata,
    Column("stream", Integer, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("event_id", LargeBinary, nullable=False),
    Column("chain", Text),
    Column("number", BigInteger, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),
)
batch = Table(
    "batch",
    metadata,
    Column("stream", Integer, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("tree_root", LargeBinary, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
