"""Writing what a transaction captured into the outbox, at its end: one statement on PostgreSQL, two on SQLite.

On PostgreSQL transactions commit in another order than they number their rows. So that the rows of one order still
lie as they were committed, a transaction takes an advisory lock of each order that it writes about, and gives it back
by committing; whoever is next at this order takes a later position. It waits only for a transaction that is already
at its commit. SQLite has one writer at a time, and needs no such thing.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from ordertrail.capture.outbox.clients import Client
from ordertrail.capture.outbox.ddl import CLIENT, FILTERED, OUTBOX
from ordertrail.capture.transaction import Entry

Style = Literal["qmark", "format", "numeric_dollar"]
"""How a driver marks the places of parameters: ``?``, ``%s``, ``$1``."""

Run = Callable[[str, Sequence[Any]], int]
"""Runs a statement with positional parameters; returns how many rows it wrote."""

_ALL = -(1 << 63)
_LOCKS = 32
"""Orders that are locked one by one; a transaction about more keeps all others out for the time of its commit."""

_ONE = 2
"""Keys to lock where a transaction is about one order: all orders' shared one, and its own."""

_CHUNK = 100
"""Entries of one statement."""


class ClientLostError(Exception):
    """The client's row is not as the client left it: somebody else changed or removed it."""


def placeholders(style: Style, count: int, start: int = 0) -> list[str]:
    """Return the marks of so many parameters."""
    if style == "numeric_dollar":
        return [f"${start + number + 1}" for number in range(count)]
    return ["?" if style == "qmark" else "%s"] * count


def write(dialect: str, style: Style, run: Run, client: Client, entries: Sequence[Entry]) -> int:
    """Write a transaction's entries under its client's numbers; return how many events they are.

    Raises ClientLostError, with nothing written, where the client's row is not as it was left.
    """
    now = time.time_ns() // 1_000_000
    first, rest = entries[:_CHUNK], entries[_CHUNK:]
    events = sum([entry.events for entry in entries])
    if dialect == "postgresql":
        keys = lock_keys(entries)
        one = len(keys) == _ONE
        statement = insert_postgresql(style, len(first), registered=client.registered, one=one)
        counted = client.counter + events
        if run(statement, parameters_of(client, counted, keys[1] if one else keys, now, first)) != len(first):
            raise ClientLostError
    else:
        _count_on(style, run, client, client.counter + events)
        run(_insert(style, len(first)), _values(client.id, client.counter, now, first))
    counter = client.counter + sum([entry.events for entry in first])
    for start in range(0, len(rest), _CHUNK):
        chunk = rest[start : start + _CHUNK]
        run(_insert(style, len(chunk)), _values(client.id, counter, now, chunk))
        counter += sum([entry.events for entry in chunk])
    return events


def parameters_of(client: Client, counted: int, locks: Any, now: int, entries: Sequence[Entry]) -> list[Any]:
    """Return the parameters of :func:`insert_postgresql`; ``counted`` is how far the client will have counted."""
    counter = client.counter
    given = [counted, client.id, *(client.row if not client.registered else (counter,)), locks, now]
    for entry in entries:
        given += (counter, entry.events, entry.table, entry.body.decode())
        counter += entry.events
    return given


def _values(client: str, counter: int, now: int, entries: Sequence[Entry]) -> list[Any]:
    given: list[Any] = []
    for entry in entries:
        given += (client, counter, entry.events, entry.table, now, entry.body.decode())
        counter += entry.events
    return given


def write_filtered(style: Style, run: Run, client: Client, filtered: Mapping[tuple[str, str], int]) -> None:
    """Count what the policy left out, in the same transaction as what it left out."""
    for (rule, table), rows in filtered.items():
        run(_count_filtered(style), [client.id, rule, table, rows])


def _count_on(style: Style, run: Run, client: Client, counter: int) -> None:
    if client.registered:
        if run(_move(style), [counter, client.id, client.counter]) != 1:
            raise ClientLostError
    else:
        run(_register(style), [counter, client.id, *client.row])


@cache
def _move(style: Style) -> str:
    marks = placeholders(style, 3)
    return f"UPDATE {CLIENT} SET counter = {marks[0]} WHERE client = {marks[1]} AND counter = {marks[2]}"  # noqa: S608 - constants


