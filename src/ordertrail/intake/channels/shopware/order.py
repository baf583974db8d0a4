"""The order entity with its associations.

https://shopware.stoplight.io/docs/admin-api: schema Order; class OrderStates

| Shopware | here |
|---|---|
| id, orderNumber | id, number, reference |
| state open, in_progress, completed, cancelled; of its deliveries shipped(_partially) | status |
| taxStatus gross, net, tax-free | tax_included is whether it is gross |
| lineItems | lines; those of type promotion, discount and credit that take off are discounts of the order |
| deliveries | fulfilments, and shipping; one with negative costs is a discount on shipping |
| transactions | payments |
| amountTotal, positionPrice, shippingTotal, price.calculatedTaxes | totals |
| totalRounding.interval | the increment in which totals are payable |
| updatedAt, else createdAt | updated, the source's version |

Amounts are numbers of any fineness; what is not whole minor units is rounded half up and its digits are extensions.
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from ordertrail.intake.channels.shopware.parts_of_order import (
    CHANNEL,
    address,
    fulfilment,
    ids_of,
    line,
    payment,
    taxes_of,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import added, message_of, order_key, said, status_words
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.orders.adjustments import Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Party, TaxNumber
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import OrderStatus

_STATES = {
    "open": OrderStatus.RECEIVED,
    "in_progress": OrderStatus.PROCESSING,
    "completed": OrderStatus.COMPLETED,
    "cancelled": OrderStatus.CANCELLED,
    "failed": OrderStatus.ON_HOLD,
}
_TAXED = {"gross": True, "net": False, "tax-free": False}
_REDUCING = frozenset({"promotion", "discount", "credit"})
_SENT = frozenset({"shipped", "returned", "returned_partially"})


def read_order(delivery: Delivery, document: Document) -> Message:
    """Read an order."""
    node = document.root
    key = order_key(delivery, node, "id")
    return message_of(document, node, _order(delivery, node, key), CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None) -> Order:
    currency = _currency(delivery, node)
    included = _is_gross(node)
    items = node.children("lineItems")
    reducing = [item for item in items if _is_reducing(item)]
    goods = [item for item in items if not _is_reducing(item)]
    known = ids_of(goods)
    sent = node.children("deliveries")
    words = status_words(delivery.source, _STATES)
    status = node.child("stateMachineState").word("technicalName", words, required=True)
    updated = node.time("updatedAt")
    changed = updated or node.time("createdAt")
    comment = node.text("customerComment")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        site=node.id("salesChannelId"),
        number=node.id("orderNumber"),
        status=_status(status, sent),
        currency=currency or "",
        tax_included=included,
        rounding=_rounding(node, currency),
        placed=node.time("orderDateTime") or node.time("orderDate"),
        updated=changed,
        source_version=SourceVersion(time=changed) if changed else None,
        cancelled=changed if status is OrderStatus.CANCELLED else None,
        buyer=_buyer(node.child("orderCustomer")),
        bill_to=address(_billing(node)),
        ship_to=address(sent[0].child("shippingOrderAddress")) if sent else None,
        lines=tuple(line(one, currency, included=included, known=known) for one in goods),
        discounts=tuple(_discount(item, currency) for item in reducing),
        taxes=tuple(tax for item in reducing for tax in taxes_of(item.child("price"), currency, None)),
        shipping=tuple(_shippings(node, sent, currency)),
        totals=_totals(node, currency),
        payments=tuple(payment(one, currency) for one in node.children("transactions")),
        fulfilments=tuple(fulfilment(one) for one in sent if not _is_negative(one)),
        references=_references(node),
        notes=() if comment is None else (Note(text=comment, author="customer"),),
        tags=tuple(tag for one in node.children("tags") if (tag := one.text("name")) is not None),
    )


def _currency(delivery: Delivery, node: Node) -> str | None:
    told = node.child("currency").currency("isoCode", required=False)
    currency = told or delivery.source.currency
    if currency is None:
        message = "ask with the association currency, or give the source a currency: amounts carry none"
        node.fault(Code.MISSING, "currency", message)
    return currency


def _is_gross(node: Node) -> bool:
    price = node.child("price")
    if "taxStatus" in node:
        told = node.text("taxStatus")
        price.same("taxStatus", told)
        return bool(node.word("taxStatus", _TAXED))
    return bool(price.word("taxStatus", _TAXED)) if "taxStatus" in price else True


def _rounding(node: Node, currency: str | None) -> Rounding:
    """Return the rule: totals are payable in steps where the interval is more than a minor unit."""
    told = node.child("totalRounding")
    interval = told.decimal("interval")
    step = None
    if interval is not None and currency is not None:
        steps = Decimal(interval).scaleb(exponent_of(currency))
        if steps == steps.to_integral_value() and 1 < steps <= 10_000:
            step = int(steps)
    if step is None:
        told.unread("interval")
    return Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE, increment=step)


def _status(status: OrderStatus | None, sent: list[Node]) -> OrderStatus:
    """Return where the order stands: its deliveries go further than an order that is open or in progress."""
    if status not in {OrderStatus.RECEIVED, OrderStatus.PROCESSING}:
        return status or OrderStatus.RECEIVED
    states = {one.child("stateMachineState").text("technicalName") for one in sent if not _is_negative(one)}
    if states and states <= _SENT:
        return OrderStatus.FULFILLED
    if states & (_SENT | {"shipped_partially"}):
        return OrderStatus.PARTIALLY_FULFILLED
    return status or OrderStatus.RECEIVED


def _is_negative(sent: Node) -> bool:
    """Say whether a delivery is none, but a promotion on shipping."""
    costs = sent.tree.get("shippingCosts")
    total = costs.get("totalPrice") if isinstance(costs, dict) else None
    return isinstance(total, int | Decimal) and total < 0


def _is_reducing(item: Node) -> bool:
    total = item.tree.get("totalPrice")
    return str(item.tree.get("type")) in _REDUCING and isinstance(total, int | Decimal) and total < 0


def _discount(item: Node, currency: str | None) -> Discount:
    item.text("type")
    amount = item.rounded("totalPrice", currency) or Money(0, currency or "")
    price = item.child("price")
    price.same("totalPrice", amount)
    return Discount(
        amount=Money(-amount.amount, amount.currency),
        code=item.child("payload").text("code"),
        reason=item.text("label"),
    )


def _shippings(node: Node, sent: list[Node], currency: str | None) -> Iterator[Shipping]:
    """Yield what each delivery costs; deliveries with negative costs are discounts on the first."""
    found = [one for one in sent if not _is_negative(one)]
    reductions = [one for one in sent if _is_negative(one)]
    made = [_shipping(one.id("id") or "", one, currency) for one in found]
    if not found and "shippingCosts" in node:
        made = [_shipping("shipping", node, currency)]
    if made and reductions:
        costs = [one.child("shippingCosts") for one in reductions]
        off = tuple(_reduction(one, currency) for one in reductions)
        less = tuple(tax for one in costs for tax in taxes_of(one, currency, None))
        made[0] = replace(made[0], discounts=off, taxes=(*made[0].taxes, *less))
    yield from made


def _reduction(sent: Node, currency: str | None) -> Discount:
    amount = sent.child("shippingCosts").rounded("totalPrice", currency) or Money(0, currency or "")
    return Discount(amount=Money(-amount.amount, amount.currency), reason=sent.id("id"))


def _shipping(name: str, node: Node, currency: str | None) -> Shipping:
    costs = node.child("shippingCosts")
    amount = costs.rounded("totalPrice", currency)
    return Shipping(
        id=name,
        amount=amount or Money(0, currency or ""),
        name=node.child("shippingMethod").text("name"),
        code=node.id("shippingMethodId"),
        taxes=tuple(taxes_of(costs, currency, amount)),
    )


def _totals(node: Node, currency: str | None) -> Totals:
    price = node.child("price")
    grand = node.rounded("amountTotal", currency)
    repeated = price.rounded("totalPrice", currency)
    if grand is not None and repeated != grand:
        price.unread("totalPrice")
    breakdown = tuple(_breakdown(price, currency))
    raw = price.rounded("rawTotal", currency)
    whole = grand or repeated
    return Totals(
        shipping=node.rounded("shippingTotal", currency),
        tax=added((tax.amount for tax in breakdown), currency),
        rounding=Money(whole.amount - raw.amount, whole.currency) if raw and whole and raw != whole else None,
        grand_total=whole,
        tax_breakdown=breakdown,
    )


def _breakdown(price: Node, currency: str | None) -> Iterator[Tax]:
    for one in price.children("calculatedTaxes"):
        amount = one.rounded("tax", currency, required=True)
        rate = one.decimal("taxRate")
        if amount is not None:
            yield Tax(amount=amount, rate=rate)


def _buyer(node: Node) -> Party | None:
    number = node.id("customerNumber")
    return said(
        Party(
            id=node.id("customerId"),
            given_name=node.text("firstName"),
            family_name=node.text("lastName"),
            organisation=node.text("company"),
            email=node.text("email"),
            tax_numbers=tuple(TaxNumber(scheme="VAT", id=one) for one in node.texts("vatIds")),
            references=()
            if number is None
            else (Reference(system=CHANNEL, kind="customer_number", id=number),),
        )
    )


def _billing(node: Node) -> Node:
    """Return the billing address: as an association of its own, or the one of all addresses that is it."""
    if "billingAddress" in node:
        billing = node.child("billingAddress")
        node.same("billingAddressId", billing.id("id"))
        return billing
    wanted = node.tree.get("billingAddressId")
    for one in node.children("addresses"):
        if wanted is not None and one.tree.get("id") == wanted:
            node.id("billingAddressId")
            one.id("id")
            return one
    return node.child("billingAddress")


def _references(node: Node) -> tuple[Reference, ...]:
    number = node.id("orderNumber")
    return () if number is None else (Reference(system=CHANNEL, kind="order_number", id=number),)
