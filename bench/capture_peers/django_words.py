"""Rows of the Django shop in one set of words, whoever tells them and in whatever types."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import models

from bench.capture_peers.ports import ACTOR, ACTOR_ID
from bench.capture_peers.verdict import Change, Row, change
from capture.django.oracle import fields_of
from ordertrail.kernel.clock import format_time

RELATION = "shop_order_tags"
"""The table that Django makes for a many-to-many field. That it gives a pair a number is not asked of a library."""


def make_actor() -> User:
    """Make the user who acts."""
    return User.objects.create(pk=ACTOR_ID, username=ACTOR)


def actor_of(user: int | None) -> str | None:
    """Return how the oracle calls a user."""
    return ACTOR if user == ACTOR_ID else None if user is None else f"user {user}"


def table_row(table: str, values: Mapping[str, Any]) -> Row:
    """Return a table's row from a mapping that has its columns, among others, in Python's values or JSON's."""
    fields = fields_of(table)
    return {
        column: _word(field, values[column])
        for column, field in fields.items()
        if column in values and not (table == RELATION and column == "id")
    }


def as_change(told: Any) -> Change:
    """Return a change that is told as the oracle tells it: before and after as JSON."""
    before, after = (
        None if side is None else table_row(told.table, _unwrapped(json.loads(side)))
        for side in (told.before, told.after)
    )
    found = change(told.table, before, after, told.actor)
    if found is None:
        raise ValueError(f"{told} is no change")
    return found


def _unwrapped(value: Any) -> Any:
    """Undo how events write a float in JSON."""
    if isinstance(value, dict):
        if value.keys() == {"unrepresentable", "text"}:
            return float(value["text"])
        return {name: _unwrapped(one) for name, one in value.items()}
    return [_unwrapped(one) for one in value] if isinstance(value, list) else value


def _word(field: Any, value: Any) -> Any:
    if value is None or isinstance(field, models.JSONField):
        return value
    try:
        return _plain(field, value)
    except (ValueError, InvalidOperation):
        return str(value)  # what a library wrote in the place of the value


def _plain(field: Any, value: Any) -> Any:
    match field:
        case models.DecimalField():
            return f"{Decimal(str(value)):.{field.decimal_places}f}"
        case models.DateTimeField():
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return format_time((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
        case models.DateField():
            return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()
        case models.UUIDField():
            return (value if isinstance(value, UUID) else UUID(value)).hex
        case models.BooleanField():
            return bool(value)
        case models.ForeignKey() | models.IntegerField():
            return int(value)
    return value
