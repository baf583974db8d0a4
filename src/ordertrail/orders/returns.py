"""What comes back. schema.org OrderReturned, MerchantReturnPolicy; UBL has no return of its own but the CreditNote."""

from ordertrail.kernel.money import Money
from ordertrail.orders.fulfilment import LineShare
from ordertrail.orders.part import Part
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import ReturnStatus
from ordertrail.orders.words import Id, Time


class ReturnedLine(LineShare, frozen=True):
    """How much of a line comes back, and why."""

    reason: str | None = None
    """UBL CreditNoteLine/cac:DiscrepancyResponse."""
    restocked: bool = False
    """Whether it went back into stock."""


class Return(Part, frozen=True):
    """One return. UBL CreditNote refers to it."""

    id: Id
    """Unique within the order: the RMA number."""
    status: ReturnStatus
    """Where it stands, by :data:`ordertrail.orders.lifecycle.RETURN`."""
    lines: tuple[ReturnedLine, ...] = ()
    """What comes back."""
    refund: Money | None = None
    """What is given back for it, in minor units. UBL CreditNote/cac:LegalMonetaryTotal/cbc:PayableAmount."""
    reason: str | None = None
    """Why, of all of it."""
    requested: Time | None = None
    """When it was asked for."""
    received: Time | None = None
    """When it came in."""
    references: tuple[Reference, ...] = ()
    """What others call it."""
