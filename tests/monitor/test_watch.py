"""A trail is watched: each sealed event once, through restarts, by two watches, with alerts on record and told."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.monitor import open_monitor
from ordertrail.kernel.clock import format_time, parse_time, utc_now
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.alerts.alert import Alert, Deed, Disposition, Status, Transition
from ordertrail.monitor.ports import AlertQuery, Standing, Step
from ordertrail.monitor.rules.rule import Level
from ordertrail.monitor.service import Monitor
from ordertrail.monitor.watch import follow
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.services import Sealed, Trail, _read
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

STORY = list(order_story())
END = "2026-11-22T00:00:00.000000Z"
ALL = AlertQuery(limit=1_000)
FOUND = {
    "bulk_cancellations", "edit_outside_hours", "price_changed_after_approval", "price_lowered_much",
    "refund_without_return", "status_reversion_attempted",
}  # fmt: skip


def story_clock() -> datetime:
    """Return a moment after the story."""
    return parse_time(END)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail that holds the story, sealed."""
    place = tmp_path / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in STORY))
        trail.seal()
    return place


@contextmanager
def watching(root: Path, told: list[Transition] | None = None) -> Iterator[Monitor]:
    """Open the watch at the story's end."""
    heard: list[Transition] = [] if told is None else told
    with open_monitor(root, clock=story_clock, told=[heard.extend]) as monitor:
        yield monitor


def timeless(alerts: Sequence[Alert]) -> list[Alert]:
    """Return alerts without what depends on how often they were looked at."""
    return sorted((msgspec.structs.replace(one, version=0) for one in alerts), key=lambda one: one.id)


def record(root: Path, *events: Event) -> None:
    """Record and seal events."""
    with open_trail(root) as trail:
        trail.record(events)
        trail.seal()


def price_change(moment: datetime, order: str = "SO-9", actor: str = "t.varga") -> Event:
    """Return a price lowered by half."""
    amount = [{"amount": value, "currency": "EUR"} for value in (1_000, 500)]
    return Event(
        id=new_id(),
        time=format_time(moment),
        action="order.price.change",
        actor=Actor(actor, "person", ("order.editor",)),
        subject=Subject("order_line", f"{order}/1", order),
        changes=(Change("/lines/1/unit_price", amount[0], amount[1]),),
    )


def test_the_story_is_found_out(root: Path) -> None:
    """What the story has of fraud raises alerts; each is an event of the trail, and was told."""
    told: list[Transition] = []
    with watching(root, told) as monitor:
        watch = monitor.watch()
        assert watch.step() == len(STORY)
        assert watch.step() == 0
        alerts = monitor.alerts(ALL)
        assert {one.name for one in alerts} == FOUND
        assert {one.deed for one in told} == {Deed.RAISE}
        assert len(told) == len(alerts) == watch.progress.raised
        (bulk,) = [one for one in alerts if one.name == "bulk_cancellations"]
        assert bulk.doers == ("p.novak",)
        assert len(bulk.orders) >= 8
    with open_trail(root) as trail:
        trail.seal()
        for one in told:
            (raised,) = [row for row in [trail.find(_event_id(one))] if row is not None]
            assert raised.entry.event.subject.id == one.alert.id


def _event_id(one: Transition) -> str:
    from ordertrail.monitor.alerts.telling import event_id

    return event_id(one)


