"""Workers that are processes of this machine, each with a pipe of its own.

Each is started by a fork server, so that it has nothing of this process but what it is given, and ends when its pipe
does: *if we are killed*, nobody stays behind.
"""

import pickle
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from ordertrail.jobs.dispatch import Crewed, InTurn
from ordertrail.jobs.ports import Answer, Work, Workers

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

_CONTEXT = get_context("forkserver")
_GRACE = 2.0
"""Seconds that an idle worker has to end by itself."""


def local_workers(count: int) -> Workers:
    """Return so many processes of this machine; one is this process itself."""
    return InTurn() if count == 1 else Crewed(count, Processes)


class Processes:
    """Implements :class:`ordertrail.jobs.ports.Crew`."""

    def __init__(self, work: Work[Any, Any, Any]) -> None:
        self._work = work
        self._hired: dict[int, tuple[ForkServerProcess, Connection]] = {}
        self._busy: set[int] = set()
        self._next = 0

    def hire(self) -> int:
        """See the port."""
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_serve, args=(self._work, theirs), daemon=True)
        process.start()
        theirs.close()
        self._next += 1
        self._hired[self._next] = (process, ours)
        return self._next

    def give(self, worker: int, piece: Any) -> None:
        """See the port."""
        self._busy.add(worker)
        with suppress(OSError):  # it is gone, and wait says so
            self._hired[worker][1].send(piece)

    def wait(self) -> Sequence[Answer]:
        """See the port."""
        pipes = {self._hired[worker][1]: worker for worker in self._busy}
        ready = wait(list(pipes))
        return [self._answer(worker) for pipe, worker in pipes.items() if pipe in ready]

    def dismiss(self) -> None:
        """See the port."""
        for process, pipe in self._hired.values():
            pipe.close()
            process.terminate()
        for process, _ in self._hired.values():
            process.join(_GRACE)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        self._hired.clear()

    def _answer(self, worker: int) -> Answer:
        self._busy.discard(worker)
        process, pipe = self._hired[worker]
        try:
            result, error = pipe.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            del self._hired[worker]
            pipe.close()
            process.kill()
            process.join()
            process.close()
            return Answer(worker, lost=True)
        return Answer(worker, result, error)


def _serve(work: Work[Any, Any, Any], pipe: Connection) -> None:
    """Do what comes through the pipe until it ends."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal's Ctrl-C ends whoever gave the work, and so the pipe
    tools: Any = None
    opened = False
    try:
        while True:
            piece = pipe.recv()
            result, raised = None, None
            try:
                if not opened:
                    tools, opened = work.open(), True
                result = work.do(tools, piece)
            except Exception as error:  # noqa: BLE001 - it is raised again where the result would have come
                raised = error
            pipe.send((result, raised))
    except (EOFError, OSError):
        pass
    finally:
        if opened:
            work.close(tools)
