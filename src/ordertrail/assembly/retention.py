"""Retention of the trail in a directory: its deletion log, its logs that may be pruned, and the hold store."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ordertrail.adapters.files.durable import translated
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.assembly.databases import TrailDatabase
from ordertrail.assembly.evidence import KeptBundles
from ordertrail.assembly.filing import OWN
from ordertrail.assembly.index import INDEX, open_query
from ordertrail.assembly.people import PEOPLE
from ordertrail.assembly.sealing import TrailSealing
from ordertrail.assembly.stores import KEYS, Stores, read_settings
from ordertrail.assembly.trail import add_log, open_trail
from ordertrail.kernel.clock import Clock, format_time, parse_time, utc_now
from ordertrail.kernel.errors import InputError
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.tlog_proof import format_tlog_proof
from ordertrail.query.filters.grammar import format_filter, parse_filter
from ordertrail.query.projection import Place, project
from ordertrail.record.event import Actor, Event
from ordertrail.retention.hold import Matches
from ordertrail.retention.policy import Policy, RetentionClass, Span
from ordertrail.retention.ports import ClosedAt, PrunableLog
from ordertrail.retention.register import DELETIONS
from ordertrail.retention.service import Retention
from ordertrail.services import Trail
from ordertrail.vault.keeping import LONGEST_TERM

_PATIENCE = 120.0
"""Seconds to wait for another process to seal and anchor what retention writes."""

HELD = "held"
"""The folder of what holds keep although its range was destroyed."""

ARCHIVE = "archive"
"""The folder of ranges as columns, write-once."""

_CLOSES = frozenset({"order.complete", "order.cancel", "order.reject"})
_REOPENS = frozenset({"order.restore", "order.status.revert", "order.create", "order.submit"})


def begin_deletions(root: Path, clock: Clock) -> None:
    """Begin the deletion log of a trail that has none, with a key of its own; it is kept for as long as can be."""
    with open_trail(root, clock=clock) as trail:
        begun = DELETIONS in trail.logs
        origin = next(iter(trail.logs.values())).identity.origin
    if not begun:
        name = f"{origin}/{DELETIONS}"
        add_log(root, LogIdentity(DELETIONS, name, LONGEST_TERM, format_time(clock())), clock)


@contextmanager
def open_retention(root: Path, *, clock: Clock = utc_now) -> Iterator[Retention]:
    """Open retention of the trail in a directory; a deletion log that is not there is begun, with a key of its own.

    On a server, what destroys needs the administrator that the settings name. Raises ConfigurationError where there
    is no trail.
    """
    settings = read_settings(root)
    begin_deletions(root, clock)
    stores = Stores(root, settings, clock)
    with ExitStack() as opened:
        trail = opened.enter_context(open_trail(root, clock=clock))
        logs = _PrunableLogs(trail, stores)

        def begin(cls: RetentionClass) -> None:
            """Begin the log of a class: its objects are locked for the class's term from the first write on."""
            if cls.name in OWN:
                raise InputError(
                    f"{cls.name} is a log of the trail itself", remedy="Name the class otherwise."
                )
            name = f"{next(iter(trail.logs.values())).identity.origin}/{cls.name}"
            add_log(root, LogIdentity(cls.name, name, cls.term.least_days, format_time(clock())), clock)
            trail.log(cls.name)  # asked for by its name, it is known from now on

        yield Retention(
            deletions=_log(trail, DELETIONS, stores),
            logs=logs,
            held=stores.vault_of(HELD),
            parse_scope=_scopes(trail, clock),
            closed=_closed(trail),
            clock=clock,
            default=_as_begun(logs),
            fixed_scope=lambda text: format_filter(parse_filter(text, clock(), ZoneInfo("UTC")).fixed()),
            four_eyes_from=settings.retention.four_eyes_from,
            begin=begin,
            personal=_PersonalData(trail, root / KEYS / PEOPLE),
            copies=KeptBundles(root, trail),
        )


