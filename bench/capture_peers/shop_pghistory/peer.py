"""django-pghistory: triggers a row copy it into a table of events. The user is in ``pghistory.context``."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pghistory  # type: ignore[import-not-found]
from django.apps import apps
from django.core.management import call_command

from bench.capture_peers.django_words import actor_of, make_actor, table_row
from bench.capture_peers.ports import ACTOR_ID, DjangoPeer
from bench.capture_peers.shop_pghistory.models import TRACKED
from bench.capture_peers.verdict import Change, Version, changes_of


class Tracked:
    """The library."""

    def prepare(self) -> None:
        """Install its triggers, and make the actor."""
        call_command("pgtrigger", "install", verbosity=0)
        make_actor()

    def settle(self) -> None:
        """Nothing."""

    def acting(self) -> AbstractContextManager[object]:
        """Say who acts, as its middleware does."""
        acting: AbstractContextManager[object] = pghistory.context(user=ACTOR_ID)
        return acting

    def recorded(self) -> list[Change]:
        """Return the changes between the copies."""
        return changes_of(_versions())

    def count(self) -> int:
        """Return how many copies there are."""
        return sum(events.objects.count() for _, events in _tables())

    def relay(self) -> None:
        """Nothing: copies stay."""


def _tables() -> Iterator[tuple[str, Any]]:
    for model in TRACKED:
        events = apps.get_model("shop_pghistory", f"{model.__name__}Event")
        yield model._meta.db_table, events  # noqa: SLF001 - Django's public name


def _versions() -> Iterator[Version]:
    for table, events in _tables():
        for row in events.objects.order_by("pgh_id").values("pgh_context__metadata", *_names(events)):
            actor = actor_of((row["pgh_context__metadata"] or {}).get("user"))
            yield Version(
                table, row["id"], table_row(table, row), actor, deleted=row["pgh_label"] == "delete"
            )


def _names(events: Any) -> list[str]:
    return [field.attname for field in events._meta.concrete_fields]  # noqa: SLF001 - Django's public name


def peer() -> DjangoPeer:
    """Return the library."""
    return Tracked()
