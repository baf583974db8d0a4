"""django-auditlog: an entry with old and new values for each signal of a model. The actor is set by ``set_actor``."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from auditlog.context import set_actor
from auditlog.models import LogEntry
from django.contrib.auth.models import User

from bench.capture_peers.django_words import actor_of, make_actor, table_row
from bench.capture_peers.ports import ACTOR_ID, DjangoPeer
from bench.capture_peers.verdict import Change, Row, change
from capture.django.oracle import fields_of
from capture.django.shop.models import Order

_KEY = re.compile(r"\((\d+)\)$")
"""How Django names an object that has no name of its own, which is all that an entry says of related objects."""


class Logged:
    """The library."""

    def prepare(self) -> None:
        """Make the actor."""
        make_actor()

    def settle(self) -> None:
        """Nothing."""

    def acting(self) -> AbstractContextManager[object]:
        """Say who acts."""
        acting: AbstractContextManager[object] = set_actor(User.objects.get(pk=ACTOR_ID))
        return acting

    def recorded(self) -> list[Change]:
        """Return its entries, as one change or, for related objects, as one each."""
        entries = LogEntry.objects.select_related("content_type").order_by("pk")
        return [one for entry in entries for one in _changes(entry)]

    def count(self) -> int:
        """Return how many entries there are."""
        count: int = LogEntry.objects.count()
        return count

    def relay(self) -> None:
        """Nothing: entries stay."""


def _changes(entry: Any) -> Iterator[Change]:
    told: Sequence[Change | None]
    actor, table = actor_of(entry.actor_id), entry.content_type.model_class()._meta.db_table  # noqa: SLF001 - public
    related = {name: said for name, said in entry.changes.items() if isinstance(said, dict)}
    if related:
        told = [one for name, said in related.items() for one in _pairs(entry, name, said, actor)]
    else:
        columns = {field.name: column for column, field in fields_of(table).items()}
        before, after = (
            {columns[name]: sides[side] for name, sides in entry.changes.items() if name in columns}
            for side in (0, 1)
        )
        told = [change(table, *_whole(entry.action, table, before, after), actor)]
    yield from (one for one in told if one is not None)


def _pairs(entry: Any, name: str, told: dict[str, Any], actor: str | None) -> Iterator[Change | None]:
    """Yield what an entry says of a field of many-to-many, whichever end of it the application changed."""
    field: Any = Order._meta.get_field(name)  # noqa: SLF001 - Django's public name
    own, other = field.m2m_column_name(), field.m2m_reverse_name()
    if entry.content_type.model_class() is not Order:
        own, other = other, own
    table = field.remote_field.through._meta.db_table  # noqa: SLF001 - as above
    for text in told["objects"]:
        key = _KEY.search(text)
        pair = table_row(table, {own: entry.object_id, other: key[1] if key else text})
        yield (
            change(table, None, pair, actor)
            if told["operation"] == "add"
            else change(table, pair, None, actor)
        )


def _whole(action: int, table: str, before: Row, after: Row) -> tuple[Row | None, Row | None]:
    """Return both sides of an entry; of a row that came or went, columns that it does not name were null."""
    if action == LogEntry.Action.UPDATE:
        return table_row(table, before), table_row(table, after)
    nulls = dict.fromkeys(fields_of(table))
    if action == LogEntry.Action.CREATE:
        return None, table_row(table, {**nulls, **after})
    return table_row(table, {**nulls, **before}), None


def peer() -> DjangoPeer:
    """Return the library."""
    return Logged()
