"""Shopify's Order resource, as the Admin REST API and every ``orders/*`` webhook have it, as a canonical order.

Source: https://shopify.dev/docs/api/admin-rest/latest/resources/order, API versions of 2016 to 2026.
"""

from collections.abc import Iterator, Mapping, Sequence

from ordertrail.intake.channels.shopify.lines import Reading, gone_from, line_of, shipping_of
from ordertrail.intake.channels.shopify.money import (
    UNNAMED,
    Moved,
    given_back,
    is_return,
    return_of,
    transaction_of,
)
from ordertrail.intake.channels.shopify.parcels import fulfilment_of, sent_quantities
from ordertrail.intake.channels.shopify.sums import ROUNDING, sums_of
from ordertrail.intake.delivery import Source
from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import NOTHING, AddressNames, added, address_of, present, said, same_time
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment, Transaction
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.returns import Return
from ordertrail.orders.statuses import OrderStatus, PaymentStatus
from ordertrail.orders.words import CHECKS

_FULFILMENT = {
    "unfulfilled": OrderStatus.ACCEPTED,
    "unshipped": OrderStatus.ACCEPTED,
    "pending": OrderStatus.ACCEPTED,
    "partial": OrderStatus.PARTIALLY_FULFILLED,
    "shipped": OrderStatus.FULFILLED,
    "fulfilled": OrderStatus.FULFILLED,
    "restocked": OrderStatus.CANCELLED,
}
"""``restocked``: all was put back on the shelf and the order cancelled."""

_FINANCIAL = {
    "pending": PaymentStatus.PENDING,
    "unpaid": PaymentStatus.PENDING,
    "authorized": PaymentStatus.AUTHORIZED,
    "partially_paid": PaymentStatus.PARTIALLY_PAID,
    "paid": PaymentStatus.PAID,
    "partially_refunded": PaymentStatus.PARTIALLY_REFUNDED,
    "refunded": PaymentStatus.REFUNDED,
    "voided": PaymentStatus.VOIDED,
    "expired": PaymentStatus.EXPIRED,
}

_REFERENCES = (
    ("po_number", "buyer", "purchase_order"),
    ("order_number", "shopify", "order_number"),
    ("confirmation_number", "shopify", "confirmation"),
    ("token", "shopify", "order_token"),
    ("checkout_id", "shopify", "checkout"),
    ("checkout_token", "shopify", "checkout_token"),
    ("cart_token", "shopify", "cart_token"),
    ("source_identifier", "shopify", "source"),
)
"""Field, whose name it is, and what it names."""

_ADDRESS = AddressNames(
    street=("address1", "address2"),
    city="city",
    postal_code="zip",
    country="country_code",
    region="province",
    region_code="province_code",
    latitude="latitude",
    longitude="longitude",
)


def read_order(root: Node, source: Source, key: str | None) -> Order:
    """Return the order that a document tells of; ``key`` is our id of it.

    It is worth nothing where the document has a fault by then, and :func:`message_of` drops it.
    """
    if "line_items" not in root:
        root.fault(Code.MISSING, "line_items", "line_items is missing; an order is read only as a whole")
    currency = root.currency("currency", source.currency)
    by_id = {str(node.tree.get("id")): node for node in root.children("line_items")}
    parcels = present(fulfilment_of(node, by_id) for node in root.children("fulfillments"))
    for node in root.children("fulfillments"):
        node.same("order_id", str(root.tree.get("id")))
    reading = _reading(root, currency, parcels)
    lines = present(line_of(node, reading) for node in root.children("line_items"))
    shipping = present(
        shipping_of(node, place, reading) for place, node in enumerate(root.children("shipping_lines"))
    )
    sums = sums_of(root, reading, lines, shipping)
    moved = _moved(root, currency)
    placed, updated = root.time("processed_at") or root.time("created_at"), root.time("updated_at")
    same_time(root, "created_at", placed)
    returns = _returns(root, by_id, currency, moved)
    return Order(
        id=key or NOTHING,
        channel=source.channel,
        account=source.account,
        tenant=source.tenant,
        status=_status(root),
        currency=currency or NOTHING,
        tax_included=root.flag("taxes_included") is True,
        rounding=ROUNDING,
        lines=lines,
        totals=sums.totals,
        number=root.id("name"),
        placed=placed,
        updated=updated,
        cancelled=root.time("cancelled_at"),
        cancel_reason=root.text("cancel_reason"),
        source_version=None if updated is None else SourceVersion(time=updated),
        buyer=_buyer(root),
        bill_to=_party(root, "billing_address"),
        ship_to=_party(root, "shipping_address"),
        discounts=sums.discounts,
        charges=sums.charges,
        shipping=shipping,
        taxes=sums.taxes,
        original_totals=sums.original,
        presentment_totals=sums.shown,
        payments=_payments(root, moved),
        fulfilments=parcels,
        returns=returns,
        references=tuple(_references(root)),
        notes=present([None if (note := root.text("note")) is None else Note(text=note)]),
        tags=tags_of(root, "tags"),
        test=root.flag("test") is True,
    )


