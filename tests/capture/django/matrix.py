"""Every way in which an application changes rows over Django, as data: a name, its group, and what it does.

A case runs in autocommit mode and inside ``atomic``, on each database. The shop is seeded before: see :func:`seed`.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Case as CaseOf
from django.db.models import Exists, F, IntegerField, OuterRef, Subquery, Sum, Value, When
from django.db.models.functions import Concat, Upper

from capture.django.shop.models import Allocation, Customer, Following, Line, Order, Parcel, Tag


@dataclass(frozen=True, slots=True)
class Case:
    """One way of changing rows. ``only`` is the database that has it; ``mode`` how it must run, where not both ways."""

    name: str
    group: str
    run: Callable[[], None]
    only: str | None = None
    mode: str | None = None


CASES: list[Case] = []


def case(
    group: str, only: str | None = None, mode: str | None = None
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Add a function as a case; its docstring is the case's name."""

    def add(run: Callable[[], None]) -> Callable[[], None]:
        CASES.append(Case((run.__doc__ or "").rstrip("."), group, run, only, mode))
        return run

    return add


def seed() -> None:
    """Three orders of two customers: five lines, two allocations, two tags, a follower, two parcels."""
    with transaction.atomic():
        Customer.objects.bulk_create([Customer(id=1, name="Ada"), Customer(id=2, name="Ben")])
        Tag.objects.bulk_create([Tag(id=1, name="gift"), Tag(id=2, name="vip")])
        for number in (1, 2, 3):
            Order.objects.create(
                id=number, number=f"A-{number}", customer_id=1 + number % 2, total=Decimal("12.50") * number,
                details={"n": number, "of": [1, 2]}, due=dt.date(2026, 12, number), token=uuid.UUID(int=number),
            )  # fmt: skip
        for number in range(1, 6):
            Line.objects.create(
                id=number,
                order_id=1 + number // 3,
                sku=f"S{number}",
                quantity=number,
                unit_price=Decimal("2.50"),
            )
        Allocation.objects.bulk_create([Allocation(id=n, line_id=n, quantity=n) for n in (1, 2)])
        Order.objects.get(pk=1).tags.add(1)
        Following.objects.create(id=1, order_id=1, customer_id=1)
        Parcel.objects.bulk_create([Parcel(id=1, order_id=1, code="P1"), Parcel(id=2, order_id=2, code="P2")])
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for model in (Customer, Tag, Order, Line, Allocation, Following, Parcel):
                    cursor.execute(
                        f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'), 1000)"
                    )


# Model methods ------------------------------------------------------------------------------------------------------


@case("save and delete")
def created() -> None:
    """save() of a new object, with values of every kind."""
    Order(
        number="N-1", total=Decimal("1.5"), paid=True, note="é ☃ 'quoted' %s 100%", details={"a": [1, {"b": None}]},
        token=uuid.uuid4(), due=dt.date(2027, 1, 2), customer_id=1,
    ).save()  # fmt: skip


@case("save and delete")
def created_with_key() -> None:
    """create() with a primary key."""
    Line.objects.create(id=700, order_id=1, sku="K", quantity=1, unit_price="3.999")


@case("save and delete")
def saved() -> None:
    """save() of an object that is there: all its fields are written, one has changed."""
    order = Order.objects.get(pk=1)
    order.note = "gift wrap"
    order.save()


@case("save and delete")
def saved_unchanged() -> None:
    """save() of an object in which nothing has changed is no change."""
    Line.objects.get(pk=1).save()


@case("save and delete")
def saved_fields() -> None:
    """save(update_fields=…)."""
    order = Order.objects.get(pk=2)
    order.note, order.status = "not this", "confirmed"
    order.save(update_fields=["status"])


@case("save and delete")
def saved_blind() -> None:
    """save() with a key that is there, of an object that was never read."""
    Line(id=2, order_id=1, sku="S2", quantity=20, unit_price=Decimal(9)).save()


@case("save and delete")
def forced_insert() -> None:
    """save(force_insert=True) of a key that is there fails, and leaves nothing."""
    try:
        with transaction.atomic():
            Line(id=2, order_id=1, sku="other", quantity=20, unit_price=Decimal(9)).save(force_insert=True)
    except IntegrityError:
        return
    raise AssertionError


@case("save and delete")
def saved_expression() -> None:
    """save() with F() expressions: the stored value."""
    line = Line.objects.get(pk=3)
    line.quantity = F("quantity") + 5
    line.save()
    order = Order.objects.get(pk=2)
    order.total = Subquery(
        Line.objects.filter(order=2).values("order").annotate(s=Sum("unit_price")).values("s")
    )
    order.save(update_fields=["total"])


