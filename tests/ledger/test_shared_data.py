from pathlib import Path

import pytest

from shared_data import shared


def test_missing_data_skips_a_test_but_fails_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where shared data is missing a developer's test is skipped with the reason, and CI fails."""
    monkeypatch.setenv("ORDERTRAIL_SHARED", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="shared data is missing"):
        shared("vectors")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="shared data is missing"):
        shared("vectors")
    (tmp_path / "vectors").mkdir()
    assert shared("vectors") == tmp_path / "vectors"
