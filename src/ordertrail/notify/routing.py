"""Routes: who gets which messages, and when they may be disturbed."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from fnmatch import fnmatchcase

from ordertrail.notify.message import Message, Severity

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of each day in which a route holds back what is not critical, by the clocks of a zone.

    From ``start`` until before ``end``; over midnight where the end is the earlier one. They are never all day:
    equal times are a programming error.
    """

    start: time
    end: time
    zone: tzinfo

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError("quiet hours that begin when they end are none, or all day")

    def cover(self, moment: datetime) -> bool:
        """Say whether a moment is within them."""
        clock = moment.astimezone(self.zone).time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def end_after(self, moment: datetime) -> datetime:
        """Return the first moment after this one at which clocks show their end. Where clocks are put, near it."""
        local = moment.astimezone(self.zone)
        ending = datetime.combine(local.date(), self.end, self.zone)
        if ending.replace(tzinfo=None) <= local.replace(tzinfo=None):
            ending = datetime.combine(local.date() + _DAY, self.end, self.zone)
        return ending.astimezone(moment.tzinfo)


@dataclass(frozen=True, slots=True)
class Route:
    """One way to some people.

    ``rules`` and ``actions`` are patterns (``*`` and ``?``); where either is given, a message must fit one of either.
    An empty set of ``channels`` or ``tenants`` means all. ``digest`` gathers what is not critical for so long, and
    ``most_per_minute`` bounds what is handed over: what is more goes together, with a count.
    """

    name: str
    least: Severity = Severity.MEDIUM
    rules: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    channels: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    quiet: QuietHours | None = None
    digest: timedelta = timedelta()
    most_per_minute: int = 10
    personal: bool = False

    def takes(self, message: Message) -> bool:
        """Say whether a message goes this way."""
        if message.severity < self.least:
            return False
        if self.channels and message.channel not in self.channels:
            return False
        if self.tenants and message.tenant not in self.tenants:
            return False
        if not self.rules and not self.actions:
            return True
        by_rule = message.rule is not None and any(fnmatchcase(message.rule, one) for one in self.rules)
        return by_rule or any(fnmatchcase(message.action, one) for one in self.actions)

    def is_quiet(self, moment: datetime) -> bool:
        """Say whether what is not critical is held back at a moment."""
        return self.quiet is not None and self.quiet.cover(moment)