@case("save and delete")
def saved_stale() -> None:
    """save() of an object that somebody else changed since: what was there, not what was loaded."""
    order = Order.objects.get(pk=1)
    Order.objects.filter(pk=1).update(note="meanwhile")
    order.note = "mine"
    order.save()


@case("save and delete")
def several_saves() -> None:
    """Several saves of one row: each."""
    order = Order.objects.get(pk=1)
    for status in ("confirmed", "packed", "shipped"):
        order.status = status
        order.save()


@case("save and delete")
def made_changed_deleted() -> None:
    """A row made, changed and deleted."""
    order = Order.objects.create(number="T-1")
    order.note = "no"
    order.save()
    order.delete()


@case("save and delete")
def deleted() -> None:
    """delete() of an object without children."""
    Allocation.objects.get(pk=1).delete()


@case("save and delete")
def refreshed() -> None:
    """save() after refresh_from_db() and select_for_update()."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=3)
        order.paid = True
        order.save()
        order.refresh_from_db()
        order.details["n"] = 4.5
        order.save()


@case("save and delete")
def nulled() -> None:
    """save() of values to and from NULL."""
    order = Order.objects.get(pk=1)
    order.number, order.total, order.due, order.token = None, None, None, None
    order.save()
    order.number, order.token = "back", uuid.uuid4()
    order.save()


# Querysets ----------------------------------------------------------------------------------------------------------


@case("querysets")
def updated() -> None:
    """update() of a condition, with values."""
    Order.objects.filter(customer=2).update(
        status="held", total=Decimal("1.50"), paid=True, details={"held": True}
    )


@case("querysets")
def updated_expressions() -> None:
    """update() with F(), functions, Case and subqueries."""
    Line.objects.filter(quantity__gt=1).update(
        quantity=F("quantity") * 2, sku=Concat(Upper("sku"), Value("%"))
    )
    Line.objects.update(
        quantity=CaseOf(
            When(quantity__gt=5, then=Value(5)), default=F("quantity"), output_field=IntegerField()
        )
    )
    lines = Line.objects.filter(order=OuterRef("pk")).values("order").annotate(s=Sum("quantity")).values("s")
    Order.objects.filter(Exists(Line.objects.filter(order=OuterRef("pk")))).update(total=Subquery(lines))


@case("querysets")
def updated_joined() -> None:
    """update() with a condition over other tables."""
    Line.objects.filter(order__customer__name="Ada", order__tags__name="gift").update(quantity=9)
    Line.objects.filter(order__number__contains="A").exclude(sku__startswith="S1").update(
        quantity=F("quantity") + 1
    )


@case("querysets")
def updated_nothing() -> None:
    """update() of no row."""
    assert Order.objects.filter(pk=999).update(status="x") == 0


@case("querysets")
def updated_same() -> None:
    """update() to what is there is no change."""
    Order.objects.update(status="new")


@case("querysets")
def updated_slice() -> None:
    """update() of rows chosen by a sliced query."""
    Line.objects.filter(pk__in=Line.objects.order_by("-pk")[:2]).update(quantity=0)


@case("querysets")
def updated_key() -> None:
    """update() of primary keys."""
    Allocation.objects.filter(pk=1).update(id=501)
    Allocation.objects.update(id=F("id") + 5000)


@case("querysets")
def queryset_delete() -> None:
    """delete() of a queryset, without children and with."""
    Allocation.objects.filter(quantity__gt=1).delete()
    Line.objects.filter(quantity__lte=2).delete()


@case("querysets")
def raw_delete() -> None:
    """_raw_delete() of a queryset."""
    queryset: Any = Allocation.objects.all()
    queryset._raw_delete(connection.alias)


@case("querysets")
def got_or_created() -> None:
    """get_or_create(): a row that is there, and one that is not."""
    Order.objects.get_or_create(number="A-1", defaults={"note": "never"})
    Order.objects.get_or_create(number="G-1", defaults={"note": "made"})


@case("querysets")
def updated_or_created() -> None:
    """update_or_create(): a row that is there, and one that is not."""
    Order.objects.update_or_create(number="A-1", defaults={"note": "there"})
    Order.objects.update_or_create(number="G-2", defaults={"note": "made"}, create_defaults={"note": "new"})


@case("querysets")
def related_manager() -> None:
    """Managers of related objects: create, add, update and clear."""
    order = Order.objects.get(pk=3)
    order.lines.create(sku="r", quantity=1, unit_price=1)
    order.lines.add(Line.objects.get(pk=1), bulk=True)
    order.lines.update(quantity=2)
    Order.objects.get(pk=2).order_set.add(order, bulk=False)
    Order.objects.get(pk=2).order_set.clear()


# In bulk ------------------------------------------------------------------------------------------------------------


def new_lines(*skus: str, order: int = 1) -> list[Line]:
    """Return lines that are not there yet."""
    return [Line(order_id=order, sku=sku, quantity=80, unit_price=Decimal("1.25")) for sku in skus]


@case("in bulk")
def bulk_created() -> None:
    """bulk_create(), which tells the keys."""
    made = Line.objects.bulk_create(new_lines("b1", "b2", "b3"))
    assert all(line.pk for line in made)


@case("in bulk")
def bulk_created_batches() -> None:
    """bulk_create() in batches, with and without keys."""
    lines = new_lines(*(f"x{n}" for n in range(7)), order=3)
    lines[2].pk = 7_000
    Line.objects.bulk_create(lines, batch_size=2)


@case("in bulk")
def bulk_created_expressions() -> None:
    """bulk_create() with expressions and every kind of value."""
    Order.objects.bulk_create(
        [
            Order(number=f"B-{n}", note=Upper(Value("shout")), details=[n], token=uuid.uuid4())
            for n in range(3)
        ]
    )


@case("in bulk")
def bulk_ignored() -> None:
    """bulk_create(ignore_conflicts=True): rows that are there stay."""
    Line.objects.bulk_create(new_lines("S1", "fresh", "S2"), ignore_conflicts=True)


@case("in bulk")
def bulk_upserted() -> None:
    """bulk_create(update_conflicts=True) by a unique key."""
    Line.objects.bulk_create(
        new_lines("S1", "newer"),
        update_conflicts=True,
        unique_fields=["order", "sku"],
        update_fields=["quantity"],
    )


@case("in bulk")
def bulk_upserted_by_key() -> None:
    """bulk_create(update_conflicts=True) by the primary key."""
    lines = new_lines("one", "other", order=3)
    lines[0].pk, lines[1].pk = 1, 900
    Line.objects.bulk_create(
        lines, update_conflicts=True, unique_fields=["pk"], update_fields=["quantity", "sku"]
    )


@case("in bulk")
def bulk_updated() -> None:
    """bulk_update(), in batches."""
    lines = list(Line.objects.order_by("pk"))
    for line in lines:
        line.quantity += line.pk
        line.unit_price = F("unit_price") + 1
    Line.objects.bulk_update(lines, ["quantity", "unit_price"], batch_size=2)
    orders = list(Order.objects.all())
    for order in orders:
        order.details = {"bulk": order.pk}
    Order.objects.bulk_update(orders, ["details"])


# Many-to-many -------------------------------------------------------------------------------------------------------


@case("many-to-many")
def tags_added_removed() -> None:
    """add() and remove()."""
    order = Order.objects.get(pk=1)
    order.tags.add(1, 2)
    order.tags.remove(1)
    Tag.objects.get(pk=1).order_set.add(2, 3)


@case("many-to-many")
def tags_set_cleared() -> None:
    """set() and clear()."""
    order = Order.objects.get(pk=1)
    order.tags.set([2])
    order.tags.set([1, 2], clear=True)
    order.tags.clear()


@case("many-to-many")
def tags_created() -> None:
    """create() over the relation."""
    Order.objects.get(pk=2).tags.create(name="made")


@case("many-to-many")
def through() -> None:
    """A table of one's own between the two."""
    order = Order.objects.get(pk=2)
    order.followers.add(1, 2, through_defaults={"since": dt.date(2026, 1, 1)})
    order.followers.remove(1)
    Following.objects.filter(order=order).update(since=None)


# Cascades -----------------------------------------------------------------------------------------------------------


@case("cascades")
def cascade() -> None:
    """delete() of an order: Django deletes its children and theirs, the database its parcels."""
    Order.objects.filter(pk=2).update(parent=1)
    Order.objects.get(pk=1).delete()


@case("cascades")
def cascade_from_outside() -> None:
    """delete() of a customer, which is not audited, with all that is."""
    Customer.objects.filter(name="Ben").delete()
    Customer.objects.get(pk=1).delete()


@case("cascades")
def database_cascade() -> None:
    """ON DELETE CASCADE in the database, under SQL of one's own."""
    with connection.cursor() as cursor:
        for table in ("shop_allocation", "shop_line", "shop_order_tags", "shop_following"):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM shop_order WHERE id = %s", [1])
