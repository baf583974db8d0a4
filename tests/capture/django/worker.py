"""A Celery application of the shop, and its worker, with folders as the broker: ``python worker.py FOLDER``."""

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "capture.django.settings")

import django
from celery import Celery

django.setup()

from capture.django.shop.models import Order


def application(folder: Path) -> Celery:
    """Return the application; messages go through files in a folder."""
    for name in ("messages", "control", "results"):
        (folder / name).mkdir(exist_ok=True)
    app = Celery("shop", broker="filesystem://", backend=f"file://{folder / 'results'}")
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    }
    app.conf.broker_connection_retry_on_startup = True

    @app.task(name="shop.confirm")
    def confirm(number: int) -> str:
        """Confirm an order."""
        Order.objects.filter(pk=number).update(status="confirmed")
        return "done"

    return app


if __name__ == "__main__":
    application(Path(sys.argv[1])).worker_main(
        [
            "worker",
            "--pool=solo",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=WARNING",
        ]
    )
