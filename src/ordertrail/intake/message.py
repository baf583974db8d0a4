"""What a delivery tells: each message is about one order, or says why it is about none."""

from dataclasses import dataclass, field

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.document import Node
from ordertrail.intake.faults import Fault
from ordertrail.orders.model import Order


@dataclass(frozen=True, slots=True)
class Foreign:
    """A document of the source that tells of no order; ``kind`` is the source's word for what it is."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Faulty:
    """What should have told of an order and could not be read; ``order`` is our id of it, if that could be."""

    faults: tuple[Fault, ...]
    order: str | None = None


Content = Order | Amendment | Foreign | Faulty
"""An order as its source has it now, a change of one, or neither."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing told. ``pointer`` is where it stands in the document; empty is all of it.

    ``read`` is the document's node that was read, from which tests learn which places were mapped.
    """

    pointer: str
    content: Content
    read: Node | None = field(default=None, compare=False, repr=False)
    sound: bool = field(default=False, compare=False, repr=False)
    """The order was held against the laws of the model when it was read; deciding need not do it again."""
