"""What became of a parcel as an event of the trail: to which route, of how many events, after how many attempts.

It holds nothing of the message. Its id is made of the parcel and how it ended, so that recording it again adds nothing.
"""

import hashlib
from typing import Final
from uuid import UUID

from ordertrail.notify.message import TEST
from ordertrail.notify.parcel import Delivery, State
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Subject

_NOTIFIER: Final = Actor("ordertrail", "system")
_VERSION_8: Final = 8 << 76
_VARIANT: Final = 2 << 62


def told(delivery: Delivery) -> Event:
    """Return the event of a parcel that was sent or given up."""
    parcel = delivery.parcel
    first = parcel.messages[0]
    return Event(
        id=event_id(delivery),
        time=delivery.settled or delivery.due,
        action="notify.send" if delivery.state is State.SENT else "notify.fail",
        outcome="success" if delivery.state is State.SENT else "failed",
        actor=_NOTIFIER,
        subject=Subject("notification", parcel.id, tenant=_tenant(delivery)),
        changes=(
            Change("/route", after=parcel.route),
            Change("/messages", after=parcel.count),
            Change("/attempts", after=delivery.attempts),
            Change("/severity", after=parcel.severity.word),
        ),
        context=Context(reason=delivery.error),
        cause=None if first.action == TEST else Cause("event", first.id),
    )


def event_id(delivery: Delivery) -> str:
    """Return the id of the event: a UUID of version 8 (RFC 9562 section 5.8), made of the parcel and its end."""
    words = "\n".join((delivery.parcel.id, delivery.state.value, delivery.settled or ""))
    digest = int.from_bytes(hashlib.sha256(words.encode()).digest()[:16])
    digest &= ~(0xF << 76) & ~(3 << 62)
    return str(UUID(int=digest | _VERSION_8 | _VARIANT))


def _tenant(delivery: Delivery) -> str | None:
    """Return whose events it is about; None where it holds several tenants'."""
    tenants = {one.tenant for one in delivery.parcel.messages}
    return (
        tenants.pop()
        if len(tenants) == 1 and delivery.parcel.count == len(delivery.parcel.messages)
        else None
    )
