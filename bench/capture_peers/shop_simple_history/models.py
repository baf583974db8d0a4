"""What django-simple-history tracks: every audited model, and the many-to-many fields of orders (``m2m_fields``)."""

from simple_history import register

from capture.django.shop.models import Allocation, Following, Line, Order, Parcel

_APP = "bench.capture_peers.shop_simple_history"

register(Order, app=_APP, m2m_fields=[Order.tags.field])
for model in (Line, Allocation, Following, Parcel):
    register(model, app=_APP)
