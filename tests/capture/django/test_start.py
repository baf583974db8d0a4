"""What is wrong with capture is told when an application starts, by its name and with what to do."""

from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from capture.django.conftest import Database, use
from capture.django.settings import ORDERTRAIL
from capture.django.shop.models import Order
from ordertrail.capture import acting
from ordertrail.capture.django import ContextMiddleware, pending
from ordertrail.capture.django.checks import check_databases, check_settings
from ordertrail.kernel.errors import ConfigurationError


def told(**changes: Any) -> list[tuple[str, str, str]]:
    """Return what the check of the settings says, where the tables are as given."""
    with override_settings(ORDERTRAIL={**ORDERTRAIL, **changes}):
        return [(one.id or "", one.msg, one.hint or "") for one in check_settings()]


def test_the_settings_of_the_shop_are_right() -> None:
    """Where nothing is wrong nothing is said."""
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "code", "message", "hint"),
    [
        (
            {"tables": {"shop_ordr": {"order": "id"}}},
            "W003",
            "no model has table shop_ordr",
            "Did you mean shop_order?",
        ),
        (
            {"tables": {"shop_line": {"order": "order"}}},
            "E002",
            "table shop_line has no column order",
            "order_id",
        ),
        (
            {"tables": {"shop_order": {"order": "id", "ignore": ["nots"]}}},
            "E002",
            "no column nots",
            "Did you mean note?",
        ),
        ({"tables": {"shop_order": {}}}, "E001", "required field order", "docs/reference/capture.md"),
        ({"tabels": {}}, "E001", "tabels", "docs/reference/capture.md"),
        ({"trusted_proxies": ["10.0.0.0/99"]}, "E001", "10.0.0.0/99", "10.0.0.0/8"),
        ({"databases": ["nowhere"]}, "E001", "nowhere", "default"),
        ({"roles": "shop.nothing.at.all"}, "E001", "roles", "dotted path"),
        ({"policy": "/nowhere/audit.toml", "tables": {}}, "E001", "policy and tables", "file"),
    ],
)
def test_a_wrong_setting_is_named(changes: Any, code: str, message: str, hint: str) -> None:
    """Each mistake is told with its exact name, and with what to do."""
    ((found, what, remedy),) = told(**changes)
    assert found == f"ordertrail.{code}"
    assert message in what
    assert hint in remedy


def test_a_missing_setting_is_told() -> None:
    """An application that says nothing is told what to say, and none of its connections opens unaudited."""
    with override_settings(ORDERTRAIL=None):
        (error,) = check_settings()
        assert error.id == "ordertrail.E001"
        connection.close()
        with pytest.raises(ConfigurationError, match="ORDERTRAIL"):
            ContextMiddleware(lambda request: request)


def test_a_database_without_outbox_is_told(shop: Database) -> None:
    """Where the outbox is missing the check says so, a server does not start, and no audited row is changed."""
    call_command("migrate", "ordertrail", "zero", verbosity=0)
    use(shop)
    (warning,) = check_databases(databases=["default"])
    assert isinstance(warning, checks.Warning)
    assert "ordertrail_outbox" in warning.msg
    assert "migrate ordertrail" in (warning.hint or "")
    with pytest.raises(ConfigurationError, match="ordertrail_outbox"):
        ContextMiddleware(lambda request: request)
    with acting("clerk-17"), pytest.raises(ConfigurationError, match="ordertrail_outbox"):
        Order.objects.filter(pk=1).update(note="x")
    assert Order.objects.get(pk=1).note == ""
    call_command("migrate", verbosity=0)
    with acting("clerk-17"):
        Order.objects.filter(pk=1).update(note="x")
    assert len(pending()) == 1


def test_a_policy_that_does_not_fit_the_database_is_told(shop: Database) -> None:
    """What only the live database can tell is an error where no migration waits."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop_parcel RENAME COLUMN order_id TO belongs_to")
    use(shop)
    (error,) = check_databases(databases=["default"])
    assert error.id == "ordertrail.E004"
    assert "shop_parcel" in error.msg
    assert "order_id" in error.msg


def test_an_outbox_that_is_not_empty_is_not_dropped(shop: Database) -> None:
    """Going back before the outbox's migration is refused while anything waits in it."""
    assert shop
    with acting("clerk-17"):
        Order.objects.filter(pk=1).update(note="x")
    with pytest.raises(RuntimeError, match="not relayed"):
        call_command("migrate", "ordertrail", "zero", verbosity=0)
    assert len(pending()) == 1


def test_changed_tables_are_looked_at_again(shop: Database) -> None:
    """A column that a migration adds is recorded from its first statement on."""
    assert shop
    with acting("clerk-17"), connection.cursor() as cursor:
        cursor.execute("UPDATE shop_line SET quantity = 5 WHERE id = 1")
        cursor.execute("ALTER TABLE shop_line ADD COLUMN gift varchar(10)")
        cursor.execute("UPDATE shop_line SET gift = 'yes' WHERE id = 1")
    assert [change.path for event in pending() for change in event.changes] == ["/quantity", "/gift"]


def test_importing_capture_imports_no_django() -> None:
    """Who captures with another library needs no Django."""
    import subprocess
    import sys

    program = "import ordertrail.capture, ordertrail.capture.outbox, sys; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
