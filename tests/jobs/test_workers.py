"""Workers of every kind: the same results in order, whoever did them, whatever became of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from jobs.pieces import FAIL, KILL, squares, times
from ordertrail.assembly.distributing import On, working
from ordertrail.jobs.ports import Workers
from ordertrail.kernel.errors import EvidenceError, UnavailableError

KINDS = [
    pytest.param(1, On.LOCAL, id="one"),
    pytest.param(3, On.LOCAL, id="local"),
    pytest.param(2, On.RAY, id="ray"),
]
CREWS = KINDS[1:]


@pytest.fixture(scope="module")
def workers() -> Iterator[Callable[[int, On], Workers]]:
    """Workers by count and place; a cluster is begun once."""
    patch = pytest.MonkeyPatch()
    patch.setenv(
        "PYTHONPATH", str(Path(__file__).parents[1])
    )  # for the cluster's processes, which import the work
    with_them: dict[tuple[int, On], tuple[AbstractContextManager[Workers], Workers]] = {}

    def have(count: int, on: On) -> Workers:
        if (count, on) not in with_them:
            opening = working(count, on)
            with_them[count, on] = (opening, opening.__enter__())
        return with_them[count, on][1]

    yield have
    for opening, _ in with_them.values():
        opening.__exit__(None, None, None)
    patch.undo()


@pytest.mark.parametrize(("count", "on"), KINDS)
def test_results_come_in_order(
    workers: Callable[[int, On], Workers], count: int, on: On, tmp_path: Path
) -> None:
    """However long each piece takes, results come as the pieces do, each once."""
    pieces = [(number, 7 * number % 20) for number in range(40)]
    found = list(workers(count, on).each(squares(tmp_path), iter(pieces)))
    assert found == [(one, one[0] ** 2) for one in pieces]
    assert [times(tmp_path, number) for number in range(40)] == [1] * 40


@pytest.mark.parametrize(("count", "on"), CREWS)
def test_a_killed_worker_costs_only_its_piece(
    workers: Callable[[int, On], Workers], count: int, on: On, tmp_path: Path
) -> None:
    """A worker that gets SIGKILL in the middle of a piece is replaced; only that piece is done again."""
    pieces = [(number, KILL if number in {3, 11} else 5) for number in range(20)]
    found = list(workers(count, on).each(squares(tmp_path), pieces))
    assert [result for _, result in found] == [number**2 for number in range(20)]
    assert [times(tmp_path, number) for number in range(20)] == [
        2 if number in {3, 11} else 1 for number in range(20)
    ]


@pytest.mark.parametrize(("count", "on"), CREWS)
def test_a_piece_that_ends_every_worker_is_given_up(
    workers: Callable[[int, On], Workers], count: int, on: On, tmp_path: Path
) -> None:
    """Three workers are enough to know that it is the piece."""
    with pytest.raises(UnavailableError, match="lost its worker 3 times"):
        list(workers(count, on).each(squares(tmp_path), [(1, 1), (2, KILL + FAIL)]))
    assert times(tmp_path, 2) == 3


@pytest.mark.parametrize(("count", "on"), KINDS)
def test_what_a_piece_raises_comes_where_its_result_would(
    workers: Callable[[int, On], Workers], count: int, on: On, tmp_path: Path
) -> None:
    """Results before it are handed over; then the error itself is raised, as on one process."""
    pieces = [(number, FAIL if number == 4 else 1) for number in range(9)]
    coming = workers(count, on).each(squares(tmp_path), pieces)
    assert [next(coming)[1] for _ in range(4)] == [0, 1, 4, 9]
    with pytest.raises(EvidenceError, match="piece 4 is wrong"):
        next(coming)


@pytest.mark.parametrize(("count", "on"), KINDS)
def test_pieces_are_taken_as_there_is_room(
    workers: Callable[[int, On], Workers], count: int, on: On, tmp_path: Path
) -> None:
    """A job without an end begins: memory does not grow with it, and whoever has enough stops."""
    taken = 0

    def endless() -> Iterator[tuple[int, int]]:
        nonlocal taken
        while True:
            yield taken, 0
            taken += 1

    with closing(workers(count, on).each(squares(tmp_path), endless())) as results:  # type: ignore[type-var]
        assert [next(results)[1] for _ in range(5)] == [0, 1, 4, 9, 16]
    assert taken <= 5 + 3 * count


@pytest.mark.parametrize(("count", "on"), KINDS)
def test_nothing_is_done_of_nothing(
    workers: Callable[[int, On], Workers], count: int, on: On, tmp_path: Path
) -> None:
    """A job of no pieces has no results."""
    assert list(workers(count, on).each(squares(tmp_path), [])) == []
