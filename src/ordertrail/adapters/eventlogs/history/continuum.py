"""Histories of SQLAlchemy-Continuum: a table of versions beside each table, and one of transactions.

========================= ==================================================================================
``<table>_version``       the object's columns, ``transaction_id``, ``operation_type`` (0 insert, 1 update,
                          2 delete), and under the validity strategy ``end_transaction_id``: the transaction
                          whose version follows
``transaction``           ``id``, ``issued_at`` (naive, UTC), and where they are kept ``user_id``,
                          ``remote_addr``
========================= ==================================================================================

(sqlalchemy-continuum.readthedocs.io, "Version objects" and "Transactions".) Association tables have versions
of their own. Columns ``<column>_mod`` of the PropertyModTracker plugin say what the versions say too, and
are not read; nor are the tables of the Activity and TransactionChanges plugins, nor transactions without
a version: nothing of an object stands there.

A version that ends at another transaction than the next one's, or at one that is not there, shows that
versions are missing, and is a problem.
"""

from collections.abc import Iterator
from itertools import chain as joined
from typing import Any

from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceProblem
from ordertrail.adapters.eventlogs.history.steps import Chain, Step, Value, fit, text
from ordertrail.adapters.eventlogs.history.store import Store, Table, quoted
from ordertrail.adapters.eventlogs.history_rules import HistoryRules, Tool, Word
from ordertrail.kernel.errors import Problem

TOOL: Tool = "sqlalchemy-continuum"
_WORDS: dict[str, Word] = {"0": "create", "1": "update", "2": "delete"}
_OWN = ("transaction_id", "end_transaction_id", "operation_type")


def find(store: Store) -> bool:
    """Say whether there are tables of versions."""
    return any(table.has("transaction_id", "operation_type") for table in store.tables.values())


def read(store: Store, rules: HistoryRules) -> Iterator[Step | SourceProblem]:
    """Yield the steps of all objects, table by table. Raises BrokenSourceError where no times are there."""
    versions = [table for table in store.tables.values() if table.has("transaction_id", "operation_type")]
    transactions = store.tables.get("transaction")
    if transactions is None or not transactions.has("id", "issued_at"):
        raise BrokenSourceError(
            "the table transaction",
            "is not there with id and issued_at; without it no version has a time. Export it too",
        )
    for table in sorted(versions, key=lambda one: (rules.rank(_name(one)), one.name)):
        if not rules.ignores(_name(table)):
            try:
                steps = _Versions(store, table, transactions, rules).steps()
            except BrokenSourceError as error:  # The other tables are read all the same.
                yield SourceProblem(error.position, (Problem("", error.message),))
            else:
                yield from steps


def _name(table: Table) -> str:
    return table.name.removesuffix("_version")


def key_of(table: Table, rules: HistoryRules, name: str, own: str) -> tuple[str, ...]:
    """Return the columns of an object's key: as the mapping says, else the source, else ``id``."""
    found = rules.find(name)
    keys = (found[1].keys if found else ()) or tuple(column for column in table.key if column != own)
    keys = keys or (("id",) if table.has("id") else ())
    missing = [key for key in keys if not table.has(key)]
    if missing or not keys:
        what = f"has no column {', '.join(missing)}" if missing else "does not say which columns are its key"
        raise BrokenSourceError(f"the table {table.name}", f"{what}; the mapping may: tables.{name}.key")
    return keys


