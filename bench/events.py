"""Events as a shop sends them: some 550 bytes of JSON, a price change in each, orders of eight events.

``WIDTH`` orders are open at a time and take turns, as they do in a shop: an order's next event comes ``WIDTH``
events later, so that nearly every batch has to look up where its orders stand. Ids are new UUIDv7.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id

PER_ORDER = 8
WIDTH = 500

_BEGAN = datetime(2026, 11, 20, 6, tzinfo=UTC)
_ACTIONS = (
    "order.create", "order.line.add", "order.price.change", "order.approve",
    "payment.authorize", "shipment.create", "order.terms.change", "order.complete",
)  # fmt: skip
_LINE = (
    b'{"id":"%b","time":"%b","action":"%b","outcome":"success",'
    b'"actor":{"id":"clerk-%d","kind":"person","roles":["order.editor"]},'
    b'"subject":{"kind":"order_line","id":"SO-%d/%d","order":"SO-%d","tenant":"main"},'
    b'"changes":[{"path":"/lines/%d/unit_price","before":{"amount":%d,"currency":"EUR"},'
    b'"after":{"amount":%d,"currency":"EUR"}}],'
    b'"context":{"ip":"203.0.113.%d","request":"r-%08d","channel":"backoffice","reason":"customer called"},'
    b'"links":[{"system":"stripe","kind":"payment_intent","id":"pi_3N%06d"}]}'
)


def event_line(number: int, time: bytes | None = None) -> bytes:
    """Return event ``number`` as a JSON line without its newline; it happened at ``time``, or in its turn."""
    order = 100_000 + number // (PER_ORDER * WIDTH) * WIDTH + number % WIDTH
    step = number // WIDTH % PER_ORDER
    price = 1_000 + number * 7919 % 90_000
    moment = time or format_time(_BEGAN + timedelta(milliseconds=number)).encode()
    return _LINE % (
        new_id().encode(), moment, _ACTIONS[step].encode(), number % 97, order, step + 1, order, step + 1,
        price, price * 6 // 10, number % 254 + 1, number, order,
    )  # fmt: skip


def event_lines(count: int, start: int = 0) -> Iterator[bytes]:
    """Yield events ``start`` to ``start + count`` as JSON lines without their newlines."""
    return map(event_line, range(start, start + count))
