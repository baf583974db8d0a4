"""Databases that the real tools have made, their exports, and a mapping for each: shared by the tests of histories."""

import csv
import importlib.util
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventlogs.small_logs import Translated
from ordertrail.adapters.eventlogs import Mapping, open_event_log, parse_mapping

_SCRIPT = Path(__file__).with_name("make_history_tables.py")
_LIBRARIES = ("sqlalchemy_continuum", "django", "auditlog", "simple_history")

MAPPING = """
version = 1
log = "shop"
format = "history"
tool = "{tool}"
currency = "EUR"
ignore = ["tag", "shop_tag"]

[actor]
names = {{ table = "{users}", id = "id", name = "username" }}

[context]
channel = "backoffice"

[tables.{order}]
kind = "order"
id = "{{number}}"
actions = {{ create = "order.create", update = "order.update", delete = "order.delete" }}

[tables.{order}.fields]
total = {{ action = "order.price.change", as = "money" }}
status = {{ action = "order.status.change", to = {{ shipped = "shipment.dispatch" }} }}
id = "skip"

[tables.{line}]
kind = "order_line"
order = {{ of = "{order}", key = "{{order_id}}" }}
actions = {{ create = "order.line.add", update = "order.line.update", delete = "order.line.delete" }}
fields = {{ quantity = {{ action = "order.quantity.change", as = "integer" }} }}

[tables.order_tag]
kind = "order_tag"
key = ["order_id", "tag_id"]
order = {{ of = "{order}", key = "{{order_id}}" }}
actions = {{ create = "order.update", delete = "order.update" }}
"""

TOOLS = {
    "sqlalchemy-continuum": ("continuum", "order", "order_line", "user"),
    "django-auditlog": ("django", "shop_order", "shop_orderline", "auth_user"),
    "django-simple-history": ("django", "shop_order", "shop_orderline", "auth_user"),
}

_made: dict[str, bytes] = {}


def shop(tool: str, folder: Path) -> Path:
    """Return a database of two orders' story as a tool remembers it; the tools run once in a test run."""
    story = TOOLS[tool][0]
    path = folder / f"{story}.sqlite"
    if story not in _made:
        missing = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
        if missing:
            reason = f"not installed: {', '.join(missing)} (dependency group dev)"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        subprocess.run([sys.executable, str(_SCRIPT), story, str(path)], check=True, timeout=120)
        _made[story] = path.read_bytes()
    path.write_bytes(_made[story])
    return path


def mapping_of_tool(tool: str, *replacements: tuple[str, str]) -> Mapping:
    """Return the shop's mapping for a tool, after replacing parts of its text."""
    _, order, line, users = TOOLS[tool]
    text = MAPPING.format(tool=tool, order=order, line=line, users=users)
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return parse_mapping(text.encode())


def told(path: Path, mapping: Mapping | None = None) -> Translated:
    """Read a history."""
    return Translated(open_event_log(path, mapping))


def change(path: Path, *statements: str) -> None:
    """Change a database as somebody does who keeps no history of it."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def export(path: Path, folder: Path) -> Path:
    """Export every table of a database as CSV into a new directory, as ``psql`` does."""
    folder.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        for name in list(_tables(connection)):
            rows = connection.execute(f'SELECT * FROM "{name}"')
            with (folder / f"public.{name}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([column[0] for column in rows.description])
                writer.writerows(rows)
    return folder


def _tables(connection: sqlite3.Connection) -> Iterator[str]:
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        if not name.startswith("sqlite_"):
            yield name
