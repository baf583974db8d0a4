"""OrderTrail's capture in Django, as ``docs/howto/capture-django.md`` says."""

from contextlib import AbstractContextManager

from django.db import connection

from bench.capture_peers.django_words import as_change
from bench.capture_peers.ports import ACTOR, DjangoPeer
from bench.capture_peers.verdict import Change
from capture.django.oracle import recorded_rows
from capture.django.settings import TABLES
from ordertrail.capture import acting
from ordertrail.capture.django import pending


class Captured:
    """Ourselves."""

    def prepare(self) -> None:
        """Nothing: the outbox has its migration."""

    def settle(self) -> None:
        """Nothing."""

    def acting(self) -> AbstractContextManager[object]:
        """Say who acts."""
        return acting(ACTOR, roles=["order.editor"], ip="203.0.113.7", reason="customer called")

    def recorded(self) -> list[Change]:
        """Return the events that wait in the outbox."""
        events = [event for event in pending() if event.outcome == "success"]
        return [as_change(one) for one in recorded_rows(events, TABLES).elements()]

    def count(self) -> int:
        """Return how many events wait in the outbox."""
        return len(pending())

    def relay(self) -> None:
        """Empty the outbox, as the relay would."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM ordertrail_outbox")


def peer() -> DjangoPeer:
    """Return ourselves."""
    return Captured()
