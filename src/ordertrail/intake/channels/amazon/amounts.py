"""Amounts and addresses as the Selling Partner API writes them, and what a marketplace tells of an order."""

from typing import Final

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope

ROUNDING: Final = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)
"""Amazon rounds each item's amounts and adds what was rounded."""

MARKETPLACES: Final = {
    "ATVPDKIKX0DER": "USD",
    "A2EUQ1WTGCTBG2": "CAD",
    "A1AM78C64UM0Y8": "MXN",
    "A2Q3Y263D00KWC": "BRL",
    "A28R8C7NBKEWEA": "EUR",
    "A1RKKUPIHCS9HS": "EUR",
    "A1F83G8C2ARO7P": "GBP",
    "A13V1IB3VIYZZH": "EUR",
    "AMEN7PMS3EDWL": "EUR",
    "A1805IZSGTT6HS": "EUR",
    "A1PA6795UKMFR9": "EUR",
    "APJ6JRA9NG5V4": "EUR",
    "A2NODRKZP88ZB9": "SEK",
    "AE08WJ6YKNBMC": "ZAR",
    "A1C3SOZRARQ6R3": "PLN",
    "ARBP9OOSHTCHU": "EGP",
    "A33AVAJ2PDY3EV": "TRY",
    "A17E79C6D8DWNP": "SAR",
    "A2VIGQ35RCS4UG": "AED",
    "A21TJRUUN4KGV": "INR",
    "A19VAU5U5O7RUS": "SGD",
    "A39IBJ37TRP1C6": "AUD",
    "A1VC38T7YXB528": "JPY",
}
"""The currency of each marketplace, for orders that are still pending and name no amount (SP-API, Marketplace IDs)."""

UNTAXED: Final = frozenset({"ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"})
"""The marketplaces whose prices are without tax: the United States and Canada."""


def currency_of(node: Node, delivery: Delivery, marketplace: str | None, place: str) -> str | None:
    """Return an order's currency: as its total says, else the source's, else the marketplace's.

    ``place`` names the total, and is where a fault is told if nobody says it.
    """
    default = delivery.source.currency or MARKETPLACES.get(marketplace or "")
    if place in node:
        total = node.child(place)
        return total.currency(_currency_name(total), default)
    if default is None:
        node.fault(
            Code.MISSING, place, f"{place} is missing, and neither source nor marketplace says the currency"
        )
    return default


def amount_of(node: Node, name: str, currency: str | None) -> Money | None:
    """Return an amount with its own currency, which must be the order's."""
    if name not in node:
        return None
    one = node.child(name)
    return one.money("Amount" if "Amount" in one else "amount", same_currency(one, currency), required=True)


def same_currency(one: Node, currency: str | None) -> str | None:
    """Return the order's currency; another one at an amount is a contradiction."""
    told = one.currency(_currency_name(one), currency)
    if currency is not None and told is not None and told != currency:
        one.fault(
            Code.CONTRADICTION, _currency_name(one), f"an amount in {told}, and the order is in {currency}"
        )
    return currency


def _currency_name(one: Node) -> str:
    return "CurrencyCode" if "CurrencyCode" in one or "Amount" in one else "currencyCode"
