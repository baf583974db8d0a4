"""The whole trail on what real deployments run: nothing above the adapters knows the difference."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.sql.dialects.postgresql.connect import Address
from ordertrail.adapters.sql.dialects.postgresql.schema import create_schema
from ordertrail.assembly import back_up, create_trail, list_custody, open_trail, reindex, restore
from ordertrail.assembly.restore import Request
from ordertrail.cli.main import app
from ordertrail.kernel.errors import ConfigurationError, EvidenceError
from ordertrail.ledger.paths import anchor_path
from ordertrail.ledger.verify.full import Options
from ordertrail.record.event import Actor
from ordertrail.record.parse import parse_event
from ordertrail.services import Trail
from ordertrail.vault.inventory import Deleter
from production.conftest import ORIGIN, Production, settings_of, tell_story
from servers.databases import TrailDatabase, empty_database, trail_database
from servers.postgresql import Server
from servers.s3 import S3Server, fresh_bucket, moto

__all__ = ["moto"]

LINE = (
    b'{"time":"2026-11-23T09:00:00Z","action":"order.read","actor":{"id":"a","kind":"person"},'
    b'"subject":{"kind":"order","id":"1","order":"1"}}'
)
BECAUSE = Request(Actor("ops-1", "person"), "the server died")


def entries(trail: Trail) -> list[bytes]:
    """Return every sealed entry."""
    return [row.entry for row in trail.log().log.reader.rows("default", 0, 10_000)]


def quietly(_done: int, _all: int) -> None:
    """Show no progress."""


def run(*arguments: str) -> tuple[int, str]:
    """Run a verb; its exit status and what it printed."""
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_it_seals_verifies_proves_and_tells(production: Production) -> None:
    """In one process and over several; an event proven, an order told, a second writer's event sealed."""
    with production.open() as trail:
        assert trail.verify().intact
        assert trail.verify(Options(processes=2, deep=True)).intact
        event = json.loads(entries(trail)[123])["event"]
        proof = trail.prove(event["id"])
        assert proof.sealed.row.index == 123
        history = trail.history(event["subject"]["order"])
        assert trail.standing(history).proven == len(history)
        with production.open() as other:
            tell_story(other, 300, 320)
        assert trail.verify().size == 320
        trail.rotate(Actor("ops-1", "person"))
        tell_story(trail, 320, 330)
        assert trail.verify().intact


def test_with_token_authority_and_witness(attested: Production) -> None:
    """A key that never leaves its token, stamped and cosigned; doctor finds every part in order."""
    with attested.open() as trail:
        tell_story(trail, 0, 60)
        seen = trail.attest()
        assert seen is not None
        assert seen.missing == ()
        assert seen.incidents == ()
        assert (list(seen.stamped), seen.cosigned, seen.quorum) == (["tsa"], ("w1",), True)
        assert trail.verify().intact
        (status,) = trail.status()
        assert (status.timestamps[0].size, status.witnesses[0].size) == (60, 60)
        assert status.kept_by == "COMPLIANCE"
    code, told = run("doctor", "--trail", str(attested.root), "--json")
    checks = {one["name"]: one for one in json.loads(told)["checks"]}
    for name in ("database", "vault", "write-once", "signer", "timestamps tsa", "witness w1"):
        assert checks[name]["level"] == "ok", checks[name]
    assert code == 0
    assert not list((attested.root).glob("keys/*.pem")), "no private key on disk"


def test_custody_says_that_nobody_can_delete(production: Production) -> None:
    """Version, lock, date and deleter of each object, and in all."""
    found = list(list_custody(production.root, "default"))
    assert len(found) > 10
    for one in found:
        assert one.kept is not None, one
        assert one.kept.version
        assert one.kept.mode == "COMPLIANCE"
        assert one.deleter is Deleter.NOBODY
    code, told = run("verify", "--custody", "--trail", str(production.root), "--json")
    assert code == 0
    listing = json.loads(told)
    assert len(listing["objects"]) == len(found)
    assert listing["trial"]["verdict"] == "write-once"


def test_the_bucket_alone_rebuilds_the_database(production: Production, postgresql_server: Server) -> None:
    """The server is lost; a new one holds the same entries, and sealing goes on."""
    with production.open() as trail:
        expected = entries(trail)
    with trail_database(postgresql_server) as fresh:
        (production.root / "trail.toml").write_text(settings_of(fresh, production.bucket))
        (log,) = reindex(production.root, BECAUSE, quietly)
        assert log.checkpoint.size == 300
        with production.open() as trail:
            assert entries(trail) == expected
            assert trail.verify(Options(deep=True)).intact
            assert trail.seal() == 1
            assert trail.verify().intact


