"""What reconciling asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ordertrail.correlate.reconciling.exceptions import Exceptional
from ordertrail.correlate.reconciling.totals import Reckoning
from ordertrail.orders.model import Order


class Exceptions(Protocol):
    """Where each discrepancy stands: a projection of the trail that can be made again.

    Durable when ``apply`` returns. Threads may share it. Raises UnavailableError where it cannot be reached now.
    """

    def of(self, orders: Iterable[str]) -> Sequence[Exceptional]:
        """Return all that is known of orders: open, gone and settled."""

    def apply(self, exceptions: Iterable[Exceptional]) -> None:
        """Keep each in the place of the one of its order and kind before."""

    def open(self, limit: int | None = None) -> Sequence[Exceptional]:
        """Return those that are open, the most at risk first: so many at most, or all."""


class Reckonings(Protocol):
    """What the last reconciliation came to, so that nobody sums all facts to look at it.

    Durable when ``keep`` returns. Threads may share it. Raises UnavailableError where it cannot be reached now.
    """

    def keep(self, reckoning: Reckoning) -> None:
        """Keep what a reconciliation came to, in the place of those before it; an older one changes nothing."""

    def last(self) -> Reckoning | None:
        """Return the newest, None where nothing was reconciled yet."""


class OrderBook(Protocol):
    """Orders as they are kept, to be read and never changed. Raises UnavailableError where it cannot be reached now."""

    def page(self, after: str, limit: int) -> Sequence[Order]:
        """Return orders whose id is beyond one, by id; the empty text is before all."""

    def get(self, orders: Iterable[str]) -> Sequence[Order]:
        """Return those of these orders that are there."""
