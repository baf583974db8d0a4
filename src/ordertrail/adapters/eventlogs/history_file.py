"""Reading the part of a mapping file that says what a history means; the grammar is in :mod:`~.history_rules`.

As in all of a mapping file every mistake is reported with its dotted path, such as
``tables.shop_order.fields.total.as: is 'mony'; must be text, integer, decimal, money``.
"""

import re
from collections.abc import Iterator
from typing import get_args

from ordertrail.adapters.eventlogs.history_rules import (
    Belonging,
    FieldReading,
    FieldRule,
    HistoryActor,
    HistoryRules,
    HistoryTable,
    Tool,
    Users,
    Word,
)
from ordertrail.adapters.eventlogs.toml_section import Section
from ordertrail.record.actions import Catalogue
from ordertrail.record.event import ActorKind

_CONTEXT = ("channel", "host", "version", "reason", "ticket", "request")
_PART = re.compile(r"([^:]+):([1-9]\d{0,2})", re.ASCII)
_TEMPLATE = re.compile(r"\{[^{}]+\}")


def read_history_rules(top: Section, catalogue: Catalogue) -> HistoryRules:
    """Read the keys of a mapping that only a history has; problems go into the section's list."""
    tool: Tool | None = top.choice("tool", get_args(Tool))
    context = top.section("context")
    constants = {key: text for key in _CONTEXT if (text := context.text(key))}
    tags = context.texts("tags")
    context.finish()
    tables = top.section("tables")
    named = {name: _read_table(tables.section(name), catalogue) for name in tables}
    if not named and not top.has("tables"):
        top.report("tables", "is missing: nothing says which table holds orders")
    for name, table in named.items():
        if table.belongs is not None and table.belongs.table not in list(named)[: list(named).index(name)]:
            tables.report(
                name, f"order.of names {table.belongs.table!r}, which must stand above it in [tables]"
            )
    return HistoryRules(
        tool=tool,
        ignore=top.texts("ignore"),
        delimiter=_given_delimiter(top),
        actor=_read_actor(top.section("actor")),
        context=constants,
        tags=tags,
        tables=named,
    )


def _given_delimiter(top: Section) -> str | None:
    """Return the delimiter as it is written; whether it can be one is read with the rest of ``[csv]``."""
    table = top.raw("csv")
    found = table.get("delimiter") if isinstance(table, dict) else None
    return found if isinstance(found, str) else None


def _read_actor(section: Section) -> HistoryActor:
    names = section.section("names")
    users = None
    if section.has("names"):
        users = Users(*(names.text(key, required=True) for key in ("table", "id", "name")))
    names.finish()
    actor = HistoryActor(
        kind=section.choice("kind", get_args(ActorKind), default="person"),
        systems=frozenset(section.texts("systems")),
        services=frozenset(section.texts("services")),
        prefix=section.text("prefix"),
        unknown=section.text("unknown", default="unknown"),
        names=users,
    )
    section.finish()
    return actor


def _read_table(section: Section, catalogue: Catalogue) -> HistoryTable:
    kind = section.text("kind", required=True)
    ids = section.texts("id") or ("{key}",)
    orders, belongs = _read_order(section)
    if not orders and belongs is None and kind == "order":
        orders = ids
    actions = section.section("actions")
    table = HistoryTable(
        kind=kind,
        ids=ids,
        orders=orders,
        belongs=belongs,
        tenant=section.text("tenant") or None,
        keys=section.texts("key"),
        parts=tuple(_read_parts(section)),
        live=section.text("live") or None,
        actions={word: name for word in get_args(Word) if (name := _read_action(actions, word, catalogue))},
        fields=_read_fields(section.section("fields"), catalogue),
    )
    actions.finish()
    section.finish()
    return table


def _read_order(section: Section) -> tuple[tuple[str, ...], Belonging | None]:
    """Read ``order``: a template, a list of them, or the table and key of the object that knows it."""
    if not isinstance(section.raw("order"), dict):
        return section.texts("order"), None
    table = section.section("order")
    belonging = Belonging(table.text("of", required=True), table.text("key", required=True))
    table.finish()
    return (), belonging


def _read_parts(section: Section) -> Iterator[tuple[str, int]]:
    for part in section.texts("tabkey"):
        found = _PART.fullmatch(part)
        if found is None:
            section.report("tabkey", f"{part!r} is not a column and its width, such as VBELN:10")
        else:
            yield found[1], int(found[2])


def _read_action(section: Section, key: str, catalogue: Catalogue) -> str:
    name = section.text(key)
    if name and name not in catalogue:
        section.report(key, catalogue.suggest(name))
    return name


def _read_fields(section: Section, catalogue: Catalogue) -> dict[str, FieldRule]:
    return {name: _read_field(section, name, catalogue) for name in section}


def _read_field(section: Section, name: str, catalogue: Catalogue) -> FieldRule:
    if section.raw(name) == "skip":
        return FieldRule(skip=True)
    table = section.section(name, shorthand="action")
    values = table.section("to")
    reading: FieldReading | None = table.choice("as", get_args(FieldReading))
    path = table.text("path") or None
    if path is not None and not path.startswith("/"):
        table.report("path", "must be a JSON pointer, which starts with / (RFC 6901)")
    currency = table.text("currency") or None
    if currency is not None and reading != "money":
        table.report("currency", "is only for what is read as money")
    rule = FieldRule(
        action=_read_action(table, "action", catalogue) or None,
        to={value: _read_action(values, value, catalogue) for value in values},
        reading=reading,
        currency=currency,
        path=path,
    )
    table.finish()
    return rule
