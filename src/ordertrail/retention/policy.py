"""A retention policy: classes, each with its legal basis, its term, and what happens when that is over. Pure.

::

    version = 1

    [[classes]]
    name = "default"                # the stream (DESIGN: one class a stream)
    preset = "seven-years"          # or basis and term of your own
    trigger = "fiscal-year"         # event, fiscal-year or order-closed
    fiscal_year_ends = "12-31"

    [[classes]]
    name = "browsing"
    basis = "No duty to keep; a year is enough to look into complaints"
    term_days = 365
    duty = false                    # whether a law asks for it: then it goes before a wish to be erased (GDPR 17(3)(b))
    actions = ["order.read"]        # which events: all of these must fit, none given fits everything
    channels = ["web"]
    order_types = ["sample"]        # an event's tag order-type:sample
    jurisdictions = ["DE"]          # an event's tag jurisdiction:DE
    tenants = ["main"]
    action = "purge"                # archive, purge or review

An event belongs to the first class that it fits; the last one must fit everything. Terms are days or whole years, by
the calendar. When a term begins, the trigger says: when the event happened, at the end of the fiscal year in which it
did, or when its order was closed (an order that is open keeps what is about it).
"""

import calendar
import fnmatch
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.record.event import Event

VERSION: Final = 1
ORDER_TYPE: Final = "order-type:"
"""What the tag begins with that tells of which type an event's order is."""
JURISDICTION: Final = "jurisdiction:"
"""What the tag begins with that tells under which law an event falls."""
_DAY_OF_YEAR = "12-31"
_PRESETS = "presets.toml"


class Trigger(StrEnum):
    """When a term begins."""

    EVENT = "event"
    FISCAL_YEAR = "fiscal-year"
    ORDER_CLOSED = "order-closed"


