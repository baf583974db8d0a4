"""Processes of one service: kept running, ended in order, and never left behind.

A *part* is a function that a process of its own runs until it is asked to end (SIGTERM). The supervisor:

- starts each part again when its process ends, whatever ended it, at once, and then after growing pauses;
- ends everything where a part says that it cannot work as it is set up (exit status 2): trying again would not help;
- ends groups one after the other: who answers first finishes what it began, then what works beside it ends;
- exchanges the parts of a group one by one at SIGHUP, each when the new one is ready: new settings, new certificates.

*If the supervisor is killed*, each process finds the pipe to it closed, and ends as if it were asked to. A terminal's
Ctrl-C reaches the supervisor alone, because each process leads a process group of its own.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from ordertrail.kernel.errors import ConfigurationError, InputError

_log = logging.getLogger("ordertrail.processes")

SETUP: Final = 2
"""The exit status of a process that cannot work as it is set up."""

_PAUSES: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a part is started again, by how often in a row it ended soon."""
_SOON: Final = 10.0
_TICK: Final = 0.5
_STARTING: Final = 60.0
"""Seconds that a new process may take to be ready before an old one is ended for it."""

Ready = Callable[[], None]
_READY: Final = b"ready"


@dataclass(frozen=True, slots=True)
class Part:
    """One process: ``run`` is called in it with ``arguments`` and what says that it is ready.

    Both are pickled: ``run`` is a function of a module. ``grace`` is the seconds that it has to end.
    """

    name: str
    run: Callable[..., None]
    arguments: tuple[Any, ...] = ()
    grace: float = 30.0


@dataclass(slots=True, eq=False)
class _Running:
    """A part and its process now."""

    part: Part
    process: SpawnProcess | None = None
    pipe: Connection | None = None
    begun: float = 0.0
    ready: bool = False
    falls: int = 0
    """How often in a row it ended soon after it began."""
    again: float = 0.0
    """When it is to be started."""


class Supervisor:
    """Runs groups of parts; the first group is ended first."""

    def __init__(
        self, groups: Sequence[Sequence[Part]], *, ended: Callable[[int], None] = lambda _pid: None
    ) -> None:
        """``ended`` is called with the process id of each process that has ended."""
        self._groups = [[_Running(part) for part in group] for group in groups]
        self._ended = ended
        self._asked = threading.Event()
        self._exchange = False
        self._context = multiprocessing.get_context("spawn")

    def run(self, ready: Callable[[], None] = lambda: None) -> int:
        """Run until SIGINT or SIGTERM, or until a part cannot work as it is set up; return the exit status.

        ``ready`` is called once every part was ready for the first time.
        """
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        status, told = 0, False
        try:
            while not self._asked.is_set():
                status = self._look()
                if status:
                    break
                if not told and all(one.ready for one in self._all()):
                    told = True
                    ready()
                if self._exchange:
                    self._exchange = False
                    self._exchange_all()
                wait([item for one in self._all() for item in _waited_for(one)] or [], _TICK)
        finally:
            for group in self._groups:
                self._end(group)
            for number, handler in before.items():
                signal.signal(number, handler)
        return status

    def _on_signal(self, number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            self._exchange = True
        else:
            self._asked.set()

    def _all(self) -> Iterable[_Running]:
        return (one for group in self._groups for one in group)

    def _look(self) -> int:
        """Hear who is ready, start what is to be started; return the status of a part that never will be."""
        now = time.monotonic()
        for one in self._all():
            self._hear(one)
            if one.process is not None and one.process.exitcode is not None:
                code = self._reap(one)
                if code == SETUP:
                    return SETUP
                soon = now - one.begun < _SOON
                one.falls = one.falls + 1 if soon else 0
                one.again = now + _PAUSES[min(one.falls, len(_PAUSES) - 1)]
                _log.warning(
                    "a process ended and is started again",
                    extra={"facts": {"part": one.part.name, "status": code, "pause": one.again - now}},
                )
            if one.process is None and now >= one.again:
                self._start(one)
        return 0

    def _start(self, one: _Running) -> None:
        ours, theirs = self._context.Pipe()
        one.process = self._context.Process(
            target=_child, args=(one.part.run, one.part.arguments, theirs), name=f"ordertrail-{one.part.name}"
        )
        one.process.start()
        theirs.close()
        one.pipe, one.begun, one.ready = ours, time.monotonic(), False

    @staticmethod
    def _hear(one: _Running) -> None:
        if one.pipe is None or one.ready:
            return
        with suppress(EOFError, OSError):
            if one.pipe.poll() and one.pipe.recv_bytes() == _READY:
                one.ready = True

    def _reap(self, one: _Running) -> int:
        """Forget a process that has ended; return its status."""
        process, code = one.process, 0
        if process is not None:
            process.join()
            code = process.exitcode or 0
            self._ended(process.pid or 0)
            process.close()
        if one.pipe is not None:
            one.pipe.close()
        one.process = one.pipe = None
        return code

    def _end(self, group: Sequence[_Running]) -> None:
        """Ask a group to end, wait for it, and kill what does not."""
        for one in group:
            _ask(one)
        for one in group:
            self._finish(one)

    def _finish(self, one: _Running) -> None:
        if one.process is None:
            return
        one.process.join(one.part.grace)
        if one.process.exitcode is None:
            _log.error("a process did not end and is killed", extra={"facts": {"part": one.part.name}})
            one.process.kill()
        self._reap(one)

    def _exchange_all(self) -> None:
        """Put a new process in the place of each, one after the other; an old one ends when the new one is ready."""
        _log.info("processes are exchanged")
        for group in self._groups:
            for number, old in enumerate(group):
                new = _Running(old.part)
                self._start(new)
                end = time.monotonic() + _STARTING
                while not new.ready and time.monotonic() < end and not self._asked.is_set():
                    wait(list(_waited_for(new)), _TICK)
                    self._hear(new)
                    if new.process is not None and new.process.exitcode is not None:
                        break
                if not new.ready:
                    _log.error(
                        "a new process was not ready; the old one stays",
                        extra={"facts": {"part": new.part.name}},
                    )
                    _ask(new)
                    self._finish(new)
                    return
                group[number] = new
                _ask(old)
                self._finish(old)


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _waited_for(one: _Running) -> Iterable[Any]:
    if one.process is not None:
        yield one.process.sentinel
        if one.pipe is not None and not one.ready:
            yield one.pipe


def _ask(one: _Running) -> None:
    if one.process is not None and one.process.exitcode is None:
        one.process.terminate()


def _child(run: Callable[..., None], arguments: tuple[Any, ...], pipe: Connection) -> None:
    """Run a part in its process."""
    with suppress(OSError):
        os.setpgid(0, 0)
    threading.Thread(target=_end_with, args=(pipe,), name="ordertrail-supervised", daemon=True).start()
    try:
        run(*arguments, lambda: pipe.send_bytes(_READY))
    except (ConfigurationError, InputError) as error:
        _log.error("it cannot work as it is set up", exc_info=error)
        sys.exit(SETUP)
    except Exception as error:  # noqa: BLE001 - told by the log's own rules, and not with the values in its message
        _log.error("it ended by an error", exc_info=error)
        sys.exit(1)


def _end_with(pipe: Connection) -> None:
    """Ask this process to end once the supervisor is gone: its end of the pipe closes with it."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os.kill(os.getpid(), signal.SIGTERM)
