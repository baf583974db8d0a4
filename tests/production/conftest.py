"""A trail as it is run in production: PostgreSQL, S3 with Object Lock, keys in a token, an authority, witnesses."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from ordertrail.adapters.memory.witness_state import MemoryWitnessState
from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.assembly import create_trail, open_trail
from ordertrail.ledger.signers import Ed25519Cosigner
from ordertrail.ledger.vkey import format_vkey, parse_vkey
from ordertrail.ledger.witness import Witness
from ordertrail.services import Trail
from ordertrail.testing.story import order_story
from servers.authority import TestAuthority, time_stamp_authority
from servers.databases import TrailDatabase, trail_database, trail_on_postgresql
from servers.hsm import PIN, soft_hsm
from servers.postgresql import Server, postgresql_server
from servers.s3 import S3Server, ceph, fresh_bucket
from witness.growing import private, serving

__all__ = ["ceph", "postgresql_server", "trail_on_postgresql"]

ORIGIN = "orders.example.com/production"


@dataclass(frozen=True, slots=True)
class Production:
    """A trail's directory, and the parts that it is kept in."""

    root: Path
    database: TrailDatabase
    bucket: Bucket

    def open(self) -> Trail:
        """Open it."""
        return open_trail(self.root)


def settings_of(database: TrailDatabase, bucket: Bucket, rest: str = "") -> str:
    """Return the settings of a trail in this database and bucket."""
    place = bucket.place
    return (
        f'version = 1\nimmutable = false\n\n[database]\nurl = "{database.url()}"\nlease_seconds = 3\n\n'
        f'[vault]\nurl = "s3://{place.bucket}/trail"\nendpoint = "{place.endpoint}"\n{rest}'
    )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestAuthority]:
    """A real authority."""
    with time_stamp_authority(tmp_path_factory.mktemp("authority")) as running:
        yield running


@pytest.fixture
def stores(
    postgresql_server: Server, ceph: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[TrailDatabase, Bucket]]:
    """A database with a trail's schema and an empty bucket with Object Lock."""
    with trail_database(postgresql_server) as database, fresh_bucket(ceph, monkeypatch) as bucket:
        yield database, bucket


@pytest.fixture
def production(stores: tuple[TrailDatabase, Bucket], tmp_path: Path) -> Production:
    """A trail of 300 events in PostgreSQL and S3, anchored three times."""
    database, bucket = stores
    (tmp_path / "settings.toml").write_text(settings_of(database, bucket))
    root = tmp_path / "trail"
    create_trail(root, ORIGIN, settings_file=tmp_path / "settings.toml").close()
    made = Production(root, database, bucket)
    with made.open() as trail:
        for start, end in ((0, 90), (90, 257), (257, 300)):
            tell_story(trail, start, end)
    return made


@pytest.fixture
def attested(
    stores: tuple[TrailDatabase, Bucket],
    authority: TestAuthority,
    tmp_path: Path,
) -> Iterator[Production]:
    """A trail with everything: its keys in a token, an authority, and a witness that knows it."""
    database, bucket = stores
    with ExitStack() as parts:
        (tmp_path / "hsm").mkdir()
        hsm = parts.enter_context(soft_hsm(tmp_path / "hsm"))
        token = hsm.token("ordertrail")
        (tmp_path / "pin").write_bytes(PIN + b"\n")
        (tmp_path / "roots.pem").write_bytes(authority.roots)
        key = Ed25519Cosigner("witness.example/w1", private("w1"), lambda: 0)
        signer = f'\n[signer]\nkind = "pkcs11"\nmodule = "{token.module}"\ntoken = "ordertrail"\n'
        signer += f'pin_file = "{tmp_path / "pin"}"\n'
        stamps = f'\n[[timestamps]]\nname = "tsa"\nurl = "{authority.url}"\nroots = "roots.pem"\n'
        (tmp_path / "settings.toml").write_text(settings_of(database, bucket, signer + stamps))
        root = tmp_path / "trail"
        with create_trail(root, ORIGIN, settings_file=tmp_path / "settings.toml") as trail:
            logs = {ORIGIN: (parse_vkey(trail.keys()[0].vkey),)}
        witness = Witness(key.name, [real_time(key)], logs, MemoryWitnessState())
        url = parts.enter_context(serving(witness))
        (root / "witnesses.policy").write_text(f"witness w1 {format_vkey(key.key)} {url}\nquorum w1\n")
        with (root / "trail.toml").open("a") as file:
            file.write('\n[witnesses]\npolicy = "witnesses.policy"\n')
        yield Production(root, database, bucket)


def real_time(key: Ed25519Cosigner) -> Ed25519Cosigner:
    """Return the same key, telling the time of day."""
    return Ed25519Cosigner(key.name, key.private_key, lambda: int(time.time()) + 1)


def tell_story(trail: Trail, start: int, end: int) -> None:
    """Record and seal a piece of a shop's story, the same piece each time."""
    lines = list(islice(order_story(orders=60), end))[start:end]
    outcomes = list(trail.record_lines((f"line {number}", line) for number, line in enumerate(lines, start)))
    assert not any(one.refused for one in outcomes)
    assert trail.seal(limit=100) == end - start
