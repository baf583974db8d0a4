"""The Go checker and the logs that it is run on, made once a session."""

import pytest

from interop.golang import TlogCheck, build_tlogcheck


@pytest.fixture(scope="session")
def tlogcheck(tmp_path_factory: pytest.TempPathFactory) -> TlogCheck:
    """The Go checker."""
    return build_tlogcheck(tmp_path_factory.mktemp("tlogcheck"))
