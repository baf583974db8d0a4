"""Two trails, built once, which the tests copy and tamper with."""

import sys
from pathlib import Path

import pytest

# pytest's importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))

from subjects import Subject, build_large, build_small


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Some 700 events of a shop's story."""
    return build_small(tmp_path_factory.mktemp("small") / "trail")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """66,000 small events."""
    return build_large(tmp_path_factory.mktemp("large") / "trail")
