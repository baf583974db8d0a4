"""From rows before and after to a transaction's entries."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from ordertrail.capture.batch import Operation
from ordertrail.capture.context import UNKNOWN, current
from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.schema import LiveTable, TableName
from ordertrail.capture.sql.asking import Asker, follow
from ordertrail.capture.transaction import Changes, Pair, Transaction
from ordertrail.capture.values import carry
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Change, Event, Link, Outcome, Subject
from ordertrail.record.values import MAX_IDENTIFIER


class _Nothing:
    """Asks nothing: for attempts, whose transaction may be doomed. A path over foreign keys ends where it begins."""

    dialect = ""
    style = "qmark"

    @staticmethod
    def fetch(_sql: str, _parameters: object) -> list[tuple[object, ...]]:
        return []

    attempt = fetch


class Sources(NamedTuple):
    """What order, subject and tenant of a row are, before they are made text."""

    order: Any
    subject: Any
    tenant: Any


def record(
    transaction: Transaction,
    asker: Asker | None,
    schema: Mapping[TableName, LiveTable],
    plan: TablePlan,
    op: Operation,
    columns: tuple[int, ...],
    pairs: Sequence[Pair],
    outcome: Outcome = "success",
    sources: Mapping[Image, Sources] | None = None,
) -> None:
    """Record rows of one table that one statement changed.

    ``sources`` are orders, subjects and tenants that were found before the statement, by primary key: afterwards the
    rows that a path leads over may be gone.
    """
    images = [pair[0] if pair[0] is not None else pair[1] or () for pair in pairs]
    projection = plan.projection(columns)
    placed = projection.placed
    if sources is not None and projection.key is not None:
        found = [sources[projection.key(image)] for image in images]
        order, subject, tenant = ([one[number] for one in found] for number in range(3))
    elif placed is not None:
        order, subject, tenant = (
            [None] * len(images) if place is None else [image[place] for image in images] for place in placed
        )
    else:
        told = follow(asker or _Nothing(), schema, plan, columns, images)  # type: ignore[arg-type]
        order, subject, tenant = (told[name] for name in Sources._fields)
    orders = _texts(order)
    subjects = orders if plan.order == plan.subject else _texts(subject)
    changes = Changes(
        plan,
        op,
        columns,
        pairs,
        orders=orders,
        subjects=[one or "(new)" for one in subjects],
        tenants=_texts(tenant) if plan.tenant else tenant,
    )
    transaction.add(changes, outcome)


def find_sources(
    asker: Asker,
    schema: Mapping[TableName, LiveTable],
    plan: TablePlan,
    columns: tuple[int, ...],
    rows: Mapping[Image, Image],
) -> dict[Image, Sources] | None:
    """Find orders, subjects and tenants of rows before they are deleted; None where the rows themselves tell."""
    if not any(source.hops for source in (plan.order, plan.subject, plan.tenant) if source is not None):
        return None
    told = follow(asker, schema, plan, columns, list(rows.values()))
    return {
        key: Sources(*values)
        for key, *values in zip(rows, told["order"], told["subject"], told["tenant"], strict=True)
    }


def record_statement(
    transaction: Transaction, sql: str, plan: TablePlan | None, rows: int, outcome: Outcome = "success"
) -> None:
    """Record a statement itself, where the rows that it changed cannot be told one by one."""
    changes = [Change("/statement", UNSET, carry(sql))]
    if rows >= 0:
        changes.append(Change("/rows", UNSET, rows))
    event = _table_event(transaction, "capture.statement", plan, tuple(changes))
    event = msgspec.structs.replace(event, outcome=outcome)
    transaction.add_event(event, event.subject.id, sensitive=True)


def record_table_read(transaction: Transaction, plan: TablePlan) -> None:
    """Record that rows of a table were read, where nobody can tell which."""
    event = _table_event(transaction, plan.rule.actions.get("read", "order.read"), plan, ())
    transaction.add_event(event, plan.name, read=True)


def _table_event(
    transaction: Transaction, action: str, plan: TablePlan | None, changes: tuple[Change, ...]
) -> Event:
    frame = current()
    tags = (plan.tag,) if plan else ()
    context = msgspec.structs.replace(frame.context, tags=(*frame.context.tags, *tags))
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action=action,
        actor=frame.actor or UNKNOWN,
        subject=Subject("table", plan.name if plan else "(unknown)"),
        changes=changes,
        context=context,
        cause=frame.cause,
        links=(Link("capture", "transaction", transaction.id),),
    )


def _texts(values: Sequence[Any]) -> list[Any]:
    """Return ids as an event holds them."""
    return list(map(str if set(map(type, values)) == {int} else text_of, values))


def text_of(value: object) -> str | None:
    """Return an id as an event holds it."""
    if value is None:
        return None
    if type(value) is int:
        return str(value)
    text = str(value)
    if 0 < len(text) <= MAX_IDENTIFIER and text.isprintable():
        return text
    return "".join(one if one.isprintable() else "\ufffd" for one in text)[:MAX_IDENTIFIER] or "(empty)"
