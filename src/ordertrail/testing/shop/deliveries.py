"""What the shop's two web shops sent today, as Shopify writes its orders.

The main shop's orders are sound, but for one of which a total does not fit its lines. The outlet's shop was updated at
noon, and since then writes a currency before each price, which is no amount any more: none of its orders can enter
until somebody mends them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ordertrail.intake.delivery import Source
from ordertrail.kernel.clock import format_time

MAIN: Final = Source("shopify", "main")
OUTLET: Final = Source("shopify", "outlet")
_SOUND: Final = 9
_STOPPED: Final = 6
_ARTICLES: Final = (
    ("CUP-BLUE", "Blue cup", 1_200),
    ("TRAY-OAK", "Oak tray", 4_550),
    ("JUG-TIN", "Tin jug", 2_890),
)


@dataclass(frozen=True, slots=True)
class Sending:
    """A document and who sent it."""

    source: Source
    name: str
    body: bytes


def sendings(until: datetime) -> Iterator[Sending]:
    """Yield what was sent in the hours before ``until`` (aware), the oldest first."""
    for number in range(_SOUND):
        placed = until - timedelta(minutes=20 * (_SOUND - number))
        yield _sending(MAIN, _order(2_001 + number, placed))
    wrong = _order(2_001 + _SOUND, until - timedelta(minutes=12))
    wrong["total_price"] = "1.00"
    yield _sending(MAIN, wrong)
    for number in range(_STOPPED):
        placed = until - timedelta(minutes=9 * (_STOPPED - number))
        yield _sending(OUTLET, _order(7_001 + number, placed, before_price="EUR "))


def _order(number: int, placed: datetime, before_price: str = "") -> dict[str, Any]:
    sku, title, price = _ARTICLES[number % len(_ARTICLES)]
    quantity = number % 3 + 1
    time = format_time(placed)
    return {
        "id": 450_789_000 + number,
        "name": f"#{number}",
        "currency": "EUR",
        "taxes_included": True,
        "email": f"customer-{number}@example.org",
        "created_at": time,
        "updated_at": time,
        "financial_status": "paid",
        "total_price": _amount(quantity * price),
        "subtotal_price": _amount(quantity * price),
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "line_items": [
            {
                "id": 1,
                "sku": sku,
                "title": title,
                "quantity": quantity,
                "price": before_price + _amount(price),
            }
        ],
    }


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _sending(source: Source, order: dict[str, Any]) -> Sending:
    return Sending(source, f"order-{order['name'][1:]}.json", json.dumps(order, indent=1).encode())
