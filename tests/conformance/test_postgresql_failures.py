"""What goes wrong with a server is survived, or told in words that help; and no password is in them."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, text

from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.dialects.postgresql.connect import Address
from ordertrail.adapters.sql.dialects.postgresql.database import PostgresqlDatabase
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.adapters.sql.opening import create_schema, open_database
from ordertrail.adapters.sql.streams import add_stream
from ordertrail.adapters.sql.tables import outbox
from ordertrail.kernel.errors import BusyError, ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.record.ports import Appended, JournalRow
from ordertrail.testing.conformance.entry_store import commit
from ordertrail.testing.conformance.samples import RECORDED, STREAM, SampleLog, captured, several
from ordertrail.testing.conformance.together import at_once
from servers.databases import TrailDatabase, empty_database, trail_database, trail_on_postgresql
from servers.postgresql import Server, own_server, postgresql_server

__all__ = ["postgresql_server", "trail_on_postgresql"]

PASSWORD = "sw0rdfish"  # noqa: S105 - of a server that lives for one test
_COLUMNS = ("stream", "event_id", "chain", "body")


@pytest.fixture
def trail(trail_on_postgresql: TrailDatabase) -> TrailDatabase:
    """A trail with one log."""
    register(trail_on_postgresql)
    return trail_on_postgresql


def register(trail: TrailDatabase) -> None:
    """Register the sample stream."""
    database = open_database(trail.url())
    add_stream(database, LogIdentity(STREAM, "orders.example.com/log", 2_557, RECORDED))
    database.close()


@pytest.fixture
def database(trail: TrailDatabase) -> Iterator[Database]:
    """The trail's database, open as its sealing role."""
    database = open_database(trail.url())
    yield database
    database.close()


def cut_off(trail: TrailDatabase, which: str = "true") -> None:
    """End the sessions of the trail's roles, as an administrator or a restart does."""
    trail.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    )


def test_a_connection_that_died_while_it_was_not_used_is_replaced(
    trail: TrailDatabase, database: Database
) -> None:
    """Nobody notices: nothing had been sent yet."""
    journal, entries = SqlJournal(database), SqlEntries(database)
    for number in range(1, 4):
        assert journal.append(STREAM, [captured(number)]) == Appended(1)
        cut_off(trail)
        assert len(journal.read(STREAM, 9)) == number
        cut_off(trail)
    commit(entries, SampleLog().then(*several(1, 3)))
    assert journal.wait(STREAM, 0.0) is True
    cut_off(trail)
    assert journal.wait(STREAM, 0.0) is True


def test_a_connection_lost_in_the_middle_leaves_nothing_behind(
    trail: TrailDatabase, database: Database
) -> None:
    """UnavailableError, and the caller's next try succeeds."""

    def work(connection: Connection) -> None:
        connection.execute(
            text("INSERT INTO outbox (stream, event_id, body) VALUES (1, :id, '')"), {"id": bytes(16)}
        )
        cut_off(trail)
        connection.execute(text("SELECT 1"))

    with pytest.raises(UnavailableError):
        database.transact(work)
    assert trail.run("SELECT 1 FROM outbox") == []
    assert SqlJournal(database).append(STREAM, [captured(1)]).added == 1


def test_a_commit_of_unknown_outcome_is_told_and_can_be_sent_again(
    trail: TrailDatabase, database: Database
) -> None:
    """It says that nobody knows; the same events sent again are there once, whichever it was."""
    for committed, number in ((False, 1), (True, 2)):

        def work(connection: Connection, number: int = number, *, committed: bool = committed) -> None:
            event = captured(number)
            database.insert_many(connection, outbox, _COLUMNS, [(1, *event)])
            if committed:
                connection.exec_driver_sql("COMMIT; BEGIN")
            cut_off(trail)

        with pytest.raises(UnavailableError, match="while committing") as caught:
            database.transact(work)
        assert "adds nothing twice" in caught.value.meaning
        outcome = SqlJournal(database).append(STREAM, [captured(number)])
        assert (outcome.added, len(outcome.repeated)) == ((0, 1) if committed else (1, 0))
    assert SqlJournal(database).waiting(STREAM) == 2


