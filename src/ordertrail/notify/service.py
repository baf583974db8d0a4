"""Notifying, as programs are handed it: what is sealed is told on its routes; deliveries are seen, and mended."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.notify.collecting import Collector
from ordertrail.notify.courier import Courier, Stepped, Went
from ordertrail.notify.message import TEST, Message, one_line
from ordertrail.notify.parcel import Delivery, Parcel, State, parcel_of
from ordertrail.notify.ports import Backlog, DeliveryLog, DeliveryQuery, Door
from ordertrail.notify.telling import told

POLL: Final = 0.1
"""Seconds between two looks at the log."""

KEPT: Final = timedelta(days=90)
"""How long the delivery log has what was sent; the trail has it for as long as it has everything."""

_LONGEST_NAP: Final = 15.0
"""Seconds after which a courier looks by itself, whatever clocks and other processes did."""

_UNREACHED: Final = 0.25
"""Seconds until a store that could not be reached is asked again."""
_RECORDED: Final = 500

Heard = Callable[[str, Stepped], None]
"""Is told the name of a route and how a step of it ended; from the couriers' threads."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one round did, in parcels."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Notify:
    """Tells people, by its parts.

    ::

        notify.run()                                # what was sealed since, once
        notify.follow(stopping)                     # as it is sealed
        notify.test("fraud-desk")
        notify.find(DeliveryQuery(state=State.DEAD))
    """

    collector: Collector
    couriers: Mapping[str, Courier]
    deliveries: DeliveryLog
    door: Door

    def run(self) -> Ran:
        """Read what was sealed, hand over what is due, record what became of it; what is held back stays."""
        self.collector.run()
        ended: list[Went] = []
        for courier in self.couriers.values():
            while (stepped := courier.step()).went in {Went.SENT, Went.DEAD}:
                ended.append(stepped.went)
            ended.append(stepped.went)
        self.record()
        return Ran(*(ended.count(went) for went in (Went.SENT, Went.FAILED, Went.DEAD)))

    def follow(self, stop: Callable[[], bool], heard: Heard = lambda _route, _stepped: None) -> None:
        """Tell what is sealed, as it is sealed, until ``stop`` says so. What is being handed over is finished.

        What became of parcels is put on record beside the reading, in a thread of its own: the record waits for its
        turn among all who write to the journal, and nobody is told later for it.

        A store that cannot be reached is tried again for as long as it takes. Raises EvidenceError where the log was
        rolled back.
        """
        bells = {name: threading.Event() for name in self.couriers}
        ending = threading.Event()
        threads = [
            threading.Thread(
                target=self._deliver,
                args=(courier, bells[name], ending, heard),
                name=f"notify-{name}",
                daemon=True,
            )
            for name, courier in self.couriers.items()
        ]
        for thread in threads:
            thread.start()
        with ThreadPoolExecutor(1, thread_name_prefix="notify-record") as pool:
            recording = pool.submit(self.record)
            try:
                while not stop():
                    try:
                        for route in self.collector.run(stop):
                            bells[route].set()
                        if recording.done():
                            ended, recording = recording, pool.submit(self.record)
                            ended.result()
                    except UnavailableError:
                        ending.wait(_UNREACHED)
                    ending.wait(POLL)
            finally:
                ending.set()
                for bell in bells.values():
                    bell.set()
                for thread in threads:
                    thread.join()
                wait([recording])
                with suppress(UnavailableError):
                    self.record()

    def record(self) -> int:
        """Put on record what became of parcels; return of how many."""
        ended = self.deliveries.unrecorded(_RECORDED)
        if ended:
            self.door([told(one) for one in ended])
            self.deliveries.recorded(ended, self.collector.clock() - KEPT)
        return len(ended)

    def test(self, route: str) -> Parcel:
        """Hand a message over that says that it is a test. Raises what the channel raises, and ConfigurationError."""
        courier = self.couriers.get(route)
        if courier is None:
            raise ConfigurationError(
                f"there is no route {route[:80]!r}; the settings have {', '.join(self.couriers) or 'none'}",
                meaning="Nothing was sent.",
                remedy="Name it in [[routes]] of trail.toml.",
            )
        now = format_time(courier.clock())
        message = Message(
            id=new_id(),
            at=now,
            severity=courier.route.least,
            text=f"This is a test of the route {route}: nothing happened.",
            action=TEST,
        )
        parcel = parcel_of(new_id(), route, now, [message])
        tried = Delivery(parcel=parcel, state=State.SENT, attempts=1, due=now, settled=now)
        try:
            courier.channel.send(parcel)
        except OrderTrailError as error:
            self.door([told(msgspec.structs.replace(tried, state=State.DEAD, error=one_line(error.message)))])
            raise
        self.door([told(tried)])
        return parcel

    def find(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Return deliveries, newest first."""
        return self.deliveries.find(query)

    def backlog(self) -> Sequence[Backlog]:
        """Return how much is under way, by route."""
        return self.deliveries.backlog()

    def retry(self, ids: Sequence[str] | None = None) -> int:
        """Have dead parcels tried again, all of them for None; return how many."""
        return self.deliveries.revive(ids, self.collector.clock())

    def _deliver(
        self, courier: Courier, bell: threading.Event, ending: threading.Event, heard: Heard
    ) -> None:
        """Step until the end is asked for."""
        while True:
            bell.clear()  # before the look: who rings afterwards is heard
            if ending.is_set():
                return
            try:
                stepped = courier.step()
            except Exception as error:  # noqa: BLE001 - one route must not end the others; what it was is told
                told_of = error.message if isinstance(error, OrderTrailError) else type(error).__name__
                heard(courier.route.name, Stepped(Went.FAILED, None, told_of))
                ending.wait(_UNREACHED)
                continue
            if stepped.went is not Went.IDLE:
                heard(courier.route.name, stepped)
            if stepped.went in {Went.SENT, Went.DEAD}:
                continue
            nap = _LONGEST_NAP
            if stepped.again is not None:
                nap = min(nap, max(0.0, (stepped.again - courier.clock()).total_seconds()))
            bell.wait(nap)
