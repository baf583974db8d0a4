"""WooCommerce: orders, refunds, notes and shipment tracking, from the REST API (v1 to v3) and from webhooks.

Sources: https://woocommerce.github.io/woocommerce-rest-api-docs/ (orders, order refunds, order notes, webhooks), and
the extension Shipment Tracking, whose resource hangs below an order's.

======================================================  ==========================================================
delivery                                                tells
======================================================  ==========================================================
``order.created``, ``.updated``, ``.restored``,         an order
an answer with one or many, a batch answer
``order.deleted``: ``{"id": …}``                        an amendment: archived
a refund or many                                        an amendment: a return and what was given back
a note or many, a shipment tracking or many             an amendment: a note, a parcel
products, customers, coupons, webhooks, errors, pings   something foreign
======================================================  ==========================================================

======================================================  ==========================================================
an order's                                              becomes
======================================================  ==========================================================
``id``, ``number``                                      id, number
``date_created_gmt``, ``date_modified_gmt``             placed; updated and source version
``status``                                              status; the account's options add a shop's own
``line_items[].subtotal`` and ``total``                 unit price and, by their difference, the line's discount
``taxes[]`` with ``tax_lines[]``                        taxes with their names and rates
``shipping_lines``, ``fee_lines``                       shipping; charges ``fee``, or a discount where negative
``gift_cards``                                          discounts of their codes
``payment_method``, ``transaction_id``, ``date_paid``   one payment, which took all of the total when it was paid
``refunds[]``                                           what was given back of it
``billing``, ``shipping``, ``customer_id``              bill to, ship to, buyer
``customer_note``                                       a note of the customer's
``_wc_shipment_tracking_items``                         fulfilments
======================================================  ==========================================================

Quirks. All amounts are without tax, whatever ``prices_include_tax`` says. An answer through Jetpack stands in ``data``.
Times that end in ``_gmt`` are in UTC and do not say so. Refunds, notes and trackings name their order only in the link
``up``. A refund names no currency: without one of the account's, its amounts are kept as extensions.
"""

from ordertrail.intake.channels.woocommerce.channel import WooCommerce

__all__ = ["WooCommerce"]
