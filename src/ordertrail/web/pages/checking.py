"""Full checks that a page begins: in the background, one a log at a time, with how far they are and what they found."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock, Thread
from typing import Final

from fastapi import FastAPI

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import OrderTrailError
from ordertrail.ledger.verify.report import Report
from ordertrail.services import Trail
from ordertrail.web.pages.shell import Trouble

_log: Final = logging.getLogger(__name__)
_making: Final = Lock()


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
    phase: Phase = Phase.RUNNING
    ended: str | None = None
    done: int = 0
    total: int = 0
    report: Report | None = None
    why: str = ""


class Checks:
    """The newest check of each log that this process knows. May be used by threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Check] = {}

    def newest(self, stream: str) -> Check | None:
        """Return the newest check of a log."""
        with self._lock:
            return self._known.get(stream)

    def begin(self, trail: Trail, stream: str, ended: Callable[[Check], None]) -> Check:
        """Begin a check and return it, or the one that runs already; ``ended`` is called from its thread."""
        with self._lock:
            known = self._known.get(stream)
            if known is not None and known.phase is Phase.RUNNING:
                return known
            check = self._known[stream] = Check(stream, format_time(trail.clock()))
        Thread(target=_run, args=(trail, check, ended), name=f"page check {stream}", daemon=True).start()
        return check


def checks_of(app: FastAPI) -> Checks:
    """Return the checks of an application, made at first use."""
    with _making:
        if not hasattr(app.state, "page_checks"):
            app.state.page_checks = Checks()
        known: Checks = app.state.page_checks
        return known


def _run(trail: Trail, check: Check, ended: Callable[[Check], None]) -> None:
    def advance(done: int, total: int) -> None:
        check.done, check.total = done, total

    try:
        check.report = trail.verify(stream=check.stream, progress=advance)
        phase = Phase.DONE
    except OrderTrailError as error:
        check.why, phase = error.message, Phase.FAILED
    except Exception:  # noqa: BLE001 - whatever ends a check, its page must not wait for it forever
        _log.exception("a full check of %s ended unforeseen", check.stream)
        check.why, phase = "it ended unforeseen; the log of the service says how", Phase.FAILED
    check.ended = format_time(trail.clock())
    try:
        ended(check)
    except OrderTrailError as error:
        _log.warning("a full check could not be put on record: %s", error.message)
    check.phase = phase


def trouble_from(report: Report) -> Trouble | None:
    """Return what every page says from now on; None where nothing is wrong."""
    first = report.first
    if first is None:
        return None
    still = report.verdict.partition(f"{first.message}. ")[2]
    return Trouble(
        f"The trail {report.origin} is BROKEN:", f"{first.where}: {first.message}. {still}", "/integrity"
    )
