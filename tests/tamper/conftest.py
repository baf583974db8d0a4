"""Two trails, built once, which the tests copy and tamper with."""

import pytest

from tamper.subjects import Subject, build_large, build_small


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Some 700 events of a shop's story."""
    return build_small(tmp_path_factory.mktemp("small") / "trail")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """66,000 small events."""
    return build_large(tmp_path_factory.mktemp("large") / "trail")
