"""Sharing into a real S3 store with a real PostgreSQL as the catalogue: as into a directory."""

from pathlib import Path

import pytest

from iceberg.lakes import STORY, findings, grow, new_trail, ranges, settings_of, share
from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.assembly.sharing import open_sharing
from servers.postgresql import Server, postgresql_server
from servers.s3 import S3Server, bucket, ceph

__all__ = ["bucket", "ceph", "postgresql_server", "server"]


@pytest.fixture
def server(ceph: S3Server) -> S3Server:
    """The store."""
    return ceph


def test_a_lake_in_s3_with_a_catalogue_on_postgresql(
    bucket: Bucket, postgresql_server: Server, tmp_path: Path
) -> None:
    """Segments come, are joined, are checked, and a file that is altered there is named."""
    settings = settings_of(
        f"s3://{bucket.place.bucket}/lake",
        endpoint=str(bucket.place.endpoint),
        region="us-east-1",
        catalog=postgresql_server.url(),
        namespace=f"n{bucket.place.bucket.replace('-', '_')[:40]}",
    )
    trail = new_trail(tmp_path / "trail", settings, STORY[:200])
    assert len(share(trail).came) == 3
    grow(trail, STORY[200:])
    assert len(share(trail).left) == 3
    assert len(share(trail).removed) == 3
    assert ranges(trail) == [(0, 256), (256, 320), (320, 384), (384, 448)]
    assert findings(trail) == []
    with open_sharing(trail) as sharing:
        found = sharing.tables._find("default", "moves")
        assert found is not None
        file = next(iter(found.scan().plan_files())).file.file_path
        altered = sharing.tables._opened.io.new_output(file)
        with altered.create(overwrite=True) as stored:
            stored.write(b"PAR1")
    assert any("moves.parquet is not what was written" in one for one in findings(trail, deep=False))
