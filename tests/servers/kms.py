"""A key management service for tests: moto's, which speaks AWS KMS's protocol over HTTP.

Where it is not installed a test is skipped with the reason, except in continuous integration (``CI=true``).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

HIDDEN = "secret-of-a-test-61027"
"""What no error may show."""


@contextmanager
def key_service() -> Iterator[str]:
    """Run a service in a thread, with credentials for it in the environment; give its address."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        reason = "moto's server is not installed (pip install 'moto[server]')"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
                patch.delenv(name, raising=False)
            patch.setenv("AWS_ACCESS_KEY_ID", "for-a-test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", HIDDEN)
            patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
            patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            yield f"http://{host}:{port}"
    finally:
        server.stop()
