"""Repairs undo what deviates, and their likelihoods are those of the repaired paths, told anew."""

from collections import Counter
from math import exp, isclose

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.behaviour.logs import ACTIVITIES, PATHS
from ordertrail.monitor.behaviour.deviations import _judged, add, course
from ordertrail.monitor.behaviour.paths import END, ORDER, Path, Paths, padded
from ordertrail.monitor.behaviour.repairs import Kind, repairs

LOGS = st.lists(PATHS, min_size=1, max_size=15).map(lambda paths: Paths(Counter(paths)))


@given(LOGS, PATHS)
@settings(deadline=None)
def test_a_repair_is_as_likely_as_the_path_that_it_makes(paths: Paths, path: Path) -> None:
    """Told by what differs alone, the likelihood is that of the whole repaired path."""
    for repair, likelihood in _judged(path, paths, paths.log_shares(path, seen=False)):
        assert isclose(likelihood, sum(paths.log_shares(repair.of(path), seen=False)), abs_tol=1e-9)


@given(LOGS, st.lists(st.sampled_from(ACTIVITIES), min_size=ORDER, max_size=ORDER).map(tuple))
def test_shares_are_of_one_whole(paths: Paths, context: Path) -> None:
    """After any context, the shares of all that is known, of the end, and of what was never seen, make one."""
    known = {activity for path in paths.counts for activity in path}
    told = sum(exp(paths.log_share(context, activity)) for activity in (*known, END, "never seen"))
    assert isclose(told, 1, abs_tol=1e-9)


@given(PATHS, st.data())
def test_a_missing_step_is_found_again(usual: Path, data: st.DataObject) -> None:
    """Of a path with a step left out, one repair is the path as it was."""
    place = data.draw(st.integers(0, len(usual) - 1))
    path = usual[:place] + usual[place + 1 :]
    if path and path != usual:
        assert usual in _repaired(path, Kind.MISSING, usual)


@given(PATHS, st.data())
def test_an_extra_step_is_found(usual: Path, data: st.DataObject) -> None:
    """Of a path with a step more, one repair is the path as it was, and names the step."""
    place = data.draw(st.integers(0, len(usual)))
    path = (*usual[:place], "new", *usual[place:])
    (found,) = [
        one for one in repairs(path, Paths({usual: 1})) if one.of(path) == usual and one.kind is Kind.EXTRA
    ]
    assert found.places == (place,)


@given(PATHS, st.data())
def test_a_moved_step_is_found(usual: Path, data: st.DataObject) -> None:
    """Of a path with a step elsewhere, one repair is the path as it was."""
    place, to = (data.draw(st.integers(0, len(usual) - 1)) for _ in range(2))
    rest = usual[:place] + usual[place + 1 :]
    path = (*rest[:to], usual[place], *rest[to:])
    if path != usual:
        assert usual in _repaired(path, Kind.MOVED, usual)


@given(PATHS, st.data())
def test_a_repeated_stretch_is_found(usual: Path, data: st.DataObject) -> None:
    """Of a path in which a stretch was done again at once, one repair is the path as it was."""
    size = data.draw(st.integers(1, min(3, len(usual))))
    place = data.draw(st.integers(0, len(usual) - size))
    end = place + size
    path = usual[:end] + usual[place:end] + usual[end:]
    assert usual in _repaired(path, Kind.REPEATED, usual)


@given(LOGS, PATHS)
@settings(deadline=None)
def test_the_odds_of_places_are_of_their_kinds(paths: Paths, path: Path) -> None:
    """No step has more odds of a kind than its path; together they have no less."""
    told = course(path, paths, seen=path in paths.counts)
    kinds = dict(told.kinds)
    sums: dict[Kind, float] = {}
    for _place, kind, odds in told.places:
        assert odds <= kinds[kind] + 1e-9
        sums[kind] = add(sums.get(kind, float("-inf")), odds)
    assert all(sums[kind] >= odds - 1e-9 for kind, odds in kinds.items())


def test_beginnings_are_padded() -> None:
    """A path is told with contexts of full length from its first step on, and with its end."""
    assert len(padded(("a",))) == ORDER + 2


def _repaired(path: Path, kind: Kind, usual: Path) -> set[Path]:
    return {one.of(path) for one in repairs(path, Paths({usual: 1})) if one.kind is kind}
