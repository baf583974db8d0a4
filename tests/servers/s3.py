"""Real S3 stores for tests: one Ceph gateway and one moto for a whole run, and a fresh bucket for each test.

``ORDERTRAIL_TEST_S3_URL`` names another store to run the same tests against, with the credentials of the AWS
chain; it must be one that can be thrown away, for locked objects stay for years.

Ceph needs root, Debian's packages and about 20 seconds. Where it cannot be had a test is skipped with the
reason, except in continuous integration (``CI=true``), where it fails.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from moto.server import ThreadedMotoServer

from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.place import Mode, S3Place
from servers.ceph import ACCESS, PROGRAMS, SECRET, SERVER, using
from shared_data import shared

ANYWHERE = "ORDERTRAIL_TEST_S3_URL"

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
_PLACE = Path(tempfile.gettempdir()) / f"ordertrail-ceph-{_RUN}"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A store: its name and URL, and the folder of Ceph's own files where it is Ceph."""

    name: str
    endpoint: str
    home: Path | None = None

    def place(self, bucket: str, mode: Mode = "COMPLIANCE") -> S3Place:
        """Return a place in a bucket of it."""
        return S3Place(bucket, "trail/", self.endpoint, mode=mode)

    def behind(self, program: str, *arguments: str) -> str:
        """Run one of Ceph's own programs (``radosgw-admin``, ``rados``), behind the API."""
        if self.home is None:
            pytest.skip("only Ceph's own programs go behind the API")
        command = [program, "-c", str(self.home / "ceph.conf"), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout.decode(errors="replace")


@pytest.fixture(scope="session")
def ceph() -> Iterator[S3Server]:
    """A Ceph gateway, or the store that ``ORDERTRAIL_TEST_S3_URL`` names."""
    if endpoint := os.environ.get(ANYWHERE):
        yield S3Server("anywhere", endpoint)
        return
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        _give_up(
            f"a Ceph gateway needs {', '.join(missing) or 'root'}; or name another store with {ANYWHERE}"
        )
    with using(_PLACE, shared("servers/ceph-rgw.sh")) as endpoint:
        yield S3Server("ceph", endpoint, _PLACE / SERVER)


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    """A store that speaks S3 and is not write-once."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield S3Server("moto", f"http://{host}:{port}")
    finally:
        server.stop()


@pytest.fixture
def bucket(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket of the test's own, in the store that the test module names with a fixture ``server``."""
    with fresh_bucket(server, monkeypatch) as bucket:
        yield bucket


def use_credentials(server: S3Server, patch: pytest.MonkeyPatch) -> None:
    """Put the store's credentials where the AWS chain looks first, and hide the machine's own."""
    if os.environ.get(ANYWHERE) == server.endpoint:
        return
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        patch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        patch.setenv(name, os.devnull)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@contextmanager
def fresh_bucket(
    server: S3Server, patch: pytest.MonkeyPatch, *, locked: bool = True, mode: Mode = "COMPLIANCE"
) -> Iterator[Bucket]:
    """Make a bucket of its own for a test, with Object Lock and therefore versions, or without."""
    use_credentials(server, patch)
    bucket = Bucket(server.place(f"test-{uuid4()}", mode))
    try:
        bucket.ask("create_bucket", "creating", ObjectLockEnabledForBucket=locked)
        yield bucket
    finally:
        bucket.close()


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