class _Versions:
    def __init__(self, store: Store, table: Table, transactions: Table, rules: HistoryRules) -> None:
        self._store = store
        self._table = table
        self._name = _name(table)
        self._keys = key_of(table, rules, self._name, "transaction_id")
        self._columns = {
            name: declared
            for name, declared in table.columns.items()
            if name not in _OWN and not (name.endswith("_mod") and table.has(name.removesuffix("_mod")))
        }
        self._of_transaction = [name for name in ("user_id", "remote_addr") if transactions.has(name)]
        self._ends = self._keeps_ends()

    def _keeps_ends(self) -> bool:
        """Say whether versions of this table end: not under the subquery strategy, nor those of associations."""
        if not self._table.has("end_transaction_id"):
            return False
        name = quoted(self._table.name)
        rows = self._store.query(f"SELECT 1 FROM {name} WHERE end_transaction_id > 0 LIMIT 1")  # noqa: S608 the name is quoted
        return next(rows, None) is not None

    def steps(self) -> Iterator[Step | SourceProblem]:
        """Yield the table's steps, and a problem for each object whose last version says it is not the last."""
        versions, earlier = Chain(), None
        for row in joined(self._rows(), [None]):
            if earlier is not None and (row is None or self._key(row) != self._key(earlier)):
                yield from self._tail(earlier)
            if row is not None:
                yield self._step(row, versions, earlier)
            earlier = row

    def _rows(self) -> Iterator[dict[str, Any]]:
        """Yield rows by object and transaction; the transaction's own columns are named ``transaction.…``."""
        own = [name for name in (*self._columns, *_OWN) if self._table.has(name)]
        other = ["id", "issued_at", *self._of_transaction]
        order = [f"h.{quoted(key)}" for key in self._keys]
        order.append(self._store.number(self._table, "transaction_id"))
        sql = (
            f"SELECT {', '.join(f'h.{quoted(name)}' for name in own)}, {', '.join(f't.{n}' for n in other)} "  # noqa: S608 names are quoted
            f'FROM {quoted(self._table.name)} h LEFT JOIN "transaction" t ON t.id = h.transaction_id '
            f"ORDER BY {', '.join(order)}"
        )
        names = [*own, *(f"transaction.{name}" for name in other)]
        for row in self._store.query(sql):
            yield dict(zip(names, row, strict=True))

    def _key(self, row: dict[str, Any]) -> tuple[Value, ...]:
        return tuple(row[key] for key in self._keys)

    def _row(self, row: dict[str, Any]) -> str:
        return "/".join(str(fit(part)) for part in (*self._key(row), row["transaction_id"]))

    def _step(self, row: dict[str, Any], versions: Chain, earlier: dict[str, Any] | None) -> Step:
        first = versions.begins(self._key(row))
        state = {name: fit(row[name], declared) for name, declared in self._columns.items()}
        problems = []
        transaction = text(row["transaction_id"]) or ""
        if row["transaction.id"] is None:
            problems.append(Problem("time", f"its transaction {transaction} is not in the table transaction"))
        if not first and earlier is not None:
            problems += self._gap(earlier, transaction, versions.word)
        word = _WORDS.get(str(row["operation_type"]))
        if word is None:
            problems.append(Problem("operation_type", f"is {row['operation_type']!r}; 0, 1 and 2 are known"))
        sides, tags, wrong = versions.add(word or "update", state)
        return Step(
            table=self._name,
            key="/".join(str(fit(part)) for part in self._key(row)),
            source=self._table.name,
            row=self._row(row),
            word=word or "update",
            time=text(row["transaction.issued_at"]),
            state=state,
            sides=sides,
            major=int(transaction) if transaction.isdecimal() else 0,
            user=text(row.get("transaction.user_id")),
            ip=text(row.get("transaction.remote_addr")),
            links=(("transaction", transaction),),
            tags=tags,
            problems=(*problems, *wrong),
            original=row,
        )

    def _gap(self, earlier: dict[str, Any], transaction: str, word: Word | None) -> Iterator[Problem]:
        end = text(earlier["end_transaction_id"]) if self._ends else None
        if self._ends and end != transaction and not (end is None and word == "delete"):
            says = "does not end" if end is None else f"is followed by one of transaction {end}"
            yield Problem(
                "transaction_id",
                f"the version before it, of transaction {text(earlier['transaction_id'])}, {says}: "
                "versions are missing or were changed",
            )

    def _tail(self, last: dict[str, Any]) -> Iterator[SourceProblem]:
        end = text(last["end_transaction_id"]) if self._ends else None
        if end is not None:
            message = (
                f"is followed by a version of transaction {end}, and there is none: versions are missing"
            )
            yield SourceProblem(
                f"{self._table.name} {self._row(last)}", (Problem("end_transaction_id", message),)
            )
