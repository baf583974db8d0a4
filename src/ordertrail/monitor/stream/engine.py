"""Leading each event past the rules that may mean it, one event at a time.

An event meets only the rules that its form does not rule out; which these are is remembered by form. What a rule
about one event means is a finding at once, or an item of the correlations that ask the rule; what a correlation is hot
at goes on to those that ask it. The engine is pure: it is handed events and hands back what was found, and what must be
kept to go on after a restart.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ordertrail.monitor.rules.expression import Form, Test
from ordertrail.monitor.rules.fields import field_named
from ordertrail.monitor.rules.narrowing import narrowed
from ordertrail.monitor.rules.rule import Correlation, Detection, Kind
from ordertrail.monitor.rules.rulebook import RAISED, Rulebook
from ordertrail.monitor.stream.correlator import Correlator, Match
from ordertrail.monitor.stream.seen import Finding, Group, Item, Kept, Onward, Seen, seen_of
from ordertrail.monitor.stream.window import held
from ordertrail.query.projection import Indexed

DISORDER = 600_000_000
"""Microseconds by which an event may come after one that happened later, and change nothing: ten minutes."""

_TICK = 1_000_000
"""Microseconds by which the watermark moves at least."""

_MOST_FORMS = 4_096
_MOST_REMEMBERED = 200_000

Reader = Callable[[Indexed], Onward | None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where an event goes on from a rule: a correlation, the place of the leg there, and what the leg reads."""

    into: "_Watched"
    leg: int
    read: Reader


