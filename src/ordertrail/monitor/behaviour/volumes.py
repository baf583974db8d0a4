"""How unusual the volume of each channel is, hour by hour: the series are judged by the rate detector, in one pass."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from ordertrail.monitor.behaviour.rates import DAY, HOUR, Opinion, RateDetector, Reading
from ordertrail.monitor.forecast.trail import is_seen
from ordertrail.monitor.stream.seen import Seen, seen_of
from ordertrail.query.projection import MICRO, Indexed

LEARNING = 14 * 24
"""Hours that a channel is watched before it is believed."""

LEAST_EVENTS = 10
"""An hour that differs by fewer events from the mean of all before is not told: of few events, two are many."""

_MOST_NAMED = 10
"""Events of an hour that are named: as examples, without their orders and money, which the hour is not about."""


@dataclass(frozen=True, slots=True)
class UnusualHour:
    """An hour that is told: its reading, and the first of its events; of a silent hour, those of the last before."""

    tenant: str
    channel: str
    reading: Reading
    evidence: tuple[Seen, ...]


@dataclass(slots=True)
class Volumes:
    """Events by tenant (empty where there is none), channel and hour."""

    counts: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)
    _named: dict[tuple[str, str, int], list[Seen]] = field(default_factory=dict)

    def take(self, event: Indexed) -> None:
        """Count an event of an order."""
        if event.channel is None or not is_seen(event):
            return
        hour = event.time // MICRO // HOUR
        key = event.tenant or "", event.channel
        self.counts.setdefault(key, Counter())[hour] += 1
        named = self._named.setdefault((*key, hour), [])
        if len(named) < _MOST_NAMED:
            named.append(msgspec.structs.replace(seen_of(event), order=None, causes=(), money=()))

    def unusual(self, least: float) -> list[UnusualHour]:
        """Return the hours of which the score is at least so much, by channel and time: of each day the rarest.

        The newest hour of all is left out: it may not be over.
        """
        end = max((hour for counts in self.counts.values() for hour in counts), default=0)
        found: dict[tuple[str, str, int], UnusualHour] = {}
        for key, counts in sorted(self.counts.items()):
            detector, last = RateDetector(LEARNING), min(counts)
            for hour in range(min(counts), end):
                reading = detector.take(hour * HOUR, float(counts[hour]))
                if counts[hour]:
                    last = hour
                off = abs(reading.value - reading.opinions[0].usual)
                if reading.alarm < least or off < LEAST_EVENTS:
                    continue
                day = (*key, reading.time // DAY)
                if day not in found or found[day].reading.score < reading.score:
                    evidence = sorted(self._named[*key, last], key=lambda seen: seen.moment)
                    found[day] = UnusualHour(*key, reading, tuple(evidence))
        return list(found.values())


def volume_sentences(hour: UnusualHour) -> tuple[str, ...]:
    """Return why an hour is unusual, with numbers, the rarest opinion first."""
    reading = hour.reading
    told = [f"{hour.channel} had {reading.value:,.0f} events in this hour."]
    told += [
        f"Against {one.name} ({one.usual:,.1f}): {one.found:,.1f}, {_rare(one)}."
        for one in sorted(reading.opinions, key=lambda one: -one.rarity)
        if one.rarity >= 1
    ]
    return tuple(told)


def _rare(opinion: Opinion) -> str:
    if opinion.is_farthest:
        return f"farther off than in all {opinion.seen:,} hours before"
    return f"as far off as 1 of {10**opinion.rarity:,.0f} hours before"
