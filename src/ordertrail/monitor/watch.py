"""Following the log: each sealed event is led past the rules once, and what comes of it is kept with the place reached.

One step, five numbered parts:

1. **Read** a batch of sealed entries from where the last step ended. *If we stop here*, nothing has happened.
2. **Look**: lead each event past the rules. *If we stop here*, only memory is lost, and it is of the place kept.
3. **Keep** the new place, what correlations need, and alerts with their transitions, in one transaction. *If we stop
   before*, the next start does all of it again and finds the same; *after*, it goes on from there.
4. **Record** the transitions as events of the trail, under ids of their own. *If we stop here*, the next start records
   them again, which adds nothing.
5. **Tell** whoever wants to know of alerts at once. *If we stop here*, they are told again.

Another watch that does the same finds that it came too late, and goes on from what the first one kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.monitor.alerts.alert import Alert, Status, Transition
from ordertrail.monitor.alerts.lifecycle import wake
from ordertrail.monitor.alerts.raising import alert_id, take_in
from ordertrail.monitor.alerts.telling import told
from ordertrail.monitor.ports import (
    AlertQuery,
    AlertStore,
    Committed,
    Door,
    Lives,
    Standing,
    Step,
    Told,
    WatchStore,
)
from ordertrail.monitor.rules.rule import Correlation
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.monitor.stream.engine import DISORDER, Engine, Taken
from ordertrail.monitor.stream.seen import Finding
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.ports import LogReader
from ordertrail.query.projection import moment_microseconds, project
from ordertrail.record.actions import Action

BATCH = 4_096
"""Entries of one step, of one log."""

_TOLD = 500
_WAKING = timedelta(seconds=5)
_SNOOZED = 1_000


@dataclass(slots=True)
class Progress:
    """What a watch has done since it began."""

    events: int = 0
    raised: int = 0
    untold: int = 0
    """Times that somebody who wanted to be told of alerts could not be."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a watch works with. ``large`` are amounts that are large, in minor units by currency."""

    store: WatchStore
    alerts: AlertStore
    lives: Lives
    log: LogReader
    streams: Sequence[str]
    actions: Mapping[str, Action]
    door: Door
    clock: Clock
    large: Mapping[str, int]
    told: Sequence[Told] = ()