def test_a_batch_that_was_committed_after_all_is_found(
    trail: TrailDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the answer to a commit was lost, the store looks whether the batch is there before it gives up."""
    database = open_database(trail.url())
    entries = SqlEntries(database)
    transact, lost = database.transact, iter([True])

    def losing(work: Callable[[Connection], object], **how: bool) -> object:
        result = transact(work, **how)
        if next(lost, False):
            raise UnavailableError("the answer was lost")
        return result

    monkeypatch.setattr(database, "transact", losing)
    log = commit(entries, SampleLog().then(*several(1, 3)))
    commit(entries, log.then(captured(4)))
    monkeypatch.setattr(
        database, "transact", lambda _work, **_how: (_ for _ in ()).throw(UnavailableError("down"))
    )
    with pytest.raises(UnavailableError):
        commit(entries, log.then(captured(5)))
    database.close()


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03"])
def test_a_transaction_that_another_was_in_the_way_of_is_done_again(database: Database, code: str) -> None:
    """A few times, from its beginning; then it is unavailable."""
    tries: list[int] = []

    def work(connection: Connection, succeeds_at: int) -> str:
        tries.append(len(tries))
        if len(tries) < succeeds_at:
            connection.exec_driver_sql(
                f"DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}'; END $$"
            )
        return "done"

    assert database.transact(lambda connection: work(connection, 3)) == "done"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(UnavailableError, match="in the way"):
        database.transact(lambda connection: work(connection, 99))
    assert 3 < len(tries) < 10


def test_two_that_append_the_same_in_another_order_do_not_stop_each_other(trail: TrailDatabase) -> None:
    """A deadlock is resolved: both succeed, and each event is there once."""
    databases = [open_database(trail.url("app")) for _ in range(4)]
    events = several(1, 300)
    orders = [events, events[::-1], events[150:] + events[:150], events[::-1]]
    outcomes = at_once(
        *(lambda d=d, o=o: SqlJournal(d).append(STREAM, o) for d, o in zip(databases, orders, strict=True))
    )
    assert sum(outcome.added for outcome in outcomes if isinstance(outcome, Appended)) == 300
    assert all(isinstance(outcome, Appended) for outcome in outcomes), outcomes
    for database in databases:
        database.close()


def test_an_event_sealed_and_discarded_while_it_is_appended_again_is_known(
    trail: TrailDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the three meet: the same event is in the log once, and another body under its id is never taken."""
    ours, theirs = (open_database(trail.url()) for _ in range(2))
    journal, other, entries = SqlJournal(ours), SqlJournal(theirs), SqlEntries(theirs)
    look = journal._held
    overtaken = iter([True])

    def overtake(*arguments: object) -> Iterator[tuple[bytes, bytes]]:
        yield from list(look(*arguments))  # type: ignore[arg-type]
        if next(overtaken, False):
            other.append(STREAM, [captured(1, text="first")])
            commit(entries, SampleLog().then(captured(1, text="first")))
            other.discard(STREAM, other.read(STREAM, 9))

    monkeypatch.setattr(journal, "_held", overtake)
    outcome = journal.append(STREAM, [captured(1, text="second"), captured(2)])
    assert outcome == Appended(1, conflicting=frozenset({captured(1).id}))
    assert [row.id for row in journal.read(STREAM, 9)] == [captured(2).id]
    ours.close()
    theirs.close()


def test_rows_that_are_committed_out_of_order_are_all_read(trail: TrailDatabase, database: Database) -> None:
    """Positions are given before commits: one that appears below what was read and discarded is read next."""
    journal, entries = SqlJournal(database), SqlEntries(database)
    with psycopg.connect(trail.url("app")) as slow:
        slow.execute("SET search_path = ordertrail")
        slow.execute("INSERT INTO outbox (stream, event_id, body) VALUES (1, %s, '{}')", [captured(1).id])
        journal.append(STREAM, [captured(2)])
        rows = journal.read(STREAM, 9)
        assert [row.id for row in rows] == [captured(2).id]
        log = commit(entries, SampleLog().then(captured(2)))
        journal.discard(STREAM, rows)
        assert journal.read(STREAM, 9) == []
        slow.commit()
    late = journal.read(STREAM, 9)
    assert [row.id for row in late] == [captured(1).id]
    assert late[0].position < rows[0].position
    del log


def test_writers_at_once_are_read_to_the_last_row(trail: TrailDatabase) -> None:
    """Four append, in calls of many sizes, while one reads, seals and discards: each event is sealed once."""
    databases = [open_database(trail.url()) for _ in range(5)]
    sealer, entries = SqlJournal(databases[4]), SqlEntries(databases[4])
    done = threading.Event()

    def append(number: int) -> int:
        journal = SqlJournal(databases[number])
        for call in range(30):
            assert (
                journal.append(STREAM, several(100_000 * number + 100 * call, 1 + call % 7)).added
                == 1 + call % 7
            )
        return 0

    def seal() -> int:
        log = SampleLog()
        while rows := _waiting(sealer, done):
            batch = log.then(*(captured(int.from_bytes(row.id[10:], "big")) for row in rows))
            log = commit(entries, batch)
            sealer.discard(STREAM, rows)
        return log.edge.size

    def appending() -> int:
        outcomes = at_once(*(lambda number=number: append(number) for number in range(4)))
        done.set()
        assert outcomes == [0] * 4
        return 0

    expected = 4 * sum(1 + call % 7 for call in range(30))
    assert at_once(appending, seal) == [0, expected]
    for database in databases:
        database.close()


def _waiting(journal: SqlJournal, done: threading.Event) -> list[JournalRow]:
    while True:
        ended = done.is_set()
        rows = journal.read(STREAM, 17)
        if rows or ended:
            return rows
        journal.wait(STREAM, 0.05)


def test_one_who_waits_is_woken_and_not_asked_to_look_again_and_again(trail: TrailDatabase) -> None:
    """A commit wakes who waits within milliseconds, and a wait of a second asks the server hardly anything."""
    sealer, app = open_database(trail.url()), open_database(trail.url("app"))
    journal = SqlJournal(sealer)
    assert journal.wait(STREAM, 0.01) is False
    reads = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = current_database()"

    def append() -> float:
        time.sleep(1)
        SqlJournal(app).append(STREAM, [captured(1)])
        return time.monotonic()

    def wait() -> float:
        assert journal.wait(STREAM, 30) is True
        return time.monotonic()

    before = trail.run(reads)[0][0]
    appended, woken = at_once(append, wait)
    assert isinstance(appended, float)
    assert isinstance(woken, float)
    assert woken - appended < 1
    after = trail.run(reads)[0][0]
    assert int(str(after)) - int(str(before)) < 40
    sealer.close()
    app.close()


def told(attempt: Callable[[], object], family: type[OrderTrailError]) -> str:
    """Make the attempt, which must fail with an error of this family; return its three sentences."""
    with pytest.raises(family) as caught:
        attempt()
    assert type(caught.value) is family, caught.value
    diagnostics = str(caught.value.diagnostics())
    assert PASSWORD not in diagnostics
    assert PASSWORD not in repr(caught.value)
    return diagnostics


def test_a_wrong_password_is_told_with_where_it_is_set() -> None:
    """ConfigurationError that names the setting and never the password, given in the address or beside it."""
    with own_server() as server, trail_database(server) as trail:
        trail.run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(trail.roles.sealer), sql.Literal(PASSWORD)).as_string(None), role="admin")  # fmt: skip
        rules = server.folder / "data/pg_hba.conf"
        rules.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        trail.run("SELECT pg_reload_conf()")
        time.sleep(0.3)
        open_database(trail.url(), password=PASSWORD).close()
        for attempt in (
            lambda: open_database(trail.url()),
            lambda: open_database(trail.url(), password=f"not {PASSWORD}"),
            lambda: open_database(trail.url().replace("@", f":{PASSWORD}1@")),
        ):
            words = told(attempt, ConfigurationError)
            assert "[database] url" in words
            assert "password file" in words


