"""Tampering with a bucket: each kind is named, and the evidence beneath is still read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ordertrail.adapters.s3.bucket import Bucket, Lock
from ordertrail.adapters.s3.publication import S3Publication
from ordertrail.adapters.s3.vault import S3Vault
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import BusyError, ConfigurationError, EvidenceError
from ordertrail.testing.conformance.vault import LATER, LATEST, OBJECT, PARTIAL, SOON
from ordertrail.vault.custody import VaultCustody
from ordertrail.vault.inventory import Deleter, Summary, list_kept
from servers.s3 import S3Server, bucket, ceph, fresh_bucket, moto

__all__ = ["bucket", "ceph", "moto"]

KEY = f"trail/log/{OBJECT}"
DAYS = 2_557
NOW = datetime.now(UTC)


@pytest.fixture
def server(ceph: S3Server) -> S3Server:
    """A store that keeps its locks."""
    return ceph


@pytest.fixture
def vault(bucket: Bucket) -> S3Vault:
    """A vault with two objects, in COMPLIANCE mode."""
    vault = S3Vault(bucket, "log")
    vault.put([(OBJECT, b"tile"), (PARTIAL, b"partial")], LATER)
    return vault


@pytest.fixture
def governed(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket whose objects are locked in GOVERNANCE mode."""
    with fresh_bucket(server, monkeypatch, mode="GOVERNANCE") as bucket:
        yield bucket


def problems(bucket: Bucket, path: str = OBJECT, since: datetime = LATER) -> list[str]:
    """Return what a custodian who comes in from outside says of an object that must be kept until ``since``."""
    recorded = format_time(since - timedelta(days=DAYS))
    return VaultCustody(S3Vault(bucket, "log"), DAYS).problems(path, recorded)


def test_what_nobody_touched_raises_no_alarm(vault: S3Vault, bucket: Bucket) -> None:
    """Nor do the same bytes, put again or left twice by a retry."""
    vault.put([(OBJECT, b"tile")], LATER)
    bucket.put(KEY, b"tile", Lock("COMPLIANCE", LATER.replace(microsecond=0)), anyway=True)
    assert [problems(bucket, path) for path in vault.paths("")] == [[], []]
    assert sorted(vault.paths("")) == [OBJECT, PARTIAL]


def test_a_version_put_on_top_is_named_and_not_read(vault: S3Vault, bucket: Bucket) -> None:
    """The first version is the evidence, for whoever reads it, and for whoever puts its bytes again."""
    bucket.put(KEY, b"tilE", anyway=True)
    for one in (vault, S3Vault(bucket, "log")):
        assert one.get(OBJECT) == b"tile"
        one.put([(OBJECT, b"tile")], LATER)
        with pytest.raises(EvidenceError):
            one.put([(OBJECT, b"tilE")], LATER)
    (told,) = problems(bucket)
    assert told.startswith("was overwritten: it has 2 versions with different bytes")
    assert problems(bucket, PARTIAL) == []


def test_a_delete_marker_is_named_and_looked_through(vault: S3Vault, bucket: Bucket) -> None:
    """Reading by name finds nothing; we find the version, list it, and never write it again."""
    bucket.ask("delete_object", "deleting in", Key=KEY)
    assert bucket.get(KEY) is None
    for one in (vault, S3Vault(bucket, "log")):
        assert one.get(OBJECT) == b"tile"
        assert OBJECT in set(one.paths(""))
        one.put([(OBJECT, b"tile")], LATER)
    assert problems(bucket) == ["is hidden by a delete marker; its first version is still there"]
    history = bucket.history(KEY)
    assert history is not None
    assert len(history.versions) == 1


def test_a_shortened_governance_term_is_named(governed: Bucket) -> None:
    """Whoever has the right to bypass GOVERNANCE can shorten a term; the log says how long it must be."""
    S3Vault(governed, "log").put([(OBJECT, b"tile")], LATER)
    assert problems(governed) == []
    history = governed.history(KEY)
    assert history is not None
    assert history.first is not None
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": SOON}
    arguments = {"Key": KEY, "VersionId": history.first.id, "Retention": retention}
    with pytest.raises(ConfigurationError):
        governed.ask("put_object_retention", "locking in", **arguments)
    governed.ask("put_object_retention", "locking in", **arguments, BypassGovernanceRetention=True)
    (told,) = problems(governed)
    assert told.startswith("is kept until 2027-01-01T00:00:00.000000Z, and must be kept until 2033")


def test_a_governance_object_that_was_deleted_is_missing(governed: Bucket) -> None:
    """Over the API, with the right to bypass: nothing is left, and nothing else is taken for it."""
    vault = S3Vault(governed, "log")
    vault.put([(OBJECT, b"tile")], LATER)
    kept = vault.kept(OBJECT)
    assert kept is not None
    governed.ask(
        "delete_object", "deleting in", Key=KEY, VersionId=kept.version, BypassGovernanceRetention=True
    )
    assert vault.get(OBJECT) is None
    assert problems(governed) == ["is missing"]


@pytest.mark.parametrize("program", ["radosgw-admin", "rados"])
def test_what_was_erased_behind_the_api_is_named(
    vault: S3Vault, bucket: Bucket, server: S3Server, program: str
) -> None:
    """Whoever runs the store can destroy what it locks: by its own tool, or the bytes beneath it."""
    kept = vault.kept(OBJECT)
    assert kept is not None
    assert kept.version is not None
    if program == "rados":
        pool = ("-p", "default.rgw.buckets.data")
        (below,) = (name for name in server.behind("rados", *pool, "ls").splitlines() if kept.version in name)
        server.behind("rados", *pool, "rm", below)
    else:
        where = (f"--bucket={bucket.place.bucket}", f"--object={KEY}", f"--object-version={kept.version}")
        server.behind("radosgw-admin", "object", "rm", *where)
    for one in (vault, S3Vault(bucket, "log")):
        assert one.get(OBJECT) is None
    assert problems(bucket) == ["is missing"]
    assert problems(bucket, PARTIAL) == []


