"""Workers that are actors of a Ray cluster, on whatever machines it has.

Each opens the trail's stores for itself, so every machine must reach them by the same settings: PostgreSQL and S3, or a
directory that all of them mount. Each takes one processor. An actor that is lost, killed or with its machine, is not
restarted by Ray: the job begins another one and gives it the same piece.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from ordertrail.jobs.dispatch import Crewed
from ordertrail.jobs.ports import Answer, Work, Workers
from ordertrail.kernel.errors import UnavailableError

ADDRESS: Final = "RAY_ADDRESS"
"""The variable of the environment that names the cluster, as Ray reads it; without it, one is begun here."""


class _Actor:
    """What runs on the cluster."""

    def __init__(self, work: Work[Any, Any, Any]) -> None:
        self._work = work
        self._tools: Any = None
        self._opened = False

    def do(self, piece: Any) -> tuple[Any, BaseException | None]:
        """Do a piece; what it raises is returned, as it is."""
        try:
            if not self._opened:
                self._tools, self._opened = self._work.open(), True
            return self._work.do(self._tools, piece), None
        except Exception as error:  # noqa: BLE001 - it is raised again where the result would have come
            return None, error


class Actors:
    """Implements :class:`ordertrail.jobs.ports.Crew`."""

    def __init__(self, work: Work[Any, Any, Any]) -> None:
        self._work = ray.put(work)
        self._kind = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Actor)
        self._hired: dict[int, Any] = {}
        self._doing: dict[Any, int] = {}
        self._next = 0

    def hire(self) -> int:
        """See the port."""
        self._next += 1
        self._hired[self._next] = self._kind.remote(self._work)
        return self._next

    def give(self, worker: int, piece: Any) -> None:
        """See the port."""
        self._doing[self._hired[worker].do.remote(piece)] = worker

    def wait(self) -> Sequence[Answer]:
        """See the port."""
        ready, _ = ray.wait(list(self._doing), num_returns=1)
        return [self._answer(one) for one in ready]

    def dismiss(self) -> None:
        """See the port."""
        for actor in self._hired.values():
            ray.kill(actor)
        self._hired.clear()

    def _answer(self, reference: Any) -> Answer:
        worker = self._doing.pop(reference)
        try:
            result, error = ray.get(reference)
        except RayTaskError as failed:
            raise _other_program(failed) from failed
        except RayError as failed:
            if isinstance(failed, RayActorError) and failed.actor_init_failed:
                raise _other_program(failed) from failed
            del self._hired[worker]
            return Answer(worker, lost=True)
        return Answer(worker, result, error)


def _other_program(failed: RayError) -> UnavailableError:
    """Return what is told where a worker cannot read what it is given, or begin at all."""
    return UnavailableError(
        f"a worker of the Ray cluster could not begin a piece: {str(failed).strip().splitlines()[-1]}",
        meaning="The job was given up; it changed nothing.",
        remedy="Let every machine of the cluster run the same Python and the same OrderTrail.",
    )


@contextmanager
def ray_workers(count: int) -> Iterator[Workers]:
    """Join the cluster that the environment names, or begin one here of so many processors, while this lasts.

    Raises UnavailableError where the cluster does not answer.
    """
    begun = not ray.is_initialized()
    if begun:
        cluster = os.environ.get(ADDRESS)
        here: dict[str, Any] = {} if cluster else {"num_cpus": count, "include_dashboard": False}
        try:
            ray.init(cluster, log_to_driver=False, logging_level=logging.ERROR, **here)
        except (ConnectionError, RayError, TimeoutError) as error:
            raise UnavailableError(
                f"the Ray cluster does not answer: {error}",
                meaning="Nothing was begun.",
                remedy=f"See that it runs and that {ADDRESS} names it, or work on this machine with --on local.",
            ) from error
    try:
        yield Crewed(count, Actors)
    finally:
        if begun:
            ray.shutdown()
