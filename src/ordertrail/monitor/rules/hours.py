"""Working hours, by the clock of a zone: a condition that no database is asked about."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import false, true

from ordertrail.monitor.rules.expression import UNKNOWN, Bounds, Form, Test, Verdict
from ordertrail.query.projection import MICRO, Indexed
from ordertrail.query.tables import Dialect

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class OutsideHours:
    """It happened outside working hours: ``begin`` to ``end`` (minutes of the day) on ``days`` (Monday is 0)."""

    zone: str
    begin: int
    end: int
    days: tuple[int, ...]

    def test(self) -> Test:
        """See the protocol."""
        zone, begin, end, days = ZoneInfo(self.zone), self.begin, self.end, frozenset(self.days)

        def outside(event: Indexed) -> bool:
            try:
                here = datetime.fromtimestamp(event.time // MICRO, UTC).astimezone(zone)
            except (OverflowError, ValueError):  # at the ends of the calendar nobody works
                return True
            return here.weekday() not in days or not begin <= here.hour * 60 + here.minute < end

        return outside

    def bounds(self, dialect: Dialect) -> Bounds:  # noqa: ARG002
        """See the protocol: no database is asked about the clocks of zones."""
        return Bounds(false(), true())

    def of(self, form: Form) -> Verdict:  # noqa: ARG002
        """See the protocol."""
        return UNKNOWN

    def words(self) -> str:
        """See the protocol."""
        days = ", ".join(_DAYS[day] for day in self.days)
        return f"outside {_clock(self.begin)} to {_clock(self.end)} ({self.zone}) on {days}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
