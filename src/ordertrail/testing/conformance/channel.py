"""What intake relies on in a channel. Hand :func:`check_channel` deliveries of yours, good ones and bad.

::

    from ordertrail.testing.conformance.channel import check_channel, lost_places

    def test_acme(deliveries):
        for delivery in deliveries:
            check_channel(AcmeChannel(), delivery)
"""

from collections.abc import Iterator
from typing import Any

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channel import Channel
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.orders.format import format_order, parse_order
from ordertrail.orders.model import Order
from ordertrail.orders.totals import reconcile

_NOTHING: tuple[object, ...] = (None, "", [], {})


def check_channel(channel: Channel, delivery: Delivery) -> tuple[Message, ...]:
    """Check a channel with one delivery; return what it tells. Raises AssertionError saying what it broke.

    - Reading raises FaultyError or nothing, and tells the same each time.
    - An order and an amendment are of the delivery's source; an order has one spelling and can be read again.
    - What is faulty says why, and what is foreign says what it is.
    - Nothing of the document is lost (:func:`lost_places`).
    """
    messages = _read(channel, delivery)
    assert messages == _read(channel, delivery), "read twice, a delivery told two things"
    channel.delivery_id(delivery)
    for message in messages:
        _check_content(message, delivery)
        lost = list(lost_places(message))
        assert not lost, f"neither mapped nor kept as an extension: {', '.join(lost)}"
    return messages


def _read(channel: Channel, delivery: Delivery) -> tuple[Message, ...]:
    try:
        return tuple(channel.read(delivery))
    except FaultyError as error:
        return (Message("", Faulty(error.faults)),)


def _check_content(message: Message, delivery: Delivery) -> None:
    content, source = message.content, delivery.source
    match content:
        case Order():
            assert (content.channel, content.account) == (source.channel, source.account)
            assert parse_order(format_order(content)) == content
            reconcile(content)
        case Amendment():
            assert (content.channel, content.account) == (source.channel, source.account)
        case Faulty():
            assert content.faults, "faulty, and nothing says why"
            assert all(fault.message for fault in content.faults)
        case Foreign():
            assert content.kind
            assert content.reason


def lost_places(message: Message) -> Iterator[str]:
    """Yield the places of a message's document that were neither mapped nor kept as an extension.

    Of a faulty message or a foreign one nothing is mapped: its bytes are kept as they came.
    """
    content = message.content
    if not isinstance(content, Order | Amendment):
        return
    assert message.read is not None, "an order that does not say what it was read from"
    mapped = set(message.read.mapped())
    kept = {extension.pointer for extension in content.extensions}
    for pointer in leaves(message.read.tree, message.read.pointer):
        steps = pointer.split("/")
        above = {"/".join(steps[:count]) for count in range(2, len(steps) + 1)}
        if not (above & mapped or above & kept):
            yield pointer


def leaves(tree: Any, pointer: str = "") -> Iterator[str]:
    """Yield the pointers of all values of a tree that say something."""
    match tree:
        case dict():
            for name, value in tree.items():
                yield from leaves(value, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
        case list():
            for place, value in enumerate(tree):
                yield from leaves(value, f"{pointer}/{place}")
        case _ if tree not in _NOTHING:
            yield pointer
