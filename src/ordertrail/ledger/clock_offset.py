"""How far this machine's clock is from somebody else's, and how far is too far."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ordertrail.kernel.errors import ConfigurationError

MAX_OFFSET: Final = timedelta(seconds=2)
"""A clock may be off by this much, beyond what the measuring itself leaves open."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """This machine's clock less the authority's, right to within ``uncertainty`` either way.

    Positive: ours is ahead.
    """

    authority: str
    offset: timedelta
    uncertainty: timedelta

    @property
    def is_wrong(self) -> bool:
        """Whether the clocks are further apart than may be, whatever the measuring left open."""
        return abs(self.offset) - self.uncertainty > MAX_OFFSET

    def problem(self) -> ConfigurationError | None:
        """Return what is to be told where the clocks are too far apart; it stops nothing."""
        if not self.is_wrong:
            return None
        seconds = self.offset.total_seconds()
        return ConfigurationError(
            f"the system clock is {abs(seconds):,.1f} s {'ahead of' if seconds > 0 else 'behind'} the time-stamp "
            f"authority {self.authority!r} (within {self.uncertainty.total_seconds():.1f} s)",
            meaning="The times at which events are recorded are wrong by that much. Entries, their sequence and their "
            "proofs stand, stamps tell the authority's own time, and recording and sealing go on.",
            remedy="Let the clock be set from the network (timedatectl set-ntp true); compare with a second authority.",
        )
