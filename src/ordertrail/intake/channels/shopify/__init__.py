"""Shopify: orders, refunds, parcels and payments, from the Admin REST API and from webhooks.

Sources: https://shopify.dev/docs/api/admin-rest/latest (resources order, refund, transaction, fulfillment,
fulfillmentevent) and https://shopify.dev/docs/api/webhooks (topics), API versions of 2016 to 2026.

=========================================================  =========================================================
delivery                                                   tells
=========================================================  =========================================================
``orders/*``, ``{"order": …}``, ``{"orders": […]}``        an order (:mod:`.order`)
``refunds/create``, ``{"refund": …}``                      an amendment: a return and what was done with money
``order_transactions/create``, ``{"transaction": …}``      an amendment: what was done with money
``fulfillments/*``, ``{"fulfillment": …}``                 an amendment: a parcel
``fulfillment_events/*``, ``{"fulfillment_event": …}``     an amendment: what a carrier said of a parcel
``orders/edited``                                          an amendment: a note; the order itself comes by itself
``orders/delete``                                          an amendment: archived (only a closed order can be deleted)
drafts, checkouts, payouts, disputes, risks, …             something foreign
=========================================================  =========================================================

==================================================  ==============================================================
an order's                                          becomes
==================================================  ==============================================================
``id``, ``name``                                    id, number
``processed_at`` (else ``created_at``)              placed
``updated_at``                                      updated, source version
``cancelled_at``, ``closed_at``,                    status: cancelled, completed, by what was sent, else accepted
``fulfillment_status``, ``confirmed``               (``confirmed`` false: received)
``current_*`` totals                                totals; without them ``total_*``
``total_*`` beside ``current_*``                    original totals
``*_set.presentment_money``                         presentment totals, where the buyer's currency is another
``line_items[]`` with ``discount_allocations``,     lines with their discounts and taxes, as they are now
``tax_lines``
``shipping_lines[]``                                shipping
``total_tip_received``, duties, additional fees     charges ``tip``, ``duty``, ``additional_fee``
``payment_gateway_names``, ``financial_status``,    payments, one for each gateway, and what was done
``transactions``
``fulfillments[]``, ``refunds[]`` of goods          fulfilments, returns
``customer``, ``billing_address``,                  buyer, bill to, ship to
``shipping_address``
==================================================  ==============================================================

Quirks. ``current_*`` totals leave out what was removed *and* what came back: both count as cancelled on the line, for
neither is charged any more. Money given back is told by a return; an order's transactions are mapped only where the
document names those that took money too, because refunds alone would say that more was given back than taken.
"""

from ordertrail.intake.channels.shopify.channel import Shopify

__all__ = ["Shopify"]