def test_a_restart_anywhere_changes_no_alert(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps of 37 events, each by a watch that was just opened, the alerts are those of one that never stopped."""
    with watching(root) as monitor:
        monitor.watch().step()
        whole = timeless(monitor.alerts(ALL))
    (root / "watch.db").unlink()
    for left in root.glob("watch.db-*"):
        left.unlink()
    monkeypatch.setattr("ordertrail.monitor.watch.BATCH", 37)
    looked = 0
    while True:
        with watching(root) as monitor:
            step = monitor.watch().step()
            looked += step
            if not step:
                assert timeless(monitor.alerts(ALL)) == whole
                break
    assert looked == len(STORY)


def test_if_it_stops_before_the_trail_knows_it_is_told_later_and_once(root: Path) -> None:
    """Kept and not yet recorded: the next watch records it; told twice, the trail has it once."""
    with watching(root) as monitor:
        watch = monitor.watch()
        watch._tell = lambda: None  # type: ignore[method-assign]  # the machine stops here
        watch.step()
    told: list[Transition] = []
    with watching(root, told) as monitor:
        waiting = list(monitor.around.alerts.untold(1_000))
        monitor.watch().step()
        assert told == waiting
        monitor.around.door([])
        assert monitor.watch().step() == 0
    with open_trail(root) as trail:
        assert trail.seal() == len(told)


def test_two_watches_raise_each_alert_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that follow at once find that the other was quicker, and go on; no alert is raised twice."""
    monkeypatch.setattr("ordertrail.monitor.watch.BATCH", 50)
    raised: list[int] = []

    def run() -> None:
        with watching(root) as monitor:
            watch = monitor.watch()
            while watch.step():
                pass
            raised.append(watch.progress.raised)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with watching(root) as monitor:
        alerts = monitor.alerts(ALL)
    assert {one.name for one in alerts} == FOUND
    assert sum(raised) == len(alerts)


def test_what_raises_an_alert_is_told_within_two_seconds_of_its_commit(root: Path) -> None:
    """From the return of record to the listener, with sealing and watching at work."""
    heard: list[float] = []
    done = threading.Event()

    def tell(transitions: Sequence[Transition]) -> None:
        if any(one.alert.orders == ("SO-77",) for one in transitions):
            heard.append(time.monotonic())
            done.set()

    with open_trail(root) as trail, open_monitor(root, told=[tell]) as monitor:
        watch = monitor.watch()
        watch.skip()
        steps = follow(watch, done.is_set, lambda: time.sleep(0.05))
        looking = threading.Thread(target=lambda: list(steps))
        sealing = threading.Thread(target=lambda: trail.follow(done.is_set))
        looking.start()
        sealing.start()
        with open_trail(root) as other:
            other.record([price_change(utc_now(), "SO-77")])
            began = time.monotonic()
        assert done.wait(30)
        looking.join()
        sealing.join()
    assert heard[0] - began < 2


def test_people_decide_and_the_trail_knows(root: Path) -> None:
    """Taken, proposed and closed by two; whom it is about is refused; each step is an event, and the list shows it."""
    with watching(root) as monitor:
        monitor.watch().step()
        (alert, *_) = [one for one in monitor.alerts(ALL) if one.name == "price_changed_after_approval"]
        with pytest.raises(InputError, match="does not decide on it"):
            monitor.take(alert.id, "t.varga")
        monitor.take(alert.id, "auditor-1")
        assert monitor.close(alert.id, "auditor-1", Disposition.CONFIRMED, "it was").is_open
        closed = monitor.close(alert.id, "auditor-2", Disposition.CONFIRMED, "agreed")
        assert closed.closed_by == ("auditor-1", "auditor-2")
        assert closed.severity >= Level.HIGH
        assert [one.id for one in monitor.alerts(AlertQuery(frozenset({Status.CLOSED})))] == [alert.id]
        with pytest.raises(InputError, match="there is no alert"):
            monitor.take("A-none", "auditor-1")
    with open_trail(root) as trail:
        trail.seal()
        closing = [one.entry.event for one in _last(trail, 5) if one.entry.event.action == "alert.close"]
    assert [(event.actor.id, event.subject.id) for event in closing] == [("auditor-2", alert.id)]


def test_events_from_the_ends_of_the_calendar_stop_nothing(root: Path) -> None:
    """Whoever sets a clock to the year 1 or 9999 does not keep the watch from what comes after."""
    for moment in ("0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"):
        record(root, msgspec.structs.replace(price_change(story_clock()), id=new_id(), time=moment))
    record(root, price_change(story_clock() - timedelta(hours=10), "SO-afterwards"))
    with watching(root) as monitor:
        assert monitor.watch().step() == len(STORY) + 3
        assert monitor.alerts(AlertQuery(order="SO-afterwards"))
        assert {one.name for one in monitor.alerts(ALL)} >= FOUND


def test_a_log_that_was_set_back_is_looked_at_anew(root: Path) -> None:
    """After a restore the log is shorter than the watch knows: it begins again, and raises no alert twice."""
    with watching(root) as monitor:
        monitor.watch().step()
        before = timeless(monitor.alerts(ALL))
        store = monitor.around.store
        ahead = store.standing()
        store.commit(Step(ahead, Standing({"default": 10_000}, ahead.watermark)))
        watch = monitor.watch()
        assert watch.step() >= len(STORY)
        assert timeless(monitor.alerts(ALL)) == before
        assert watch.progress.raised == 0


def test_what_was_set_aside_comes_back_when_its_time_comes(root: Path) -> None:
    """A snooze ends by itself, on record."""
    now = story_clock()
    with open_monitor(root, clock=lambda: now) as monitor:
        watch = monitor.watch()
        watch.step()
        (alert, *_) = monitor.alerts(ALL)
        monitor.snooze(alert.id, "auditor", "2026-11-23T00:00:00Z", "waits for a paper")
        watch.idle()
        assert monitor.alert(alert.id).status is Status.SNOOZED
        now += timedelta(days=2)
        watch.idle()
        assert monitor.alert(alert.id).status is Status.IN_REVIEW


def test_somebody_who_cannot_be_told_stops_nothing(root: Path) -> None:
    """A listener that fails is counted; the alerts are there, and on record."""

    def broken(_transitions: Sequence[Transition]) -> None:
        raise OSError("the channel is down")

    with open_monitor(root, clock=story_clock, told=[broken]) as monitor:
        watch = monitor.watch()
        watch.step()
        assert watch.progress.untold == 1
        assert monitor.alerts(ALL)
        assert not monitor.around.alerts.untold(1)


def test_a_saved_rule_is_in_force_at_once_and_on_record(root: Path) -> None:
    """A running watch takes it up; a bad one is refused and changes nothing."""
    text = (
        "title: Read at all\nname: read_at_all\nlogsource: {product: ordertrail}\n"
        "detection: {a: {action: order.create, actor: somebody}, condition: a}\n"
    )
    with watching(root) as monitor:
        changed = monitor.changed_rules()
        watch = monitor.watch()
        watch.step()
        assert changed() is None
        with pytest.raises(InputError, match=r"line 4"):
            monitor.save("mine", text.replace("actor:", "nobody:"), Actor("auditor", "person"), "a try")
        assert changed() is None
        monitor.save("mine", text, Actor("auditor", "person"), "asked for by the board")
        rules = changed()
        assert rules is not None
        watch.replace(rules)
        event = msgspec.structs.replace(
            price_change(datetime(2026, 11, 21, tzinfo=UTC), actor="somebody"), action="order.create"
        )
        record(root, event)
        watch.step()
        assert "read_at_all" in {one.name for one in monitor.alerts(ALL)}
    with open_trail(root) as trail:
        actions = [one.entry.event.action for one in _last(trail, 4)]
    assert "rule.change" in actions


def _last(trail: Trail, count: int) -> list[Sealed]:
    log = trail.log().log
    size = log.store.head("default").size
    return [_read("default", row) for row in log.reader.rows("default", size - count, size)]


def test_a_backtest_says_what_the_watch_said(root: Path) -> None:
    """Each rule, over the past through the index, finds the alerts that the watch raised, by the same events."""
    with watching(root) as monitor:
        monitor.watch().step()
        raised = monitor.alerts(ALL)
        from ordertrail.assembly.index import open_query

        with open_query(root) as query:
            query.feed()
        start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
        for name in sorted(FOUND | {"mass_reads", "signin_guessed"}):
            told = monitor.backtest(monitor.rules(), name, start, end)
            of_rule = [one for one in raised if one.name == name]
            assert told.whole
            assert told.alerts == len(of_rule), name
            assert sorted(tuple(seen.id for seen in one.events) for one in told.shown) == sorted(
                tuple(seen.id for seen in one.evidence) for one in of_rule
            )


def test_alerts_of_alerts_do_not_go_on_for_ever(root: Path) -> None:
    """The events of alerts are looked at, and raise none but what correlations ask of them."""
    with watching(root) as monitor:
        watch = monitor.watch()
        watch.step()
        before = len(monitor.alerts(ALL))
        with open_trail(root) as trail:
            trail.seal()
        assert watch.step() > 0
        assert len(monitor.alerts(ALL)) == before
        changed = Event(
            id=new_id(),
            time="2026-11-22T01:00:00.000000Z",
            action="rule.change",
            actor=Actor("p.novak", "person"),
            subject=Subject("rule", "bulk_cancellations"),
        )
        record(root, changed)
        watch.step()
        new = [one for one in monitor.alerts(ALL) if one.name == "control_changed_under_alert"]
        assert [one.doers for one in new] == [("p.novak",)]
        assert new[0].severity is Level.CRITICAL