def test_what_versions_cannot_protect_is_told(vault: S3Vault, bucket: Bucket) -> None:
    """An object without a lock, and a listing that says who could delete what today."""
    bucket.put("trail/log/tile/0/001", b"stray")
    assert problems(bucket, "tile/0/001") == ["has no term; nothing says how long it must be kept"]
    vault.hold(PARTIAL)
    S3Publication(bucket, "log").publish(b"checkpoint", ["key"])
    found = {one.path: one for one in list_kept(vault, NOW)}
    assert {path: one.deleter for path, one in found.items()} == {
        OBJECT: Deleter.NOBODY,
        PARTIAL: Deleter.NOBODY,
        "tile/0/001": Deleter.ANYONE,
    }
    assert all(one.kept == vault.kept(path) for path, one in found.items())
    later = {one.path: one.deleter for one in list_kept(vault, LATEST)}
    assert (later[OBJECT], later[PARTIAL]) == (Deleter.ANYONE, Deleter.HOLD)
    summary = Summary()
    for one in found.values():
        summary.add(one)
    assert summary.sentence.startswith("3 objects of 16 bytes: 2 with COMPLIANCE, 1 with no lock")


def test_a_term_that_the_store_does_not_keep_is_refused(bucket: Bucket, server: S3Server) -> None:
    """Ceph's gateway takes the year 2126 and keeps 1990: the lock is read back, and the store is named."""
    if server.name != "ceph":
        pytest.skip("only Ceph's gateway is known to do this")
    vault = S3Vault(bucket, "log")
    with pytest.raises(ConfigurationError, match="and the store keeps it until 1990"):
        vault.put([(OBJECT, b"tile")], LATER.replace(year=2126))


def test_a_term_that_is_over_can_still_be_kept(bucket: Bucket) -> None:
    """A tree that is put anew after its term, from the table: the store takes no date in the past."""
    vault, over = S3Vault(bucket, "log"), NOW - timedelta(days=400)
    for _ in range(2):
        vault.put([(OBJECT, b"tile")], over)
    kept = vault.kept(OBJECT)
    assert kept is not None
    assert kept.until is not None
    assert NOW < kept.until < NOW + timedelta(days=2)


def test_an_object_stays_in_the_mode_that_it_is_locked_in(
    vault: S3Vault, bucket: Bucket, server: S3Server
) -> None:
    """Whatever mode new ones get; the term of each is lengthened all the same."""
    governed = Bucket(server.place(bucket.place.bucket, "GOVERNANCE"))
    S3Vault(governed, "log").put([(OBJECT, b"tile"), ("tile/0/002", b"new")], LATEST)
    governed.close()
    later = LATEST + timedelta(days=1)
    vault.put([(OBJECT, b"tile"), ("tile/0/002", b"new")], later)
    kept = [vault.kept(path) for path in (OBJECT, "tile/0/002")]
    assert [(one.mode, one.until) for one in kept if one] == [("COMPLIANCE", later), ("GOVERNANCE", later)]


def test_a_large_object_goes_in_parts_and_is_locked(bucket: Bucket) -> None:
    """Beyond 16 MiB; to the byte, for its term, and other bytes of the same length are refused."""
    vault = S3Vault(bucket, "blobs")
    data = bytes(range(256)) * (17 << 12) + b"x"
    vault.put([("ab/large", data)], LATER)
    assert vault.get("ab/large") == data
    kept = vault.kept("ab/large")
    assert kept is not None
    assert (kept.mode, kept.locked, kept.length) == ("COMPLIANCE", True, len(data))
    with pytest.raises(EvidenceError):
        vault.put([("ab/large", data[:-1] + b"y")], LATER)


def test_a_hidden_checkpoint_is_still_the_newest(bucket: Bucket) -> None:
    """A delete marker over it hides it from other readers until the next one is published."""
    publication = S3Publication(bucket, "log")
    publication.publish(b"first", ["key"])
    publication.publish(b"second", ["key"])
    bucket.ask("delete_object", "deleting in", Key="trail/log/checkpoint")
    assert publication.checkpoint() == b"second"
    publication.publish(b"third", ["key"])
    found = bucket.get("trail/log/checkpoint")
    assert found is not None
    assert found.data == b"third"
    history = bucket.history("trail/log/checkpoint")
    assert history is not None
    assert len(history.versions) == 3


def test_two_publishers_do_not_overtake_each_other(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else published in between is not replaced, or is told at once."""
    publication = S3Publication(bucket, "log")
    publication.publish(b"first", ["key"])
    read = publication._newest

    def read_and_be_overtaken(name: str) -> object:
        found = read(name)
        monkeypatch.setattr(publication, "_newest", read)
        bucket.put("trail/log/checkpoint", b"theirs", anyway=True)
        return found

    monkeypatch.setattr(publication, "_newest", read_and_be_overtaken)
    with pytest.raises(BusyError):
        publication.publish(b"ours", ["key"])
    assert publication.checkpoint() == b"theirs"


def test_checkpoints_may_be_locked_too(bucket: Bucket) -> None:
    """Each version, for as long as it is asked for."""
    publication = S3Publication(bucket, "log", keep=timedelta(days=1), clock=lambda: NOW)
    publication.publish(b"first", ["key"])
    publication.publish(b"second", ["key"])
    history = bucket.history("trail/log/checkpoint")
    assert history is not None
    states = [bucket.state(history.key, version.id) for version in history.versions]
    assert [state is not None and state.lock is not None for state in states] == [True, True]
