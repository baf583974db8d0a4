"""What a live database's tables are, as far as capture must know them; adapters fill it in by introspection."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "integer", "text", "boolean", "decimal", "float", "date", "timestamp", "timestamptz", "time",
    "uuid", "json", "binary", "money", "minor", "opaque", "redacted",
]  # fmt: skip
"""How a column's values are told in events; see :mod:`ordertrail.capture.values`."""


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column as the database has it.

    ``kind`` is None where the type is none that an event can hold. ``scale`` is of decimals: digits after the point.
    ``length`` is of texts, in characters. ``generated`` says that the database gives it a value where a statement
    does not (a default, a sequence, a computed column); ``rounds`` that it may keep another value than it was given;
    ``converted`` that the driver makes another type of what it reads of the column by its declared type.
    """

    name: str
    kind: Kind | None
    type: str
    scale: int | None = None
    length: int | None = None
    generated: bool = False
    rounds: bool = False
    converted: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference of one table's columns to another's. Actions are as SQL spells them, in capitals."""

    columns: tuple[str, ...]
    parent: "TableName"
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's name; ``schema`` is None for the database's default one."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def sql(self) -> str:
        """The name as SQL, quoted (SQL:1992 section 5.2, which SQLite and PostgreSQL follow)."""
        return f"{quoted(self.schema)}.{quoted(self.name)}" if self.schema else quoted(self.name)


def quoted(name: str) -> str:
    """Return an identifier as SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table as the database has it. ``unique`` are its unique keys beside the primary one.

    ``triggers`` says that others' triggers may change what a statement wrote; ``children`` names partitions, which
    statements may name instead of the table.
    """

    name: TableName
    columns: tuple[LiveColumn, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    triggers: bool = False
    children: tuple[TableName, ...] = field(default=())
