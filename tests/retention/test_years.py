"""Years pass: events of two classes are kept and let go, month by month, with holds between.

At each month's end the full checks are clean, what is in its term or held is there, and what is past its term and not
held is in no file of the trail. What is past its term is let go of by whole bundles: of the last one that is only
partly due, at most 255 events wait for the others.
"""

import os
import random
import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ordertrail.assembly import add_log, open_trail
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.tiles import TILE_WIDTH
from ordertrail.ledger.verify.full import Options
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.retention.policy import parse_policy
from ordertrail.retention.service import RetentionRefusedError
from retention.house import ANNA, BEN, House

LONG = bool(os.environ.get("ORDERTRAIL_SOAK"))
YEARS, EACH = (10, 8_334) if LONG else (3, 90)
TERMS = {"default": 730, "browsing": 180}
POLICY = """\
version = 1

[[classes]]
name = "browsing"
basis = "half a year is enough to look into complaints"
term_days = 180
actions = ["order.read"]

[[classes]]
name = "default"
basis = "two years, as the tax office of this story asks"
term_days = 730
"""
TOKEN = re.compile(rb"tok-\d{9}-")


@dataclass
class Story:
    """What was recorded: of each event its token, its stream, when it may go, who it is about."""

    house: House
    dice: random.Random = field(default_factory=lambda: random.Random(20_261_123))
    due: dict[bytes, tuple[str, datetime]] = field(default_factory=dict)
    order: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in TERMS})
    held: dict[str, set[bytes]] = field(default_factory=dict)
    clerks: dict[str, list[bytes]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TERMS, 0))
    made: int = 0
    freed: int = 0
    largest: int = 0
    """Bytes of all files, at the month's end at which there were most."""

    def month(self) -> None:
        """Record a month's events in their classes' streams."""
        policy = parse_policy(POLICY)
        streams: dict[str, list[Event]] = {name: [] for name in TERMS}
        with open_trail(self.house.root, clock=self.house.clock) as trail:
            for _ in range(EACH):
                self.house.now += timedelta(seconds=30 * 86_400 / EACH)
                event = self.event()
                streams[policy.class_of(event).name].append(event)
            for name, events in streams.items():
                trail.record(events, stream=name)
                trail.seal(stream=name)
        for name, tokens in self.order.items():  # the term is counted from when they were sealed
            for token in tokens[-len(streams[name]) :]:
                self.due[token] = name, self.house.now + timedelta(days=TERMS[name])

    def event(self) -> Event:
        """Make one event of now."""
        number, self.made = self.made, self.made + 1
        token, clerk = f"tok-{number:09}-", f"clerk-{self.dice.randrange(40)}"
        read = self.dice.random() < 0.4
        event = Event(
            id=new_id(),
            time=format_time(self.house.now),
            action="order.read" if read else "order.update",
            actor=Actor(clerk, "person"),
            subject=Subject("order", f"SO-{number // 7}", f"SO-{number // 7}"),
            changes=(Change("/note", after=token * (1 if number % 500 else 7_000)),),
        )
        stream = "browsing" if read else "default"
        self.due[token.encode()] = stream, self.house.now + timedelta(days=TERMS[stream])
        self.order[stream].append(token.encode())
        self.clerks.setdefault(clerk, []).append(token.encode())
        return event

    def let_go(self) -> None:
        """Destroy what is due of each class; nothing may be."""
        with self.house.retention() as retention:
            for name in TERMS:
                try:
                    disposal = retention.request(ANNA, name, "term over")
                except RetentionRefusedError:
                    continue
                retention.approve(BEN, disposal.id, "agreed")
                certificate = retention.purge(ANNA, disposal.id)
                self.gone[name] = certificate.minimum
                self.freed += certificate.freed.octets

    def hold(self, clerk: str) -> None:
        """Hold all that a clerk did up to now and does from now on."""
        self.house.hold(f"hold-{clerk}", f"actor:{clerk}")
        self.held[clerk] = set()

    def release(self, clerk: str) -> None:
        """Release it."""
        with self.house.retention() as retention:
            retention.release_hold(BEN, f"hold-{clerk}", "settled")
        del self.held[clerk]

    def readable(self) -> set[bytes]:
        """Return the tokens that are in any file."""
        found: set[bytes] = set()
        for path in self.house.root.rglob("*"):
            if path.is_file():
                found.update(TOKEN.findall(path.read_bytes()))
        return found

    def size(self) -> int:
        """Return how many bytes all files have."""
        return sum(path.stat().st_size for path in self.house.root.rglob("*") if path.is_file())

    def forget(self, readable: set[bytes]) -> None:
        """Forget the tokens that are past their term and in no file any more: they can never come back unseen.

        One that did would be found in a file and be none that is known.
        """
        past = {
            token for token, (_, due) in self.due.items() if due <= self.house.now and token not in readable
        }
        for token in past:
            del self.due[token]
        for tokens in (*self.order.values(), *self.clerks.values()):
            tokens[:] = [token for token in tokens if token not in past]

    def check(self) -> None:
        """Hold files, terms and full checks against one another."""
        readable, now = self.readable(), self.house.now
        self.largest = max(self.largest, self.size())
        held = {token for clerk in self.held for token in self.clerks.get(clerk, ())}
        in_term = {token for token, (_, due) in self.due.items() if due > now}
        # What was destroyed before a hold was placed is gone; the hold keeps what was there then.
        assert in_term <= readable
        assert readable <= self.due.keys(), "something that was gone is there again"
        waiting = {
            token
            for name, tokens in self.order.items()
            for token in tokens
            if self.due[token][1] <= now and token not in held and token in readable
        }
        for name in TERMS:
            ours = [token for token in waiting if self.due[token][0] == name]
            assert len(ours) < TILE_WIDTH, f"{len(ours)} of {name} are past their term and readable"
        self.forget(readable)
        with open_trail(self.house.root, clock=self.house.clock) as trail:
            for stream in trail.logs:
                report = trail.verify(Options(processes=2), stream=stream)
                assert report.findings == [], (stream, [str(one) for one in report.findings[:3]])


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A trail of two classes."""
    house = House(tmp_path / "trail").begin(days=TERMS["default"])
    identity = LogIdentity("browsing", "shop.example/browsing", TERMS["browsing"], format_time(house.now))
    add_log(house.root, identity, house.clock)
    with house.retention() as retention:
        retention.change_policy(ANNA, POLICY, "as counsel says")
    return Story(house)


def test_years_of_keeping_and_letting_go(story: Story) -> None:
    """Month by month: nothing too early, nothing too late, nothing held, and all of it proven."""
    began = time.perf_counter()
    for month in range(12 * YEARS):
        story.month()
        if month % 7 == 3:
            story.hold(f"clerk-{month % 40}")
        if month % 7 == 6 and story.held:
            story.release(next(iter(story.held)))
        story.let_go()
        if LONG or month % 3 == 2:
            story.check()
        if LONG and month % 12 == 11:
            passed = f"{time.perf_counter() - began:,.0f} s"
            print(f"year {month // 12 + 1}: {story.made:,} events, {passed}", flush=True)  # noqa: T201 - as below
    assert all(story.gone.values())
    with story.house.retention() as retention:
        certificates = retention.register().certificates
    assert len(certificates) >= YEARS * (20 if LONG else 2)
    print(  # noqa: T201 - the report of a long run
        f"\n{YEARS} years, {story.made:,} events, {len(certificates)} certificates, "
        f"{sum(story.gone.values()):,} events destroyed, {story.freed:,} bytes freed in the vault, "
        f"{story.largest:,} bytes in all files at most, {story.size():,} at the end, "
        f"{time.perf_counter() - began:,.0f} s"
    )