class Watch:
    """Rules at work on the logs of a trail. Used by one thread."""

    def __init__(self, rules: Rulebook, around: Surroundings) -> None:
        self.progress = Progress()
        self._around = around
        self._lag: tuple[datetime, str] | None = None
        self._waking = around.clock()
        self._rules = rules
        self._begin()

    def replace(self, rules: Rulebook) -> None:
        """Go on with other rules; those that look for the same as before keep what they have seen."""
        self._rules = rules
        self._begin()

    @property
    def state(self) -> int:
        """How many events the windows of correlations hold."""
        return self._engine.size

    def step(self) -> int:
        """Look at what was sealed since; return how many events there were. 0 says that the end was reached."""
        while True:
            places, batch = self._read()
            for one in batch:
                self._engine.take(project(one.event, one.place, self._around.actions))
                self._lag = one.event.moment, one.place.recorded
            if places != dict(self._standing.places):  # what was purged is passed over
                self._keep(places, self._engine.taken())
                self.progress.events += len(batch)
                if not batch:
                    continue
            self._tell()
            return len(batch)

    def idle(self) -> None:
        """Say that nothing came: what waited for late events is settled, and what was set aside comes back."""
        now = self._around.clock()
        if self._is_live(now):
            self._engine.settle(moment_microseconds(now) - DISORDER)
            taken = self._engine.taken()
            if taken.findings or taken.kept:
                self._keep(self._standing.places, taken)
        if now >= self._waking:
            self._waking = now + _WAKING
            self._wake(now)
        self._tell()

    def skip(self) -> None:
        """Begin with what is sealed from now on, and leave out what is there."""
        places = {stream: self._around.log.size(stream) for stream in self._around.streams}
        before = self._standing
        self._around.store.commit(
            Step(before, Standing(places, before.watermark, before.late, before.dropped))
        )
        self._begin()

    def _begin(self) -> None:
        store = self._around.store
        self._standing = self._on_this_log(store.standing())
        versions = self._rules.versions()
        store.forget([versions[rule.about.name] for rule in self._rules if isinstance(rule, Correlation)])
        self._engine = Engine(self._rules, self._standing.watermark, store.kept())
        self._loud = {rule.about.id: rule for rule in self._rules.loud}
        self._horizons = self._engine.horizons()
        self._lag = None

    def _on_this_log(self, standing: Standing) -> Standing:
        """Return where the watch is; at the beginning, where it was ahead of the log: that is another one.

        Such is a log that was restored from a backup. Looking at it again raises no alert twice.
        """
        log, streams = self._around.log, self._around.streams
        known = standing.places.items()
        if all(place <= (log.size(stream) if stream in streams else place) for stream, place in known):
            return standing
        self._around.store.forget([])
        begun = Standing(dict.fromkeys(standing.places, 0), 0, standing.late, standing.dropped)
        self._around.store.commit(Step(standing, begun))
        return self._around.store.standing()

    def _read(self) -> tuple[dict[str, int], list[SealedEvent]]:
        """Return the next events of all logs in the sequence in which they were recorded, and the places after them."""
        places = dict(self._standing.places)
        chunks: dict[str, list[SealedEvent]] = {}
        until: str | None = None
        for stream in self._around.streams:
            start, size = places.get(stream, 0), self._around.log.size(stream)
            end = min(start + BATCH, size)
            if start >= end:
                continue
            chunk = [read_entry(stream, row) for row in self._around.log.rows(stream, start, end)]
            chunks[stream] = chunk
            places[stream] = end
            if end < size:  # where all of a stretch was purged, nothing is known of what comes after it
                last = chunk[-1].place.recorded if chunk else ""
                until = last if until is None else min(until, last)
        if until is not None:  # what another log has beyond it waits for what this one has not shown yet
            for stream, chunk in chunks.items():
                ready = [one for one in chunk if one.place.recorded <= until]
                if len(ready) < len(chunk):
                    places[stream] = chunk[len(ready)].place.position
                    chunks[stream] = ready
        batch = [one for chunk in chunks.values() for one in chunk]
        if len(chunks) > 1:
            batch.sort(key=lambda one: (one.place.recorded, one.place.stream, one.place.position))
        return places, batch

    def _keep(self, places: Mapping[str, int], taken: Taken) -> None:
        """Keep a step; where another watch was quicker, go on from what it kept."""
        while True:
            alerts, transitions = self._alerts(taken.findings)
            step = self._step(places, taken, alerts, transitions)
            became = self._around.store.commit(step)
            if became is Committed.MOVED:
                self._begin()
                return
            if became is Committed.DONE:
                break
        self._standing = step.after
        self._horizons = self._engine.horizons()
        self.progress.raised += sum(before == 0 for _alert, before in step.alerts)

    def _step(
        self,
        places: Mapping[str, int],
        taken: Taken,
        alerts: Sequence[tuple[Alert, int]],
        transitions: Sequence[Transition],
    ) -> Step:
        before, engine = self._standing, self._engine
        after = Standing(
            dict(places), engine.watermark, before.late + taken.late, before.dropped + taken.dropped
        )
        horizons = {
            version: horizon
            for version, horizon in engine.horizons().items()
            if horizon != self._horizons.get(version)
        }
        return Step(before, after, taken.kept, horizons, alerts, transitions)

    def _alerts(self, findings: Sequence[Finding]) -> tuple[list[tuple[Alert, int]], list[Transition]]:
        """Return the alerts that findings make or change, each with the version before, and their transitions."""
        by_alert: dict[str, list[Finding]] = {}
        for finding in findings:
            by_alert.setdefault(alert_id(finding), []).append(finding)
        known = self._around.alerts.get(list(by_alert)) if by_alert else {}
        now = format_time(self._around.clock())
        alerts: list[tuple[Alert, int]] = []
        transitions: list[Transition] = []
        for name, told_of in by_alert.items():
            before = known.get(name)
            after, transition = take_in(before, told_of, self._loud[told_of[0].rule], now, self._around.large)
            if after is not before:
                alerts.append((after, 0 if before is None else before.version))
            if transition is not None:
                transitions.append(transition)
        return alerts, transitions

    def _tell(self) -> None:
        """Record transitions that the trail does not know of, and tell whoever wants to know."""
        while transitions := self._around.alerts.untold(_TOLD):
            self.progress.untold += announce(self._around, transitions)
            if len(transitions) < _TOLD:
                return

    def _wake(self, now: datetime) -> None:
        query = AlertQuery(statuses=frozenset({Status.SNOOZED}), limit=_SNOOZED)
        here = format_time(now)
        for alert in self._around.alerts.find(query):
            if alert.snoozed_until is not None and alert.snoozed_until <= here:
                self._around.alerts.change(wake(alert, here))

    def _is_live(self, now: datetime) -> bool:
        """Say whether events come as they happen, so that their not coming says that none happened."""
        if self._lag is None:
            return False
        happened, recorded = self._lag
        apart = timedelta(microseconds=DISORDER)
        return recorded <= format_time(happened + apart) and happened <= now


def announce(around: Surroundings, transitions: Sequence[Transition]) -> int:
    """Record transitions, and tell whoever wants to know; return how often somebody could not be told.

    Nobody who cannot be told stops a watch, or a decision.
    """
    around.door([told(one) for one in transitions])
    failures = 0
    for listener in around.told:
        try:
            listener(transitions)
        except Exception:  # noqa: BLE001 - whatever it is, it is theirs
            failures += 1
    around.alerts.tell(transitions)
    return failures


def follow(
    watch: Watch,
    stop: Callable[[], bool],
    wait: Callable[[], None],
    changed: Callable[[], Rulebook | None] = lambda: None,
) -> Iterator[int]:
    """Watch until ``stop`` says so; yield how many events each step looked at, 0 where there were none.

    ``wait`` passes a moment; ``changed`` returns new rules where there are any.
    """
    while not stop():
        rules = changed()
        if rules is not None:
            watch.replace(rules)
        looked = watch.step()
        if not looked:
            watch.idle()
        yield looked
        if not looked and not stop():
            wait()
