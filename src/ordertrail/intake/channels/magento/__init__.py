"""Magento 2 and Adobe Commerce: orders, invoices, shipments and credit memos, from the REST API and from events.

Sources: https://developer.adobe.com/commerce/webapi/rest/ (``salesOrderRepositoryV1``, ``salesInvoiceRepositoryV1``,
``salesShipmentRepositoryV1``, ``salesCreditmemoRepositoryV1``) and
https://developer.adobe.com/commerce/extensibility/events/ (``observer.sales_order_*`` in a CloudEvents envelope),
versions 2.0 to 2.4.

===================================================  =============================================================
delivery                                             tells
===================================================  =============================================================
an order, ``{"items": […], "total_count": …}`` of    an order
orders, an event with one in ``data.value``
an invoice, alike                                    an amendment: what was taken, and the invoice's number
a shipment, alike; also in camel case                an amendment: a parcel
a credit memo, alike                                 an amendment: a return and what was given back
carts, totals of a checkout, other events            something foreign
===================================================  =============================================================

===================================================  =============================================================
an order's                                           becomes
===================================================  =============================================================
``entity_id``, ``increment_id``                      id, number
``created_at``, ``updated_at`` (in UTC)              placed; updated and source version
``state`` (else ``status``)                          status; the account's options add a shop's own statuses
``items[]``, ``parent_item_id``                      lines, parts of a bundle or configuration with their parent
``discount_amount`` less                             the line's discount, without tax
``discount_tax_compensation_amount``
``shipping_*``                                       shipping
gift wrapping                                        charges ``gift_wrap``
gift cards, store credit, reward points              discounts: the grand total is what is left to pay
``payment``, ``total_paid``, ``total_refunded``      one payment
``billing_address``, ``shipping_assignments``        bill to, ship to
``customer_*``                                       buyer
``status_histories[].comment``                       notes
===================================================  =============================================================

Quirks. Amounts are without tax. Everything stands a second time in the shop's own currency (``base_``): what only
repeats counts as read, the rest is kept. Sums are of the order as it was placed: ``qty_canceled`` and
``total_canceled`` change nothing in them and are kept as extensions. Of a configurable product the child costs
nothing; of a bundle either the whole or the parts cost, and the sum of the lines says which.
"""

from ordertrail.intake.channels.magento.channel import Magento

__all__ = ["Magento"]
