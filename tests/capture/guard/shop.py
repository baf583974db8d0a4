"""The shop with a guard: installed, read, and told in short."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine

from capture.shop import POLICY
from ordertrail.capture import Policy
from ordertrail.capture.guard import install_guard
from ordertrail.capture.guard.settling import settle
from ordertrail.capture.outbox import pending
from ordertrail.capture.outbox.ddl import OUTBOX
from ordertrail.record.event import Event


def guarded(engine: Engine, policy: Policy = POLICY) -> Engine:
    """Install the guard of a policy's tables."""
    with engine.begin() as connection:
        install_guard(connection, policy)
    return engine


def recorded(observer: Engine) -> list[Event]:
    """Return what waits in the outbox, once what SQLite's guard saw is in it."""
    with observer.connect() as connection:
        settle(connection)
        return pending(connection)


def bypasses(observer: Engine) -> list[Event]:
    """Return the bypasses that wait in the outbox."""
    return [event for event in recorded(observer) if event.action == "capture.bypass"]


def forget(observer: Engine) -> None:
    """Empty the outbox."""
    with observer.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM {OUTBOX}")


def told(events: Sequence[Event]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return of each event the subject, and what changed: a pair of values, or one where there was no other."""
    return [
        (
            event.subject.kind,
            event.subject.id,
            {
                change.path[1:]: change.after
                if change.before is msgspec.UNSET
                else change.before
                if change.after is msgspec.UNSET
                else (change.before, change.after)
                for change in event.changes
            },
        )
        for event in events
    ]


def seen_rows(observer: Engine) -> int:
    """Return how many row changes the guard has noted and not settled."""
    with observer.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM ordertrail_guard_seen").scalar_one())
