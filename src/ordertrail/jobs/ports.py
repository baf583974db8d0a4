"""What jobs need of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Tools = TypeVar("Tools")
Piece = TypeVar("Piece")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Work(Generic[Tools, Piece, Result]):
    """What each worker does: ``open`` once what it works with, then ``do`` each piece that it is given.

    Both, pieces and results are pickled: functions of modules, values without handles. ``do`` is given a piece again
    where a worker was lost, so it changes nothing, or nothing that doing it twice would change again.
    """

    open: Callable[[], Tools]
    do: Callable[[Tools, Piece], Result]
    close: Callable[[Tools], None]


class Workers(Protocol):
    """Who does pieces of work.

    The results come in the order of the pieces, whoever did them and however often: what is made of them is the same
    on one worker and on many. Pieces are taken from their iterator as workers have room, a few more than there are
    workers. What ``do`` raises is raised where the result would have come. A worker that is lost (killed, its machine
    gone) is replaced and its piece given to another; UnavailableError is raised where one piece loses its worker
    again and again.
    """

    def each(
        self, work: Work[Tools, Piece, Result], pieces: Iterable[Piece]
    ) -> Iterator[tuple[Piece, Result]]:
        """Yield each piece and its result."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the piece that a worker was given: a result, or what ``do`` raised; ``lost`` where it ended."""

    worker: int
    result: Any = None
    error: BaseException | None = None
    lost: bool = False


class Crew(Protocol):
    """Workers of one technology, each with one piece at a time. Used by one thread."""

    def hire(self) -> int:
        """Begin a worker, and return its number; the number is never used again."""

    def give(self, worker: int, piece: Any) -> None:
        """Give a worker that has none a piece. Where it has just ended, :meth:`wait` says so."""

    def wait(self) -> Sequence[Answer]:
        """Wait until a worker that has a piece answers or is lost; return what is there."""

    def dismiss(self) -> None:
        """End all workers, whatever they do."""
