"""Makes databases as other tools' histories leave them, with the tools themselves.

Run as a script::

    python make_history_tables.py continuum shop.sqlite     # SQLAlchemy-Continuum
    python make_history_tables.py django shop.sqlite        # django-auditlog and django-simple-history
    python make_history_tables.py continuum shop.sqlite --orders 1000

Each tells the same little story, in which a clerk, m.okafor, keeps orders SO-1, SO-2, …: each is created
with two lines, its price is lowered, the second line's quantity is raised, a tag is put on, the order is
shipped, the first line is deleted, and SO-2 is deleted as a whole. A process of its own, since Django is set
up once in a process. Tried with SQLAlchemy-Continuum 2.0, django-auditlog 3.4, django-simple-history 3.13,
Django 5.2.
"""

import argparse
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

CLERK = "m.okafor"
CLERK_ADDRESS = "203.0.113.7"


def make_continuum(path: Path, orders: int) -> None:
    """Keep orders in tables that SQLAlchemy-Continuum versions."""
    import sqlalchemy as sa
    from sqlalchemy.orm import Session, configure_mappers
    from sqlalchemy_continuum.plugins.base import Plugin

    class Clerk(Plugin):  # type: ignore[misc]
        """Says who and from where, as the plugin for Flask does from Flask's request."""

        def transaction_args(self, _unit_of_work: Any, session: Any) -> dict[str, Any]:
            return {"user_id": session.info.get("user"), "remote_addr": CLERK_ADDRESS}

    shop = _continuum_models(Clerk())
    configure_mappers()
    engine = sa.create_engine(f"sqlite:///{path}")
    shop.base.metadata.create_all(engine)
    with Session(engine) as session:
        clerk = shop.user(username=CLERK)
        session.add(clerk)
        session.commit()
        session.info["user"] = clerk.id
        for number in range(1, orders + 1):
            _tell_continuum(session, shop, number)


def _continuum_models(plugin: Any) -> SimpleNamespace:
    import sqlalchemy as sa
    from sqlalchemy.orm import declarative_base, relationship
    from sqlalchemy_continuum import make_versioned

    make_versioned(user_cls="User", plugins=[plugin])
    base: Any = declarative_base()

    class User(base):  # type: ignore[misc]
        __tablename__ = "user"
        id = sa.Column(sa.Integer, primary_key=True)
        username = sa.Column(sa.String(50))

    tagging = sa.Table(
        "order_tag",
        base.metadata,
        sa.Column("order_id", sa.ForeignKey("order.id"), primary_key=True),
        sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True),
    )

    class Tag(base):  # type: ignore[misc]
        __tablename__ = "tag"
        __versioned__: ClassVar[dict[str, Any]] = {}
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))

    class Order(base):  # type: ignore[misc]
        __tablename__ = "order"
        __versioned__: ClassVar[dict[str, Any]] = {}
        id = sa.Column(sa.Integer, primary_key=True)
        number = sa.Column(sa.String(50))
        status = sa.Column(sa.String(20))
        total = sa.Column(sa.Numeric(12, 2))
        tags = relationship(Tag, secondary=tagging)

    class Line(base):  # type: ignore[misc]
        __tablename__ = "order_line"
        __versioned__: ClassVar[dict[str, Any]] = {}
        id = sa.Column(sa.Integer, primary_key=True)
        order_id = sa.Column(sa.Integer, sa.ForeignKey("order.id"))
        sku = sa.Column(sa.String(20))
        quantity = sa.Column(sa.Integer)
        weight = sa.Column(sa.Float)

    return SimpleNamespace(base=base, user=User, tag=Tag, order=Order, line=Line)


def _tell_continuum(session: Any, shop: SimpleNamespace, number: int) -> None:
    order = shop.order(number=f"SO-{number}", status="new", total=Decimal("129.00"))
    session.add(order)
    session.flush()
    lines = [shop.line(order_id=order.id, sku=f"A-{at}", quantity=at, weight=0.1) for at in (1, 2)]
    session.add_all(lines)
    session.commit()
    order.total = Decimal("99.50")
    session.commit()
    lines[1].quantity = 20
    session.commit()
    tag = shop.tag(name="gift")
    order.tags.append(tag)
    session.commit()
    order.status = "shipped"
    session.commit()
    session.delete(lines[0])
    session.commit()
    if number == 2:
        session.delete(lines[1])
        session.delete(order)
        session.commit()


