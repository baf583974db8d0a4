"""A trail's streams over several sequencers: who seals what, where orders begin, and moving both by hand.

Each sequencer looks about twice a second: which sequencers are alive, who holds which stream's lease, and what was
given to one of them by hand. From the same facts each works out the same shares (:mod:`ordertrail.ledger.sharing`),
lets go of what is another's, cleanly, and takes what is its own and free. *If one stops*, however it stops, its leases
end with it, and the others find them free. *If two see different things*, one of them finds a lease taken, and looks
again: a stream has one lease, and a commit without it is refused.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.sql.opening import sequencers
from ordertrail.assembly.filing import OWN, PlacementInForce
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.assembly.trail import add_log, open_trail
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import BusyError, EvidenceError, InputError, OrderTrailError, UnavailableError
from ordertrail.kernel.ids import parse_id
from ordertrail.ledger.attestation import Attested
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sharing import share_out
from ordertrail.record.event import Actor
from ordertrail.record.placement import (
    PLACEMENT,
    Place,
    Placement,
    Said,
    change_event,
    say_given,
    say_place,
)
from ordertrail.services import DEFAULT_STREAM, Trail

if TYPE_CHECKING:  # a driver that a trail in a directory does without
    from ordertrail.adapters.sql.dialects.postgresql.members import LeaseHeld, Members

_TICK: Final = 0.5
"""Seconds between two looks at who is there."""
_PAUSE: Final = 0.2
_MISSED: Final = 2
"""Looks at which a lease that was ours is nobody's, after which it is taken anew."""
_BROKEN: Final = 60.0
"""Seconds to wait where evidence is broken: somebody must look, and until then it is told again."""
_PATIENCE: Final = 30.0
LOCK: Final = "placement.lock"

_log = logging.getLogger("ordertrail.sequencer")

Tell = Callable[[str, int | OrderTrailError], None]
"""Is told of a stream how many events were sealed, or what went wrong."""


@dataclass(frozen=True, slots=True)
class StreamView:
    """A stream: how much it holds, how much waits since how long, who seals it since when, and who begins in it.

    ``lag`` is in seconds, of the event that waits longest; ``sequencer`` is None where the holder has no name.
    """

    stream: str
    size: int
    waiting: int
    lag: float
    held: bool
    holder: str | None
    sequencer: str | None
    since: datetime | None
    given: str | None
    places: tuple[Place, ...]


def list_streams_of(trail: Trail, leases: "Sequence[LeaseHeld]", placement: Placement) -> list[StreamView]:
    """Return all streams of a trail; ``leases`` is empty where the database is a file."""
    held = {one.stream: one for one in leases}
    return [_view(trail, stream, held.get(stream), placement) for stream in trail.logs]


def _view(trail: Trail, stream: str, lease: "LeaseHeld | None", placement: Placement) -> StreamView:
    log = trail.log(stream).log
    oldest = next(iter(log.journal.read(stream, 1)), None)
    captured = int.from_bytes(oldest.id[:6]) / 1_000 if oldest is not None else None  # UUIDv7: RFC 9562, 5.7
    return StreamView(
        stream,
        log.store.head(stream).size,
        log.journal.waiting(stream),
        0.0 if captured is None else max(0.0, trail.clock().astimezone(UTC).timestamp() - captured),
        lease is not None and lease.held,
        None if lease is None or not lease.held else lease.holder,
        None if lease is None else lease.sequencer,
        None if lease is None or not lease.held else lease.since,
        placement.given.get(stream),
        placement.of(stream),
    )


@contextmanager
def open_members(root: Path, name: str | None = None) -> "Iterator[Members]":
    """Open where the sequencers of a trail see each other. Raises ConfigurationError where its database is a file."""
    database = Stores(root, read_settings(root), utc_now).database.open()
    try:
        with sequencers(database, name) as members:
            yield members
    finally:
        database.close()


def add_stream_of(root: Path, place: Place, actor: Actor, reason: str, clock: Clock = utc_now) -> None:
    """Add a stream to a home: orders of the place begin in it from now on. Its term is its home's."""
    with open_trail(root, clock=clock) as trail:
        home = trail.log(place.home).identity
        if place.stream in trail.logs:
            raise InputError(
                f"there is a stream {place.stream} already", remedy="Move orders to it with 'streams move'."
            )
        _require_outside(place.home)
        origin = f"{trail.log(DEFAULT_STREAM).identity.origin}/{place.stream}"
        add_log(root, LogIdentity(place.stream, origin, home.keep_days, format_time(clock())), clock)
        _change(root, trail, place.stream, say_place(place), actor, reason)


def move_orders(root: Path, place: Place, actor: Actor, reason: str) -> None:
    """Let orders of the place begin in its stream from now on. Orders that began elsewhere stay there."""
    with open_trail(root) as trail:
        home, target = trail.log(place.home).identity, trail.log(place.stream).identity
        _require_outside(place.home)
        _require_outside(place.stream)
        if target.keep_days != home.keep_days:
            raise InputError(
                f"{place.stream} is kept for {target.keep_days:,} days, and {place.home} for {home.keep_days:,}",
                remedy="Add a stream to its home with 'streams add', and move the orders there.",
            )
        _change(root, trail, place.stream, say_place(place), actor, reason)


