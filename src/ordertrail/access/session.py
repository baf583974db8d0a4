"""A session: that somebody signed in with a browser. Its token is known to the browser alone; its hash is kept.

A session ends when it was idle for too long, and at a set time after signing in however busy it was. Its token is new
whenever what it may do changes: at signing in, after the second factor, and when a glass is broken.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ordertrail.access.rules import Rules
from ordertrail.access.verbs import Verb


class Stage(StrEnum):
    """How far somebody got."""

    SECOND = "second"
    """The password was right; the code of the second factor is asked for."""
    ENROL = "enrol"
    """The password was right, a second factor is required, and none is set up."""
    FULL = "full"
    """Signed in."""


@dataclass(frozen=True, slots=True)
class Glass:
    """A broken glass: what was taken, until when, and why."""

    verbs: frozenset[Verb]
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is kept.

    ``digest`` is the SHA-256 of its token, in hex; ``name`` is what events call it, and stays when the token changes.
    ``proven`` is when its person last proved who they are.
    """

    digest: str = field(repr=False)
    name: str
    account: str
    stage: Stage
    created: datetime
    proven: datetime
    seen: datetime
    glass: Glass | None = None

    def ends(self, rules: Rules) -> datetime:
        """Return when it ends if nothing is done with it from now on."""
        if self.stage is not Stage.FULL:
            return self.created + rules.unfinished
        return min(self.seen + rules.idle, self.created + rules.longest)

    def alive(self, now: datetime, rules: Rules) -> bool:
        """Say whether it has not ended."""
        return self.created - rules.skew <= now < self.ends(rules)

    def fresh(self, now: datetime, within: timedelta) -> bool:
        """Say whether its person proved who they are just now."""
        return now - self.proven <= within

    def broken(self, now: datetime) -> Glass | None:
        """Return the glass that is broken now, None where there is none."""
        return self.glass if self.glass is not None and now < self.glass.until else None
