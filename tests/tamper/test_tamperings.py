"""Every way of tampering is found, located, and what is still provable is told."""

from pathlib import Path

import pytest
from subjects import Subject, check

from ordertrail.ledger.verify.full import Options
from ordertrail.testing.tamper import TAMPERINGS, Copies, Tampering, Where, locates

SEEDS = (1, 2, 3)
ELSEWHERE = "kept elsewhere"

_LARGE = {"tile.flip-upper"}
_INSIDE = [tampering for tampering in TAMPERINGS.values() if not tampering.silent]
_SILENT = [tampering for tampering in TAMPERINGS.values() if tampering.silent]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tampering", _INSIDE, ids=lambda tampering: tampering.name)
def test_it_is_found_located_and_what_stands_is_told(
    tampering: Tampering, seed: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The first finding names the place, and each copy that is whole is said to prove all events."""
    subject: Subject = request.getfixturevalue("large" if tampering.name in _LARGE else "small")
    copy = subject.copy(tmp_path / "copy")
    where = tampering.apply(copy, seed)
    report = check(copy)
    assert report.first is not None, f"{where} was not found"
    assert locates(report.first, where), f"{where} was not located by {report.first}"
    assert_provable(tampering, where, report, subject.size)