@cache
def _register(style: Style) -> str:
    marks = ", ".join(placeholders(style, 7))
    columns = "counter, client, started, host, process, follows, follows_counter"
    return f"INSERT INTO {CLIENT} ({columns}) VALUES ({marks})"  # noqa: S608 - constants


@cache
def _insert(style: Style, rows: int) -> str:
    marks = placeholders(style, 6 * rows)
    values = ", ".join(f"({', '.join(marks[6 * row : 6 * row + 6])})" for row in range(rows))
    return f"INSERT INTO {OUTBOX} (client, counter, events, relation, captured, body) VALUES {values}"  # noqa: S608 - constants


@cache
def insert_postgresql(style: Style, rows: int, *, registered: bool, one: bool, strict: bool = False) -> str:
    """Return the one statement that counts the client on, takes the orders' locks and writes the rows, thus.

    A row is written only once the locks are taken (by what counting returns, which is joined to it), and only where
    the client's row was as the client had left it: else none is, or, where it is ``strict``, the statement fails for
    there is no client. ``one``: there is one order to lock, as there mostly is.
    """
    types = ("bigint", "text", "bigint") if registered else (
        "bigint", "text", "text", "text", "integer", "text", "bigint"
    )  # fmt: skip
    row_types = ("bigint", "integer", "text", "text")
    marks = iter(placeholders(style, len(types) + 2 + len(row_types) * rows))
    head = [f"{next(marks)}::{kind}" for kind in types]
    if registered:
        known = f"UPDATE {CLIENT} SET counter = {head[0]} WHERE client = {head[1]} AND counter = {head[2]}"  # noqa: S608 - constants
    else:
        columns = "counter, client, started, host, process, follows, follows_counter"
        known = f"INSERT INTO {CLIENT} ({columns}) VALUES ({', '.join(head)})"  # noqa: S608 - constants
    lock, now = next(marks), f"{next(marks)}::bigint"
    values = ", ".join(
        "(" + ", ".join([f"{next(marks)}::{kind}" for kind in row_types]) + ")" for _ in range(rows)
    )
    locks = (
        f"pg_advisory_xact_lock_shared({_ALL}), pg_advisory_xact_lock({lock}::bigint)"
        if one
        else f"(SELECT count(CASE WHEN k = {_ALL} THEN pg_advisory_xact_lock_shared(k) "  # noqa: S608 - constants
        f"ELSE pg_advisory_xact_lock(CASE k WHEN {_ALL + 1} THEN {_ALL} ELSE k END) END) "
        f"FROM unnest({lock}::bigint[]) AS k)"
    )
    return (
        f"WITH known AS ({known} RETURNING client, {locks}) "  # noqa: S608 - constants
        f"INSERT INTO {OUTBOX} (client, counter, events, relation, captured, body) "
        f"SELECT known.client, e.counter, e.events, e.relation, {now}, e.body "
        f"FROM {'(VALUES (1)) AS always LEFT JOIN known ON true' if strict else 'known'} "
        f"CROSS JOIN (VALUES {values}) AS e (counter, events, relation, body)"
        + (" ORDER BY e.counter" if rows > 1 else "")
    )


@cache
def _count_filtered(style: Style) -> str:
    marks = ", ".join(placeholders(style, 4))
    return (
        f"INSERT INTO {FILTERED} AS f (client, rule, relation, rows) VALUES ({marks}) "  # noqa: S608 - constants
        "ON CONFLICT (client, rule, relation) DO UPDATE SET rows = f.rows + excluded.rows"
    )


def lock_keys(entries: Sequence[Entry]) -> list[int]:
    """Return the keys to lock, in the order in which everybody locks them, so that nobody waits in a circle.

    The lowest key stands for all orders. It is shared by those who lock orders one by one; who writes about many
    locks it alone, which the key after it asks for.
    """
    orders = (
        frozenset().union(*[entry.orders for entry in entries]) if len(entries) > 1 else entries[0].orders
    )
    if not orders:
        return []
    if len(orders) > _LOCKS:
        return [_ALL + 1]
    if len(orders) == 1:
        (order,) = orders
        return [_ALL, _order_key(order)]
    return sorted({_ALL, *map(_order_key, orders)})


def _order_key(order: str) -> int:
    key = int.from_bytes(
        hashlib.blake2b(order.encode(), digest_size=8, person=b"ordertrail").digest(), signed=True
    )
    return max(key, _ALL + 2)
