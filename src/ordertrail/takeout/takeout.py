"""An export that is made in the background, from being asked for to the end of its link. Pure.

::

    waiting ── running ── ready ── expired
       │          ├────── failed
       └──────────┴────── cancelled

Whoever makes it may die at any moment: it is then running and held by nobody, and is begun anew, up to :data:`TRIES`
times. A file is handed out whole or not at all, to whom it was made for, and until its link ends.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import InputError

TRIES: Final = 3
KEPT: Final = timedelta(hours=72)
"""How long a file is kept, and its link is good."""
REMEMBERED: Final = timedelta(days=90)
"""How long it is remembered here that there was one; the trail tells of it for as long as it keeps events."""
AT_ONCE: Final = 5
"""Exports of one person that wait or run."""
LARGEST: Final = 8 << 30
"""Bytes of the largest file."""


class Stage(StrEnum):
    """Where an export stands."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether it is still to be made."""
        return self in {Stage.WAITING, Stage.RUNNING}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What whoever asked may see: an export never holds more. ``tenants`` None is all."""

    tenants: tuple[str, ...] | None = None
    channels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Takeout:
    """An export: who asked for what, in which form, and how far it is. Times are RFC 3339, sizes bytes.

    ``filter`` has its times fixed, so that it means the same whenever it is made; ``most`` events at most. ``whole``
    says whether the file has all that was meant. ``sha256`` is in hexadecimal.
    """

    id: str
    owner: str
    session: str | None
    filter: str
    sentence: str
    form: str
    most: int
    expected: int
    bounds: Bounds
    asked: str
    stage: Stage = Stage.WAITING
    tries: int = 0
    events: int = 0
    size: int = 0
    ended: str | None = None
    until: str | None = None
    whole: bool = False
    sha256: str | None = None
    why: str = ""

    def begun(self) -> "Takeout":
        """Return it as it is begun, or begun anew; failed where that was often enough."""
        if self.tries >= TRIES:
            return self.failed(f"it was begun {TRIES} times, and whoever made it died each time")
        return replace(self, stage=Stage.RUNNING, tries=self.tries + 1, events=0, size=0)

    def put_back(self) -> "Takeout":
        """Return it as it waits again, since whoever made it ends in good order: that is no failure."""
        return replace(self, stage=Stage.WAITING, tries=max(0, self.tries - 1))

    def failed(self, why: str) -> "Takeout":
        """Return it as it failed."""
        return replace(self, stage=Stage.FAILED, why=why)

    def ready(self, now: datetime, *, whole: bool, sha256: str, size: int) -> "Takeout":
        """Return it as it is ready; its link is good from now on."""
        return replace(
            self,
            stage=Stage.READY,
            ended=format_time(now),
            until=format_time(now + KEPT),
            whole=whole,
            sha256=sha256,
            size=size,
        )

    def cancelled(self) -> "Takeout":
        """Return it as it is given up, by whom it was for. Raises InputError where there is nothing to give up."""
        if self.stage in {Stage.CANCELLED, Stage.EXPIRED, Stage.FAILED}:
            raise InputError("this export has ended already")
        return replace(self, stage=Stage.CANCELLED)

    def is_over(self, now: datetime) -> bool:
        """Say whether its link has ended, and its file is to go."""
        return self.stage is Stage.READY and self.until is not None and parse_time(self.until) <= now

    def is_past(self, now: datetime) -> bool:
        """Say whether it need not be remembered here any more."""
        return (
            not self.stage.is_open
            and self.stage is not Stage.READY
            and now - parse_time(self.asked) >= REMEMBERED
        )

    def expired(self) -> "Takeout":
        """Return it as its file is gone."""
        return replace(self, stage=Stage.EXPIRED)
