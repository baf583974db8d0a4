"""A fact: one thing that a payment gateway or a carrier says happened to a payment or a parcel.

::

    stripe/main says: at 2026-11-22T14:02:10Z, of payment pi_3N, 72.00 EUR were captured, as charge ch_3N

A fact is known by :attr:`Fact.key`: told again, by the webhook, by the log that was polled a day later, by both, it is
the same fact. Some documents do not tell what happened but how much it comes to until now (Mollie's
``amountRefunded``): such a fact has ``total`` set, and is never added to others: of a payment counts what its single
facts add up to, or the largest total, whichever is more (:mod:`ordertrail.correlate.money`).
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money
from ordertrail.record.event import Link


class FactKind(StrEnum):
    """What happened, in the one vocabulary of all providers."""

    AUTHORISED = "authorised"
    """Money was set aside at the buyer's bank."""
    VOIDED = "voided"
    """What was set aside was let go, by us or by time."""
    CAPTURED = "captured"
    """Money was taken."""
    CAPTURE_FAILED = "capture_failed"
    """What counted as taken was not."""
    REFUNDED = "refunded"
    """Money was given back."""
    REFUND_FAILED = "refund_failed"
    """What counted as given back came back."""
    DISPUTED = "disputed"
    """The buyer's bank asks the money back, or takes it."""
    DISPUTE_WON = "dispute_won"
    """A dispute ended with the money ours."""
    DISPUTE_LOST = "dispute_lost"
    """A dispute ended with the money theirs."""
    FAILED = "failed"
    """A payment was tried and refused."""
    LABEL_MADE = "label_made"
    """The carrier knows of a parcel, and does not have it."""
    IN_TRANSIT = "in_transit"
    """The carrier has it."""
    EXCEPTION = "exception"
    """Something keeps it from arriving."""
    DELIVERED = "delivered"
    """It arrived."""
    RETURNED = "returned"
    """It went, or goes, back to its sender."""

    @property
    def of_parcel(self) -> bool:
        """Whether it is told of a parcel; else it is of a payment."""
        return self in _OF_PARCEL


_OF_PARCEL: Final = frozenset(
    {
        FactKind.LABEL_MADE,
        FactKind.IN_TRANSIT,
        FactKind.EXCEPTION,
        FactKind.DELIVERED,
        FactKind.RETURNED,
    }
)

ORDER: Final = "order"
"""The kind of link by which a provider names the order as its merchant does."""
PAYMENT: Final = "payment"
"""The kind of link of a payment's ids at its gateway: intent, charge, capture."""
TRACKING: Final = "tracking_number"
"""The kind of link of a parcel's number."""
SHIPMENT: Final = "shipment"
"""The kind of link of a shipment's id at a broker of labels."""


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """A payment or a parcel of a provider: what is linked to an order as a whole."""

    system: str
    account: str
    kind: str
    """``payment`` or ``parcel``."""
    id: str

    def __str__(self) -> str:
        return f"{self.system}/{self.account}/{self.kind}/{self.id}"


def parse_thing(text: str) -> Thing:
    """Read what ``str`` of a thing wrote. Raises InputError where it names no payment or parcel."""
    parts = text.split("/", 3)
    if len(parts) != 4 or parts[2] not in {"payment", "parcel"} or not all(parts):
        raise InputError(
            f"{text[:200]!r} names no payment or parcel",
            remedy="Write provider/account/payment/ID or provider/account/parcel/ID, as links name it.",
        )
    return Thing(*parts)


@dataclass(frozen=True, slots=True)
class FactKey:
    """What makes a fact the same fact, however often it is told."""

    system: str
    account: str
    kind: FactKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a provider says. ``system`` is the provider's name, ``account`` ours of the account there.

    ``thing`` is the id of the payment or parcel that it is about, ``id`` the provider's of what happened: a capture, a
    refund, a scan. ``time`` is by the provider's clock, RFC 3339 in UTC. ``code`` is the provider's own word; free text
    of theirs may name people, and is left in the delivery. ``payer`` may be personal: it finds orders, and stands in no
    event.
    """

    kind: FactKind
    system: str
    account: str
    thing: str
    id: str
    time: str
    amount: Money | None = None
    total: bool = False
    """``amount`` is what it comes to until now, and no step of its own."""
    code: str = ""
    links: tuple[Link, ...] = ()
    tenant: str | None = None
    """Whose account it is, where a trail serves several; it meets orders of that tenant alone."""
    payer: str | None = field(default=None, repr=False)

    @property
    def key(self) -> FactKey:
        """What it is known by."""
        return FactKey(self.system, self.account, self.kind, self.id)

    @property
    def about(self) -> Thing:
        """The payment or parcel that it is about."""
        return Thing(self.system, self.account, "parcel" if self.kind.of_parcel else "payment", self.thing)

    def without_payer(self) -> "Fact":
        """Return it as it may be kept in the log."""
        return self if self.payer is None else replace(self, payer=None)