class _PrunableLogs(Mapping[str, PrunableLog]):
    """The logs of a trail that may be pruned, those begun since it was opened among them."""

    def __init__(self, trail: Trail, stores: Stores) -> None:
        self._trail = trail
        self._stores = stores
        self._made: dict[str, PrunableLog] = {}

    def __getitem__(self, stream: str) -> PrunableLog:
        """Return a log. Raises KeyError where there is none of this name that may be pruned."""
        if stream in OWN or stream not in self._trail.logs:
            raise KeyError(stream)
        if stream not in self._made:
            self._made[stream] = _log(self._trail, stream, self._stores)
        return self._made[stream]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the streams."""
        return (one for one in self._trail.logs if one not in OWN)

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class _PersonalData:
    """Implements :class:`ordertrail.retention.ports.PersonalData` with a trail's own keys."""

    trail: Trail
    keys: Path

    def knows(self, person: str) -> bool:
        """See the port. Where nothing was ever sealed, no store of keys is made to find that out."""
        return self.keys.exists() and self.trail.personal().knows(person)

    def open(self, event: Event, path: str) -> Any:
        """See the port."""
        return self.trail.personal().open(event, path)

    def erase(self, person: str, actor: Actor, reason: str) -> bool:
        """See the port."""
        return self.trail.erase(person, actor, reason)


@dataclass(frozen=True, slots=True)
class _Administrator:
    """Implements :class:`ordertrail.retention.ports.Destroyer`; its connection is there only while it destroys."""

    database: TrailDatabase

    def destroy(self, stream: str, minimum: int) -> int:
        """See the port."""
        opened = self.database.open_as_administrator()
        try:
            return SqlEntries(opened).destroy(stream, minimum)
        finally:
            opened.close()


def _log(trail: Trail, name: str, stores: Stores) -> PrunableLog:
    service = trail.log(name)
    log, sealing = service.log, TrailSealing(trail, _PATIENCE)

    def write(events: Sequence[Event]) -> None:
        for event in events:
            sealing.seal(event, name)

    def prove(event_id: str) -> tuple[bytes, bytes]:
        proof = trail.prove(event_id)
        return proof.sealed.row.entry, format_tlog_proof(proof.proof)

    return PrunableLog(
        identity=service.identity,
        reader=log.reader,
        tiles=log.tiles,
        publication=log.publication,
        destroyer=_Administrator(stores.database),
        vault=stores.vault_of_log(name),
        blobs=stores.vault_of("blobs"),
        archive=stores.vault_of(ARCHIVE),
        size=lambda: log.store.head(name).size,
        write=write,
        prove=prove,
        forget=lambda stream, _minimum: _forget(stores.root, stream),
    )


def _forget(root: Path, stream: str) -> None:
    """Remove a log's segments, and have the index made anew of what is there, where there is one."""
    settings = read_settings(root)
    segments = root / settings.segments.folder / stream
    if segments.exists():
        with translated(segments, "removing"):
            shutil.rmtree(segments)
    if settings.index.url is None and not (root / INDEX).exists():
        return
    with open_query(root) as query:
        query.rebuild()


def _scopes(trail: Trail, clock: Clock) -> Callable[[str], Matches]:
    def parse(text: str) -> Matches:
        filter_ = parse_filter(text, clock(), ZoneInfo("UTC"))
        if not filter_.terms:
            raise InputError(
                "a hold over everything is no scope; say at least whose events, or of which time"
            )

        def matches(event: Event) -> bool:
            return filter_.matches(project(event, Place("", 0, event.time), trail.actions))

        return matches

    return parse


def _closed(trail: Trail) -> ClosedAt:
    def closed(order: str, tenant: str | None) -> datetime | None:
        """Return when an order was closed last, and not opened again after that."""
        found: datetime | None = None
        for sealed in trail.history(order, tenant=tenant):
            event = sealed.entry.event
            if event.outcome != "success":
                continue
            if event.action in _CLOSES:
                with suppress(ValueError):
                    found = parse_time(event.time).astimezone(UTC)
            elif event.action in _REOPENS:
                found = None
        return found

    return closed


def _as_begun(logs: Mapping[str, PrunableLog]) -> Policy:
    """Return the policy of a trail that has none of its own: each stream for the days that it was begun with."""
    return Policy(
        tuple(
            RetentionClass(name, "as the log was begun", Span(days=log.identity.keep_days))
            for name, log in logs.items()
        ),
        files=False,
    )
