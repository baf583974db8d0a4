"""Whoever holds the database server, the bucket or the clock is found: on PostgreSQL and S3 as on one directory."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ordertrail.assembly import open_trail
from ordertrail.kernel.errors import ForkError, OrderTrailError
from ordertrail.ledger.paths import anchor_path
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report, Step
from production.conftest import Production, tell_story

SIZE = 300


def check(production: Production, *elsewhere: tuple[str, bytes]) -> Report:
    """Check the trail in full, the database's own pages too."""
    with production.open() as trail:
        return trail.verify(Options(deep=True, elsewhere=elsewhere))


@contextmanager
def superuser(production: Production) -> Iterator[psycopg.Connection]:
    """Be the database's superuser, for whom no trigger fires."""
    with psycopg.connect(production.database.url("admin"), autocommit=True) as connection:
        connection.execute("SET search_path = ordertrail; SET session_replication_role = replica")
        yield connection


def columns(connection: psycopg.Connection, table: str) -> list[str]:
    """Return the names of a table's columns."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'ordertrail' AND table_name = %s"
        " ORDER BY ordinal_position",
        [table],
    )
    return [str(name) for (name,) in found]


def edit_entry(connection: psycopg.Connection) -> None:
    """Change one byte of an entry."""
    connection.execute(
        "UPDATE entry SET entry = set_byte(entry, 40, get_byte(entry, 40) # 1) WHERE idx = 123"
    )


def delete_entry(connection: psycopg.Connection) -> None:
    """Delete a row."""
    connection.execute("DELETE FROM entry WHERE idx = 123")


def truncate_log(connection: psycopg.Connection) -> None:
    """Delete the newest rows and their batches."""
    connection.execute("DELETE FROM entry WHERE idx >= 257; DELETE FROM batch WHERE size > 257")


def swap_entries(connection: psycopg.Connection) -> None:
    """Exchange the bytes of two rows."""
    connection.execute(
        "UPDATE entry SET entry = other.entry FROM (SELECT idx, entry FROM entry WHERE idx IN (12, 13)) other"
        " WHERE entry.idx IN (12, 13) AND other.idx <> entry.idx"
    )


def file_elsewhere(connection: psycopg.Connection) -> None:
    """File a row under another order."""
    connection.execute("UPDATE entry SET chain = chain || 'x' WHERE idx = 50 AND chain IS NOT NULL")


def change_batch(connection: psycopg.Connection) -> None:
    """Change the time at which a batch was sealed."""
    connection.execute("UPDATE batch SET sealed = '2020-01-01T00:00:00.000000Z' WHERE first = 90")


def another_root(connection: psycopg.Connection) -> None:
    """Change a batch's root."""
    connection.execute("UPDATE batch SET tree_root = set_byte(tree_root, 3, 1) WHERE first = 90")


def drop_trigger(connection: psycopg.Connection) -> None:
    """Take a trigger off."""
    (name,) = connection.execute(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'batch'::regclass AND NOT tgisinternal LIMIT 1"
    ).fetchone() or ("",)
    connection.execute(f"DROP TRIGGER {name} ON batch".encode())


def disable_trigger(connection: psycopg.Connection) -> None:
    """Put the triggers to sleep."""
    connection.execute("ALTER TABLE batch DISABLE TRIGGER ALL")


