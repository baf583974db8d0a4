"""Several things at once: what a port promises about concurrency is tried with threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from ordertrail.kernel.errors import OrderTrailError

Result = TypeVar("Result")


def at_once(*jobs: Callable[[], Result]) -> list[Result | OrderTrailError]:
    """Start all jobs at the same moment; return what each returned, or the error of ours that it raised."""
    start = Barrier(len(jobs))

    def run(job: Callable[[], Result]) -> Result | OrderTrailError:
        start.wait()
        try:
            return job()
        except OrderTrailError as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))
