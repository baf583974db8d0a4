"""Saleor: orders and transactions, from webhooks with a subscription, legacy webhooks and notifications.

Sources: https://docs.saleor.io/developer/extending/webhooks (synchronous and asynchronous events, subscription
payloads, legacy payloads, ``NOTIFY_USER``) and https://docs.saleor.io/api-reference/orders/objects/order, versions
3.0 to 3.21.

===================================================  =============================================================
delivery                                             tells
===================================================  =============================================================
``{"order": {…}}``, ``[{"type": "Order", …}]``,      an order, where it states lines and a total
``{"notify_event": …, "payload": {"order": …}}``,
each in ``data`` and below an event's name too
the same with less                                   an amendment: status and parcels
``{"action": …, "transaction": {…}}``                an amendment: a payment as it stands
mutations, answers that name no order, checkouts,    something foreign
sales, addresses
===================================================  =============================================================

===================================================  =============================================================
an order's                                           becomes
===================================================  =============================================================
``id``, ``number``                                   id, number
``created``, ``updatedAt`` (else ``issued_at``)      placed; updated and source version
``status``                                           status; a draft is of the type draft
``lines[]``, ``total_*``                             lines and totals, with tax where the document states gross amounts
``undiscounted_unit_price``                          unit price, with the line's discount
``shipping_price``, ``shipping_method_name``         shipping
``discounts``                                        discounts, where the lines do not have them in their prices
``payments``, ``transactions``, ``charge_status``    payments
``fulfillments``                                     fulfilments; those that came back, returns
``user``, ``user_email``, addresses                  buyer, bill to, ship to
``customer_note``                                    a note of the customer's
===================================================  =============================================================

Quirks. Legacy payloads write ``unit_price_gross_amount`` where a subscription has ``unitPrice { gross { amount } }``:
both are read. A subscription holds only what it asks for; an order of which too little is asked for is told as an
amendment, or as faulty where not even that can be made of it. Notifications give orders ids of another kind than
webhooks do.
"""

from ordertrail.intake.channels.saleor.channel import Saleor

__all__ = ["Saleor"]
