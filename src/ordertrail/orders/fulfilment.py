"""How an order is brought: parcels and what was seen of them. schema.org ParcelDelivery; UBL DespatchAdvice."""

from ordertrail.orders.lines import Period
from ordertrail.orders.part import Part
from ordertrail.orders.party import Party
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus
from ordertrail.orders.words import Amount, Id, Sscc, Time


class LineShare(Part, frozen=True):
    """How much of a line is in a parcel or a return. UBL cac:DespatchLine."""

    line: Id
    """The line's id. UBL cac:OrderLineReference/cbc:LineID."""
    quantity: Amount
    """In the line's unit. UBL cbc:DeliveredQuantity."""


class Sighting(Part, frozen=True):
    """Something that a carrier said. schema.org DeliveryEvent; UBL cac:TransportEvent."""

    at: Time
    """When, by the carrier's clock. UBL cbc:OccurrenceDate."""
    status: FulfilmentStatus
    """What it says of the parcel."""
    code: str | None = None
    """The carrier's own code. UBL cbc:TransportEventTypeCode."""
    place: str | None = None
    """Where. UBL cac:ReportedShipment, cac:Location."""
    detail: str | None = None
    """What the carrier wrote. UBL cbc:Description."""


class Fulfilment(Part, frozen=True):
    """One parcel or delivery. schema.org ParcelDelivery; UBL cac:Shipment, cac:Consignment."""

    id: Id
    """Unique within the order. UBL DespatchAdvice/cbc:ID."""
    status: FulfilmentStatus
    """Where it stands, by :data:`ordertrail.orders.lifecycle.FULFILMENT`. schema.org deliveryStatus."""
    lines: tuple[LineShare, ...] = ()
    """What is in it. schema.org itemShipped; UBL cac:DespatchLine."""
    origin: Party | None = None
    """The warehouse or shop. schema.org originAddress; UBL cac:DespatchParty."""
    destination: Party | None = None
    """Where it goes, if not to the order's. schema.org deliveryAddress; UBL cac:DeliveryParty."""
    carrier: str | None = None
    """schema.org carrier; UBL cac:CarrierParty."""
    service: str | None = None
    """schema.org hasDeliveryMethod; UBL cbc:ShippingPriorityLevelCode."""
    tracking_numbers: tuple[Id, ...] = ()
    """schema.org trackingNumber; UBL cac:TransportHandlingUnit/cbc:ID."""
    sscc: tuple[Sscc, ...] = ()
    """GS1 SSCC of each logistic unit, 18 digits."""
    shipped: Time | None = None
    """When it left. UBL cac:Despatch/cbc:ActualDespatchDate."""
    expected: Period | None = None
    """schema.org expectedArrivalFrom, expectedArrivalUntil; UBL cac:EstimatedDeliveryPeriod."""
    delivered: Time | None = None
    """When it arrived. UBL cac:Delivery/cbc:ActualDeliveryDate."""
    sightings: tuple[Sighting, ...] = ()
    """What the carrier said, oldest first."""
    references: tuple[Reference, ...] = ()
    """What others call it: bill of lading, package id."""
