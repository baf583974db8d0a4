"""How orders are kept."""

from dataclasses import dataclass
from typing import Protocol

from ordertrail.orders.model import Order
from ordertrail.orders.reference import Reference

NOTHING = 0
"""The version of an order that is not there."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An order as it is kept, and how many times it was put: 1 after the first."""

    order: Order
    version: int


@dataclass(frozen=True, slots=True)
class Put:
    """An order to be kept in the place of what was seen; ``before`` is None where there was none."""

    order: Order
    before: Stored | None = None


class Orders(Protocol):
    """The orders of a database. Users may share one between threads, and open it in several processes.

    Durable: when ``put`` returns, the order is kept. Atomic: an order is put whole or not at all, and nobody sees half
    of it. Concurrency is optimistic: nobody waits for a person, and whoever comes second is told. Who is told reads
    again and decides again; nothing is retried here. Raises UnavailableError where orders cannot be reached now.
    """

    def get(self, order_id: str) -> Stored | None:
        """Return an order with its version, None where there is none."""

    def put(self, order: Order, expected: int) -> int | None:
        """Keep an order where its version is the expected one (``NOTHING``: there is none); return its new version.

        Returns None, and changes nothing, where another version is there. Raises InputError for what is not an order
        (:mod:`ordertrail.orders.problems`).
        """

    def find(self, reference: Reference) -> list[str]:
        """Return the ids of the orders that have this reference, in their order; references need not be unique."""
