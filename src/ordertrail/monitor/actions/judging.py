"""What became of an order, by the target's own declaration: the same walk by which forecasts learn what was true."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ordertrail.kernel.clock import parse_time
from ordertrail.monitor.actions.suggestion import Suggestion
from ordertrail.monitor.forecast.fates import Course, Fate, courses
from ordertrail.monitor.forecast.targets import ByRule, Target
from ordertrail.query.projection import Indexed, moment_microseconds

History = Callable[[str, str | None], Iterable[Indexed]]
"""Returns the events of an order (its id and tenant), as they were recorded."""

Found = Callable[[str, str, str | None], Iterable[int]]
"""Returns when a rule, by its name, found something about an order (id and tenant): microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Implements :class:`ordertrail.monitor.actions.ports.Outcomes` over the trail itself."""

    courses: Mapping[str, Course]
    history: History
    found: Found

    @classmethod
    def of(cls, targets: Sequence[Target], history: History, found: Found) -> Self:
        """Return the judge of some targets."""
        return cls({one.target.name: one for one in courses(targets)}, history, found)

    def __call__(self, suggestion: Suggestion, /) -> bool | None:
        """See the port. A target that is not declared any more says nothing."""
        course = self.courses.get(suggestion.target)
        if course is None:
            return None
        until = moment_microseconds(parse_time(suggestion.ends))
        since = until - course.target.horizon
        breach = course.target.breach
        if isinstance(breach, ByRule):
            times = self.found(breach.rule, suggestion.order, suggestion.tenant)
            return any(since < one <= until for one in times)
        return _breached(course, sorted(self._events(suggestion), key=lambda one: one.time), since, until)

    def _events(self, suggestion: Suggestion) -> Iterable[Indexed]:
        return self.history(suggestion.order, suggestion.tenant)


def _breached(course: Course, events: Sequence[Indexed], since: int, until: int) -> bool:
    """Say whether an order breached within a stretch of time."""
    fate = Fate[None](course)
    later = [one for one in events if one.time > since]
    for event in events[: len(events) - len(later)]:
        fate.take(event)
    if fate.over:
        return False
    fate.ask(None, since)
    for event in later:
        settled, _ = fate.take(event)
        if settled:
            return settled[0].truth
    return any(one.truth for one in fate.settle(until + 1))
