"""What an order is called elsewhere."""

from ordertrail.orders.part import Part
from ordertrail.orders.words import Id, Time
from ordertrail.record.event import Link


class Reference(Part, frozen=True):
    """The same thing in another system: a channel's order number, a purchase order, an EDI control number.

    The same three words as :class:`ordertrail.record.event.Link`, into which :meth:`link` makes it.
    """

    system: Id
    """Whose name it is: ``shopify``, ``buyer``, ``stripe``. UBL cbc:ID/@schemeAgencyID."""
    kind: Id
    """What it names: ``order``, ``order_number``, ``purchase_order``, ``payment_intent``. UBL cbc:ID/@schemeID."""
    id: Id
    """The name. schema.org orderNumber, confirmationNumber, identifier; UBL cbc:ID, cac:OrderReference/cbc:ID."""

    def link(self) -> Link:
        """Return it as an event has it."""
        return Link(self.system, self.kind, self.id)


class Note(Part, frozen=True):
    """Something that somebody wrote about the order."""

    text: str
    """What it says. UBL cbc:Note; may be personal."""
    author: str | None = None
    """Who wrote it: ``customer``, ``staff``, or an id."""
    at: Time | None = None
    """When."""