def _reading(root: Node, currency: str | None, parcels: Sequence[Fulfilment]) -> Reading:
    current = "current_subtotal_price" in root and "current_total_price" in root
    return Reading(
        currency=currency,
        applications=root.children("discount_applications"),
        current=current,
        gone=gone_from(root.children("refunds"), currency, current=current),
        sent=sent_quantities(parcels),
    )


def _status(root: Node) -> OrderStatus:
    """Return where the order stands; the time it was closed at stays an extension."""
    sent = root.word("fulfillment_status", _FULFILMENT)
    if "cancelled_at" in root:
        return OrderStatus.CANCELLED
    if "closed_at" in root:
        return OrderStatus.COMPLETED
    if sent is not None and sent is not OrderStatus.ACCEPTED:
        return sent
    return OrderStatus.RECEIVED if root.flag("confirmed") is False else OrderStatus.ACCEPTED


def _moved(root: Node, currency: str | None) -> tuple[Moved, ...]:
    """Return all that was done with money; nothing where the order names only what was given back."""
    nodes = root.children("transactions")
    if not nodes:
        return ()
    ids = {str(node.tree.get("id")) for node in nodes}
    found = list(present(transaction_of(node, currency, ids) for node in nodes))
    by_id = {str(node.tree.get("id")): node for node in nodes}
    for refund in root.children("refunds"):
        for node in refund.children("transactions"):
            known = by_id.get(str(node.tree.get("id")))
            if known is not None:
                node.repeats(known)
            elif (one := transaction_of(node, currency)) is not None:
                found.append(one)
    return tuple(found)


def _returns(
    root: Node, by_id: Mapping[str, Node], currency: str | None, moved: Sequence[Moved]
) -> tuple[Return, ...]:
    done = {one.transaction.id: one.transaction.amount for one in moved}
    found = []
    for node in root.children("refunds"):
        node.same("order_id", str(root.tree.get("id")))
        if not is_return(node):
            continue
        if moved:
            ids = [str(one.tree.get("id")) for one in node.children("transactions")]
            refund = added((done.get(ident) for ident in ids), currency)
        else:
            refund = given_back(node, currency)
        found.append(return_of(node, by_id, refund))
    return present(found)


def _payments(root: Node, moved: Sequence[Moved]) -> tuple[Payment, ...]:
    """Return a payment for each gateway; all stand where the order says that it stands."""
    status = root.word("financial_status", _FINANCIAL)
    moves: dict[str, list[Transaction]] = {}
    for one in moved:
        moves.setdefault(one.gateway, []).append(one.transaction)
    gateways = [*root.texts("payment_gateway_names"), *moves]
    if not gateways:
        gateways = list(present([root.id("gateway")]))
    else:
        root.same("gateway", *gateways)
    if not gateways and status is not None:
        gateways = [UNNAMED]
    return tuple(
        Payment(
            id=gateway,
            status=status or PaymentStatus.PENDING,
            gateway=None if gateway == UNNAMED else gateway,
            transactions=tuple(moves.get(gateway, ())),
        )
        for gateway in dict.fromkeys(gateways)
    )


def _buyer(root: Node) -> Party | None:
    """Return who ordered; the order's own address for letters where the customer has none."""
    node = root.child("customer")
    ident = node.id("id")
    email = node.text("email") or root.text("email") or root.text("contact_email")
    phone = node.text("phone") or root.text("phone")
    for name in ("email", "contact_email"):
        root.same(name, email)
    root.same("phone", phone)
    node.same("admin_graphql_api_id", f"gid://shopify/Customer/{ident}")
    return said(
        Party(
            id=ident,
            given_name=node.text("first_name"),
            family_name=node.text("last_name"),
            email=email,
            phone=phone,
        )
    )


def _party(root: Node, name: str) -> Party | None:
    node = root.child(name)
    return said(
        Party(
            name=node.text("name"),
            given_name=node.text("first_name"),
            family_name=node.text("last_name"),
            organisation=node.text("company"),
            phone=node.text("phone"),
            address=address_of(node, _ADDRESS),
        )
    )


def _references(root: Node) -> Iterator[Reference]:
    root.same("admin_graphql_api_id", f"gid://shopify/Order/{root.tree.get('id')}")
    for name, system, kind in _REFERENCES:
        ident = root.text(name)
        if ident is not None and CHECKS["id"](ident) is None:
            yield Reference(system=system, kind=kind, id=ident)
        else:
            root.unread(name)
    root.same("reference", str(root.tree.get("source_identifier")))
    for holder, name in ((root, "presentment_currency"), (root.child("customer"), "currency")):
        holder.same(name, str(root.tree.get("currency")))


def tags_of(node: Node, name: str) -> tuple[str, ...]:
    """Return tags, which stand in one text between commas."""
    tags = (tag.strip() for text in node.texts(name) for tag in text.split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
