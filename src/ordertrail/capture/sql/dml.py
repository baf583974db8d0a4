"""A statement that changes rows, as far as its text tells: its clauses, each a piece of that text."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.scan import Slot

Verb = Literal["insert", "update", "delete", "truncate", "other"]


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL: texts with parameters between them, one text more than parameters."""

    texts: tuple[str, ...] = ("",)
    slots: tuple[Slot, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.slots or self.texts[0].strip())


EXPRESSION = object()
"""Stands for a value that only the database can tell."""

DEFAULT = object()
"""Stands for the column's default."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that is a parameter, by itself."""

    slot: Slot


Value = Any
"""A Parameter, EXPRESSION, DEFAULT, or the value of a literal: None, an integer, a text."""


@dataclass(frozen=True, slots=True)
class Dml:
    """A statement that changes rows of one table, or of several (TRUNCATE)."""

    verb: Verb
    tables: tuple[TableName, ...]
    alias: str = ""
    with_: Clause = Clause()
    target: Clause = Clause()
    beside: Clause = Clause()
    where: Clause = Clause()
    sets: tuple[tuple[str, Value], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    query: Clause = Clause()
    conflict: Literal["nothing", "update", "replace"] | None = None
    returning: bool = False
    cascade: bool = False
    key_slots: tuple[tuple[str, Slot], ...] = field(default=())
    """Columns that the whole WHERE compares with parameters, where it does nothing else."""
    expressions: tuple[Clause, ...] = ()
    """The values that ``sets`` names, as they are written; none where some are set together."""
    otherwise: bool = False
    """Whether an UPDATE says what to do with rows that do not fit (``OR IGNORE``)."""
    where_span: tuple[int, int, int] = (0, 0, 0)
    """Where in the text the keyword WHERE begins, its condition begins and its condition ends; in UPDATE."""
    values: Clause = Clause()
    """The rows of an INSERT, where all its parameters are in them and a row that does not fit fails all of it."""
    values_span: tuple[int, int] = (0, 0)
    """Where in the text these rows begin and end."""
