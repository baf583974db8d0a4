"""From the application's outbox to the ledger's journal: each event exactly once, an order's events as they committed.

One round is four numbered steps. Each says what is true if the machine stops there; the next round, of this relay or
of another, does the right thing without knowing:

1. **Read** the oldest rows, what clients have counted and how far was relayed, at one moment. *If we stop here*,
   nothing has happened.
2. **Make** the events: of each row the same ones whenever it is read. What should be there and is not becomes an event
   too. *If we stop here*, only memory is lost.
3. **Record** them in the ledger's journal, durably. *If we stop here*, the rows are still in the outbox; the next round
   records them again, and the journal knows their ids.
4. **Forget** the rows and move on how far was relayed, in one transaction. *If we stop here*, before it commits, it is
   as after step 3.

No row is ever passed over: a round takes whatever is committed, oldest position first, and remembers no position. What
a slow transaction commits late is taken late. It cannot be overtaken by a later event of its own order, because the
position of a row is drawn under the order's lock (:mod:`ordertrail.capture.outbox.writing`).

An event that the trail refuses does not hold up the others: its row stays, with the reason, and that it was refused is
put on record.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import msgspec
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ordertrail.capture.batch import expand
from ordertrail.capture.outbox.ddl import CLIENT, OUTBOX
from ordertrail.capture.outbox.holes import (
    Hole,
    filtered_event,
    loss_event,
)
from ordertrail.capture.outbox.standing import Counted, Row, Seen, claim_filtered, look, move_on
from ordertrail.kernel.errors import InputError, OrderTrailError, UnavailableError
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event
from ordertrail.record.recorder import Arriving, Recorded

logger = logging.getLogger("ordertrail.relay")

ROWS = 500
"""Outbox rows of one round."""

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after each failure in a row; the last one again and again."""

_CHUNK = 400
"""Positions in one statement."""


class Door(Protocol):
    """Where events are recorded: one log's recorder, or what puts each event into the log of its class."""

    def record(self, events: Iterable[Event]) -> Recorded:
        """Record events. Raises InputError where one of them is refused."""

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """Record what is good, batch by batch; yield what became of each batch once it is durable."""


class Step(Enum):
    """The steps of a round, for whoever wants to stop after one."""

    READ = 1
    MAKE = 2
    RECORD = 3
    FORGET = 4


