"""One of Django's connections: what was captured on it, and the ends of its transactions.

Django has a documented hook around every statement, ``execute_wrappers``, and none around the end of a transaction.
So four methods of the connection *object* are replaced, each by one that calls it: ``_commit``, ``_rollback``,
``_set_autocommit`` and ``_close``, the thin layer under ``atomic``, ``transaction.commit`` and everything else, which
each calls the driver and does nothing more. Savepoints, and BEGIN and COMMIT that the application writes itself, are
statements. No class of Django is changed, the ENGINE of DATABASES stays, and a connection of a database that is not
captured stays as it is.

If we stop here: before the commit, neither the change nor its events are there; after it, both are.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ordertrail.capture.django.committing import may_write_at_once, write_and_commit
from ordertrail.capture.django.cursors import DjangoAsker, in_transaction
from ordertrail.capture.django.databases import Database
from ordertrail.capture.outbox.writing import ClientLostError, write, write_filtered
from ordertrail.capture.transaction import Entry, Transaction

if TYPE_CHECKING:
    from ordertrail.capture.outbox.clients import Client
    from ordertrail.record.sealing import Sealer

logger = logging.getLogger("ordertrail.capture")

_UNDEFINED_FUNCTION = "42883"
_LOST = (
    "the row of capture client %s is not as it was left: somebody changed or removed it; going on as another client, "
    "and the relay will report it"
)


class Ends:
    """A connection whose transactions take their events with them. Used by one thread at a time."""

    def __init__(self, connection: Any, database: Database) -> None:
        self.connection = connection
        self.database = database
        self.asker = DjangoAsker(connection)
        self.changed_tables = False
        self._pending: list[tuple[Client, int]] = []
        self._sent: list[Entry] = []
        self._successor: Client | None = None
        self.transaction = self._fresh()
        self._django_commit: Callable[[], Any] = connection._commit  # noqa: SLF001 - see above; so below
        self._django_rollback: Callable[[], Any] = connection._rollback  # noqa: SLF001
        self._django_close: Callable[[], Any] = connection._close  # noqa: SLF001
        self._django_set_autocommit: Callable[[bool], Any] = connection._set_autocommit  # noqa: SLF001
        connection._commit = self.commit  # noqa: SLF001
        connection._rollback = self.rollback  # noqa: SLF001
        connection._close = self.close  # noqa: SLF001
        connection._set_autocommit = self.set_autocommit  # noqa: SLF001

    def commit(self) -> Any:
        """Write what the transaction did, and commit it."""
        # Where it is committed already, in one message with what it did, Django finds nothing left to commit.
        return self.finish(self._django_commit, self._django_commit)

    def rollback(self) -> Any:
        """Roll back, and keep nothing of the transaction but its attempts."""
        try:
            result = self._django_rollback()
        except Exception:
            self.lost()
            raise
        self.undone()
        return result

    def close(self) -> Any:
        """Close the connection; a transaction that is open comes to nothing."""
        if self.connection.connection is not None and (self._pending or self.transaction.entries):
            self._undo()
        self.lost()
        return self._django_close()

    def set_autocommit(self, autocommit: bool) -> Any:  # noqa: FBT001 - Django's
        """Switch the mode; the driver of SQLite commits by that."""
        if autocommit and in_transaction(self.connection):
            self.write()
            return self.settling(partial(self._django_set_autocommit, autocommit))
        return self._django_set_autocommit(autocommit)

    @contextmanager
    def own_transaction(self) -> Iterator[None]:
        """Have what we read, the statement and its events in one transaction, whatever the mode."""
        if in_transaction(self.connection):
            yield
            return
        own = bool(self.connection.autocommit)
        if own or self.connection.vendor == "sqlite":
            self.asker.run("BEGIN IMMEDIATE" if self.connection.vendor == "sqlite" else "BEGIN")
            self.asker.locked = True
        try:
            yield
            if own and in_transaction(self.connection):
                self.finish(lambda: self.asker.run("COMMIT"), lambda: None)
            elif own:
                self._write_late()
        except BaseException:
            if own:
                self._abandon()
            raise

    def _abandon(self) -> None:
        """Roll back what we began."""
        try:
            if in_transaction(self.connection):
                self.asker.run("ROLLBACK")
            self.undone()
        except Exception:
            logger.exception(
                "a statement's own transaction could not be rolled back; the connection is given up"
            )
            self.lost()

    def finish(self, commit: Callable[[], Any], committed: Callable[[], Any]) -> Any:
        """Write what the transaction did and have it committed; ``committed`` is run where both are done at once."""
        entries, clients = self.transaction.entries, self.database.clients
        if not entries or self.transaction.filtered or not self.database.writes_at_once:
            self.write()
            return self.settling(commit)
        client = clients.take()
        if may_write_at_once(self.connection, client, entries):
            self._write_and_commit(client)
            return self.settling(committed)
        clients.give_back(client)
        self.write()
        return self.settling(commit)

    def _write_and_commit(self, client: "Client") -> None:
        """Write and commit in one message. Where that fails nothing is committed, or nobody can know what is."""
        clients, entries = self.database.clients, self.transaction.entries
        successor = self._successor = self._successor or clients.replace(client)
        try:
            held = write_and_commit(self.connection, client, successor, entries)
        except Exception as error:
            if getattr(error.__cause__, "sqlstate", None) == _UNDEFINED_FUNCTION:
                self.database.writes_at_once = False
            if not self._is_usable():
                self.lost()
                raise
            clients.give_back(client)
            self.rollback()
            raise
        except BaseException:
            self.rollback()  # and that client, whose numbers may be used, counts no more
            raise
        if not held:
            logger.error(_LOST, client.id)
            self._successor = None
        self._pending.append((client if held else successor, sum(entry.events for entry in entries)))
        self._sent, self.transaction.entries = [*self._sent, *entries], []

    def write(self) -> None:
        """Write entries and counts into the outbox, in the transaction that they are of.

        What cannot be recorded is not committed: where this fails, the transaction is rolled back at once, for
        Django, and SQLite's driver, would commit it after errors that are no database's.
        """
        if not self.transaction.entries and not self.transaction.filtered:
            return
        try:
            self._send()
        except BaseException:
            self.rollback()
            raise

    def _send(self) -> None:
        clients, transaction = self.database.clients, self.transaction
        entries, filtered = transaction.entries, transaction.filtered
        dialect, style, run = self.asker.dialect, self.asker.run_style, self.asker.run
        client, written = clients.take(), 0
        try:
            if entries:
                try:
                    written = write(dialect, style, run, client, entries)
                except ClientLostError:
                    logger.error(_LOST, client.id)  # noqa: TRY400 - what went wrong is not in the trace
                    client = clients.replace(client)
                    written = write(dialect, style, run, client, entries)
            write_filtered(style, run, client, filtered)
        finally:
            self._pending.append((client, written))
        # Kept until the end is known: what is rolled back leaves its attempts.
        transaction.filtered = type(filtered)()
        self._sent, transaction.entries = [*self._sent, *entries], []

    def settling(self, commit: Callable[[], Any]) -> Any:
        """Commit; if that works, the numbers are used up."""
        try:
            result = commit()
        except Exception:
            if not self._is_usable():
                self.lost()  # whether the commit reached the database nobody knows; the client's row in it does
            raise
        self._settled()
        self._write_attempts()
        return result

    def _settled(self) -> None:
        for client, written in self._pending:
            self.database.clients.give_back(client, written)
        self._renew()
        if self.changed_tables:
            self.changed_tables, self.database.fitted = False, False

    def undone(self) -> None:
        """Know that the transaction came to nothing; write what is left of it as attempts."""
        self._undo()
        self._write_attempts()

    def _undo(self) -> None:
        """The transaction came to nothing: its numbers are given back."""
        for client, _ in self._pending:
            self.database.clients.give_back(client)
        self.transaction.entries[:0] = self._sent
        self.transaction.rollback()
        self._renew()
        if self.changed_tables:
            self.changed_tables, self.database.fitted = False, False

    def lost(self) -> None:
        """The connection broke or was closed: nothing of its transaction is known any more."""
        self._successor = None  # a fork must not have the same as its parent
        self._renew()
        self.transaction.attempts.clear()

    def _renew(self) -> None:
        known = self.transaction
        if known.used or known.policy is not self.database.policy or known.sealer is not self._sealer:
            self.transaction = self._fresh()
            self.transaction.attempts = known.attempts
        self.asker.locked = False
        self._pending = []
        self._sent = []

    def _fresh(self) -> Transaction:
        return Transaction(self.database.policy, self._sealer)

    @property
    def _sealer(self) -> "Sealer | None":
        return self.database.configuration.sealer

    def _write_attempts(self) -> None:
        """Write what came to nothing and is sensitive, in a transaction of its own."""
        if self.transaction.attempts:
            self.transaction.entries, self.transaction.attempts = self.transaction.attempts, []
            self._write_late()

    def _write_late(self) -> None:
        """Write entries whose own transaction has ended, in one of their own, where the connection has none open."""
        driver = self.connection.connection
        if not self.transaction.entries or driver is None:
            return
        try:
            if self.connection.vendor == "sqlite":
                self.asker.run("BEGIN IMMEDIATE")
            elif driver.autocommit:
                self.asker.run("BEGIN")
            self._send()
            self.asker.run("COMMIT")
            self._settled()
        except Exception:
            logger.exception("attempts could not be recorded; the operations themselves came to nothing")
            self._abandon_late()

    def _abandon_late(self) -> None:
        for client, _ in self._pending:
            self.database.clients.give_back(client)
        self._renew()
        self.transaction.attempts.clear()
        try:
            self._django_rollback()
        except Exception:
            logger.exception("the connection could not be rolled back")

    def _is_usable(self) -> bool:
        driver = self.connection.connection
        return driver is not None and not getattr(driver, "closed", False)
