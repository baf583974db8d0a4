"""The tables of access.

=================  =====================================================================
access_accounts    one row an account; its secrets are sealed
access_sessions    one row a session, by the hash of its token
access_keys        one row an API key, with its hash
access_tickets     one row a secret that is good once, by its hash
access_attempts    tries to sign in, counted, by the hash of what they are counted in
access_form        the form of these tables
=================  =====================================================================

Each row that lets somebody in carries a mark (:mod:`~ordertrail.adapters.access.marking`).

Times are text in their one spelling, in which the order of texts is the order of times.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

FORM = 1
"""Of the tables."""

metadata = MetaData()


def _text(name: str, *, required: bool = True) -> Column[Any]:
    return Column(name, Text, nullable=not required)


def _names(name: str, *, required: bool = True) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=not required)


def _mark() -> Column[Any]:
    return Column("mark", LargeBinary, nullable=False)


accounts = Table(
    "access_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _text("title"),
    _text("kind"),
    _names("roles"),
    _names("tenants", required=False),
    _names("channels"),
    _names("regions"),
    Column("sees_identities", Boolean, nullable=False),
    _text("state"),
    Column("password", LargeBinary),
    Column("totp", LargeBinary),
    Column("totp_step", BigInteger, nullable=False),
    _text("issuer", required=False),
    _text("subject", required=False),
    _text("created"),
    Column("version", Integer, nullable=False),
    _mark(),
    UniqueConstraint("issuer", "subject", name="access_accounts_bound"),
)
sessions = Table(
    "access_sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("name"),
    _text("account"),
    _text("stage"),
    _text("created"),
    _text("proven"),
    _text("seen"),
    _names("glass_verbs", required=False),
    _text("glass_until", required=False),
    _text("glass_reason", required=False),
    _mark(),
    Index("access_sessions_of", "account"),
)
keys = Table(
    "access_keys",
    metadata,
    Column("id", Text, primary_key=True),
    _text("account"),
    _text("label"),
    Column("digest", LargeBinary, nullable=False),
    _names("verbs"),
    _names("tenants", required=False),
    _names("channels"),
    _names("regions"),
    _text("created"),
    _text("ends"),
    _text("used", required=False),
    _text("withdrawn", required=False),
    _mark(),
    Index("access_keys_of", "account"),
)
tickets = Table(
    "access_tickets",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("purpose"),
    _text("account", required=False),
    _text("ends"),
    _text("luggage"),
    _mark(),
    Index("access_tickets_of", "account", "purpose"),
    Index("access_tickets_ends", "ends"),
)
attempts = Table(
    "access_attempts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    _text("last"),
    _text("until"),
    Index("access_attempts_last", "last"),
)
form = Table("access_form", metadata, Column("number", Integer, primary_key=True))
