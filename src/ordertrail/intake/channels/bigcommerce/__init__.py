"""BigCommerce: orders, their products, shipments, refunds and messages from the V2 and V3 APIs, and webhooks.

Sources: https://developer.bigcommerce.com/docs/rest-management/orders (V2 orders, order products, order shipments,
order messages; V3 refunds) and https://developer.bigcommerce.com/docs/integrations/webhooks/events
(``store/order/*``).

=====================================================  ===========================================================
delivery                                               tells
=====================================================  ===========================================================
an order or a list of orders (V2)                      an order
order products                                         amendments: lines
an order shipment or a list                            amendments: parcels
refunds (V3)                                           amendments: returns and what was given back
order messages                                         amendments: notes
``store/order/statusUpdated``                          an amendment: the new status
``store/order/archived``                               an amendment: archived
other webhooks of orders and shipments                 something foreign: a notice that names what is to be asked for
carts, statuses, tax and address lists                 something foreign
=====================================================  ===========================================================

=====================================================  ===========================================================
an order's                                             becomes
=====================================================  ===========================================================
``id``, ``date_created``, ``date_modified``            id, placed; updated and source version
``status_id`` (else ``status``), ``is_deleted``        status; the account's options add a shop's own words
``default_currency_code`` (else ``currency_code``)     currency: what the shopper pays in
``products`` or ``consignments[].line_items``          lines, where the answer holds them
``*_ex_tax`` with ``*_tax``                            amounts without tax, and their taxes
``shipping_cost_*``, ``handling_cost_*``,              shipping; charges ``handling`` and ``wrapping``
``wrapping_cost_*``
``discount_amount``, ``coupon_discount``               discounts on the order
``payment_method``, ``payment_status``,                payments, store credit and gift certificates each their own
``store_credit_amount``, ``gift_certificate_amount``
``billing_address``, ``shipping_addresses``            bill to, ship to
``staff_notes``, ``customer_message``                  notes
=====================================================  ===========================================================

Quirks. Webhooks tell only that something happened; their ``hash`` with ``created_at`` is their id. An order of the V2
API holds links to its products unless they were asked for with it: then the order has no lines, and reconciling says
that its stated sums come from nowhere. Order products, refunds and shipments name no currency: without one of the
account's, their amounts are kept as extensions.
"""

from ordertrail.intake.channels.bigcommerce.channel import BigCommerce

__all__ = ["BigCommerce"]
