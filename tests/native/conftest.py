"""The native extension, under each of its implementations of SHA-256 that this machine can run."""

import importlib
import os
from collections.abc import Iterator
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def native() -> ModuleType:
    """The extension; skips where it is not built, and fails in CI, where it must be."""
    try:
        return importlib.import_module("ordertrail_native")
    except ImportError:
        reason = "ordertrail_native is not built; tools/build-native does it where there is a C compiler"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(params=["avx512", "sha_ni", "avx2", "scalar", None], ids=lambda name: name or "best")
def path(native: ModuleType, request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The extension while it uses one implementation, or chooses the best for each call."""
    if request.param is not None and request.param not in native.implementations():
        pytest.skip(f"this machine has no {request.param}")
    native.use(request.param)
    yield native
    native.use(None)
