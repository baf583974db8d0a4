"""Incidents: alerts that belong together, because one person, one order or one cause is in all of them.

Two alerts are linked if they name the same person, order or cause and their events are no more than a day apart;
an incident is everything that is linked, over however many steps. Services and systems link nothing: they are in
everything. It is worked out from the alerts each time, and is so the same in whatever sequence they came.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ordertrail.monitor.alerts.alert import Alert
from ordertrail.monitor.rules.rule import Level

APART = 86_400_000_000
"""Microseconds between two alerts of one incident, at most: a day."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts that belong together, by time. ``id`` is made of the first alert's; ``shared`` is what several name."""

    id: str
    alerts: tuple[Alert, ...]
    severity: Level
    people: tuple[str, ...]
    orders: tuple[str, ...]
    shared: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether one of its alerts is."""
        return any(alert.is_open for alert in self.alerts)


def incidents(alerts: Iterable[Alert]) -> list[Incident]:
    """Return the incidents of some alerts, the gravest first, and of these the newest first."""
    told = sorted(alerts, key=lambda one: (one.first, one.id))
    parents = list(range(len(told)))
    for places in _by_key(told).values():
        # Along the events' times, what reaches furthest so far is what the next is held against.
        reach, furthest = told[places[0]].last, places[0]
        for place in places[1:]:
            if told[place].first - reach <= APART:
                _join(parents, furthest, place)
            if told[place].last > reach:
                reach, furthest = told[place].last, place
    together: dict[int, list[Alert]] = {}
    for place, alert in enumerate(told):
        together.setdefault(_root(parents, place), []).append(alert)
    found = [_incident(group) for group in together.values()]
    return sorted(found, key=lambda one: (-one.severity, -one.alerts[-1].last, one.id))


def _incident(alerts: Sequence[Alert]) -> Incident:
    counted: dict[str, int] = {}
    for alert in alerts:
        for _kind, name in {key for key in _keys(alert) if key[0] != "cause"}:
            counted[name] = counted.get(name, 0) + 1
    return Incident(
        id=f"I-{alerts[0].id.removeprefix('A-')}",
        alerts=tuple(alerts),
        severity=Level(max(alert.severity for alert in alerts)),
        people=tuple(sorted({name for alert in alerts for name in alert.doers or alert.people})),
        orders=tuple(sorted({name for alert in alerts for name in alert.orders})),
        shared=tuple(sorted(name for name, count in counted.items() if count > 1)),
    )


def _by_key(alerts: Sequence[Alert]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for place, alert in enumerate(alerts):
        for key in _keys(alert):
            found.setdefault(key, []).append(place)
    return found


def _keys(alert: Alert) -> set[tuple[str, str]]:
    keys: set[tuple[str, str]] = set()
    keys.update(("actor", name) for name in alert.doers)
    for seen in alert.evidence:
        if seen.order is not None:
            keys.add(("order", f"{seen.tenant or ''}/{seen.order}" if seen.tenant else seen.order))
        keys.update(("cause", cause) for cause in seen.causes)
    return keys


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _join(parents: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(parents, one), _root(parents, other)))
    parents[second] = first
