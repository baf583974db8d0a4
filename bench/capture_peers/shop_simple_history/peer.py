"""django-simple-history: a copy of the row for each signal of a model. The user is that of its ``context.request``.

That is where its middleware puts the request. Beside the plain calls of Django it has some of its own, such as
``bulk_update_with_history``; an application that calls those in the place of Django's has more recorded.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from simple_history.models import HistoricalRecords

from bench.capture_peers.django_words import RELATION, actor_of, make_actor, table_row
from bench.capture_peers.ports import ACTOR_ID, DjangoPeer
from bench.capture_peers.verdict import Change, Version, change, changes_of
from capture.django.shop.models import Allocation, Following, Line, Order, Parcel

_MODELS: tuple[Any, ...] = (Order, Line, Allocation, Following, Parcel)


class Historical:
    """The library."""

    def prepare(self) -> None:
        """Make the actor."""
        make_actor()

    def settle(self) -> None:
        """Have its command copy the rows that it did not see come."""
        call_command("populate_history", "--auto", verbosity=0)

    @contextmanager
    def _acting(self) -> Iterator[None]:
        HistoricalRecords.context.request = SimpleNamespace(user=User.objects.get(pk=ACTOR_ID))
        yield
        del HistoricalRecords.context.request

    def acting(self) -> AbstractContextManager[object]:
        """Say who acts."""
        return self._acting()

    def recorded(self) -> list[Change]:
        """Return the changes between the copies, and between the related objects that orders had with each."""
        return [*changes_of(_versions()), *_related()]

    def count(self) -> int:
        """Return how many copies there are."""
        return sum(model.history.count() for model in _MODELS)

    def relay(self) -> None:
        """Nothing: copies stay."""


def _versions() -> Iterator[Version]:
    for model in _MODELS:
        table = model._meta.db_table  # noqa: SLF001 - Django's public name
        for row in model.history.order_by("history_id").values():
            gone = row["history_type"] == "-"
            yield Version(
                table, row["id"], table_row(table, row), actor_of(row["history_user_id"]), deleted=gone
            )


def _related() -> Iterator[Change]:
    tags = HistoricalRecords.m2m_models[Order.tags.field]
    last: dict[int, set[int]] = {}
    copy: Any
    for copy in Order.history.order_by("history_id"):
        now = set(tags.objects.filter(history_id=copy.pk).values_list("tag_id", flat=True))
        before = last.get(copy.id, set())
        last[copy.id] = now
        for tag in before ^ now:
            pair = table_row(RELATION, {"order_id": copy.id, "tag_id": tag})
            added = tag in now
            actor = actor_of(copy.history_user_id)
            one = change(RELATION, None if added else pair, pair if added else None, actor)
            if one is not None:
                yield one


def peer() -> DjangoPeer:
    """Return the library."""
    return Historical()
