"""Shopify states most amounts twice or thrice: plain, and as a pair in the shop's currency and in the buyer's.

::

    "total_price": "199.65",
    "total_price_set": {"shop_money": {"amount": "199.65", "currency_code": "USD"},
                        "presentment_money": {"amount": "185.12", "currency_code": "EUR"}}

Orders before API version 2019-04 have no pairs. What only repeats an amount counts as read; what says something else
stays an extension.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ordertrail.intake.document import Node
from ordertrail.kernel.money import Money

_CURRENCY = ("currency_code", "currency")
"""Orders call it by the first name, transactions by the second."""


@dataclass(frozen=True, slots=True)
class Stated:
    """An amount as the shop has it, and as the buyer saw it where that was another currency."""

    shop: Money | None
    shown: Money | None = None


def stated(node: Node, name: str, currency: str | None, *, required: bool = False) -> Stated:
    """Return an amount from its plain field, or where that is absent from the pair beside it."""
    pair = f"{name}_set"
    if name not in node and pair in node:
        shop = node.child(pair).child("shop_money")
        found = shop.rounded("amount", currency)
        _same_currency(shop, found)
    else:
        found = node.rounded(name, currency, required=required)
    return Stated(found, _shown(node, pair, found))


def pair_of(node: Node, name: str, currency: str | None) -> Stated:
    """Return an amount that has no plain field: ``total_shipping_price_set``."""
    return stated(node, name.removesuffix("_set"), currency)


def agreed(node: Node, name: str, known: Money | None) -> None:
    """Count a pair as read as far as it only repeats an amount that is known."""
    if known is None or name not in node:
        return
    pair = node.child(name)
    for side in _sides(pair):
        if _same_currency(side, known):
            side.same("amount", known)


def _shown(node: Node, pair: str, shop: Money | None) -> Money | None:
    """Return the buyer's side of a pair where its currency is another; the rest of the pair is held against ours."""
    agreed(node, pair, shop)
    if shop is None or pair not in node or "presentment_money" not in node.child(pair):
        return None
    shown = node.child(pair).child("presentment_money")
    name = next((one for one in _CURRENCY if one in shown), _CURRENCY[0])
    if shown.tree.get(name) == shop.currency:
        return None
    return shown.rounded("amount", shown.currency(name))


def _sides(pair: Node) -> Iterator[Node]:
    for name in ("shop_money", "presentment_money"):
        if name in pair:
            yield pair.child(name)


def _same_currency(side: Node, known: Money | None) -> bool:
    """Say whether a side of a pair is in the currency of an amount."""
    return known is not None and any(name in side and side.same(name, known.currency) for name in _CURRENCY)
