"""The shop's admin."""

from django.contrib import admin

from capture.django.shop.models import Order


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Orders, as administrators see them."""
