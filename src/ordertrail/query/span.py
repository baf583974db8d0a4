"""A stretch of time as somebody sees it: from a moment on and before another, by the clock of a zone."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ordertrail.query.filters.when import When


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` on and before ``end``, both aware."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    def term(self) -> When:
        """Return it as a term of a filter."""
        return When("", self.start, self.end).fixed()
