"""A provider: what reads the deliveries of one payment gateway or carrier. One module each in ``providers``.

A provider of your own is a class with these members, named in your package's metadata::

    [project.entry-points."ordertrail.providers"]
    acme = "acme.ordertrail:AcmePay"

:mod:`ordertrail.testing.conformance.correlate_provider` checks what correlation relies on. A provider whose
documentation has lists that can be asked for says how in ``asking``, an :class:`~ordertrail.correlate.asking.Asking`.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, cast

from ordertrail.correlate.asking import Asking
from ordertrail.correlate.observation import Observation
from ordertrail.intake.delivery import Delivery
from ordertrail.kernel.errors import ConfigurationError

ENTRY_POINTS = "ordertrail.providers"


class Provider(Protocol):
    """Reads deliveries. Pure: the same delivery always tells the same; no I/O, no clock, no state."""

    name: str
    """What sources name it by: ``stripe``. Facts have it as their system."""
    signature: str
    """The scheme of :mod:`ordertrail.intake.signatures.catalogue` by which it signs, if nothing else is said."""

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the provider's own id of a delivery, by which a second one of it is known; None where it has none.

        It may be read from headers or from the body. It must not raise: what is not there is None.
        """

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """Yield what a delivery tells, part by part, in its sequence.

        A part that cannot be read is a :class:`~ordertrail.intake.message.Faulty` among others. Raises FaultyError
        where the delivery as a whole cannot be read, and nothing else.
        """


BUILT_IN = {
    "adyen": "Adyen",
    "aftership": "AfterShip",
    "authorizenet": "AuthorizeNet",
    "braintree": "Braintree",
    "dhl": "Dhl",
    "easypost": "EasyPost",
    "fedex": "FedEx",
    "mapped": "MappedProvider",
    "mollie": "Mollie",
    "paypal": "PayPal",
    "razorpay": "Razorpay",
    "shippo": "Shippo",
    "square": "Square",
    "stripe": "Stripe",
    "ups": "Ups",
    "usps": "Usps",
}
"""The class of each provider that is shipped, in the module of ``providers`` that is named as the provider is."""


@cache
def open_provider(name: str) -> Provider:
    """Return a provider by name. Raises ConfigurationError where there is none."""
    if name in BUILT_IN:
        module = import_module(f"ordertrail.correlate.providers.{name}")
        return cast("Provider", getattr(module, BUILT_IN[name])())
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return cast("Provider", entry.load()())
    raise ConfigurationError(
        f"there is no provider {name!r}",
        remedy=f"Shipped are {', '.join(sorted(BUILT_IN))}; others are packages with an entry point in {ENTRY_POINTS}.",
    )


def provider_names() -> list[str]:
    """Return the names of all providers, shipped and installed."""
    return sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=ENTRY_POINTS))})


def asking_of(name: str) -> Asking | None:
    """Return how a provider is asked, None where its documentation has no list. Raises as ``open_provider`` does."""
    found = getattr(open_provider(name), "asking", None)
    return found if isinstance(found, Asking) else None
