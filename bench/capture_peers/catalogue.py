"""Who takes part: each library, on which databases it works, and what it says itself that it does not do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Framework = Literal["sqlalchemy", "django"]

VENDORS: Mapping[str, str] = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
OURS = "ordertrail"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A library in one way of setting it up; ``module`` is what sets it up. ``claims`` says what it is and is not."""

    module: str
    title: str
    package: str
    framework: Framework
    claims: str
    vendors: tuple[str, ...] = ("sqlite", "postgresql")

    @property
    def ours(self) -> bool:
        """Whether it is us, who run in our own environment."""
        return self.package == OURS


BASELINES: Mapping[Framework, str] = {"sqlalchemy": "unaudited", "django": "unaudited_django"}
"""The module of the unaudited application, by framework."""

_POSTGRESQL = ("postgresql",)

CONTESTANTS = (
    Contestant(
        "ordertrail_sqlalchemy", "OrderTrail", OURS, "sqlalchemy",
        "Events in an outbox of the application's database, in its transaction: every change of a row, its values "
        "before and after, who and why.",
    ),
    Contestant(
        "continuum", "SQLAlchemy-Continuum", "sqlalchemy-continuum", "sqlalchemy",
        "A version of a row for each transaction in which a session's flush changed it, which is all it claims: "
        "statements, bulk methods and what the database does itself pass it by. Several flushes in one transaction are "
        "one version. The user comes from a plug-in's `transaction_args`.",
    ),
    Contestant(
        "continuum_native", "SQLAlchemy-Continuum, native", "sqlalchemy-continuum", "sqlalchemy",
        "The same versions, written by PostgreSQL's triggers (`native_versioning`). They write only where a flush has "
        "begun the library's own transaction; then they see cascades too.",
        _POSTGRESQL,
    ),
    Contestant(
        "history", "sqlalchemy-history", "sqlalchemy-history", "sqlalchemy",
        "A fork of SQLAlchemy-Continuum without native versioning; the same claims and the same ways.",
    ),
    Contestant(
        "postgresql_audit", "PostgreSQL-Audit", "postgresql-audit", "sqlalchemy",
        "Triggers a statement write every row's old and new values. PostgreSQL only; TRUNCATE has no trigger. The "
        "actor is written by a listener to a session's flush, so that a transaction without a flush has the rows and "
        "no actor; its manual tells no other way.",
        _POSTGRESQL,
    ),
    Contestant(
        "ordertrail_django", "OrderTrail", OURS, "django",
        "As over SQLAlchemy: every statement of Django's connection.",
    ),
    Contestant(
        "shop_auditlog", "django-auditlog", "django-auditlog", "django",
        "An entry for each `save` and `delete` signal, with old and new values; its manual says that bulk operations "
        "and querysets' updates send none. Compares before the save, so that it misses what the save itself computes "
        "(`auto_now`, `F()`). Of related objects it keeps their text; the shop's text has the key. The actor comes "
        "from `set_actor`.",
    ),
    Contestant(
        "shop_simple_history", "django-simple-history", "django-simple-history", "django",
        "A copy of the object for each `save` and `delete` signal; its manual says that bulk operations and querysets' "
        "updates send none, and offers `bulk_create_with_history` and `bulk_update_with_history` to be called in their "
        "place. It copies the object in memory, fields that were not saved too. The user comes from "
        "`HistoricalRecords.context.request`; rows from before it are copied by `populate_history`.",
    ),
    Contestant(
        "shop_pghistory", "django-pghistory", "django-pghistory", "django",
        "Triggers a row copy it into tables of events (`InsertEvent`, `UpdateEvent`, `DeleteEvent`). PostgreSQL only. "
        "The context comes with `pghistory.context`, which writes it into the application's statements; for coroutines "
        "it has to be entered inside them.",
        _POSTGRESQL,
    ),
)  # fmt: skip
