"""Other people's vectors and data sets, kept beside the repository in ``../shared``.

``ORDERTRAIL_SHARED`` names another place. Where the data is missing a test is skipped with the reason, except
in continuous integration (``CI=true``), where a test that did not run must not look like one that passed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared"


def shared(path: str) -> Path:
    """Path of a shared file or directory; skips the test, or fails in CI, where it is not there."""
    found = Path(os.environ.get("ORDERTRAIL_SHARED") or _BESIDE) / path
    if not found.exists():
        reason = f"shared data is missing: {found}; set ORDERTRAIL_SHARED to where it is kept"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)
    return found


def shared_json(path: str) -> Any:
    """Content of a shared JSON file."""
    return json.loads(shared(path).read_bytes())