@dataclass(slots=True)
class _Watched:
    """A correlation at work: its windows, and the correlations that ask it."""

    rule: Correlation
    version: str
    windows: Correlator
    onward: tuple[_Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class _Meaning:
    """A rule about one event at work. ``key`` reads what tells its alerts apart, where it raises any."""

    rule: Detection
    onward: tuple[_Entry, ...]
    key: Callable[[Indexed], Group] | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some events: findings, and what is to be kept.

    ``late`` is how many came too late for correlations, ``dropped`` how many items were let go for want of room.
    """

    findings: tuple[Finding, ...]
    kept: tuple[Kept, ...]
    late: int
    dropped: int


class Engine:
    """The rules of a rulebook at work."""

    def __init__(self, rules: Rulebook, watermark: int = 0, kept: Iterable[Kept] = ()) -> None:
        self.rules = rules
        self.watermark = watermark
        self._versions = rules.versions()
        self._watched: dict[str, _Watched] = {}
        self._meanings: list[_Meaning] = []
        self._by_form: dict[Form, tuple[tuple[Test, _Meaning], ...]] = {}
        self._told: dict[tuple[str, Group, int], set[str]] = {}
        self._remembered = 0
        self._findings: list[Finding] = []
        self._kept: list[Kept] = []
        self._late = 0
        self._prepare()
        self._restore(kept)

    def take(self, event: Indexed) -> None:
        """Lead an event past the rules. What comes of it is handed back by :meth:`taken`."""
        if event.time < self.watermark:
            self._late += 1
        seen: Seen | None = None
        form = Form(event.action, event.actor_kind, event.outcome, bool(event.changes))
        for test, meaning in self._by_form.get(form) or self._met(form):
            if not test(event):
                continue
            if seen is None:
                seen = seen_of(event)
            if meaning.key is not None:
                about = meaning.rule.about
                bucket = seen.time - seen.time % about.every
                doers = _doers(seen, ())
                self._findings.append(Finding(about.id, meaning.key(event), bucket, seen, (seen,), 1, doers))
            for entry in meaning.onward:
                place = _place(entry, event)
                if place is not None:
                    self._add(entry.into, seen, entry.leg, place)
        watermark = min(event.time, event.recorded) - DISORDER
        if watermark >= self.watermark + _TICK:
            self.settle(watermark)

    def settle(self, watermark: int) -> None:
        """Say that no event before the watermark comes any more; one that is behind is as if it were not said."""
        if watermark <= self.watermark:
            return
        self.watermark = watermark
        for watched in self._watched.values():
            if watermark >= watched.windows.due:
                for match in watched.windows.advance(watermark):
                    self._matched(watched, match)

    def taken(self) -> Taken:
        """Return what came of the events since the last call."""
        taken = Taken(tuple(self._findings), tuple(self._kept), self._late, self._dropped())
        self._findings, self._kept, self._late = [], [], 0
        if self._remembered > _MOST_REMEMBERED:
            self._told.clear()
            self._remembered = 0
        return taken

    def horizons(self) -> dict[str, int]:
        """Return for each correlation, by its version, the time before which nothing needs to be kept."""
        return {watched.version: watched.windows.horizon for watched in self._watched.values()}

    @property
    def size(self) -> int:
        """How many items are kept."""
        return sum(len(watched.windows) for watched in self._watched.values())

    def _dropped(self) -> int:
        dropped = sum(watched.windows.dropped for watched in self._watched.values())
        for watched in self._watched.values():
            watched.windows.dropped = 0
        return dropped

    def _prepare(self) -> None:
        for rule in reversed(self.rules.rules):  # those that ask come after those that are asked
            if isinstance(rule, Correlation):
                name = rule.about.name
                windows = Correlator(rule, self.watermark)
                self._watched[name] = _Watched(rule, self._versions[name], windows, self._entries(name))
        for rule in self.rules:
            if isinstance(rule, Detection):
                onward = self._entries(rule.about.name)
                if onward or not rule.silent:
                    key = None if rule.silent else _key_reader(rule.about.by)
                    self._meanings.append(_Meaning(rule, onward, key))

    def _entries(self, name: str) -> tuple[_Entry, ...]:
        return tuple(
            _Entry(watched, place, _leg_reader(watched.rule, place))
            for watched in self._watched.values()
            for place, leg in enumerate(watched.rule.legs)
            if leg.rule == name
        )

    def _restore(self, kept: Iterable[Kept]) -> None:
        by_version = {watched.version: watched for watched in self._watched.values()}
        for one in kept:
            watched = by_version.get(one.rule)
            if watched is not None:
                watched.windows.restore(one.group, one.item)

    def _met(self, form: Form) -> Sequence[tuple[Test, _Meaning]]:
        """Return the rules that may mean events of a form, each with what is left to ask of them."""
        if len(self._by_form) >= _MOST_FORMS:
            self._by_form.clear()
        met = self._by_form[form] = tuple(
            (narrowed(meaning.rule.node, form).test(), meaning)
            for meaning in self._meanings
            if meaning.rule.node.of(form).maybe and (form.action != RAISED or meaning.key is None)
        )
        return met

    def _add(self, watched: _Watched, seen: Seen, leg: int, place: Onward) -> None:
        item = Item(seen, leg, place.value, place.number, place.onward)
        self._kept.append(Kept(watched.version, place.group, item))
        for match in watched.windows.add(place.group, item):
            self._matched(watched, match)

    def _matched(self, watched: _Watched, match: Match) -> None:
        item = match.item
        for entry, place in zip(watched.onward, item.onward, strict=True):
            if place is not None:
                self._add(entry.into, item.seen, entry.leg, place)
        if watched.rule.silent:
            return
        about = watched.rule.about
        bucket = item.seen.time - item.seen.time % about.every
        known = self._told.setdefault((about.id, match.group, bucket), set())
        new = tuple(one.seen for one in match.hot.items if one.seen.id not in known)
        known.update(one.id for one in new)
        self._remembered += len(new)
        doers = _doers(item.seen, match.hot.items)
        self._findings.append(
            Finding(about.id, match.group, bucket, item.seen, new, match.hot.measure, doers)
        )


def _doers(at: Seen, items: Iterable[Item]) -> tuple[str, ...]:
    """Return the person at an event, or else all persons who had part in what made a correlation hold."""
    if at.person:
        return (at.actor,)
    return tuple(sorted({item.seen.actor for item in items if item.seen.person}))


def _place(entry: _Entry, event: Indexed) -> Onward | None:
    """Return where an event stands in a correlation, and in those that ask it."""
    place = entry.read(event)
    if place is None or not entry.into.onward:
        return place
    onward = tuple(_place(one, event) for one in entry.into.onward)
    return Onward(place.group, place.value, place.number, onward)


def _leg_reader(rule: Correlation, place: int) -> Reader:
    """Return what reads the group and the value of an event for a leg; None where it has no part in it."""
    leg, owned = rule.legs[place], rule.place
    by = [field_named(name).one for name in leg.by]
    value = None if leg.value is None else field_named(leg.value)
    counted = rule.kind in {Kind.VALUE_COUNT, Kind.FIRST}

    def read(event: Indexed) -> Onward | None:
        group = []
        for one in by:
            told = None if one is None else one(event)
            if told is None:
                return None
            group.append(told)
        if owned >= 0:
            group.append(event.tenant or "")
        if value is None:
            return Onward(tuple(group))
        if counted:
            text = None if value.one is None else value.one(event)
            return None if text is None else Onward(tuple(group), text)
        numbers = () if value.numbers is None else value.numbers(event)
        return Onward(tuple(group), None, held(sum(numbers))) if numbers else None

    return read


def _key_reader(by: Sequence[str]) -> Callable[[Indexed], Group]:
    readers = [field_named(name).one for name in by]
    owned = any(name in {"order", "subject"} for name in by)

    def read(event: Indexed) -> Group:
        values = [("" if one is None else one(event) or "") for one in readers]
        return (*values, event.tenant or "") if owned else tuple(values)

    return read