class Fate(StrEnum):
    """What happens when a term is over."""

    PURGE = "purge"
    """It is destroyed when one asks and another agrees."""
    ARCHIVE = "archive"
    """It is kept, as columns too; nobody destroys it while this stands."""
    REVIEW = "review"
    """Somebody looks at it; it is destroyed when one asks, with what they saw as the reason, and another agrees."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A term: whole years by the calendar, and days."""

    years: int = 0
    days: int = 0

    def after(self, moment: datetime) -> datetime:
        """Return when a term that begins at a moment is over; the 29th of February becomes the 28th."""
        year = moment.year + self.years
        if year > 9_999:
            return datetime.max.replace(tzinfo=UTC)
        day = min(moment.day, calendar.monthrange(year, moment.month)[1])
        try:
            return moment.replace(year=year, day=day) + timedelta(days=self.days)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    @property
    def least_days(self) -> int:
        """Days that it has at least, from whichever day."""
        return self.years * 365 + max(self.years // 4 - 1, 0) + self.days

    @property
    def most_days(self) -> int:
        """Days that it has at most."""
        return self.years * 365 + self.years // 4 + 1 + self.days

    def __str__(self) -> str:
        parts = [f"{number} {unit}{'s' if number != 1 else ''}" for number, unit in _parts(self) if number]
        return " and ".join(parts) or "no time"


def _parts(span: Span) -> Iterator[tuple[int, str]]:
    yield span.years, "year"
    yield span.days, "day"


@dataclass(frozen=True, slots=True)
class Preset:
    """A term that a rule asks for, and where the rule says so."""

    name: str
    basis: str
    source: str
    term: Span
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """One class. ``actions`` and ``kinds`` are patterns (``order.*``), the others exact; empty fits everything.

    Of which type its order is and under which law it falls, an event's tags say (:data:`ORDER_TYPE`,
    :data:`JURISDICTION`); one that says nothing fits no class that asks for it.
    """

    name: str
    basis: str
    term: Span
    trigger: Trigger = Trigger.EVENT
    fate: Fate = Fate.PURGE
    fiscal_year_ends: str = _DAY_OF_YEAR
    actions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    order_types: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    source: str = ""
    duty: bool = False
    """Whether the basis is a duty by law to keep: then it goes before a person's wish to be erased."""

    @property
    def fits_everything(self) -> bool:
        """Whether every event fits."""
        return not any(self.criteria)

    @property
    def criteria(self) -> tuple[tuple[str, ...], ...]:
        """What an event must be to fit: classes that ask for the same fit the same events."""
        return (self.actions, self.kinds, self.channels, self.tenants, self.order_types, self.jurisdictions)

    def fits(self, event: Event) -> bool:
        """Say whether an event is of this class, if it is of none before it."""
        channel = event.context.channel if event.context is not None else None
        tags = event.context.tags if event.context is not None else ()
        return (
            _matches(self.actions, event.action)
            and _matches(self.kinds, event.subject.kind)
            and (not self.channels or channel in self.channels)
            and (not self.tenants or event.subject.tenant in self.tenants)
            and _tagged(self.order_types, ORDER_TYPE, tags)
            and _tagged(self.jurisdictions, JURISDICTION, tags)
        )

    def due(self, event: Event, closed: datetime | None = None) -> datetime | None:
        """Return from when on an event may go; None where nothing says, because its order is open."""
        begin = parse_time(event.time)
        if self.trigger is Trigger.FISCAL_YEAR:
            begin = fiscal_year_end(begin, self.fiscal_year_ends)
        elif self.trigger is Trigger.ORDER_CLOSED and event.subject.order is not None:
            if closed is None:
                return None
            begin = max(begin, closed)
        return self.term.after(begin)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy's classes, in the order in which they are asked."""

    classes: tuple[RetentionClass, ...]
    text: str = ""
    files: bool = True
    """Whether it says to which stream an event goes; what a trail begins with only says for how long each is kept."""

    def class_of(self, event: Event) -> RetentionClass:
        """Return the class of an event; its name is the stream that the event goes to."""
        return next(one for one in self.classes if one.fits(event))

    def named(self, name: str) -> RetentionClass | None:
        """Return a class by name."""
        return next((one for one in self.classes if one.name == name), None)


def shortened(before: Policy, after: Policy) -> list[str]:
    """Name what a changed policy would keep for a shorter time: that needs the eyes of two.

    That is a class that is kept for less, and a class that may take events, by what it asks for or by its place, from
    one that is kept for longer.
    """
    found = [f"the class {old.name} is gone" for old in before.classes if after.named(old.name) is None]
    for place, old in enumerate(before.classes):
        for now, new in enumerate(after.classes):
            moves = before.files and _may_move(before, place, after, now)
            if (old.name == new.name or moves) and _shorter(old, new):
                moved = "" if old.name == new.name else f" what was {old.name}'s may be {new.name}'s, and"
                found.append(
                    f"{old.name}:{moved} is kept for {new.term} from {new.trigger}, then {new.fate}, "
                    f"not {old.term} from {old.trigger}, then {old.fate}"
                )
    return found


def _may_move(before: Policy, place: int, after: Policy, now: int) -> bool:
    """Say whether an event of the class at a place before may be of the one at a place afterwards.

    It may not where a class that asks for the same as either is asked earlier in the other policy: that one has it.
    """
    old, new = before.classes[place].criteria, after.classes[now].criteria
    then = [one.criteria for one in before.classes]
    later = [one.criteria for one in after.classes]
    return not (new in then and then.index(new) < place) and not (old in later and later.index(old) < now)


def _shorter(old: RetentionClass, new: RetentionClass) -> bool:
    """Say whether any event could go earlier, whatever its time and its order's end."""
    if old.fate is Fate.ARCHIVE and new.fate is not Fate.ARCHIVE:
        return True
    same = new.trigger is old.trigger and (
        new.trigger is not Trigger.FISCAL_YEAR or new.fiscal_year_ends == old.fiscal_year_ends
    )
    # Of the other two, either may begin before the other: an order may be closed before its fiscal year ends.
    begins_earlier = not same and old.trigger is not Trigger.EVENT
    covers = new.term.years >= old.term.years and new.term.days >= old.term.days
    return begins_earlier or not (covers or new.term.least_days >= old.term.most_days)


def fiscal_year_end(moment: datetime, ends: str) -> datetime:
    """Return the end of the fiscal year that a moment is in; ``ends`` is its last day, ``MM-DD``."""
    month, day = (int(part) for part in ends.split("-"))
    for year in (moment.year, moment.year + 1):
        last = date(year, month, min(day, calendar.monthrange(year, month)[1]))
        end = datetime.combine(last + timedelta(days=1), time(), UTC)
        if moment < end:
            return end
    raise AssertionError("a moment is in a fiscal year")


def parse_policy(text: str) -> Policy:
    """Read a policy. Raises InputError naming everything that is wrong with it, by its path."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the retention policy is not TOML: {error}") from None
    problems: list[Problem] = []
    if data.pop("version", None) != VERSION:
        problems.append(Problem("version", f"must be {VERSION}"))
    tables = data.pop("classes", [])
    problems += [Problem(name, "is not a setting of a retention policy") for name in data]
    if not isinstance(tables, list) or not tables:
        problems.append(Problem("classes", "must have at least one class"))
        tables = []
    known = presets()
    classes = [_class(number, table, known, problems) for number, table in enumerate(tables)]
    found = [one for one in classes if one is not None]
    names = [one.name for one in found]
    problems += [
        Problem("classes", f"has {name} twice") for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if not problems and not found[-1].fits_everything:
        problems.append(Problem(f"classes.{len(found) - 1}", "is the last one, and must fit every event"))
    problems += [
        Problem(f"classes.{number}", "fits every event, and those after it would never be asked")
        for number, one in enumerate(found[:-1])
        if one.fits_everything
    ]
    if problems:
        raise InputError(problems, remedy="Correct the retention policy; nothing was changed.")
    return Policy(tuple(found), text)


def presets() -> dict[str, Preset]:
    """Return the terms that are shipped, by name."""
    data = tomllib.loads((files("ordertrail.retention") / _PRESETS).read_text())
    return {
        name: Preset(
            name,
            one["basis"],
            one["source"],
            Span(one.get("term_years", 0), one.get("term_days", 0)),
            Trigger(one.get("trigger", "event")),
        )
        for name, one in data.items()
    }


_TEXTS = ("actions", "kinds", "channels", "tenants", "order_types", "jurisdictions")


def _class(
    number: int, table: Any, known: dict[str, Preset], problems: list[Problem]
) -> RetentionClass | None:
    """Read one class; what is wrong is added to the problems."""
    path = f"classes.{number}"
    said = dict(table) if isinstance(table, dict) else {}
    before = len(problems)

    def wrong(name: str, message: str) -> None:
        problems.append(Problem(f"{path}.{name}", message))

    preset = known.get(said.pop("preset", ""))
    if "preset" in (table if isinstance(table, dict) else {}) and preset is None:
        wrong("preset", f"is none of {', '.join(sorted(known))}")
    lists = {name: _texts(said.pop(name, []), name, wrong) for name in _TEXTS}
    term = Span(
        _days(said.pop("term_years", 0), "term_years", wrong),
        _days(said.pop("term_days", 0), "term_days", wrong),
    )
    name, basis = said.pop("name", ""), said.pop("basis", preset.basis if preset else "")
    trigger = _choice(Trigger, said.pop("trigger", preset.trigger if preset else "event"), "trigger", wrong)
    fate = _choice(Fate, said.pop("action", "purge"), "action", wrong)
    ends = said.pop("fiscal_year_ends", _DAY_OF_YEAR)
    duty = said.pop("duty", preset is not None)
    if not isinstance(duty, bool):
        wrong("duty", "must be true or false")
    if not isinstance(name, str) or not name:
        wrong("name", "must name the class, as its stream is named")
    if not isinstance(basis, str) or not basis.strip():
        wrong("basis", "must say why events are kept for so long and no longer")
    if term == Span() and preset is not None:
        term = preset.term
    elif preset is not None and term < preset.term:
        wrong("term_years", f"is shorter than the {preset.term} of {preset.name}")
    if term == Span():
        wrong("term_days", "or term_years or a preset must say for how long")
    if not _is_day(ends):
        wrong("fiscal_year_ends", "must be a day of the year such as 12-31")
    for odd in said:
        wrong(odd, "is not a setting of a class")
    if len(problems) > before or trigger is None or fate is None:
        return None
    return RetentionClass(
        name=name,
        basis=basis,
        term=term,
        trigger=trigger,
        fate=fate,
        fiscal_year_ends=ends,
        source=preset.source if preset else "",
        duty=duty,
        **lists,
    )


def _texts(value: Any, name: str, wrong: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        wrong(name, "must be a list of texts")
        return ()
    return tuple(value)


def _days(value: Any, name: str, wrong: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 365_000:
        wrong(name, "must be a whole number of at least 0")
        return 0
    return value


def _choice(kind: Any, value: Any, name: str, wrong: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        wrong(name, f"must be one of {', '.join(kind)}")
        return None


def _is_day(text: Any) -> bool:
    try:
        date.fromisoformat(f"2023-{text}")
    except ValueError:
        return False
    return isinstance(text, str)


def _matches(patterns: tuple[str, ...], value: str) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def _tagged(values: tuple[str, ...], prefix: str, tags: tuple[str, ...]) -> bool:
    return not values or any(f"{prefix}{value}" in tags for value in values)