@dataclass(frozen=True, slots=True)
class Relayed:
    """What became of rounds: rows taken, events recorded and known already, rows refused, holes found.

    ``bypasses`` of the events say that somebody went past the application.
    """

    rows: int = 0
    recorded: int = 0
    repeated: int = 0
    refused: int = 0
    holes: int = 0
    bypasses: int = 0

    def __add__(self, other: "Relayed") -> "Relayed":
        return Relayed(
            self.rows + other.rows,
            self.recorded + other.recorded,
            self.repeated + other.repeated,
            self.refused + other.refused,
            self.holes + other.holes,
            self.bypasses + other.bypasses,
        )


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: rows, events, the seconds since the oldest was captured, and rows that the trail refused."""

    rows: int
    events: int
    lag: float
    refused: int


class Relay:
    """Moves what one application's outbox holds to one log of a trail. Many may run; one is enough."""

    def __init__(
        self,
        engine: Engine,
        recorder: Door,
        *,
        rows: int = ROWS,
        on_step: Callable[[Step], None] | None = None,
        gather: Callable[[Connection], int] | None = None,
    ) -> None:
        """Take an engine of the application's database, and the door of a log.

        ``gather`` is called before each round, on a connection in no transaction: it may put more into the outbox.
        """
        self._engine = engine
        self._gather = gather
        self._recorder = recorder
        self._limit = rows
        self._on_step = on_step or (lambda _step: None)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self) -> Relayed:
        """Move all that waits; return what became of it.

        Raises UnavailableError where the application's database or the ledger cannot be reached; nothing is lost, and
        it may be tried again.
        """
        done = Relayed()
        while True:
            more, moved = self.round()
            done += moved
            if not more:
                return done

    def round(self) -> tuple[bool, Relayed]:
        """Do one round of the four steps; say whether more waits, and what became of this."""
        with translated():
            if self._gather is not None:
                with self._engine.connect() as connection:
                    self._gather(connection)
            seen = look(self._engine, self._limit)
            counted = claim_filtered(self._engine)
        self._on_step(Step.READ)
        if not seen.rows and not seen.holes and not counted:
            return False, Relayed()
        events, refused = self._make(seen.rows)
        bypasses = _warn_of_bypasses(event for _, event in events)
        own = [loss_event(hole) for hole in seen.holes]
        own += [
            filtered_event(one.client, one.rule, one.table, one.relayed, one.reporting) for one in counted
        ]
        self._on_step(Step.MAKE)
        recorded, repeated, more_refused = self._record(events)
        refused |= more_refused
        own += [self._refusal(row, refused[row.position]) for row in seen.rows if row.position in refused]
        self._record_own(own)
        self._on_step(Step.RECORD)
        with translated():
            self._forget(seen, counted, refused)
        self._on_step(Step.FORGET)
        done = Relayed(
            len(seen.rows) - len(refused), recorded, repeated, len(refused), len(seen.holes), bypasses
        )
        return seen.more, done

    def backlog(self) -> Backlog:
        """Say what waits."""
        query = (
            f"SELECT count(*), coalesce(sum(events), 0), min(captured) FROM {OUTBOX} "  # noqa: S608 - constants
            "WHERE coalesce(problem, '') = ''"
        )
        refused = f"SELECT count(*) FROM {OUTBOX} WHERE problem <> ''"  # noqa: S608 - constants
        with translated(), self._engine.connect() as connection:
            rows, events, oldest = connection.execute(text(query)).one()
            lag = max(0.0, time.time() - oldest / 1_000) if oldest is not None else 0.0
            return Backlog(int(rows), int(events), lag, int(connection.scalar(text(refused)) or 0))

    def take_up_refused(self) -> int:
        """Let rows that the trail refused be tried again; return how many."""
        with translated(), self._engine.begin() as connection:
            return connection.execute(
                # Empty, not null: how far was relayed is beyond them already.
                text(f"UPDATE {OUTBOX} SET problem = '' WHERE problem <> ''")  # noqa: S608 - constants
            ).rowcount

    # Going on ---------------------------------------------------------------------------------------------------

    def follow(
        self,
        stop: Callable[[], bool],
        tell: Callable[[Relayed | OrderTrailError], None] = lambda _done: None,
        *,
        pause: float = 0.5,
    ) -> None:
        """Go on until ``stop`` says so; what cannot be reached is tried again, for as long as it takes."""
        failures = 0
        while not stop():
            try:
                done = self.run()
                failures = 0
                if done != Relayed():
                    tell(done)
                wait = pause
            except UnavailableError as error:
                wait = _PAUSES[min(failures, len(_PAUSES) - 1)]
                failures += 1
                logger.warning("%s; again in %g s", error.message, wait)
                tell(error)
            self._sleep(wait, stop)

    def start(self, *, pause: float = 0.5) -> None:
        """Go on in a thread of this process, until :meth:`stop`."""
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self.follow,
            args=(self._stopping.is_set,),
            kwargs={"pause": pause},
            name="ordertrail-relay",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the round that it is in."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not stop():
            self._stopping.wait(min(0.1, seconds))

    # Steps 2 and 3 ----------------------------------------------------------------------------------------------

    @staticmethod
    def _make(rows: list[Row]) -> tuple[list[tuple[int, Event]], dict[int, str]]:
        """Return the events of rows with the rows' positions, and what is wrong with rows that cannot be read."""
        events: list[tuple[int, Event]] = []
        refused = {}
        for row in rows:
            try:
                events += [(row.position, event) for event in expand(row.body, row.client, row.counter)]
            except (msgspec.MsgspecError, ValueError, TypeError, KeyError, IndexError) as error:
                refused[row.position] = f"cannot be read: {error}"
        return events, refused

    def _record(self, events: list[tuple[int, Event]]) -> tuple[int, int, dict[int, str]]:
        """Record events; return how many are new and known, and the positions of those that were refused."""
        recorded = repeated = 0
        refused: dict[int, str] = {}
        lines = ((f"outbox row {position}", encode(event)) for position, event in events)
        for outcome in self._recorder.record_each(lines):
            recorded += outcome.recorded
            repeated += outcome.repeated
            for one in outcome.refused:
                position = int(one.place.rpartition(" ")[2])
                refused.setdefault(position, "; ".join(map(str, one.problems)))
        return recorded, repeated, refused

    def _record_own(self, events: list[Event]) -> None:
        """Record what the relay itself has to say; what it said before a crash stands as it was said then."""
        for event in events:
            try:
                self._recorder.record([event])
            except InputError as error:
                if "recorded already" not in str(error):
                    raise

    @staticmethod
    def _refusal(row: Row, problem: str) -> Event:
        end = row.counter + row.events
        return loss_event(Hole(row.client, row.counter, end, f"refused by the trail: {problem[:500]}"))

    # Step 4 -----------------------------------------------------------------------------------------------------

    def _forget(self, seen: Seen, counted: list[Counted], refused: dict[int, str]) -> None:
        """Delete what is recorded and say how far it goes, in one transaction."""
        reached: dict[str, int] = {}
        for row in seen.rows:
            reached[row.client] = max(reached.get(row.client, 0), row.counter + row.events)
        for hole in seen.holes if not seen.more else ():
            # With rows still unread, a hole may lie beyond them; it is put on record again, which adds nothing.
            reached[hole.client] = max(reached.get(hole.client, 0), hole.end)
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # It need not be on disk: rows that come back after a crash add nothing.
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            gone = [row.position for row in seen.rows if row.position not in refused]
            for start in range(0, len(gone), _CHUNK):
                some = ", ".join(map(str, gone[start : start + _CHUNK]))
                connection.execute(text(f"DELETE FROM {OUTBOX} WHERE position IN ({some})"))  # noqa: S608 - integers
            for position, problem in refused.items():
                connection.execute(
                    text(f"UPDATE {OUTBOX} SET problem = :problem WHERE position = :position"),  # noqa: S608 - constants
                    {"problem": problem[:2_000], "position": position},
                )
            for client, counter in reached.items():
                move_on(connection, client, "", "", "relayed", counter)
            for hole in seen.holes:
                if hole.reason.endswith("set back"):
                    self._told(connection, hole.client)
            for one in counted:
                move_on(connection, one.client, one.rule, one.table, "relayed", one.reporting)

    @staticmethod
    def _told(connection: Connection, followed: str) -> None:
        """Remember that what a client's follower said is on record."""
        query = text(f"SELECT client FROM {CLIENT} WHERE follows = :followed")  # noqa: S608 - constants
        for (client,) in connection.execute(query, {"followed": followed}).all():
            move_on(connection, client, "follows", "", "relayed", 1)


def _warn_of_bypasses(events: Iterable[Event]) -> int:
    """Say in the log who went past the application, and how often; return how many events say so."""
    found = Counter(
        (event.actor.id, event.context.ip if event.context else None, event.subject.kind)
        for event in events
        if event.action == "capture.bypass"
    )
    for (actor, address, kind), times in found.items():
        place = address or "an address that is not known"
        logger.warning("%s, from %s, changed past the application: %s, %d times", actor, place, kind, times)
    return found.total()


class translated:  # noqa: N801 - reads as a word
    """Tell errors of the application's database as this project tells them."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            raise UnavailableError(
                f"the application's database cannot be used now: {error.orig}",
                meaning="Nothing is lost: what was captured waits in the outbox.",
                remedy="Look at the database; the relay can be started again at any time.",
            ) from error
