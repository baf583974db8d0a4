"""The watch over the trail in a directory: its state in a file beside it, or in a schema on a PostgreSQL server."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from ordertrail.access.account import Kind
from ordertrail.access.roles import verbs_of
from ordertrail.access.verbs import Verb
from ordertrail.adapters.monitor.database import STATE
from ordertrail.adapters.monitor.rule_files import FolderOfRules
from ordertrail.adapters.monitor.store import SqlMonitor
from ordertrail.adapters.state import StateDatabase, open_file, open_server
from ordertrail.assembly.access import ACCESS, open_access
from ordertrail.assembly.governance import open_governance
from ordertrail.assembly.index import open_query
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.monitor.alerts.severity import LARGE
from ordertrail.monitor.ports import Told
from ordertrail.monitor.rules.approval import Approvals
from ordertrail.monitor.rules.rulebook import shipped_rules
from ordertrail.monitor.service import Monitor
from ordertrail.monitor.watch import Surroundings
from ordertrail.record.event import Event
from ordertrail.services import Trail
from ordertrail.settings import secret
from ordertrail.settings.monitor import MonitorSettings

WATCH = "watch.db"
"""The file of the watch, where no server is named."""


@contextmanager
def open_monitor(root: Path, *, clock: Clock = utc_now, told: Sequence[Told] = ()) -> Iterator[Monitor]:
    """Open the watch over the trail in a directory. ``told`` are told of alerts at once.

    Raises ConfigurationError where there is no trail or a shipped rule is left out that there is not, UnavailableError
    where a database cannot be reached.
    """
    said = read_settings(root).monitor
    unknown = set(said.without) - {rule.about.name for rule in shipped_rules()}
    if unknown:
        raise ConfigurationError(
            f"monitor.without names rules that are not shipped: {', '.join(sorted(unknown))}"
        )
    with (
        open_trail(root, clock=clock) as trail,
        open_query(root, clock=clock) as query,
        closing(open_monitor_database(root, said)) as database,
        open_governance(root, clock) as log,
    ):

        def door(events: Sequence[Event]) -> None:
            trail.record(events)

        store = SqlMonitor(database)
        yield Monitor(
            around=Surroundings(
                store=store,
                alerts=store,
                lives=store,
                log=query.log,
                streams=query.streams,
                actions=query.actions,
                door=door,
                clock=clock,
                large=said.large or LARGE,
                told=tuple(told),
            ),
            files=FolderOfRules(root / said.rules),
            searches=query.searches,
            silenced=frozenset(said.without),
            approvals=Approvals(log, partial(_takes_two, root, trail), clock),
        )


def _takes_two(root: Path, trail: Trail) -> bool:
    """Say whether the trail's own rules need two people, as the settings say.

    Without a word of them, where somebody's account may write rules and somebody else's may approve them.
    """
    settings = read_settings(root)
    chosen = settings.governance.rules
    if chosen != "auto":
        return chosen == "required"
    if settings.access.url is None and not (root / ACCESS).exists():
        return False
    with open_access(root, trail) as access:
        people = [
            verbs_of(one.roles)
            for one in access.people.accounts.every()
            if one.active and one.kind is Kind.PERSON
        ]
    return any(Verb.RULES_WRITE in one for one in people) and any(Verb.RULES_APPROVE in one for one in people)


def open_monitor_database(root: Path, said: MonitorSettings) -> StateDatabase:
    """Open what watching keeps: where the settings name it, else a file of the directory."""
    if said.url is None:
        return open_file(root / WATCH, STATE)
    place = None if said.password_file is None else str(root / said.password_file)
    found = secret("MONITOR_PASSWORD", place, "monitor.password_file")
    return open_server(said.url, None if found is None else found.decode(), STATE)
