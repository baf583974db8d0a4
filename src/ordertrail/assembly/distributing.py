"""Who does the pieces of long jobs: processes of this machine, or actors of a Ray cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from ordertrail.jobs.ports import Workers
from ordertrail.jobs.processes import local_workers
from ordertrail.kernel.errors import ConfigurationError


class On(StrEnum):
    """Where workers run."""

    LOCAL = "local"
    RAY = "ray"


@contextmanager
def working(count: int, on: On = On.LOCAL) -> Iterator[Workers]:
    """Have so many workers, for as long as this lasts.

    Raises ConfigurationError where Ray is asked for and is not installed, UnavailableError where it does not answer.
    """
    if on is On.LOCAL:
        yield local_workers(count)
        return
    try:
        from ordertrail.adapters.ray.crew import ray_workers  # noqa: PLC0415 - an extra, and large to load
    except ImportError as error:
        raise ConfigurationError(
            f"workers on a Ray cluster need a package that is not installed: {error}",
            meaning="Nothing was begun.",
            remedy="Install it with: pip install 'ordertrail[ray]', or work on this machine with --on local.",
        ) from None
    with ray_workers(count) as workers:
        yield workers
