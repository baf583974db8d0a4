"""The function that writes the outbox and lets the commit come in the same message, on PostgreSQL."""

from typing import Any, ClassVar

from django.db import migrations

from ordertrail.capture.django.committing import CREATE, REMOVE


def create(_apps: Any, schema_editor: Any) -> None:
    """Create it, or bring it up to date."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def remove(_apps: Any, schema_editor: Any) -> None:
    """Drop it: capture goes on without."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REMOVE)


class Migration(migrations.Migration):
    """Creates the function."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ordertrail", "0001_outbox")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(create, remove)]
