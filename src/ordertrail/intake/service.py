"""Intake as programs are handed it: the door, the workers, the desk, and how each source is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ordertrail.intake.delivery import Source
from ordertrail.intake.health import Health, Standing, health_of
from ordertrail.intake.impact import Impact, Surroundings, rank
from ordertrail.intake.polling import Places, Poller
from ordertrail.intake.ports import Desk, Letter, Query, Sources
from ordertrail.intake.processing import Flow, Worker
from ordertrail.intake.receiving import Door
from ordertrail.intake.repair import Repair
from ordertrail.kernel.errors import ConfigurationError, InputError

_CAUSES = 10_000
_CONSIDERED = 10_000
"""Letters among which the most harmful are chosen, however few are asked for."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Where orders come in. ``sources`` are those that are configured, by ``channel/account``."""

    sources: Mapping[str, Source]
    door: Door
    flow: Flow
    desk: Desk
    repair: Repair
    records: Sources
    places: Places
    backlog: int
    """Deliveries of one source that may wait before it is told to come later."""

    def source(self, channel: str, account: str) -> Source:
        """Return a configured source. Raises ConfigurationError where there is none of that name."""
        try:
            return self.sources[f"{channel}/{account}"]
        except KeyError:
            known = ", ".join(sorted(self.sources)) or "none"
            raise ConfigurationError(
                f"there is no source {channel}/{account}; configured are: {known}",
                meaning="Nothing was taken in.",
                remedy="Name it in [[sources]] of trail.toml.",
            ) from None

    def poller(self) -> Poller:
        """Return what asks those sources that do not send by themselves."""
        return Poller(self.door, self.places, self.flow.clock)

    def worker(self) -> Worker:
        """Return a worker of this flow."""
        return Worker(self.flow)

    def health(self) -> list[Health]:
        """Return how each source is, the failing ones first."""
        now = self.flow.clock()
        found = [health_of(name, self.records.figures(name, now), now) for name in sorted(self.sources)]
        order = (Standing.FAILING, Standing.QUIET, Standing.LIVE)
        return sorted(found, key=lambda health: order.index(health.standing))

    def ranked(self, query: Query) -> list[Impact]:
        """Return letters by what they may cost, most first: so many of them, chosen among the first ten thousand."""
        failing = frozenset(one.source for one in self.health() if one.standing is Standing.FAILING)
        causes = self.desk.causes(Query(query.states, limit=_CAUSES))
        sharing = {(source, cause): count for source, cause, count in causes}
        letters = self.desk.letters(replace(query, limit=max(query.limit, _CONSIDERED)))
        return rank(letters, Surroundings(self.flow.clock(), sharing, failing))[: query.limit]

    def letter(self, name: str) -> Letter:
        """Return a letter by its message's name, ``delivery/number``. Raises InputError where there is none."""
        delivery, _, number = name.rpartition("/")
        found = self.desk.letter(delivery, int(number)) if number.isdecimal() else None
        if found is None:
            raise InputError(f"there is no message {name!r}; 'ordertrail intake list' names those that wait")
        return found
