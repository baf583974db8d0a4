"""The files of a segment and their columns, as any engine reads them.

Times are microseconds since 1970, as in the index; ``happened`` is the same as a timestamp in UTC. ``position`` is an
entry's index in its log. Money is in minor units, other numbers in millionths (see
:mod:`ordertrail.query.projection`). What is personal stays sealed: no column has it.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

_TEXT, _LONG, _INT = pa.string(), pa.int64(), pa.int32()
_WORD = pa.dictionary(pa.int32(), pa.string())
"""A text of which there are few."""
_FLAG, _HASH, _MOMENT = pa.bool_(), pa.binary(32), pa.timestamp("us", tz="UTC")
_SUM = pa.decimal128(38, 0)
"""Sums of amounts, which a 64-bit number need not hold."""


def _columns(
    *required: tuple[str, pa.DataType], optional: tuple[tuple[str, pa.DataType], ...] = ()
) -> pa.Schema:
    return pa.schema(
        [pa.field(name, kind, nullable=False) for name, kind in required]
        + [pa.field(name, kind) for name, kind in optional]
    )


EVENTS: Final = _columns(
    ("stream", _WORD), ("position", _LONG), ("leaf", _HASH), ("id", _TEXT), ("time", _LONG), ("happened", _MOMENT),
    ("recorded", _LONG), ("action", _WORD), ("outcome", _WORD), ("actor", _WORD), ("actor_kind", _WORD),
    ("subject_kind", _WORD), ("subject", _TEXT), ("sensitive", _FLAG), ("attempt", _FLAG), ("search", _TEXT),
    optional=(
        ("order", _TEXT), ("number", _LONG), ("tenant", _WORD), ("behalf", _WORD), ("session", _TEXT), ("ip", _TEXT),
        ("request", _TEXT), ("trace", _TEXT), ("channel", _WORD), ("source", _WORD), ("ticket", _TEXT),
    ),
)  # fmt: skip
"""Every event, by time."""

CHANGES: Final = _columns(
    ("position", _LONG), ("place", _INT), ("path", _TEXT), ("field", _WORD), ("time", _LONG), ("happened", _MOMENT),
    ("action", _WORD), ("outcome", _WORD), ("actor", _WORD),
    optional=(
        ("order", _TEXT), ("tenant", _WORD), ("before", _TEXT), ("after", _TEXT), ("unit", _WORD),
        ("before_number", _LONG), ("after_number", _LONG), ("delta", _LONG), ("ratio", _LONG),
    ),
)  # fmt: skip
"""Every change, by field and time, with what is asked of its event most."""

MARKS: Final = _columns(("position", _LONG), ("kind", _WORD), ("value", _TEXT))
"""Every mark, by kind and value."""

ORDERS: Final = _columns(
    ("order", _TEXT), ("tenant", _WORD), ("time", _LONG), ("position", _LONG), ("action", _WORD), ("outcome", _WORD),
    ("actor", _WORD), ("sensitive", _FLAG), optional=(("number", _LONG),),
)  # fmt: skip
"""Every event of an order, by order and time: a side index, of few columns. The tenant is empty where there is none."""

DAYS: Final = _columns(
    ("day", _LONG), ("actor", _WORD), ("action", _WORD), ("outcome", _WORD), ("tenant", _WORD), ("sensitive", _FLAG),
    ("events", _LONG),
)  # fmt: skip
HOURS: Final = _columns(
    ("hour", _LONG), ("actor", _WORD), ("action", _WORD), ("outcome", _WORD), ("tenant", _WORD), ("sensitive", _FLAG),
    ("events", _LONG),
)  # fmt: skip
MONEY: Final = _columns(
    ("day", _LONG), ("actor", _WORD), ("action", _WORD), ("tenant", _WORD), ("currency", _WORD), ("events", _LONG),
    ("raised", _SUM), ("lowered", _SUM),
)  # fmt: skip
"""Rollups of the segment, as the index has them of the trail."""

MOVES: Final = _columns(
    ("tenant", _WORD), ("time", _LONG), ("position", _LONG), ("action", _WORD), ("outcome", _WORD), ("actor", _WORD),
    ("sensitive", _FLAG), ("currency", _WORD), ("delta", _SUM), optional=(("order", _TEXT),),
)  # fmt: skip
"""What each success changed money by, by currency, netted."""

FIRSTS: Final = _columns(("action", _WORD), ("order", _TEXT), ("tenant", _WORD), ("time", _LONG))
"""When each action first succeeded on each order."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a segment: its name, its columns, and those that its rows are sorted by."""

    name: str
    schema: pa.Schema
    sorted_by: tuple[str, ...]


EVENT_FILE: Final = File("events.parquet", EVENTS, ("time", "position"))
CHANGE_FILE: Final = File("changes.parquet", CHANGES, ("field", "time", "position", "place"))
MARK_FILE: Final = File("marks.parquet", MARKS, ("kind", "value", "position"))
ORDER_FILE: Final = File("orders.parquet", ORDERS, ("order", "tenant", "time", "position"))
DAY_FILE: Final = File("days.parquet", DAYS, ("action", "day", "actor", "outcome", "tenant"))
HOUR_FILE: Final = File("hours.parquet", HOURS, ("action", "hour", "actor", "outcome", "tenant"))
MONEY_FILE: Final = File("money.parquet", MONEY, ("day", "actor", "action", "tenant", "currency"))
FIRST_FILE: Final = File("firsts.parquet", FIRSTS, ("action", "order", "tenant"))
MOVE_FILE: Final = File("moves.parquet", MOVES, ("time", "position", "currency"))

TOLD: Final = (EVENT_FILE, CHANGE_FILE, MARK_FILE)
"""Files that the log tells."""
DERIVED: Final = (ORDER_FILE, DAY_FILE, HOUR_FILE, MONEY_FILE, MOVE_FILE, FIRST_FILE)
"""Files that are made of those."""
FILES: Final = TOLD + DERIVED
