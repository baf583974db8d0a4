"""The Django application ``ordertrail.capture.django``, labelled ``ordertrail``."""

from importlib.util import find_spec

from django.apps import AppConfig


class CaptureConfig(AppConfig):
    """Begins capture when Django has loaded all models."""

    name = "ordertrail.capture.django"
    label = "ordertrail"
    verbose_name = "OrderTrail"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and capture every connection that is opened from here on."""
        from ordertrail.capture.django import checks, commands, registry

        checks.register()
        commands.carry_commands()
        registry.begin()
        if find_spec("celery") is not None:
            from ordertrail.capture.celery import connect

            connect()
