"""What django-auditlog tracks: every audited model, and the many-to-many fields of orders (its ``m2m_fields``)."""

from auditlog.registry import auditlog

from capture.django.shop.models import Allocation, Following, Line, Order, Parcel

auditlog.register(Order, m2m_fields={"tags", "followers"})
for model in (Line, Allocation, Following, Parcel):
    auditlog.register(model)
