"""Full checks of a log that somebody asked for: in the background, one a log at a time, by page or by interface.

A check belongs to the process that runs it: it is known there until newer ones push it out, or the process ends. That
it was asked for, and what it found, are events.
"""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock, Thread
from typing import Final

from fastapi import FastAPI, Request

from ordertrail.access.principal import Principal
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import OrderTrailError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report
from ordertrail.services import Trail
from ordertrail.web.auth.observing import observe

_log: Final = logging.getLogger(__name__)
_making: Final = Lock()
_REMEMBERED: Final = 32


class Phase(StrEnum):
    """Where a check is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """It could not be carried through; nothing is known of the evidence by it."""


@dataclass(slots=True)
class Check:
    """A check of a log. Its one thread writes it, anybody reads it."""

    stream: str
    begun: str
    id: str = field(default_factory=new_id)
    phase: Phase = Phase.RUNNING
    ended: str | None = None
    done: int = 0
    total: int = 0
    report: Report | None = None
    why: str = ""
    """Why it failed."""


class Checks:
    """The checks that this process knows; the oldest that has ended gives way to a new one. May be used by threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str, Check] = OrderedDict()
        self._found: dict[str, Report] = {}

    def begin(self, stream: str, clock: Clock) -> tuple[Check, bool]:
        """Return the check of a log that runs, or a new one; and whether it is new."""
        with self._lock:
            for one in self._known.values():
                if one.stream == stream and one.phase is Phase.RUNNING:
                    return one, False
            check = Check(stream, format_time(clock()))
            self._known[check.id] = check
            ended = [one.id for one in self._known.values() if one.phase is not Phase.RUNNING]
            for name in ended[: max(0, len(self._known) - _REMEMBERED)]:
                del self._known[name]
            return check, True

    def end(self, check: Check, clock: Clock, why: str = "") -> None:
        """Let a check be over, and remember what it found; ``why`` it failed, where it did."""
        with self._lock:
            if check.report is not None:
                self._found[check.stream] = check.report
            check.ended, check.why = format_time(clock()), why
            check.phase = Phase.DONE if check.report is not None else Phase.FAILED

    def get(self, name: str) -> Check | None:
        """Return a check by its id."""
        with self._lock:
            return self._known.get(name)

    def newest(self, stream: str) -> Check | None:
        """Return the newest check of a log."""
        with self._lock:
            return next((one for one in reversed(self._known.values()) if one.stream == stream), None)

    def broken(self) -> Report | None:
        """Return what was found last of a log that is broken; None where none is known to be."""
        with self._lock:
            return next((one for one in self._found.values() if not one.intact), None)


def checks_of(app: FastAPI) -> Checks:
    """Return the checks of an application, made at first use."""
    with _making:
        if not hasattr(app.state, "checks"):
            app.state.checks = Checks()
        known: Checks = app.state.checks
        return known


def begin_check(request: Request, who: Principal, trail: Trail, stream: str) -> Check:
    """Put on record that somebody asks for a full check of a log, and begin it; return the one that runs already.

    Raises InputError where there is no such log, UnavailableError where it cannot be put on record: then none is begun.
    """
    origin, checks = trail.log(stream).log.origin, checks_of(request.app)
    check, new = checks.begin(stream, trail.clock)
    if not new:
        return check

    def tell(what: str) -> None:
        observe(request, who, "integrity.check", "log", origin, what)

    def run() -> None:
        why = ""
        try:
            check.report = _carried_through(trail, check)
            tell(check.report.verdict[:1_000])
        except OrderTrailError as error:
            why = error.message
            _log.error("a full check could not be carried through, or put on record: %s", why)
        except Exception:  # noqa: BLE001 - a thread of its own: what it does not tell is never heard of
            why = "it ended unforeseen; the log of the service says how"
            _log.exception("a full check ended unforeseen")
        checks.end(check, trail.clock, why)

    try:
        tell("begun")
    except BaseException:
        checks.end(check, trail.clock, "that it was asked for could not be put on record")
        raise
    Thread(target=run, name=f"check {stream}", daemon=True).start()
    return check


def _carried_through(trail: Trail, check: Check) -> Report:
    def advance(done: int, total: int) -> None:
        check.done, check.total = done, total

    # In processes of its own where the log is long: whoever asks meanwhile is answered from this one.
    return trail.verify(Options(processes=2), stream=check.stream, progress=advance)
