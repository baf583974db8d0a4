"""What a mapping says of a history: which tables of another tool's history mean what to the trail.

The tables are those that other audit tools keep (:mod:`~.history`). A mapping of format ``history``
names the *objects'* tables, not the history's: ``shop_order``, whichever tool remembers it::

    version = 1
    log = "shop"                  # in every id, and in context.source; the tool's name where it is left out
    format = "history"
    tool = "django-auditlog"      # only where a database holds the histories of two tools
    ignore = ["shop_cart*"]       # tables that are left out on purpose; others are reported
    currency = "EUR"

    [time]
    zone = "Europe/Berlin"        # of times that name none; UTC where it is left out

    [actor]
    kind = "person"               # of a user whom the history names, but for:
    systems = ["cron"]
    services = ["web"]
    prefix = "user-"
    unknown = "unknown"           # stands where it names nobody; its kind is system
    names = { table = "auth_user", id = "id", name = "username" }

    [context]
    channel = "backoffice"

    [tables.shop_order]
    kind = "order"
    id = "{number}"               # a template over the object's columns; a list: the first that is complete
    order = "{number}"            # left out: the id where the kind is order, none elsewhere
    actions = { create = "order.create", update = "order.update", delete = "order.delete" }

    [tables.shop_order.fields]    # in the sequence in which they name the action of an update
    total = { action = "order.price.change", as = "money", currency = "{currency}" }
    status = { action = "order.status.change", to = { cancelled = "order.cancel" } }
    updated_at = "skip"

    [tables.shop_orderline]
    kind = "order_line"
    order = { of = "shop_order", key = "{order_id}" }     # whatever order that object belongs to
    actions = { create = "order.line.add", update = "order.line.update", delete = "order.line.delete" }

A table's name may be a pattern (``"*order"``, as :mod:`fnmatch` has it); an exact name goes before a
pattern, a pattern before those below it. ``key`` names the columns of the object's key where the source
does not say them. ``tabkey`` (SAP) splits ``TABKEY`` into columns, ``["MANDT:3", "VBELN:10"]``. ``live``
(django-auditlog) names the object's own table, which is asked for columns that no entry has said.
"""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from ordertrail.record.event import ActorKind

Tool = Literal["sqlalchemy-continuum", "django-auditlog", "django-simple-history", "sap-change-documents"]
Word = Literal["create", "update", "delete", "read"]
FieldReading = Literal["text", "integer", "decimal", "money"]


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What becomes of one column. ``to`` names actions by the new value; they go before ``action``."""

    skip: bool = False
    action: str | None = None
    to: MappingOf[str, str] = field(default_factory=dict)
    reading: FieldReading | None = None
    currency: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Belonging:
    """An object belongs to the order that the object of another table with this key belongs to."""

    table: str
    key: str


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """What one table of objects means. Templates are alternatives: the first whose columns are all there."""

    kind: str
    ids: tuple[str, ...] = ("{key}",)
    orders: tuple[str, ...] = ()
    belongs: Belonging | None = None
    tenant: str | None = None
    keys: tuple[str, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    live: str | None = None
    actions: MappingOf[str, str] = field(default_factory=dict)
    fields: MappingOf[str, FieldRule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Users:
    """Where a user's name stands: a table, its column with the user's id and the one with the name."""

    table: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class HistoryActor:
    """Who acted, from the user whom the history names."""

    kind: ActorKind = "person"
    systems: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    prefix: str = ""
    unknown: str = "unknown"
    names: Users | None = None


@dataclass(frozen=True, slots=True)
class HistoryRules:
    """What a history means. ``delimiter`` is None where it is to be read from each file's first line."""

    tool: Tool | None = None
    ignore: tuple[str, ...] = ()
    delimiter: str | None = None
    actor: HistoryActor = HistoryActor()
    context: MappingOf[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    tables: MappingOf[str, HistoryTable] = field(default_factory=dict)

    def find(self, name: str) -> tuple[int, HistoryTable] | None:
        """Return the table's rank among the mapping's, and what it means; None where no entry fits."""
        patterns = list(self.tables)
        if name in self.tables:
            return patterns.index(name), self.tables[name]
        for rank, pattern in enumerate(patterns):
            if fnmatchcase(name, pattern):
                return rank, self.tables[pattern]
        return None

    def rank(self, name: str) -> int:
        """Return where a table stands in the mapping; behind all others where it is not named."""
        found = self.find(name)
        return len(self.tables) if found is None else found[0]

    def ignores(self, name: str) -> bool:
        """Say whether a table is left out on purpose."""
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)
