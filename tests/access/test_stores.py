"""What access keeps is kept as its ports promise: in memory, in a SQLite file, and on a real PostgreSQL server."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from ordertrail.access.secrets import Box, digest
from ordertrail.access.service import Stores
from ordertrail.access.throttle import buckets
from ordertrail.access.ticket import Purpose
from ordertrail.adapters.access.database import AccessDatabase, open_file, open_server
from ordertrail.adapters.access.marking import USED
from ordertrail.adapters.access.memory import memory_stores
from ordertrail.adapters.access.tables import accounts, attempts, form, keys, sessions, tickets
from ordertrail.assembly.access import sql_stores
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, UnavailableError
from ordertrail.testing.conformance.access import (
    ANA,
    NOW,
    SHOP,
    AccountsSuite,
    ApiKeysSuite,
    AttemptsSuite,
    Reopen,
    SessionsSuite,
    TicketsSuite,
    a_key,
    a_session,
    a_ticket,
)
from ordertrail.testing.conformance.together import at_once
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]


BOX = Box(b"k" * 32)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Open the stores once more; what was opened stays open until the test ends."""
    opened: list[AccessDatabase] = []

    def keep(database: AccessDatabase) -> Stores:
        opened.append(database)
        return sql_stores(database, BOX)

    if request.param == "memory":
        yield cache(memory_stores)
    elif request.param == "sqlite":
        yield lambda: keep(open_file(tmp_path / "access.db"))
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        with empty_database(server) as name:
            yield lambda: keep(open_server(server.url(name), None))
            for database in opened:
                database.close()
    for database in opened:
        database.close()


class _Opened:
    @pytest.fixture
    def reopen(self, opening: Reopen) -> Reopen:
        """Open the stores of this test once more."""
        return opening


class TestAccounts(_Opened, AccountsSuite):
    """Accounts, by all three."""


class TestSessions(_Opened, SessionsSuite):
    """Sessions, by all three."""


class TestApiKeys(_Opened, ApiKeysSuite):
    """Keys, by all three."""


class TestTickets(_Opened, TicketsSuite):
    """Tickets, by all three."""


class TestAttempts(_Opened, AttemptsSuite):
    """Attempts, by all three."""


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else on the machine reads it, nor what SQLite keeps beside it."""
    database = open_file(tmp_path / "access.db")
    assert sql_stores(database, BOX).accounts.put(ANA)
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    database.close()


def test_many_processes_may_make_the_tables_at_once(opening: Reopen) -> None:
    """Workers that start together find the same tables, and none of them fails."""
    opened = at_once(*[opening] * 6)
    assert [one for one in opened if not isinstance(one, Stores)] == []


def test_tables_of_a_newer_form_are_refused(tmp_path: Path) -> None:
    """An older program does not write into what it does not know."""
    database = open_file(tmp_path / "access.db")
    with database.writing() as connection:
        connection.execute(form.update().values(number=99))
    database.close()
    with pytest.raises(ConfigurationError, match="form 99"):
        open_file(tmp_path / "access.db")


def test_out_of_reach_is_said(tmp_path: Path) -> None:
    """A store that cannot be had is no empty store: nobody is let in, and nobody is turned away as unknown."""
    with pytest.raises(UnavailableError):
        open_server(f"postgresql://nobody@/nothing?host={tmp_path}", None)
    with pytest.raises(UnavailableError):
        open_file(tmp_path / "missing" / "access.db")


@pytest.mark.parametrize("url", ["postgresql://host:port/database", "nonsense"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """And its text, which may hold a password, is not told."""
    with pytest.raises(ConfigurationError) as told:
        open_server(url, "hunter2-hunter2")
    assert "hunter2" not in str(told.value.diagnostics())


_CHANGED = {
    "id": "p-x", "name": "x", "title": "X", "kind": "service", "roles": ["administrator"], "tenants": None,
    "channels": ["x"], "regions": ["x"], "sees_identities": False, "state": "withdrawn", "password": None,
    "totp": None, "totp_step": 0,
    "issuer": None, "subject": None, "created": "2027-11-23T14:00:00.000000Z", "version": 7, "digest": b"x" * 32,
    "account": "p-x", "stage": "enrol", "proven": "2027-11-23T14:00:00.000000Z", "glass_verbs": ["exports.make"],
    "glass_until": "2099-11-23T14:00:00.000000Z", "glass_reason": "x", "label": "x", "verbs": ["exports.make"],
    "ends": "2099-11-23T14:00:00.000000Z", "withdrawn": "2027-11-23T14:00:00.000000Z", "purpose": "password",
    "luggage": "x",
}  # fmt: skip
_ROWS = [
    (table, column.name)
    for table in (accounts, sessions, keys, tickets)
    for column in table.columns
    if column.name not in USED
]


@pytest.mark.parametrize(("table", "column"), _ROWS, ids=str)
def test_whoever_writes_to_the_database_gives_nobody_rights(
    tmp_path: Path, table: Table, column: str
) -> None:
    """Each column of each row that lets somebody in: changed behind the program's back, the row is not read."""
    database = open_file(tmp_path / "access.db")
    stores = sql_stores(database, BOX)
    session, key, ticket = a_session(), a_key(), a_ticket("one")
    stores.accounts.put(ANA)
    stores.sessions.add(session)
    stores.keys.add(key)
    stores.tickets.add([ticket])
    value = "x" if column == "digest" and table is not keys else _CHANGED[column]
    with database.writing() as connection:
        connection.execute(table.update().values({column: value}))
    name = str(value) if column in {"id", "digest"} else ""
    purpose = Purpose.PASSWORD if column == "purpose" else Purpose.RECOVERY
    read: dict[str, Callable[[], object]] = {
        "access_accounts": stores.accounts.every,
        "access_sessions": lambda: stores.sessions.get(name or session.digest),
        "access_keys": lambda: stores.keys.of(None),
        "access_tickets": lambda: stores.tickets.take(name or ticket.digest, purpose, NOW),
    }
    with pytest.raises(EvidenceError, match="was not written by this program"):
        read[str(table.name)]()
    database.close()


def test_a_row_of_another_trail_or_table_is_not_read(tmp_path: Path) -> None:
    """Nor one that was made without a key; what says when it was used last may change."""
    database = open_file(tmp_path / "access.db")
    assert sql_stores(database, Box(b"x" * 32)).accounts.put(SHOP)
    stores = sql_stores(database, BOX)
    with pytest.raises(EvidenceError):
        stores.accounts.named("shop")
    session = a_session()
    stores.sessions.add(session)
    stores.sessions.touch(session.digest, NOW)
    assert stores.sessions.get(session.digest) is not None
    with database.writing() as connection:
        connection.execute(sessions.update().values(mark=b""))
    with pytest.raises(EvidenceError):
        stores.sessions.get(session.digest)
    assert stores.sessions.get(digest("nothing")) is None
    database.close()


def test_who_must_wait_fills_no_table(tmp_path: Path) -> None:
    """Thousands of names from one address leave behind what the free tries left, and no more."""
    database = open_file(tmp_path / "access.db")
    attempts_store = sql_stores(database, BOX).attempts
    for number in range(200):
        attempts_store.begin(buckets(f"name {number}", "203.0.113.7").all, NOW)
    with database.reading() as connection:
        rows = connection.execute(select(attempts)).all()
    assert len(rows) == 21 * 2 + 1
    assert all(row.failures for row in rows)
    database.close()
