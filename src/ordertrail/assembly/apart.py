"""Long work of the service, in a process of its own that gives way to others: what it takes of memory goes with it."""

import os
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from ordertrail.assembly.background import Stopping

_WAIT = 0.5
_NICE = 10


def run_apart(work: Callable[..., None], root: Path, *arguments: str, stopping: Stopping) -> bool:
    """Run a function of a module with a trail's directory; say whether it came to its end.

    It is ended (SIGTERM) when the service is asked to end: what it does must stand being stopped anywhere.
    """
    process = get_context("spawn").Process(target=_give_way, args=(work, root, *arguments), daemon=True)
    process.start()
    while process.is_alive():
        stopping.rest(_WAIT)
        if stopping():
            process.terminate()
    process.join()
    return process.exitcode == 0


def _give_way(work: Callable[..., None], *arguments: object) -> None:
    os.nice(_NICE)
    work(*arguments)
