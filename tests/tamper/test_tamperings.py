"""Every way of tampering is found and located, and what is still provable is told."""

from pathlib import Path

import pytest

from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report
from ordertrail.testing.tamper import TAMPERINGS, Copies, Tampering, Where, locates
from tamper.subjects import ANCHORED, Subject, check

SEEDS = (1, 2, 3)
ELSEWHERE = "a checkpoint kept elsewhere"

#: What the small trail has not got: 65,536 entries under one full tile of level 1.
_LARGE = {"tile.flip-upper"}


#: What the check does not find yet, or not as it should, and why; strict, so that a remedy shows here.
def _cases(*, silent: bool) -> list[object]:
    return [
        pytest.param(tampering, id=name)
        for name, tampering in TAMPERINGS.items()
        if tampering.silent is silent
    ]


def assert_provable(tampering: Tampering, where: Where, report: Report, size: int) -> None:
    """What is said to be provable is no more than what is whole, and no less."""
    assert report.provable is not None
    by_table, by_tiles = report.provable.by_table, report.provable.by_tiles
    if Copies.TABLE in tampering.spares:
        assert by_table == size
    elif where.entry is not None and where.row is not None:
        # Up to the last batch that ends before the entry; the batches of each anchoring begin where it began.
        assert max(end for end in ANCHORED if end <= where.entry) <= by_table <= where.entry
    assert by_table <= size
    if Copies.TILES in tampering.spares:
        assert by_tiles == size
    assert ("All " in report.verdict) is (max(by_table, by_tiles) >= report.size)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tampering", _cases(silent=False))
def test_it_is_found_and_located_and_what_stands_is_told(
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


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tampering", _cases(silent=True))
def test_a_checkpoint_kept_elsewhere_finds_what_nothing_inside_can_show(
    tampering: Tampering, seed: int, small: Subject, tmp_path: Path
) -> None:
    """Who rewrites the whole directory is found by whoever kept one checkpoint, and by nobody else."""
    copy = small.copy(tmp_path / "copy")
    tampering.apply(copy, seed)
    alone = check(copy)
    assert alone.intact
    assert any("elsewhere" in note for note in alone.notes)
    report = check(copy, Options(elsewhere=[(ELSEWHERE, small.checkpoint)]))
    assert report.first is not None
    assert report.first.where == ELSEWHERE


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rolled_back_trail_still_proves_what_it_has(seed: int, small: Subject, tmp_path: Path) -> None:
    """An older copy is no forgery: what it holds stands, and what it lacks is told."""
    copy = small.copy(tmp_path / "copy")
    size = TAMPERINGS["history.roll-back"].apply(copy, seed).entry
    report = check(copy, Options(elsewhere=[(ELSEWHERE, small.checkpoint)]))
    assert report.provable is not None
    assert (report.provable.by_table, report.provable.by_tiles) == (size, size)
    assert "700 entries" in report.verdict


@pytest.mark.parametrize("seed", SEEDS)
def test_a_forged_history_proves_nothing_against_a_checkpoint_kept_elsewhere(
    seed: int, small: Subject, tmp_path: Path
) -> None:
    """What the log's own key signed twice is not called provable, beyond where the two histories part."""
    for name in ("history.fork", "signature.everything"):
        copy = small.copy(tmp_path / name)
        where = TAMPERINGS[name].apply(copy, seed)
        report = check(copy, Options(elsewhere=[(ELSEWHERE, small.checkpoint)]))
        assert report.provable is not None
        assert report.provable.by_table == 0
        assert report.provable.by_tiles <= (where.entry or 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_under_a_forked_database_the_tiles_that_agree_with_a_checkpoint_elsewhere_stand(
    seed: int, small: Subject, tmp_path: Path
) -> None:
    """The published tree was left alone: it proves all of the true history, and the table none of it."""
    copy = small.copy(tmp_path / "copy")
    TAMPERINGS["history.fork-database"].apply(copy, seed)
    report = check(copy, Options(elsewhere=[(ELSEWHERE, small.checkpoint)]))
    assert report.provable is not None
    assert (report.provable.by_table, report.provable.by_tiles) == (0, small.size)


def test_every_tampering_is_described(small: Subject, tmp_path: Path) -> None:
    """Names are unique, descriptions are sentences, and the same seed touches the same place."""
    assert all(name == tampering.name for name, tampering in TAMPERINGS.items())
    for name in ("entry.flip", "tile.flip", "term.shorten", "history.roll-back"):
        tampering = TAMPERINGS[name]
        assert tampering.description.endswith(".")
        places = {tampering.apply(small.copy(tmp_path / f"{name}-{n}"), 5) for n in range(2)}
        assert len(places) == 1


def test_what_the_trail_has_not_got_cannot_be_tampered_with(small: Subject, tmp_path: Path) -> None:
    """A tampering that finds nothing to touch says so, so that no test passes for want of a victim."""
    with pytest.raises(LookupError):
        TAMPERINGS["tile.flip-upper"].apply(small.copy(tmp_path / "copy"), 1)