def test_what_is_not_there_is_told(postgresql_server: Server) -> None:
    """A role, a database, a schema, a server: what it is, what it means and what to do."""
    words = told(lambda: open_database(postgresql_server.url("nowhere")), ConfigurationError)
    assert "does not exist" in words
    with empty_database(postgresql_server) as name:
        words = told(lambda: open_database(postgresql_server.url(name, "stranger")), ConfigurationError)
        assert "does not let us in" in words
        told(lambda: open_database(postgresql_server.url(name)), ConfigurationError)
    told(lambda: open_database("postgresql://x:sw0rdfish@/y?host=/nowhere"), UnavailableError)
    told(
        lambda: open_database("postgresql://x:sw0rdfish@/y?nonsense=1&password=sw0rdfish"), ConfigurationError
    )
    told(lambda: create_schema("postgresql://x:sw0rdfish@/y?host=/nowhere"), UnavailableError)


def test_an_address_never_shows_its_password() -> None:
    """In no form of it."""
    for address in (
        Address("postgresql://app:sw0rdfish@db.example.com:5433/orders"),
        Address("host=db.example.com dbname=orders password=sw0rdfish"),
        Address("postgresql://db.example.com/orders", PASSWORD),
    ):
        assert PASSWORD not in f"{address} {address!r}"
        assert "db.example.com" in str(address)
    assert (
        str(Address("postgresql://app:x@db.example.com:5433/orders"))
        == "postgresql://app@db.example.com:5433/orders"
    )


