"""What is ordered: lines, their items, quantities and prices."""

from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Tax
from ordertrail.orders.part import Part
from ordertrail.orders.reference import Reference
from ordertrail.orders.words import Amount, Gtin, Id, Time, Unit


class Price(Part, frozen=True):
    """So much money for so much of a thing. schema.org UnitPriceSpecification; UBL cac:Price.

    A price finer than the currency's minor unit is a price of more pieces: 0.1234 EUR for one is 1,234 cents for 100.
    :func:`ordertrail.orders.pricing.price_of` makes it so.
    """

    amount: Money
    """Minor units, for ``per`` units. schema.org price; UBL cbc:PriceAmount."""
    per: Amount
    """Of the line's unit: ``1``, ``100``, never ``0``. schema.org referenceQuantity; UBL cbc:BaseQuantity."""


class Quantities(Part, frozen=True):
    """How much of a line, in the line's unit, got how far. Each counts all that ever got there."""

    ordered: Amount
    """What the buyer asked for. schema.org orderQuantity; UBL cac:LineItem/cbc:Quantity."""
    accepted: Amount | None = None
    """What the seller promised. UBL OrderResponse cac:LineItem/cbc:Quantity."""
    allocated: Amount | None = None
    """What is set aside in a warehouse."""
    shipped: Amount | None = None
    """What left. UBL DespatchLine/cbc:DeliveredQuantity."""
    delivered: Amount | None = None
    """What arrived. UBL ReceiptLine/cbc:ReceivedQuantity."""
    returned: Amount | None = None
    """What came back."""
    cancelled: Amount | None = None
    """What will not be delivered any more; it is not charged."""


class Item(Part, frozen=True):
    """What a line is about. schema.org Product; UBL cac:Item."""

    name: str | None = None
    """schema.org name; UBL cbc:Name, cbc:Description."""
    variant: str | None = None
    """Size, colour and so on, as the source wrote it."""
    sku: str | None = None
    """The seller's own number. schema.org sku; UBL cac:SellersItemIdentification."""
    gtin: Gtin | None = None
    """GS1 GTIN. schema.org gtin; UBL cac:StandardItemIdentification."""
    buyer_item: str | None = None
    """The buyer's number. UBL cac:BuyersItemIdentification."""
    manufacturer_item: str | None = None
    """schema.org mpn; UBL cac:ManufacturersItemIdentification."""
    country_of_origin: str | None = None
    """schema.org countryOfOrigin; UBL cac:OriginCountry."""
    commodity_code: str | None = None
    """Tariff number (HS, CN). UBL cac:CommodityClassification."""


class Period(Part, frozen=True):
    """From when to when; one of the two at least. UBL cac:RequestedDeliveryPeriod."""

    start: Time | None = None
    """UBL cbc:StartDate, cbc:StartTime; schema.org expectedArrivalFrom."""
    end: Time | None = None
    """UBL cbc:EndDate, cbc:EndTime; schema.org expectedArrivalUntil."""


class Line(Part, frozen=True):
    """One line of an order. schema.org OrderItem; UBL cac:OrderLine/cac:LineItem.

    ``amount = unit_price x (ordered - cancelled) - discounts + charges``, rounded; with tax if the order's prices are.
    """

    id: Id
    """Unique within the order, never used again for another line. schema.org orderItemNumber; UBL cbc:ID."""
    item: Item
    """What is ordered. schema.org orderedItem; UBL cac:Item."""
    quantities: Quantities
    """How much of it, and how far that got."""
    unit: Unit
    """What quantities count. schema.org unitCode; UBL cbc:Quantity/@unitCode."""
    number: Id | None = None
    """The line's number as people say it, where it is not the id."""
    parent: Id | None = None
    """The line of which this is a part: a bundle, a gift option. UBL cac:SubLineItem."""
    unit_price: Price | None = None
    """Before the line's discounts; with tax if the order's prices are. UBL cac:Price."""
    list_price: Price | None = None
    """What it would cost without any offer. UBL cac:Price/cac:AllowanceCharge/cbc:BaseAmount."""
    discounts: tuple[Discount, ...] = ()
    """Of this line, for all of its quantity. UBL cac:LineItem/cac:AllowanceCharge."""
    charges: tuple[Charge, ...] = ()
    """Of this line. UBL cac:LineItem/cac:AllowanceCharge."""
    taxes: tuple[Tax, ...] = ()
    """On this line's amount. UBL cac:LineItem/cac:TaxTotal."""
    amount: Money | None = None
    """The line's amount as its source states it, in minor units. UBL cbc:LineExtensionAmount."""
    requested_delivery: Period | None = None
    """UBL cac:LineItem/cac:Delivery/cac:RequestedDeliveryPeriod."""
    gift: bool = False
    """schema.org isGift."""
    references: tuple[Reference, ...] = ()
    """What others call this line. UBL cac:OrderLineReference."""
    notes: tuple[str, ...] = ()
    """UBL cbc:Note."""