def give_stream(root: Path, stream: str, sequencer: str | None, actor: Actor, reason: str) -> None:
    """Let a sequencer seal a stream, whatever its share; None: whichever it falls to."""
    with open_trail(root) as trail:
        trail.log(stream)
        _change(root, trail, stream, say_given(sequencer), actor, reason)


def _require_outside(stream: str) -> None:
    if stream in OWN:
        raise InputError(f"{stream} is written by the trail alone; no orders begin in it")


def _change(  # noqa: PLR0913, PLR0917 - what is changed, where, and on whose word
    root: Path, trail: Trail, stream: str, said: Said, actor: Actor, reason: str
) -> None:
    """Record a change of the placement, and have it sealed: from then on it is in force."""
    if PLACEMENT not in trail.logs:
        lock = FileLock(root / LOCK)
        lock.acquire()
        try:
            first = trail.log(DEFAULT_STREAM).identity
            origin, begun = f"{first.origin}/{PLACEMENT}", format_time(trail.clock())
            if PLACEMENT not in trail.logs:
                add_log(root, LogIdentity(PLACEMENT, origin, first.keep_days, begun), trail.clock)
        finally:
            lock.release()
    event = change_event(format_time(trail.clock()), stream, said, actor, reason)
    trail.record([event], stream=PLACEMENT)
    until = time.monotonic() + _PATIENCE
    while trail.log(PLACEMENT).log.reader.find(parse_id(event.id)) is None:
        if time.monotonic() > until:
            raise UnavailableError(
                f"the move was recorded, and not sealed within {_PATIENCE:g} seconds",
                meaning="It is in force as soon as whoever holds the lease of the log placement seals it.",
                remedy="See with 'ordertrail streams list' who that is.",
            )
        with suppress(BusyError):  # whoever holds the lease seals it
            trail.seal(stream=PLACEMENT)
        time.sleep(_PAUSE)


class Sequencing:
    """One sequencer of several: seals the streams that fall to it, until it is told to stop."""

    def __init__(self, trail: Trail, members: "Members", name: str, tell: Tell) -> None:
        self._trail = trail
        self._members = members
        self._name = name
        self._tell = tell
        self._placement = PlacementInForce(trail)
        self._following: dict[str, _Following] = {}

    def run(self, stop: Callable[[], bool]) -> None:
        """Go on until ``stop`` says so; what cannot be reached is tried again, for as long as it takes."""
        try:
            while not stop():
                try:
                    self._share(self._mine())
                except UnavailableError as error:
                    # Who seals goes on for as long as its own leases hold.
                    self._tell("", error)
                time.sleep(_TICK)
        finally:
            self._share(frozenset())
            for one in self._following.values():
                one.join()

    def _mine(self) -> frozenset[str]:
        """Return the streams that fall to this sequencer now."""
        leases, alive = self._members.leases(), self._members.alive()
        holders = {one.stream: one.sequencer for one in leases if one.sequencer is not None}
        for one in leases:
            if one.stream in self._following:
                self._following[one.stream].look_at(held=one.held, ours=one.sequencer == self._name)
        shares = share_out([one.stream for one in leases], alive, holders, self._placement().given)
        return frozenset(stream for stream, name in shares.items() if name == self._name)

    def _share(self, mine: frozenset[str]) -> None:
        """Let go of what is another's; take what is ours, once what had it here has ended."""
        self._following = {stream: one for stream, one in self._following.items() if one.is_alive()}
        for stream in self._following.keys() - mine:
            self._following[stream].ask_to_end()
        for stream in mine - self._following.keys():
            self._following[stream] = _Following(self._trail, stream, self._tell)
            self._following[stream].start()


class _Following(threading.Thread):
    """Seals one stream while it is this sequencer's."""

    def __init__(self, trail: Trail, stream: str, tell: Tell) -> None:
        super().__init__(name=f"ordertrail-seal-{stream}", daemon=True)
        self._trail = trail
        self._stream = stream
        self._tell = tell
        self._ending = threading.Event()
        self._had = False
        self._missed = 0

    def look_at(self, *, held: bool, ours: bool) -> None:
        """Begin anew where the lease was ours and is nobody's: who has nothing to seal would not notice by itself."""
        self._had = self._had or ours
        self._missed = self._missed + 1 if self._had and not held else 0
        if self._missed >= _MISSED:
            self.ask_to_end()

    def ask_to_end(self) -> None:
        self._ending.set()

    def run(self) -> None:
        while not self._ending.is_set():
            try:
                self._trail.follow(self._ending.is_set, self._told, stream=self._stream)
            except BusyError:
                self._ending.wait(_PAUSE)  # its last holder has not let go of it yet
            except UnavailableError as error:
                self._tell(self._stream, error)
                self._ending.wait(_TICK)
            except EvidenceError as error:
                _log.exception("a stream cannot be sealed")
                self._tell(self._stream, error)
                self._ending.wait(_BROKEN)

    def _told(self, sealed: int, _attested: Attested | None) -> None:
        if sealed:
            self._tell(self._stream, sealed)
