"""The tables of watching. They hold no evidence: alerts are told to the trail, and state is made of the log again.

======================  ========================================================================
watch_place             one row a log: the place from which on it was not read yet
watch_standing          one row: the watermark, and what was counted
watch_item              one row an event in the window of a correlation
alert                   one row an alert, with what it is found by; the alert itself as JSON
alert_transition        one row a transition, until the trail knows of it
alert_name              the people and orders that an alert is about
forecast                one row an order and target at risk: the newest forecast as JSON; "" is no tenant
suggestion              one row a suggestion, found by what stands beside it; "" is no tenant
suggestion_transition   one row a transition; ``mandated`` is the action where a mandate accepted it
======================  ========================================================================

Times are microseconds since 1970, but for those of the life of an alert.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

_LONG = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, required: bool = True, key: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=not required, primary_key=key)


places = Table("watch_place", metadata, _text("stream", key=True), Column("next", _LONG, nullable=False))

standings = Table(
    "watch_standing",
    metadata,
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("watermark", _LONG, nullable=False),
    Column("late", _LONG, nullable=False),
    Column("dropped", _LONG, nullable=False),
)

items = Table(
    "watch_item",
    metadata,
    _text("rule", key=True),
    _text("group", key=True),
    Column("leg", SmallInteger, primary_key=True, autoincrement=False),
    _text("event", key=True),
    Column("time", _LONG, nullable=False),
    _text("item"),
)
Index("watch_item_by_time", items.c.rule, items.c.time)

alerts = Table(
    "alert",
    metadata,
    _text("id", key=True),
    Column("version", Integer, nullable=False),
    _text("rule"),
    _text("name"),
    _text("status"),
    Column("severity", SmallInteger, nullable=False),
    _text("tenant", required=False),
    _text("owner", required=False),
    Column("last", _LONG, nullable=False),
    _text("alert"),
)
Index("alert_by_severity", alerts.c.severity, alerts.c.last)
Index("alert_by_status", alerts.c.status, alerts.c.severity, alerts.c.last)

names = Table(
    "alert_name", metadata, _text("alert", key=True), _text("kind", key=True), _text("name", key=True)
)
Index("alert_name_by_name", names.c.kind, names.c.name)

transitions = Table(
    "alert_transition",
    metadata,
    _text("alert", key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("told", Boolean, nullable=False),
    _text("at"),
    _text("transition"),
)
Index("alert_transition_by_told", transitions.c.told, transitions.c.at)

suggestions = Table(
    "suggestion",
    metadata,
    _text("id", key=True),
    Column("version", Integer, nullable=False),
    _text("order"),
    _text("tenant"),
    _text("target"),
    _text("action"),
    _text("state"),
    Column("gain", _LONG, nullable=False),
    _text("made"),
    _text("ends"),
    _text("due", required=False),
    _text("arm"),
    Column("breached", Boolean),
    _text("suggestion"),
)
Index("suggestion_by_state", suggestions.c.state, suggestions.c.gain)
Index("suggestion_by_order", suggestions.c.order)
Index("suggestion_by_due", suggestions.c.due)
Index("suggestion_by_end", suggestions.c.breached, suggestions.c.ends)

suggestion_transitions = Table(
    "suggestion_transition",
    metadata,
    _text("suggestion", key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("told", Boolean, nullable=False),
    _text("at"),
    _text("mandated", required=False),
    _text("transition"),
)
Index("suggestion_transition_by_told", suggestion_transitions.c.told, suggestion_transitions.c.at)
Index("suggestion_transition_by_mandated", suggestion_transitions.c.mandated, suggestion_transitions.c.at)

forecasts = Table(
    "forecast",
    metadata,
    _text("tenant", key=True),
    _text("order", key=True),
    _text("target", key=True),
    Column("probability", _LONG, nullable=False),
    Column("at", _LONG, nullable=False),
    Column("ends", _LONG, nullable=False),
    _text("forecast"),
)
Index("forecast_by_probability", forecasts.c.probability)
Index("forecast_by_end", forecasts.c.ends)
