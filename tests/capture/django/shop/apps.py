from django.apps import AppConfig


class ShopConfig(AppConfig):
    """A small shop's models, as an application would have them."""

    name = "capture.django.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"