def grant_update(connection: psycopg.Connection) -> None:
    """Give the application a right that it must not have."""
    (name,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    connection.execute(f'GRANT UPDATE, DELETE ON entry TO "{name}_app"'.encode())


ROWS: tuple[Callable[[psycopg.Connection], None], ...] = (
    edit_entry, delete_entry, truncate_log, swap_entries, file_elsewhere, change_batch, another_root,
    drop_trigger, disable_trigger, grant_update,
)  # fmt: skip


@pytest.mark.parametrize("tamper", ROWS, ids=lambda one: one.__name__)
def test_a_superuser_of_the_database_is_found(
    production: Production, tamper: Callable[[psycopg.Connection], None]
) -> None:
    """Rows, batches, triggers and rights: each change is named, and everything is provable from the bucket."""
    assert check(production).intact, "no false alarm"
    with superuser(production) as connection:
        tamper(connection)
    report = check(production)
    assert not report.intact
    assert report.provable is not None
    assert max(report.provable.by_table, report.provable.by_tiles) == SIZE


def test_a_restored_old_database_is_found_and_never_signed_on(production: Production) -> None:
    """The bucket remembers what the database forgot."""
    with superuser(production) as connection:
        truncate_log(connection)
        connection.execute("DELETE FROM entry_key WHERE idx >= 257")
    report = check(production)
    assert any("the database was rolled back" in str(one) for one in report.findings)
    with production.open() as trail, pytest.raises(ForkError, match="rolled back"):
        trail.seal()


def test_a_database_and_a_bucket_rolled_back_together_are_found_by_a_kept_checkpoint(
    production: Production,
) -> None:
    """Whoever rolls both back needs the bucket's administrator too, and is found by anyone who kept one note."""
    with production.open() as trail:
        kept = trail.log().log.publication.checkpoint() or b""
    with superuser(production) as connection:
        truncate_log(connection)
        connection.execute("DELETE FROM entry_key WHERE idx >= 257")
    report = check(production, ("kept", kept))
    assert any(one.where == "kept" and "rolled back" in one.message for one in report.findings)


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/0/000", anchor_path(SIZE), "identity"])
def test_a_replaced_object_is_found_and_the_first_version_still_serves(
    production: Production, path: str
) -> None:
    """Another version over a locked one hides nothing: what is read is the one that was put first."""
    key = f"{production.bucket.place.prefix}log/{path}"
    before = production.bucket.get(key)
    assert before is not None
    changed = bytearray(before.data)
    changed[random.Random(path).randrange(len(changed))] ^= 1
    production.bucket.put(key, bytes(changed), anyway=True)
    report = check(production)
    assert any(path in one.where and one.step is Step.CUSTODY for one in report.findings), report.findings
    assert report.provable is not None
    assert report.provable.by_tiles == SIZE


def test_a_hidden_object_is_found(production: Production) -> None:
    """A delete marker over a locked object."""
    key = f"{production.bucket.place.prefix}log/tile/entries/000"
    production.bucket.ask("delete_object", "deleting in", Key=key)
    report = check(production)
    assert any("tile/entries/000" in one.where for one in report.findings)
    assert report.provable is not None
    assert report.provable.by_tiles == SIZE


def test_an_older_checkpoint_published_again_is_found(production: Production) -> None:
    """The one object that may be replaced: set back, the anchors tell."""
    prefix = f"{production.bucket.place.prefix}log/"
    old = production.bucket.get(prefix + anchor_path(90))
    assert old is not None
    production.bucket.put(f"{prefix}checkpoint", old.data, anyway=True)
    assert any("set back" in str(one) for one in check(production).findings)


def test_a_moved_clock_is_found(attested: Production) -> None:
    """The authority's time stands beside this machine's: half a minute is enough."""
    ahead = timedelta(seconds=30)
    with open_trail(attested.root, clock=lambda: datetime.now(UTC) + ahead) as trail:
        tell_story(trail, 0, 20)
        trail.attest()
    with attested.open() as trail:
        found = [one for one in trail.verify().findings if one.step is Step.TIME]
        assert found
        assert "this machine's clock was ahead" in str(found[0])


def test_nobody_but_the_sealer_writes_and_nobody_deletes(production: Production) -> None:
    """Each role has its rights and no more: tried, not read."""
    refused = 0
    for role in ("app", "sealer", "auditor"):
        for statement in (
            "UPDATE entry SET number = 0", "DELETE FROM entry", "TRUNCATE entry", "UPDATE batch SET first = 0",
            "DELETE FROM batch", "DELETE FROM signing_key", "DROP TABLE entry", "DELETE FROM epoch",
            "ALTER TABLE entry DISABLE TRIGGER ALL", "SET session_replication_role = replica",
        ):  # fmt: skip
            with pytest.raises(psycopg.Error):
                production.database.run(statement, role=role)
            refused += 1
    assert refused == 30
    for role in ("app", "auditor"):
        with pytest.raises(psycopg.Error):
            production.database.run("INSERT INTO batch SELECT * FROM batch LIMIT 1", role=role)


def test_what_is_broken_is_never_sealed_over(production: Production) -> None:
    """A sequencer that finds its edge altered signs nothing."""
    with superuser(production) as connection:
        connection.execute("UPDATE entry SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE idx = 299")
    with production.open() as trail, pytest.raises(OrderTrailError):
        trail.seal()
