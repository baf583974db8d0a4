"""Capture in Django 5: everything that goes through Django's connections, and who is behind each request.

::

    INSTALLED_APPS += ["ordertrail.capture.django"]
    MIDDLEWARE += ["ordertrail.capture.django.ContextMiddleware"]     # after AuthenticationMiddleware
    ORDERTRAIL = {"tables": {"shop_order": {"order": "id"}, "shop_orderline": {"order": "order_id"}}}

and ``python manage.py migrate``, which makes the outbox. All settings are in
:mod:`ordertrail.capture.django.configuration`.
"""

from ordertrail.capture.django.middleware import ContextMiddleware
from ordertrail.capture.django.outbox import filtered, pending

__all__ = ["ContextMiddleware", "filtered", "pending"]
