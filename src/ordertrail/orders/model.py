"""The canonical order. schema.org Order; UBL 2.x Order; GS1 keys where they identify something.

As canonical JSON (RFC 8785), by :mod:`ordertrail.orders.format`, shown here with spaces::

    {"account": "main", "channel": "web", "currency": "EUR", "id": "web:main:1042",
     "lines": [{"amount": {"amount": 2400, "currency": "EUR"}, "id": "1", "item": {"name": "Cup", "sku": "C-1"},
                "quantities": {"ordered": "2"}, "unit": "C62",
                "unit_price": {"amount": {"amount": 1200, "currency": "EUR"}, "per": "1"}}],
     "placed": "2026-11-22T14:00:00.000000Z", "rounding": {"mode": "half_up", "scope": "line"}, "schema": 1,
     "status": "received", "tax_included": true,
     "totals": {"grand_total": {"amount": 2400, "currency": "EUR"}}}

What must be true beyond the shape, :mod:`ordertrail.orders.problems` says. Sums need *not* be right: an order is what
its channel stated, and :mod:`ordertrail.orders.totals` says by how much that is off.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, Totals
from ordertrail.orders.extensions import Extension
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.lines import Line, Period
from ordertrail.orders.part import Part
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.returns import Return
from ordertrail.orders.statuses import OrderStatus
from ordertrail.orders.words import Currency, Id, Time

SCHEMA: Literal[1] = 1
"""The version of this model, which stands in every order."""


def _schema() -> Literal[1]:
    """A factory, so that the version is always written out."""
    return SCHEMA


class OrderType(StrEnum):
    """What kind of order it is; without one, a sale. UBL cbc:OrderTypeCode (UNCL1001)."""

    SALE = "sale"
    """220"""
    CALL_OFF = "call_off"
    """226"""
    CONSIGNMENT = "consignment"
    """227"""
    REPLACEMENT = "replacement"
    """Sent again for what was lost or broken."""
    DRAFT = "draft"
    """Not yet meant."""


class SourceVersion(Part, frozen=True):
    """Which state of the order the source told us. :mod:`ordertrail.orders.versions` compares two."""

    number: int | None = None
    """The source's own counter: commercetools version, Shopware versionId's turn, UBL cbc:SequenceNumberID."""
    time: Time | None = None
    """When the source last changed it: Shopify updated_at, Amazon LastUpdateDate. schema.org dateModified."""


class Order(Part, frozen=True):
    """One order of one account of one channel."""

    id: Id
    """Ours, and unique: :func:`ordertrail.orders.ids.order_id` makes it of channel, account and the channel's own."""
    channel: Id
    """Where it came from: ``shopify``, ``edi``, ``phone``."""
    account: Id
    """Whose shop or trading partner there. UBL cac:SellerSupplierParty/cbc:CustomerAssignedAccountID."""
    status: OrderStatus
    """Where it stands, by :data:`ordertrail.orders.lifecycle.ORDER`. schema.org orderStatus."""
    currency: Currency
    """Of all amounts but transactions' and presentment totals. ISO 4217. UBL cbc:DocumentCurrencyCode."""
    tax_included: bool
    """Whether prices, line amounts, shipping and charges are with tax. schema.org valueAddedTaxIncluded."""
    rounding: Rounding
    """The channel's rounding rule."""
    lines: tuple[Line, ...]
    """What is ordered, in the source's sequence. schema.org orderedItem; UBL cac:OrderLine."""
    totals: Totals
    """What the source says that it comes to now."""
    schema: Literal[1] = msgspec.field(default_factory=_schema)
    """Version of this model."""
    type: OrderType | None = None
    """UBL cbc:OrderTypeCode."""
    tenant: Id | None = None
    """Whose order, where a trail serves several."""
    site: Id | None = None
    """Shop, marketplace or branch within the account: Amazon MarketplaceId, Magento store_id."""
    number: Id | None = None
    """What people call it. schema.org orderNumber; UBL cbc:ID."""
    placed: Time | None = None
    """When the buyer ordered. schema.org orderDate; UBL cbc:IssueDate, cbc:IssueTime."""
    accepted: Time | None = None
    """When the seller said yes. UBL OrderResponse/cbc:IssueDate."""
    updated: Time | None = None
    """When its source last changed it. schema.org dateModified."""
    cancelled: Time | None = None
    """When it was cancelled. UBL OrderCancellation/cbc:IssueDate."""
    cancel_reason: str | None = None
    """UBL OrderCancellation/cbc:CancellationNote."""
    held_from: OrderStatus | None = None
    """Where it stood before it was held: what a release returns it to."""
    source_version: SourceVersion | None = None
    """Which state of it the source told us last."""
    buyer: Party | None = None
    """schema.org customer; UBL cac:BuyerCustomerParty."""
    seller: Party | None = None
    """schema.org seller; UBL cac:SellerSupplierParty."""
    bill_to: Party | None = None
    """schema.org billingAddress; UBL cac:AccountingCustomerParty."""
    ship_to: Party | None = None
    """schema.org orderDelivery/deliveryAddress; UBL cac:Delivery/cac:DeliveryParty."""
    deliver_to: Party | None = None
    """Who gets it in the end, behind the one it is shipped to. UBL cac:DeliveryLocation; GS1 ultimate consignee."""
    requested_delivery: Period | None = None
    """UBL cac:Delivery/cac:RequestedDeliveryPeriod."""
    incoterm: str | None = None
    """Incoterms 2020: ``DAP``. UBL cac:DeliveryTerms/cbc:ID."""
    priority: str | None = None
    """As the source wrote it."""
    discounts: tuple[Discount, ...] = ()
    """On the order as a whole. schema.org discount; UBL cac:AllowanceCharge."""
    charges: tuple[Charge, ...] = ()
    """On the order as a whole. UBL cac:AllowanceCharge."""
    shipping: tuple[Shipping, ...] = ()
    """What bringing it costs."""
    taxes: tuple[Tax, ...] = ()
    """On the order as a whole, and not on its lines, charges or shipping. UBL cac:TaxTotal."""
    original_totals: Totals | None = None
    """What the source said that it came to when it was placed."""
    presentment_totals: Totals | None = None
    """The totals as the buyer saw them, in the buyer's currency. UBL cbc:PricingCurrencyCode."""
    payments: tuple[Payment, ...] = ()
    """How it is paid. UBL cac:PaymentMeans."""
    fulfilments: tuple[Fulfilment, ...] = ()
    """How it is brought. schema.org orderDelivery."""
    returns: tuple[Return, ...] = ()
    """What comes back."""
    references: tuple[Reference, ...] = ()
    """What others call it. UBL cac:OrderDocumentReference, cbc:SalesOrderID; schema.org confirmationNumber."""
    notes: tuple[Note, ...] = ()
    """What people wrote. UBL cbc:Note."""
    tags: tuple[str, ...] = ()
    """The channel's tags."""
    gift: bool = False
    """schema.org isGift."""
    test: bool = False
    """The channel says that nobody means it."""
    extensions: tuple[Extension, ...] = ()
    """What the source has and this model has no field for."""