def test_an_empty_database_is_made_by_the_rebuild(production: Production, postgresql_server: Server) -> None:
    """With an administrator's address in the settings; and what holds a log is never rebuilt over."""
    with production.open() as trail:
        expected = entries(trail)
    with pytest.raises(ConfigurationError, match="holds a log"):
        reindex(production.root, BECAUSE, quietly, replace_existing=True)
    settings = settings_of(production.database, production.bucket)
    with empty_database(postgresql_server) as name:
        role, admin = f"{name}_sealer", postgresql_server.url(name)
        moved = settings.replace(production.database.url(), postgresql_server.url(name, role))
        moved = moved.replace("lease_seconds", f'admin_url = "{admin}"\nlease_seconds')
        (production.root / "trail.toml").write_text(moved)
        with pytest.raises(ConfigurationError, match=r"does not exist|let us in"):
            production.open()
        create_schema(Address(admin))
        with pytest.raises(ConfigurationError, match="holds no log"):
            production.open()
        (log,) = reindex(production.root, BECAUSE, quietly)
        assert log.checkpoint.size == 300
        with production.open() as trail:
            assert entries(trail) == expected


def test_a_recorder_s_role_records_and_does_not_seal(production: Production) -> None:
    """What it records is sealed by whoever may; the command says so and ends well."""
    settings = (production.root / "trail.toml").read_text()
    roles = production.database.roles
    (production.root / "trail.toml").write_text(settings.replace(roles.sealer, roles.app))
    (production.root / "one.jsonl").write_bytes(LINE)
    code, told = run("record", str(production.root / "one.jsonl"), "--trail", str(production.root))
    assert code == 0, told
    assert "may not seal" in told
    (production.root / "trail.toml").write_text(settings)
    with production.open() as trail:
        assert trail.seal() == 1


def test_a_strangers_object_at_the_next_anchor_is_named(production: Production) -> None:
    """It is write-once, so it stays; the next checkpoint has another place."""
    key = f"{production.bucket.place.prefix}log/{anchor_path(301)}"
    production.bucket.put(key, b"garbage\n")
    with production.open() as trail:
        trail.record([parse_event(LINE)])
        with pytest.raises(EvidenceError, match=f"{anchor_path(301)} is not a checkpoint"):
            trail.seal()


def test_a_backup_moves_between_kinds_of_store(production: Production, tmp_path: Path) -> None:
    """From PostgreSQL and S3 into a directory: the same entries, the same proofs."""
    back_up(production.root, tmp_path / "backup", with_keys=True)
    (tmp_path / "backup" / "trail.toml").write_text("version = 1\nimmutable = false\n")
    restore(tmp_path / "backup", tmp_path / "embedded", BECAUSE, quietly)
    with production.open() as before, open_trail(tmp_path / "embedded") as after:
        assert entries(after) == entries(before)
        assert after.verify().intact
        assert after.seal() == 1


def test_a_store_that_is_not_write_once_is_refused(
    moto: S3Server, trail_on_postgresql: TrailDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It speaks S3 and lets a COMPLIANCE lock be shortened: named, and no trail begins in it."""
    with fresh_bucket(moto, monkeypatch) as bucket:
        (tmp_path / "settings.toml").write_text(settings_of(trail_on_postgresql, bucket))
        with pytest.raises(ConfigurationError, match="is not write-once"):
            create_trail(tmp_path / "trail", ORIGIN, settings_file=tmp_path / "settings.toml")


@pytest.mark.parametrize("locked", [True, False])
def test_a_bucket_that_will_not_do_is_refused(
    *,
    locked: bool,
    ceph: S3Server,
    trail_on_postgresql: TrailDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without versions and lock, or holding a log already."""
    with fresh_bucket(ceph, monkeypatch, locked=locked) as bucket:
        if locked:
            _occupy(bucket, trail_on_postgresql, tmp_path)
        (tmp_path / "settings.toml").write_text(settings_of(trail_on_postgresql, bucket))
        with pytest.raises(
            ConfigurationError, match="holds a log already" if locked else "keeps no versions"
        ):
            create_trail(tmp_path / "trail", ORIGIN, settings_file=tmp_path / "settings.toml")


def _occupy(bucket: Bucket, database: TrailDatabase, tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text(settings_of(database, bucket))
    create_trail(tmp_path / "first", ORIGIN, settings_file=tmp_path / "first.toml").close()


def test_a_second_trail_in_one_database_is_refused(
    production: Production, ceph: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database holds one trail."""
    with fresh_bucket(ceph, monkeypatch) as bucket:
        (tmp_path / "second.toml").write_text(settings_of(production.database, bucket))
        with pytest.raises(ConfigurationError, match="holds a trail already"):
            create_trail(tmp_path / "second", ORIGIN, settings_file=tmp_path / "second.toml")
