"""A channel: what reads the deliveries of one kind of source. One module each in ``channels``; more by entry point.

A channel of your own is a class with these members, named in your package's metadata::

    [project.entry-points."ordertrail.channels"]
    acme = "acme.ordertrail:AcmeChannel"

:mod:`ordertrail.testing.conformance.channel` checks what intake relies on.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, cast

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.message import Message
from ordertrail.kernel.errors import ConfigurationError

ENTRY_POINTS = "ordertrail.channels"


class Channel(Protocol):
    """Reads deliveries. Pure: the same delivery always gives the same messages; no I/O, no clock, no state."""

    name: str
    """What sources name it by: ``shopify``."""

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the source's own id of a delivery, by which a second one of it is known; None where it has none.

        It may be read from headers or from the body. It must not raise: what is not there is None.
        """

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what a delivery tells, in its sequence, lazily where the format allows it.

        One order that cannot be read is a :class:`~ordertrail.intake.message.Faulty` message among others. Raises
        FaultyError where the delivery as a whole cannot be read, and nothing else.
        """


BUILT_IN = {
    "amazon": "Amazon",
    "bigcommerce": "BigCommerce",
    "commercetools": "Commercetools",
    "csv": "Table",
    "cxml": "Cxml",
    "ebay": "Ebay",
    "edifact": "Edifact",
    "json": "Mapped",
    "magento": "Magento",
    "saleor": "Saleor",
    "shopify": "Shopify",
    "shopware": "Shopware",
    "ubl": "Ubl",
    "unicommerce": "Unicommerce",
    "walmart": "Walmart",
    "woocommerce": "WooCommerce",
    "x12": "X12",
}
"""The class of each channel that is shipped, in the module of ``channels`` that is named as the channel is."""


@cache
def open_channel(name: str) -> Channel:
    """Return a channel by name. Raises ConfigurationError where there is none."""
    if name in BUILT_IN:
        return cast("Channel", getattr(import_module(f"ordertrail.intake.channels.{name}"), BUILT_IN[name])())
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return cast("Channel", entry.load()())
    raise ConfigurationError(
        f"there is no channel {name!r}",
        remedy=f"Shipped are {', '.join(sorted(BUILT_IN))}; others are packages with an entry point in {ENTRY_POINTS}.",
    )


def channel_names() -> list[str]:
    """Return the names of all channels, shipped and installed."""
    return sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=ENTRY_POINTS))})
