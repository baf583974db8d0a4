"""How unusual a person's day is, against their own past and against the others of their role.

A day is told in six aspects: how many events and orders, the largest amount moved by currency, at which hours, which
deeds (an action and the fields that it changed), and which deed after which on the same order. Each is rare by a share
of days, or of events, in the past; its rarity is ``-log10`` of that. Something counts only as far as it is rare both
for the person and for the role: what a new colleague does as the others do is not unusual, and neither is what
somebody does every day, alone. The aspects are added up, as Fisher (1925) combines tests.

It is personal data: nothing here runs unless the settings say so (:mod:`ordertrail.settings.behaviour`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log10
from typing import Any

from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.errors import EvidenceError
from ordertrail.monitor.behaviour.observing import role_of
from ordertrail.monitor.forecast.trail import is_seen
from ordertrail.monitor.stream.seen import Seen, seen_of
from ordertrail.query.projection import Indexed

VERSION = 1
LEAST_DAYS = 10
"""Days of a past that is believed."""

_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_BEYOND = 2
_MOST_BEYOND = 2.0
_AMOUNTS = ("events", "orders")

Table = dict[str, Counter[str]]


@dataclass(slots=True)
class PersonDay:
    """A day of UTC of one person. ``amounts`` are numbers by aspect, ``habits`` what came how often by aspect."""

    person: str
    role: str
    day: int
    tenant: str = ""
    amounts: dict[str, int] = field(default_factory=dict)
    habits: Table = field(default_factory=dict)
    evidence: list[Seen] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One aspect of a day: what it was, in words, and how rare that is; the person's own past and the role's apart."""

    name: str
    found: str
    own: float | None
    peers: float | None

    @property
    def rarity(self) -> float:
        """How rare it is, for the person and for the role: the less of the two, of those that are known."""
        known = [one for one in (self.own, self.peers) if one is not None]
        return min(known) if known else 0.0


@dataclass(frozen=True, slots=True)
class UnusualDay:
    """A day, judged: the aspects, the rarest first, and their sum."""

    day: PersonDay
    score: float
    aspects: tuple[Aspect, ...]


@dataclass(slots=True)
class Norms:
    """What was usual for somebody, or for a role: days by amount, and how often what was done."""

    days: int = 0
    amounts: dict[str, Counter[int]] = field(default_factory=dict)
    habits: Table = field(default_factory=dict)

    def learn(self, day: PersonDay, sign: int = 1) -> None:
        """Take note of a day; with ``sign`` -1, forget it again."""
        self.days += sign
        for name, amount in day.amounts.items():
            self.amounts.setdefault(name, Counter())[amount] += sign
        for name, came in day.habits.items():
            table = self.habits.setdefault(name, Counter())
            for what, times in came.items():
                table[what] += sign * times

    def amount(self, name: str, amount: int) -> float:
        """Return how rare it is that an amount is so large or larger."""
        days = self.amounts.get(name, Counter())
        beyond = sum(times for known, times in days.items() if known >= amount)
        rarity = -log10((beyond + 0.5) / (self.days + 1))
        largest = max((known for known, times in days.items() if times > 0), default=0)
        return (
            rarity if beyond or not largest else rarity + min(_MOST_BEYOND, _BEYOND * log10(amount / largest))
        )

    def habit(self, name: str, what: str) -> float:
        """Return how rare something is among what was done."""
        table = self.habits.get(name, Counter())
        return -log10((table[what] + 0.5) / (table.total() + 1))


@dataclass(slots=True)
class PeopleModel:
    """What was usual for each person and each role."""

    people: dict[str, Norms] = field(default_factory=dict)
    roles: dict[str, Norms] = field(default_factory=dict)

    def judge(self, day: PersonDay, *, seen: bool) -> UnusualDay:
        """Return how unusual a day is; ``seen`` says that the model has learned from it, so that it is left out."""
        own, role = self.people.get(day.person, Norms()), self.roles.get(day.role, Norms())
        peers = _without(role, own)
        if seen:
            own = _without(own, _of([day]))
        aspects = [
            Aspect(
                name, _amount_words(name, amount), _known(own, own.amount(name, amount)), _known(peers, there)
            )
            for name, amount in day.amounts.items()
            for there in [peers.amount(name, amount)]
        ]
        for name, came in day.habits.items():
            found = [
                Aspect(name, what, _known(own, own.habit(name, what)), _known(peers, peers.habit(name, what)))
                for what in sorted(came)
            ]
            aspects.append(max(found, key=lambda one: one.rarity))
        aspects.sort(key=lambda one: -one.rarity)
        return UnusualDay(day, sum(one.rarity for one in aspects), tuple(aspects))


