"""The value of an event's order in filters: ``value:>1000EUR``, ``value:<=9.99USD``.

It is the value that the order has now, in its own currency; an order in another currency is not meant, and neither is
one whose value no event told.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_

from ordertrail.query.filters.changed import Margin, parse_margin
from ordertrail.query.filters.terms import in_orders, of_order
from ordertrail.query.projection import Indexed
from ordertrail.query.tables import Dialect, Keys, order_standings


class Compare(StrEnum):
    """How a value is held against another."""

    MORE = ">"
    LEAST = ">="
    LESS = "<"
    MOST = "<="


_COMPARE: dict[Compare, Callable[[Any, Any], Any]] = {
    Compare.MORE: operator.gt,
    Compare.LEAST: operator.ge,
    Compare.LESS: operator.lt,
    Compare.MOST: operator.le,
}
_WORDS = {
    Compare.MORE: "more than",
    Compare.LEAST: "at least",
    Compare.LESS: "less than",
    Compare.MOST: "at most",
}


@dataclass(frozen=True, slots=True)
class Worth:
    """The event's order is worth so much: ``amount`` in minor units of ``currency``."""

    compare: Compare
    amount: int
    currency: str

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See :class:`~ordertrail.query.filters.terms.Term`."""
        return of_order(self._told())

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        return in_orders(self._told())

    def _told(self) -> ColumnElement[bool]:
        column = order_standings.c.amount
        return and_(
            order_standings.c.currency == self.currency,
            column.is_not(None),
            _COMPARE[self.compare](column, self.amount),
        )

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        order = event.standing
        if order is None or order.amount is None or order.currency != self.currency:
            return False
        return bool(_COMPARE[self.compare](order.amount, self.amount))

    def words(self) -> str:
        """See the protocol."""
        return f"of an order that is worth {_WORDS[self.compare]} {Margin(self.amount, self.currency)}"

    def text(self) -> str:
        """See the protocol."""
        return f"value:{self.compare}{Margin(self.amount, self.currency)}"


_WORTH = re.compile(r"(>=|<=|>|<)(.+)", re.DOTALL)


def parse_worth(text: str) -> Worth:
    """Read ``>1000EUR``. Raises ValueError with a sentence for a person."""
    found = _WORTH.fullmatch(text)
    if found is None:
        raise ValueError(
            "value: is followed by >, >=, < or <= and an amount of money, such as value:>1000EUR"
        )
    amount = parse_margin(found[2])
    if not amount.unit:
        raise ValueError(f"{found[2]} is no amount of money; write its currency, such as value:>1000EUR")
    return Worth(Compare(found[1]), amount.amount, amount.unit)
