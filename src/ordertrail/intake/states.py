"""The states of a delivery and of a message, each as an explicit table of what may follow what.

::

    delivery   landed -> reading -> done            reading -> landed (again, later)     done -> landed (given back)
    message    accepted | duplicate | late | foreign                      the end
               parked | held | dead -> replayed -> any of them           parked -> any of them
               held | parked | dead -> discarded                          the end

A delivery that is not proven to come from its source is refused at the door: it is counted, and is never a delivery.
"""

from collections.abc import Mapping
from enum import StrEnum


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    LANDED = "landed"
    """Its bytes are durable; nobody has looked into them, or somebody will again."""
    READING = "reading"
    """A worker has it, until its lease ends."""
    DONE = "done"
    """It was read to its end, and each message of it has a state of its own."""


class MessageState(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    """The order is as the message says."""
    DUPLICATE = "duplicate"
    """The order was so already."""
    LATE = "late"
    """Its source made a newer state, which is known; this one is kept and not applied."""
    FOREIGN = "foreign"
    """It is not about an order."""
    PARKED = "parked"
    """It waits for something that must come before; it is tried again when its order moves, or a delay passes."""
    HELD = "held"
    """A person has to look at it."""
    DEAD = "dead"
    """It cannot enter as it is."""
    REPLAYED = "replayed"
    """A person gave it back, mended or approved, and it waits for its turn."""
    DISCARDED = "discarded"
    """A person decided that it shall not enter."""


_ANY = frozenset(MessageState) - {MessageState.REPLAYED, MessageState.DISCARDED}

DELIVERY: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.LANDED: frozenset({DeliveryState.READING}),
    DeliveryState.READING: frozenset({DeliveryState.DONE, DeliveryState.LANDED, DeliveryState.READING}),
    DeliveryState.DONE: frozenset({DeliveryState.LANDED}),
}
"""What may follow what."""

MESSAGE: Mapping[MessageState, frozenset[MessageState]] = {
    **dict.fromkeys(MessageState, frozenset()),
    MessageState.PARKED: _ANY | {MessageState.REPLAYED, MessageState.DISCARDED},
    MessageState.HELD: frozenset({MessageState.REPLAYED, MessageState.DISCARDED}),
    MessageState.DEAD: frozenset({MessageState.REPLAYED, MessageState.DISCARDED}),
    MessageState.REPLAYED: _ANY,
}
"""What may follow what; a new message may be anything but replayed and discarded."""

WAITING = frozenset({MessageState.PARKED, MessageState.REPLAYED})
"""What a worker takes up again by itself."""

OPEN = frozenset({MessageState.PARKED, MessageState.HELD, MessageState.DEAD})
"""What a person may give back or discard."""


def may_follow(before: MessageState, after: MessageState) -> bool:
    """Say whether a message may go from one state to another."""
    return after in MESSAGE[before]