def make_django(path: Path, orders: int) -> None:
    """Keep orders in Django models that django-auditlog and django-simple-history both watch."""
    import django
    from django.conf import settings

    app = ModuleType("shop")
    app.__path__ = [str(path.parent)]
    sys.modules["shop"] = app
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "auditlog",
            "simple_history",
            "shop",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        SECRET_KEY="unused",  # noqa: S106 nothing is signed
    )
    django.setup()
    from django.apps import apps
    from django.core.management import call_command
    from django.db import transaction

    apps.get_app_config("shop").models_module = app  # Without one, no table is made of its models.
    shop = _django_models()
    call_command("migrate", verbosity=0, run_syncdb=True)
    with transaction.atomic():
        _tell_django(shop, orders)


def _django_models() -> SimpleNamespace:
    from auditlog.registry import auditlog
    from django.db import models
    from simple_history.models import HistoricalRecords

    # Whether types of Django are installed or not, its models are Any here.
    model: Any = models.Model
    records: Any = HistoricalRecords

    class Tag(model):  # type: ignore[misc]
        name: Any = models.CharField(max_length=50)

        class Meta:
            app_label = "shop"

    class Order(model):  # type: ignore[misc]
        number: Any = models.CharField(max_length=50)
        status: Any = models.CharField(max_length=20)
        total: Any = models.DecimalField(max_digits=12, decimal_places=2)
        tags: Any = models.ManyToManyField(Tag)
        history = records(m2m_fields=[tags])

        class Meta:
            app_label = "shop"

        def __str__(self) -> str:
            return str(self.number)

    class OrderLine(model):  # type: ignore[misc]
        order: Any = models.ForeignKey(Order, on_delete=models.CASCADE)
        sku: Any = models.CharField(max_length=20)
        quantity: Any = models.IntegerField()
        weight: Any = models.FloatField()
        history = records()

        class Meta:
            app_label = "shop"

    auditlog.register(Order, m2m_fields={"tags"})
    auditlog.register(OrderLine)
    return SimpleNamespace(tag=Tag, order=Order, line=OrderLine)


def _tell_django(models: SimpleNamespace, orders: int) -> None:
    from auditlog.context import set_actor
    from django.contrib.auth.models import User

    clerk = User.objects.create(username=CLERK)
    with set_actor(clerk, remote_addr=CLERK_ADDRESS):
        for number in range(1, orders + 1):
            _tell_django_order(models, number, clerk)


def _save(thing: Any, clerk: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(thing, name, value)
    thing._history_user = clerk
    thing.save()


def _tell_django_order(models: SimpleNamespace, number: int, clerk: Any) -> None:
    order = models.order()
    _save(order, clerk, number=f"SO-{number}", status="new", total=Decimal("129.00"))
    lines = [models.line(order=order, sku=f"A-{at}", quantity=at, weight=0.1) for at in (1, 2)]
    for line in lines:
        _save(line, clerk)
    order._change_reason = "customer called"
    _save(order, clerk, total=Decimal("99.50"))
    _save(lines[1], clerk, quantity=20)
    order._change_reason = None
    order.tags.add(models.tag.objects.create(name="gift"))
    _save(order, clerk, status="shipped")
    lines[0].delete()
    if number == 2:
        lines[1].delete()
        order.delete()


def main() -> None:
    """Make one database, as the command line says."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("tool", choices=("continuum", "django"))
    arguments.add_argument("path", type=Path)
    arguments.add_argument("--orders", type=int, default=2)
    given = arguments.parse_args()
    (make_continuum if given.tool == "continuum" else make_django)(given.path, given.orders)


if __name__ == "__main__":
    main()