def test_too_many_connections_are_told(trail: TrailDatabase) -> None:
    """Unavailable: somebody else's connection may end; with what to do if it stays so."""
    trail.run(f"ALTER ROLE {trail.roles.app} CONNECTION LIMIT 0")
    assert "max_connections" in told(lambda: open_database(trail.url("app")), UnavailableError)


def test_a_standby_reads_and_says_what_it_is(trail: TrailDatabase) -> None:
    """After a failover to a server that is read-only: reading goes on, recording says why not and what to do."""
    trail.run(f"ALTER ROLE {trail.roles.sealer} SET default_transaction_read_only = on")
    database = open_database(trail.url())
    journal = SqlJournal(database)
    assert journal.read(STREAM, 9) == []
    words = told(lambda: journal.append(STREAM, [captured(1)]), UnavailableError)
    assert "read-only" in words
    assert "target_session_attrs=read-write" in words
    told(lambda: commit(SqlEntries(database), SampleLog().then(captured(1))), UnavailableError)
    database.close()


def test_what_is_acknowledged_is_on_disk_whatever_the_server_s_default(trail: TrailDatabase) -> None:
    """A server that answers before its disk does is told to wait, for each transaction that must last."""
    trail.run(f"ALTER DATABASE {trail.name} SET synchronous_commit = off")
    database = open_database(trail.url())
    shown = text("SHOW synchronous_commit")
    assert database.transact(lambda connection: connection.scalar(shown)) == "on"
    assert database.transact(lambda connection: connection.scalar(shown), durable=False) == "off"
    database.close()


def test_a_lock_ends_with_its_session_and_is_taken_again(trail: TrailDatabase) -> None:
    """Cut off, its holder hears it when it asks; the next call takes the lock anew, in a newer epoch."""
    database = PostgresqlDatabase(Address(trail.url()), lease=1)
    lock = database.sealing_lock(STREAM)
    lock.acquire()
    lock.check()
    cut_off(trail)
    with pytest.raises(BusyError, match="session that held it has ended"):
        lock.check()
    lock.acquire()
    lock.check()
    time.sleep(1.5)
    lock.check()
    lock.release()
    assert trail.run("SELECT count(*) FROM epoch") == [(2,)]
    database.close()


def test_a_lock_that_says_nothing_for_a_lease_is_free(trail: TrailDatabase) -> None:
    """The server ends its session: no clock but the server's own has a say. A commit of the old holder is refused."""
    old, new = (PostgresqlDatabase(Address(trail.url()), lease=0.5) for _ in range(2))
    first, second = old.sealing_lock(STREAM), new.sealing_lock(STREAM)
    first.acquire()
    assert first._lease is not None
    first._lease._ended.set()  # its heart stops
    with pytest.raises(BusyError, match=r"process \d+ on .+ is sealing"):
        second.acquire()
    time.sleep(1.2)
    second.acquire()
    with pytest.raises(BusyError, match=r"lost the lock for it to process \d+ on "):
        commit(SqlEntries(old), SampleLog().then(captured(1)))
    commit(SqlEntries(new), SampleLog().then(captured(1)))
    with pytest.raises(BusyError):
        first.check()
    first.release()
    second.check()
    second.release()
    old.close()
    new.close()


_WITHOUT = """
import sys
sys.modules["psycopg"] = None
import ordertrail.assembly
from ordertrail.adapters.sql.opening import open_database
from ordertrail.kernel.errors import ConfigurationError
try:
    open_database("postgresql://db.example.com/orders")
except ConfigurationError as error:
    print(error.diagnostics())
"""


def test_without_the_driver_only_who_names_a_server_needs_it() -> None:
    """Nothing else imports psycopg; who names a server is told what to install."""
    done = subprocess.run([sys.executable, "-c", _WITHOUT], check=True, capture_output=True, text=True)
    assert "pip install 'ordertrail[postgresql]'" in done.stdout
