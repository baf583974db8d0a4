"""Rows of the SQLAlchemy shop in the oracle's words, whoever tells them and in whatever types."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Boolean, DateTime, MetaData, Numeric

from bench.capture_peers.verdict import Change, Row, change


def words(metadata: MetaData, table: str) -> Callable[[Row], Row]:
    """Return what tells a row of a table in the oracle's words, from Python's values or from JSON's."""
    columns = metadata.tables[table].columns
    return lambda row: {
        name: _word(columns[name].type, value) for name, value in row.items() if name in columns
    }


def as_changes(rows: Sequence[Any]) -> list[Change]:
    """Return changes that are told as the oracle tells them: before and after as pairs of column and value."""
    found = []
    for one in rows:
        before = None if one.before is None else dict(one.before)
        after = None if one.after is None else dict(one.after)
        told = change(one.table, before, after, one.actor)
        if told is not None:
            found.append(told)
    return found


def _word(type_: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(type_, Numeric):
        return f"{Decimal(str(value)):.{type_.scale}f}"
    if isinstance(type_, DateTime):
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(cast("str", value))
        return moment.isoformat(timespec="microseconds")
    return bool(value) if isinstance(type_, Boolean) else value
