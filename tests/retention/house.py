"""A trail in which months pass, and its retention."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.retention import open_retention
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.verify.report import Report
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.retention.hold import Hold
from ordertrail.retention.service import Retention
from ordertrail.settings import DatabaseSettings, Settings

ANNA, BEN = Actor("anna", "person"), Actor("ben", "person")
TERM = 365


@dataclass
class House:
    """A trail, its clock, and what was recorded in it, by month."""

    root: Path
    now: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    months: list[list[Event]] = field(default_factory=list)

    def clock(self) -> datetime:
        """Return the time."""
        return self.now

    def begin(self, settings: Settings | None = None, days: int = TERM) -> "House":
        """Create the trail."""
        settings = settings or Settings(immutable=False)
        create_trail(
            self.root, "shop.example/orders", settings=settings, keep_days=days, clock=self.clock
        ).close()
        return self

    def pass_months(self, number: int, each: int = 100) -> None:
        """Record and seal so many events in each month; every thirtieth has a payload of its own."""
        with open_trail(self.root, clock=self.clock) as trail:
            for _ in range(number):
                self.now += timedelta(days=30)
                events = [self.event() for _ in range(each)]
                self.months.append(events)
                trail.record(events)
                trail.seal()

    def event(self) -> Event:
        """Make one event of now."""
        n = sum(map(len, self.months)) + self.now.microsecond
        self.now += timedelta(microseconds=1)
        n = self.now.microsecond
        note = f"secret-{new_id()}"
        return Event(
            id=new_id(),
            time=format_time(self.now),
            action="order.update",
            actor=Actor(f"clerk-{n % 7}", "person"),
            subject=Subject("order", f"SO-{n % 150}", f"SO-{n % 150}"),
            changes=(Change("/note", after=note if n % 30 else note * 2_000),),
            context=Context(reason="x"),
        )

    @contextmanager
    def retention(self) -> Iterator[Retention]:
        """Open its retention."""
        with open_retention(self.root, clock=self.clock) as retention:
            yield retention

    def hold(self, name: str, scope: str) -> None:
        """Place a hold."""
        with self.retention() as retention:
            retention.place_hold(ANNA, Hold(name, scope, "anna", "a lawsuit", ""))

    def ask(self) -> str:
        """Ask for what is due, and have it approved; return its id."""
        with self.retention() as retention:
            disposal = retention.request(ANNA, "default", "its term is over")
            retention.approve(BEN, disposal.id, "agreed")
            return disposal.id

    def purge(self, disposal: str | None = None) -> int:
        """Destroy what is due, or what was approved; return the minimum index."""
        disposal = disposal or self.ask()
        with self.retention() as retention:
            return retention.purge(ANNA, disposal).minimum

    def verify(self, stream: str = "default") -> Report:
        """Check a log in full."""
        with open_trail(self.root, clock=self.clock) as trail:
            return trail.verify(stream=stream)

    def problems(self) -> list[str]:
        """Return what the full checks of both logs find."""
        return [str(one) for stream in ("default", "deletions") for one in self.verify(stream).findings]

    def events(self) -> list[Event]:
        """Return all events that were recorded, in the log's order."""
        return [event for month in self.months for event in month]

    def bytes_found(self, wanted: list[bytes]) -> list[tuple[str, bytes]]:
        """Return where any of these bytes are, in any file below the trail's directory."""
        return [
            (str(path.relative_to(self.root)), one)
            for path in self.root.rglob("*")
            if path.is_file()
            for data in [path.read_bytes()]
            for one in wanted
            if one in data
        ]


def on_server(url: str, admin: str) -> Settings:
    """Return the settings of a trail on a PostgreSQL server."""
    return Settings(immutable=False, database=DatabaseSettings(url=url, admin_url=admin))
