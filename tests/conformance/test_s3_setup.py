"""A bucket is looked at before anything is kept in it, and a store is called write-once only if it withstands."""

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ordertrail.adapters.s3 import trial
from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.place import S3Place, parse_place
from ordertrail.adapters.s3.setup import check_bucket
from ordertrail.adapters.s3.trial import FOLDER, Verdict, prove_write_once
from ordertrail.kernel.errors import ConfigurationError
from servers.s3 import S3Server, bucket, ceph, fresh_bucket, moto

__all__ = ["bucket", "ceph", "moto"]


@pytest.fixture(params=["ceph", "moto"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """Each store."""
    found: S3Server = request.getfixturevalue(request.param)
    return found


def test_a_bucket_with_versions_and_lock_is_good(bucket: Bucket) -> None:
    """Nothing is found, and this machine's clock is right."""
    assert check_bucket(bucket) == []


def test_a_bucket_without_versions_or_lock_is_refused(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is named, with what it means for the evidence and what to do."""
    with fresh_bucket(server, monkeypatch, locked=False) as bucket:
        versions, lock = check_bucket(bucket)
        assert (versions.blocking, lock.blocking) == (True, True)
        assert "keeps no versions" in versions.diagnostics.happened
        assert "no Object Lock" in lock.diagnostics.happened
        status = {"Status": "Enabled"}
        bucket.ask("put_bucket_versioning", "setting", VersioningConfiguration=status)
        assert check_bucket(bucket) == [lock]


def test_a_clock_that_is_off_is_told(bucket: Bucket) -> None:
    """Before the store refuses everything at fifteen minutes; a trail may be created all the same."""
    (found,) = check_bucket(bucket, lambda: datetime.now(UTC) + timedelta(minutes=5))
    assert not found.blocking
    assert "differ by" in found.diagnostics.happened


def test_ceph_is_write_once(ceph: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It withstands every attempt over S3, and little is left behind."""
    with fresh_bucket(ceph, monkeypatch) as bucket:
        told = prove_write_once(bucket)
        assert [attempt.name for attempt in told.attempts if not attempt.withstood] == []
        assert (told.verdict, told.is_worm, len(told.attempts)) == (Verdict.WRITE_ONCE, True, 9)
        left = list(bucket.histories(f"trail/{FOLDER}/"))
        assert [len(history.versions) for history in left] == [1, 1]


def test_moto_is_named_for_what_it_is(moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses to delete what is locked, and lets the lock be shortened: not write-once."""
    with fresh_bucket(moto, monkeypatch) as bucket:
        told = prove_write_once(bucket)
        assert (told.verdict, told.is_worm) == (Verdict.NOT_WRITE_ONCE, False)
        (finding,) = told.findings
        assert "lets one shorten its retention" in finding
        assert "suspend the bucket's versions: it is not write-once" in finding
        assert check_bucket(bucket) == []  # the versions are enabled again


def test_a_refusal_may_be_the_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they may not even delete what nothing locks, nothing is shown about the lock."""
    monkeypatch.setattr(trial._Trial, "_may_delete", lambda _self: False)
    told = prove_write_once(bucket)
    if told.verdict is not Verdict.NOT_WRITE_ONCE:
        assert told.verdict is Verdict.UNPROVEN
        assert "may not delete a version: the refusals may be theirs" in told.findings[0]


def test_a_store_that_locks_nothing_is_found_out(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes the request, and keeps the object without a lock."""
    put = bucket.put

    def without_lock(key: str, data: bytes, *_: Any, **options: Any) -> str | None:
        return put(key, data, **options)

    monkeypatch.setattr(bucket, "put", without_lock)
    with pytest.raises(ConfigurationError, match="did not lock it as asked"):
        prove_write_once(bucket)


def test_what_a_trial_leaves_is_swept_by_the_next(ceph: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as the locks have ended, and not before."""
    monkeypatch.setattr(trial, "_TERM", timedelta(seconds=1))
    with fresh_bucket(ceph, monkeypatch) as bucket:
        for left, pause in ((1, 0), (0, 3)):
            if left:
                trial._Trial(bucket, lambda: datetime.now(UTC))._fresh()
            time.sleep(pause)
            trial._Trial(bucket, lambda: datetime.now(UTC))._sweep()
            assert len(list(bucket.histories(f"trail/{FOLDER}/"))) == left


@pytest.mark.parametrize(
    ("url", "bucket_name", "prefix"),
    [
        ("s3://audit", "audit", ""),
        ("s3://audit/", "audit", ""),
        ("s3://audit/orders", "audit", "orders/"),
        ("s3://audit.example.com/eu/orders/", "audit.example.com", "eu/orders/"),
    ],
)
def test_a_place_is_read_from_its_url(url: str, bucket_name: str, prefix: str) -> None:
    """And written again as it is set."""
    place = parse_place(url, endpoint="https://s3.example.com", mode="GOVERNANCE")
    assert (place.bucket, place.prefix, place.mode) == (bucket_name, prefix, "GOVERNANCE")
    assert place.url == url.rstrip("/")
    assert place.where == f"{place.url} at https://s3.example.com"


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("audit", "COMPLIANCE"),
        ("s3://", "COMPLIANCE"),
        ("s3://A", "COMPLIANCE"),
        ("s3://audit/../x", "COMPLIANCE"),
        ("s3://audit//x", "COMPLIANCE"),
        ("s3://audit/a\nb", "COMPLIANCE"),
        ("s3://audit", "compliance"),
    ],
)
def test_what_is_no_place_is_refused(url: str, mode: str) -> None:
    """With the setting's name."""
    with pytest.raises(ConfigurationError) as refused:
        parse_place(url, mode=mode)
    assert "[vault]" in refused.value.remedy


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps no trail in S3 needs none of it."""
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    with pytest.raises(ConfigurationError) as refused:
        Bucket(S3Place("audit"))
    assert refused.value.remedy == "pip install 'ordertrail[s3]'"
