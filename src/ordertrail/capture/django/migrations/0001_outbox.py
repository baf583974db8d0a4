"""The outbox's three tables. :mod:`ordertrail.capture.outbox.ddl` says what is in them."""

from typing import Any, ClassVar

from django.db import migrations

from ordertrail.capture.outbox.ddl import CLIENT, FILTERED, OUTBOX, outbox_statements

_SUPPORTED = frozenset({"sqlite", "postgresql"})


def create(_apps: Any, schema_editor: Any) -> None:
    """Create them, in each database that an outbox can be in."""
    vendor = schema_editor.connection.vendor
    if vendor in _SUPPORTED:
        for statement in outbox_statements(vendor):
            schema_editor.execute(statement)


def remove(_apps: Any, schema_editor: Any) -> None:
    """Drop them, unless something in them is not relayed yet."""
    if schema_editor.connection.vendor not in _SUPPORTED:
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {OUTBOX}")  # noqa: S608 - a constant
        waiting = cursor.fetchone()[0]
    if waiting:
        raise RuntimeError(
            f"{waiting} rows of the outbox are not relayed yet: they would be lost with it. "
            "Let the relay bring them to the ledger (ordertrail relay), then migrate again."
        )
    for table in (OUTBOX, FILTERED, CLIENT):
        schema_editor.execute(f"DROP TABLE {table}")


class Migration(migrations.Migration):
    """Creates the outbox."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[Any]] = [migrations.RunPython(create, remove)]
