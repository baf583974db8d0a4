"""A Django program under load, to be killed: it changes orders in every way until it is."""

import itertools
import os
import random
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "capture.django.settings")

import django

django.setup()

from django.db import connection, transaction
from django.db.models import F

from capture.django.shop.models import Line, Order
from ordertrail.capture import acting


def change(number: int, chance: random.Random) -> None:
    """Change something."""
    match number % 6:
        case 0:
            Order.objects.filter(pk=1).update(note=str(number))
        case 1:
            with transaction.atomic():
                order = Order.objects.create(number=f"L-{os.getpid()}-{number}")
                Line.objects.bulk_create(
                    [Line(order=order, sku=f"l{n}", quantity=n, unit_price=1) for n in range(3)]
                )
        case 2:
            Line.objects.filter(pk__lte=5).update(quantity=F("quantity") + 1)
        case 3:
            with transaction.atomic():
                Order.objects.filter(pk=2).update(status=str(number))
                transaction.set_rollback(chance.random() < 0.5)
        case 4:
            Line.objects.filter(pk__gt=1005).order_by("pk").first()
            Line.objects.filter(pk=chance.randint(1001, 1001 + number)).delete()
        case 5:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE shop_line SET unit_price = unit_price + 1 WHERE order_id = %s", [1])


if __name__ == "__main__":
    chance = random.Random(int(sys.argv[1]))
    with acting("clerk-17"):
        for number in itertools.count():
            change(number, chance)
            if number == 0:
                print("working", flush=True)  # noqa: T201 - told to who started us, and kills us from here on
