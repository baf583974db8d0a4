"""What becomes of an order by a target: when a forecast is asked, and when its truth is known.

At each event of the order, in this sequence: what is due by then is settled; a breach is looked for; the end is looked
for; only then is a forecast asked. So the event that breaches is in no prefix that foresees it, and what came before
anything was asked is no breach. A forecast's truth is *breach* if one comes within its horizon, *clear* once the
horizon has passed, or the order can breach no more.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ordertrail.monitor.forecast.targets import ByAbsence, ByFilter, Target
from ordertrail.monitor.rules.expression import Form, Meant
from ordertrail.query.projection import Indexed

Item = TypeVar("Item")

MOST_ASKED = 40
"""Forecasts of one order that one target is judged by; further events move the forecast and teach nothing."""

_MOST_FORMS = 4_096


@dataclass(frozen=True, slots=True)
class Settled(Generic[Item]):
    """A forecast's truth: whether it came to a breach, when that was known, and how long after it the breach came.

    Times in microseconds since 1970; ``delay`` in microseconds, -1 where there was no breach.
    """

    item: Item
    asked: int
    truth: bool
    known: int
    delay: int


class Sieve:
    """A filter that remembers which forms of events it never means."""

    def __init__(self, meant: Meant) -> None:
        self._meant, self._test = meant, meant.test()
        self._maybe: dict[Form, bool] = {}

    def __call__(self, event: Indexed) -> bool:
        """Say whether an event is meant."""
        form = Form(event.action, event.actor_kind, event.outcome, bool(event.changes))
        maybe = self._maybe.get(form)
        if maybe is None:
            if len(self._maybe) >= _MOST_FORMS:
                self._maybe.clear()
            maybe = self._maybe[form] = self._meant.of(form).maybe
        return maybe and self._test(event)


class Course:
    """A target at work: its filters, shared by the fates of all orders."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.asked = Sieve(target.asked)
        self.ends = _sieve(target.ends)
        self.baseline = _sieve(target.baseline)
        breach = target.breach
        self.breach = Sieve(breach.breach) if isinstance(breach, ByFilter) else _never
        self.unless = _sieve(breach.unless) if isinstance(breach, ByFilter) else _never
        self.missing = Sieve(breach.missing) if isinstance(breach, ByAbsence) else _never
        self.after = Sieve(breach.after) if isinstance(breach, ByAbsence) else _never
        self.within = breach.within if isinstance(breach, ByAbsence) else 0


class Fate(Generic[Item]):
    """One order by one target. ``risky`` says whether the base rule holds for it."""

    __slots__ = ("_alarm", "_asked", "_begun", "_course", "_due", "_excused", "_waiting", "over", "risky")

    def __init__(self, course: Course) -> None:
        self.over = self.risky = False
        self._course = course
        self._asked = 0
        self._begun = False
        self._due: int | None = None
        self._alarm: int | None = None
        self._excused = False
        self._waiting: deque[tuple[int, Item]] = deque()

    def take(self, event: Indexed) -> tuple[list[Settled[Item]], bool]:
        """Take an event of the order; return what is settled by it, and whether a forecast is asked now."""
        course, settled = self._course, self.settle(event.time)
        if self.over:
            return settled, False
        if self._begun and not self._excused and course.breach(event):
            return [*settled, *self._end(event.time, breach=event.time)], False
        self._excused = self._excused or course.unless(event)
        if (self._due is not None and course.missing(event)) or course.ends(event):
            return [*settled, *self._end(event.time, breach=None)], False
        if self._due is None and course.after(event):
            self._due = event.time + course.within
        self.risky = self.risky or course.baseline(event)
        asked = course.asked(event)
        self._begun = self._begun or asked
        return settled, asked

    def ask(self, item: Item, time: int) -> bool:
        """Keep a forecast until its truth is known; False where there are as many as an order is judged by."""
        if self._asked >= MOST_ASKED:
            return False
        self._asked += 1
        self._waiting.append((time, item))
        return True

    def breach(self, time: int) -> list[Settled[Item]]:
        """Say that a rule found a breach, after the events that came since; return what is settled by it."""
        if self.over:
            return []
        before = [one for one in self._waiting if one[0] < time]
        self._waiting = deque(before)
        return self._end(time, breach=time)

    def settle(self, now: int) -> list[Settled[Item]]:
        """Return what is settled by the passing of time."""
        horizon = self._course.target.horizon
        settled: list[Settled[Item]] = []
        if not self.over and self._due is not None and self._due < now:
            settled += self._end(self._due, breach=self._due)
        while self._waiting and self._waiting[0][0] + horizon < now:
            asked, item = self._waiting.popleft()
            settled.append(Settled(item, asked, truth=False, known=asked + horizon, delay=-1))
        return settled

    def alarm(self) -> int | None:
        """Return the next moment at which time alone settles something, once; None where it was told or none does."""
        moments = [self._waiting[0][0] + self._course.target.horizon] if self._waiting else []
        if self._due is not None and not self.over:
            moments.append(self._due)
        moment = min(moments, default=None)
        if moment == self._alarm:
            return None
        self._alarm = moment
        return moment

    def _end(self, now: int, breach: int | None) -> list[Settled[Item]]:
        horizon = self._course.target.horizon
        settled = []
        for asked, item in self._waiting:
            truth = breach is not None and breach <= asked + horizon
            delay = breach - asked if truth and breach is not None else -1
            settled.append(Settled(item, asked, truth, min(now, asked + horizon), delay))
        self._waiting.clear()
        self.over = True
        return settled


def courses(targets: Sequence[Target]) -> tuple[Course, ...]:
    """Return targets at work."""
    return tuple(Course(target) for target in targets)


def _sieve(meant: Meant | None) -> Callable[[Indexed], bool]:
    return _never if meant is None else Sieve(meant)


def _never(_event: Indexed) -> bool:
    return False
