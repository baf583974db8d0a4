"""A whole trail whose published tree is in a bucket: sealed, verified, tampered with, taken up again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.publication import S3Publication
from ordertrail.adapters.s3.vault import S3Vault
from ordertrail.assembly import KEEP_DAYS, create_trail, open_source
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.sequencer import Sequencer, sequencing
from ordertrail.ledger.verify.full import Options, verify_log
from ordertrail.ledger.verify.report import Report
from ordertrail.ledger.verify.source import Source
from ordertrail.record.lines import split_lines
from ordertrail.services import DEFAULT_STREAM, Trail
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story
from ordertrail.vault.custody import VaultCustody
from ordertrail.vault.keeping import KeptTiles
from servers.s3 import S3Server, bucket, ceph

__all__ = ["bucket", "ceph"]

EVENTS = 400
"""A full tile and more."""


@pytest.fixture
def server(ceph: S3Server) -> S3Server:
    """A store that keeps its locks."""
    return ceph


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    """A trail with 400 recorded events, of which none is sealed yet."""
    trail = create_trail(tmp_path / "trail", "shop.example/orders", settings=Settings(immutable=False))
    lines = b"".join(line + b"\n" for line in list(order_story())[:EVENTS])
    for _ in trail.log().recorder.record_each(split_lines([lines]), 200):
        pass
    yield trail
    trail.close()


@contextmanager
def sealing(trail: Trail, bucket: Bucket) -> Iterator[Sequencer]:
    """Seal the trail with its tree in the bucket."""
    log = replace(
        trail.log().log,
        tiles=KeptTiles(S3Vault(bucket, "log"), KEEP_DAYS, readers=8),
        publication=S3Publication(bucket, "log"),
    )
    with sequencing(log, utc_now) as sequencer:
        yield sequencer


def verify(trail: Trail, bucket: Bucket) -> Report:
    """Check the trail against the tree in the bucket."""

    def open_there() -> Source:
        vault, publication = S3Vault(bucket, "log"), S3Publication(bucket, "log")
        return replace(
            open_source(Path(trail.location), DEFAULT_STREAM),
            tiles=KeptTiles(vault, KEEP_DAYS),
            custody=VaultCustody(vault, KEEP_DAYS),
            published=publication.checkpoint(),
            published_keys=publication.keys(),
        )

    return verify_log(open_there, Options())


def test_a_trail_in_a_bucket_is_whole(trail: Trail, bucket: Bucket) -> None:
    """Sealed in two sittings, the second of which reads the tree that the first one left; and verified."""
    with sealing(trail, bucket) as sequencer:
        sequencer.seal_batch(300)
    with sealing(trail, bucket) as sequencer:
        sequencer.seal()
    report = verify(trail, bucket)
    assert (report.findings, report.intact, report.size, report.published) == ([], True, EVENTS, EVENTS)


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (lambda bucket, key: bucket.put(key, b"forged", anyway=True), "was overwritten: it has 2 versions"),
        (
            lambda bucket, key: bucket.ask("delete_object", "deleting in", Key=key),
            "hidden by a delete marker",
        ),
    ],
)
def test_what_is_put_over_the_tree_is_named_and_proves_nothing(
    trail: Trail, bucket: Bucket, tamper: Callable[[Bucket, str], object], told: str
) -> None:
    """The check names the object; the versions beneath still prove every entry, and sealing goes on."""
    with sealing(trail, bucket) as sequencer:
        sequencer.seal_batch(300)
    tamper(bucket, "trail/log/tile/entries/000")
    (finding,) = verify(trail, bucket).findings
    assert finding.where == "tile/entries/000"
    assert told in finding.message
    with sealing(trail, bucket) as sequencer:
        sequencer.seal()
    assert len(verify(trail, bucket).findings) == 1


def test_an_outage_of_the_store_loses_nothing(
    trail: Trail, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events are sealed in the table; their copies are made when the store is back."""
    put = bucket.put

    def down(*_: object, **__: object) -> str:
        raise UnavailableError("the store is down")

    def seal_while_it_goes_down() -> None:
        with sealing(trail, bucket) as sequencer:
            sequencer.anchor()
            monkeypatch.setattr(bucket, "put", down)
            sequencer.seal()

    with pytest.raises(UnavailableError):
        seal_while_it_goes_down()
    assert trail.log().log.store.head(DEFAULT_STREAM).size == EVENTS
    monkeypatch.setattr(bucket, "put", put)
    with sealing(trail, bucket):
        pass
    report = verify(trail, bucket)
    assert (report.findings, report.published) == ([], EVENTS)