class Days:
    """Days of people, event by event, in the sequence of times within an order."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str, int], PersonDay] = {}
        self._orders: dict[tuple[str, str, int], set[str]] = {}
        self._before: dict[tuple[str, str, str], str] = {}

    def take(self, event: Indexed) -> None:
        """Take note of what a person did to an order."""
        if event.actor_kind != "person" or event.order is None or not is_seen(event):
            return
        key = event.tenant or "", event.actor, event.time // _DAY
        day = self.known.setdefault(key, PersonDay(event.actor, role_of(event), key[2], key[0]))
        orders = self._orders.setdefault(key, set())
        orders.add(event.order)
        seen = seen_of(event)
        day.amounts["events"] = day.amounts.get("events", 0) + 1
        day.amounts["orders"] = len(orders)
        for currency, amount in seen.money:
            day.amounts[currency] = max(day.amounts.get(currency, 0), amount)
        deed = "+".join([event.action, *sorted({one.field for one in event.changes})[:8]])
        on_order = (*key[:2], event.order)
        before = self._before.get(on_order, "the beginning")
        self._before[on_order] = event.action
        hour = f"{event.time % _DAY // _HOUR:02}:00 UTC"
        for name, what in (("hour", hour), ("deed", deed), ("sequence", f"{event.action} after {before}")):
            day.habits.setdefault(name, Counter())[what] += 1
        day.evidence.append(seen)
        day.places[event.stream] = max(day.places.get(event.stream, 0), event.position)


def fit_people(days: Iterable[PersonDay]) -> PeopleModel:
    """Learn what is usual for each person and each role."""
    model = PeopleModel()
    for day in days:
        model.people.setdefault(day.person, Norms()).learn(day)
        model.roles.setdefault(day.role, Norms()).learn(day)
    return model


def people_sentences(judged: UnusualDay, model: PeopleModel) -> tuple[str, ...]:
    """Return why a day is unusual, with numbers, the rarest first."""
    day = judged.day
    own, role = model.people.get(day.person, Norms()), model.roles.get(day.role, Norms())
    told = [f"{own.days:,} days of this person are known; the role is {day.role}."]
    for one in judged.aspects:
        if one.rarity >= 1:
            days = (own.days, role.days) if one.name in day.amounts else (0, 0)
            rare = f"{_rare(one.own, days[0], 'own past')}, {_rare(one.peers, days[1], 'role')}"
            told.append(f"{one.name}: {one.found}; {rare}.")
    return tuple(told)


def format_people(model: PeopleModel) -> bytes:
    """Return the bytes of a model's file: canonical JSON of counts, and nothing else."""
    return canonical({"version": VERSION, "people": _tables(model.people), "roles": _tables(model.roles)})


def read_people(data: bytes) -> PeopleModel:
    """Read a model's file. Raises EvidenceError for what is none."""
    try:
        told = json.loads(data)
        model = PeopleModel(_norms(told["people"]), _norms(told["roles"]))
        same = format_people(model) == data
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused(str(error)) from None
    if not same:
        raise _refused("it is not written as this release writes one")
    return model


def _refused(why: str) -> EvidenceError:
    return EvidenceError(
        f"the file of a model of people cannot be read: {why}",
        meaning="Nobody is scored by it.",
        remedy="Learn anew with 'ordertrail behaviour fit', and have the new model approved.",
    )


def _of(days: Sequence[PersonDay]) -> Norms:
    norms = Norms()
    for day in days:
        norms.learn(day)
    return norms


def _without(norms: Norms, part: Norms) -> Norms:
    return Norms(
        max(0, norms.days - part.days),
        {name: counts - part.amounts.get(name, Counter()) for name, counts in norms.amounts.items()},
        {name: counts - part.habits.get(name, Counter()) for name, counts in norms.habits.items()},
    )


def _known(norms: Norms, rarity: float) -> float | None:
    return rarity if norms.days >= LEAST_DAYS else None


def _amount_words(name: str, amount: int) -> str:
    return f"{amount:,}" if name in _AMOUNTS else f"up to {amount:,} minor units"


def _rare(rarity: float | None, days: int, whose: str) -> str:
    """Return how rare something is in a past; of an amount, ``days`` are how many it was held against, else 0."""
    if rarity is None:
        return f"too little is known of the {whose}"
    if days and rarity > log10(days):
        return f"more than on any other day of {days:,} in the {whose}"
    return f"1 of {10**rarity:,.0f} in the {whose}"


def _tables(norms: Mapping[str, Norms]) -> dict[str, Any]:
    return {
        name: {
            "days": one.days,
            "amounts": {aspect: sorted(counts.items()) for aspect, counts in one.amounts.items()},
            "habits": {aspect: dict(counts) for aspect, counts in one.habits.items()},
        }
        for name, one in norms.items()
    }


def _norms(told: Mapping[str, Any]) -> dict[str, Norms]:
    return {
        name: Norms(
            int(one["days"]),
            {aspect: Counter(dict(counts)) for aspect, counts in one["amounts"].items()},
            {aspect: Counter(counts) for aspect, counts in one["habits"].items()},
        )
        for name, one in told.items()
    }
