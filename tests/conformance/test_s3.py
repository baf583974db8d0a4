"""A trail in an S3 bucket: vault, tiles, blobs, publication and holds keep their promises on real stores."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.place import S3Place
from ordertrail.adapters.s3.publication import S3Publication
from ordertrail.adapters.s3.vault import S3Vault
from ordertrail.testing.conformance.blobs import BlobsSuite
from ordertrail.testing.conformance.disposal import DisposalSuite
from ordertrail.testing.conformance.holds import HoldsSuite
from ordertrail.testing.conformance.publication import PublicationSuite
from ordertrail.testing.conformance.tiles import TilesSuite
from ordertrail.testing.conformance.vault import VaultSuite
from ordertrail.vault.keeping import KeptBlobs, KeptTiles
from servers.s3 import S3Server, bucket, ceph, moto

__all__ = ["bucket", "ceph", "moto"]

NOW = datetime(2026, 11, 20, 14, 2, 11, 4_512, tzinfo=UTC)
DAYS = 2_557


@pytest.fixture(params=["ceph", "moto"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """Each store."""
    found: S3Server = request.getfixturevalue(request.param)
    return found


class TestS3Vault(VaultSuite):
    """S3Vault."""

    @pytest.fixture
    def reopen(self, bucket: Bucket) -> Callable[[], S3Vault]:
        """Open it once more."""
        return lambda: S3Vault(bucket, "log")

    @pytest.fixture
    def unreachable(self, bucket: Bucket) -> Iterator[S3Vault]:
        """Nobody listens there."""
        del bucket  # it brings the credentials
        away = Bucket(S3Place("audit", endpoint="http://127.0.0.1:9", attempts=2, connect_seconds=0.5))
        yield S3Vault(away)
        away.close()

    @pytest.fixture(autouse=True)
    def _but_for_moto(self, request: pytest.FixtureRequest, server: S3Server) -> None:
        """Of two that put the same path at once, the later may shorten the term of the earlier there."""
        if server.name == "moto" and request.node.originalname.startswith("test_two_that_put"):
            pytest.skip("moto lets a term be shortened")


class TestS3Holds(HoldsSuite):
    """S3Vault's legal holds."""

    @pytest.fixture
    def reopen(self, bucket: Bucket) -> Callable[[], S3Vault]:
        """Open it once more."""
        return lambda: S3Vault(bucket, "log")


class TestS3Disposal(DisposalSuite):
    """S3Vault lets go of what the store's own lock no longer keeps."""

    @pytest.fixture
    def reopen(self, bucket: Bucket) -> Callable[[], S3Vault]:
        """Open it once more, as if it were almost a day ago: the shortest lock then ends in a few seconds."""
        return lambda: S3Vault(bucket, "log", clock=lambda: datetime.now(UTC) - timedelta(days=1, seconds=-2))

    @pytest.fixture
    def due(self) -> datetime:
        """In two seconds, and the one that the lock is rounded up by."""
        return datetime.now(UTC) + timedelta(seconds=3)

    @pytest.fixture
    def wait(self, due: datetime) -> Callable[[], None]:
        """Wait until the store's clock is past it."""
        return lambda: time.sleep(max((due - datetime.now(UTC)).total_seconds() + 1.5, 0))


class TestKeptTiles(TilesSuite):
    """KeptTiles over S3."""

    @pytest.fixture
    def reopen(self, bucket: Bucket) -> Callable[[], KeptTiles]:
        """Open it once more."""
        return lambda: KeptTiles(S3Vault(bucket, "log"), DAYS, readers=8)


class TestKeptBlobs(BlobsSuite):
    """KeptBlobs over S3."""

    @pytest.fixture
    def reopen(self, bucket: Bucket) -> Callable[[], KeptBlobs]:
        """Open it once more."""
        return lambda: KeptBlobs(S3Vault(bucket, "blobs"), DAYS, lambda: NOW)


class TestS3Publication(PublicationSuite):
    """S3Publication."""

    @pytest.fixture
    def reopen(self, bucket: Bucket) -> Callable[[], S3Publication]:
        """Open it once more."""
        return lambda: S3Publication(bucket, "log")
