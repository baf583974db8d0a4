"""Giving pieces to workers and gathering results in order: one loop for every kind of worker, and one without any."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, Final

from ordertrail.jobs.ports import Crew, Piece, Result, Tools, Work
from ordertrail.kernel.errors import UnavailableError

_TRIES: Final = 3
"""How often a piece may lose its worker: then it is the piece."""
_AHEAD: Final = 2
"""Results that may wait for an earlier one, for each worker; so memory does not grow with the job."""

HireCrew = Callable[[Work[Any, Any, Any]], Crew]
"""Makes a crew for a piece of work."""


class InTurn:
    """Implements :class:`ordertrail.jobs.ports.Workers` without any: each piece in its turn, in this process."""

    def each(
        self, work: Work[Tools, Piece, Result], pieces: Iterable[Piece]
    ) -> Iterator[tuple[Piece, Result]]:
        """See the port."""
        tools = work.open()
        try:
            for piece in pieces:
                yield piece, work.do(tools, piece)
        finally:
            work.close(tools)


class Crewed:
    """Implements :class:`ordertrail.jobs.ports.Workers` by crews of ``count`` workers."""

    def __init__(self, count: int, crew: HireCrew) -> None:
        self._count = count
        self._crew = crew

    def each(
        self, work: Work[Tools, Piece, Result], pieces: Iterable[Piece]
    ) -> Iterator[tuple[Piece, Result]]:
        """See the port."""
        crew = self._crew(work)
        try:
            with closing(_Dispatch(crew, self._count, iter(pieces)).run()) as results:
                yield from results
        finally:
            crew.dismiss()


class _Dispatch:
    """One job under way. A piece is known by its place, from 0; ``results`` has what waits for an earlier one."""

    def __init__(self, crew: Crew, count: int, pieces: Iterator[Any]) -> None:
        self._crew = crew
        self._count = count
        self._coming = enumerate(pieces)
        self._idle: deque[int] = deque()
        self._hired = 0
        self._doing: dict[int, int] = {}
        """Which worker has which piece."""
        self._pieces: dict[int, Any] = {}
        self._losses: dict[int, int] = {}
        self._again: deque[int] = deque()
        self._results: dict[int, tuple[Any, BaseException | None]] = {}

    def run(self) -> Generator[tuple[Any, Any], None, None]:
        """Yield pieces and results in order."""
        place = 0
        while True:
            self._give()
            while place in self._results:
                result, error = self._results.pop(place)
                if error is not None:
                    raise error
                yield self._pieces.pop(place), result
                place += 1
                self._give()
            if not self._doing:
                return
            for answer in self._crew.wait():
                at = self._doing.pop(answer.worker)
                if answer.lost:
                    self._lose(at)
                else:
                    self._idle.append(answer.worker)
                    self._results[at] = (answer.result, answer.error)

    def _give(self) -> None:
        """Give pieces to whoever is idle, those that lost their worker first."""
        while self._idle or self._hired < self._count:
            if self._again:
                place = self._again.popleft()
            elif len(self._pieces) >= self._count * (1 + _AHEAD):
                return
            else:
                coming = next(self._coming, None)
                if coming is None:
                    return
                place, self._pieces[coming[0]] = coming
            if not self._idle:
                self._idle.append(self._crew.hire())
                self._hired += 1
            worker = self._idle.popleft()
            self._doing[worker] = place
            self._crew.give(worker, self._pieces[place])

    def _lose(self, place: int) -> None:
        """Note that the worker of a piece is gone, and let another one have the piece."""
        self._hired -= 1
        self._losses[place] = self._losses.get(place, 0) + 1
        if self._losses[place] >= _TRIES:
            raise UnavailableError(
                f"a piece of the job lost its worker {_TRIES} times",
                meaning="The job was given up; it changed nothing, and the log is untouched.",
                remedy="See whether the system ended the workers for want of memory; use fewer, then start it again.",
            )
        self._again.append(place)
