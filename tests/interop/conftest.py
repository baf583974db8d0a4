"""The Go checker and the logs that it is run on, made once a session."""

import sys
from pathlib import Path

import pytest

# pytest's importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))

from golang import TlogCheck, build_tlogcheck


@pytest.fixture(scope="session")
def tlogcheck(tmp_path_factory: pytest.TempPathFactory) -> TlogCheck:
    """The Go checker."""
    return build_tlogcheck(tmp_path_factory.mktemp("tlogcheck"))
