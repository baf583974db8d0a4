"""A trail tells people: what is sealed, once a route, at once; through failures, storms, kills and restarts."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notify.receivers import SECRET, Hooks, Request, hooks_receiver
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.monitor import open_monitor
from ordertrail.assembly.notify import open_notify
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.errors import BusyError, ConfigurationError, EvidenceError
from ordertrail.kernel.ids import new_id
from ordertrail.notify.courier import Went
from ordertrail.notify.parcel import State
from ordertrail.notify.ports import DeliveryQuery
from ordertrail.notify.service import Notify
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.services import Trail
from ordertrail.settings import Settings
from ordertrail.settings.notify import NotifySettings, RouteSettings
from ordertrail.settings.serve import ServeSettings
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

FAST = Backoff(timedelta(milliseconds=1), timedelta(milliseconds=5), attempts=3)
MANY = DeliveryQuery(limit=1_000)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail without events, on whose log notifying begins at the next one."""
    place = tmp_path / "trail"
    settings = Settings(immutable=False, serve=ServeSettings(public_url="https://trail.example"))
    create_trail(place, "shop.example/log", settings=settings).close()
    (place / "hook.secret").write_text(SECRET + "\n")
    with open_notify(place, []) as notify:
        notify.run()
    return place


def route(name: str = "desk", to: str = "console", **named: Any) -> RouteSettings:
    """Return a route's settings."""
    said: dict[str, Any] = {"name": name, "to": to, "most_per_minute": 1_000}
    return RouteSettings(**said | named)


def hooked(got: Hooks, name: str = "desk", **named: Any) -> RouteSettings:
    """Return a route to a receiver."""
    return route(name, "webhook", url=got.url, secret_files=["hook.secret"], timeout_seconds=2, **named)


def refund(number: int = 1, actor: str = "clerk-17") -> Event:
    """Return an event that people are told of."""
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action="payment.refund",
        actor=Actor(actor, "person"),
        subject=Subject("payment", f"pay-{number}", f"SO-{number}"),
        changes=(Change("/refunded", after={"amount": 5000, "currency": "EUR"}),),
    )


def record(root: Path, *events: Event) -> None:
    """Record and seal events."""
    with open_trail(root) as trail:
        trail.record(events)
        trail.seal()


def sealed(root: Path, action: str) -> list[dict[str, Any]]:
    """Seal what waits, and return the events of an action."""
    with open_trail(root) as trail:
        trail.seal()
        return [one for one in _events(trail) if one["action"] == action]


def _events(trail: Trail) -> Iterator[dict[str, Any]]:
    log = trail.log().log
    for row in log.reader.rows("default", 0, log.store.head("default").size):
        yield json.loads(row.entry)["event"]


@contextmanager
def following(notify: Notify, heard: Callable[..., None] = lambda *_: None) -> Iterator[None]:
    """Follow in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=notify.follow, args=(stop.is_set, heard))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.01)


def test_what_is_sealed_is_told_once_and_leads_to_the_event(root: Path) -> None:
    """One message for what is sensitive, none for the rest, none the second time; each sending is on record."""
    told: list[str] = []
    event = refund()
    plain = Event(
        id=new_id(),
        time=event.time,
        action="order.create",
        actor=event.actor,
        subject=Subject("order", "SO-2", "SO-2"),
    )
    record(root, event, plain)
    for sent in (1, 0):
        with open_notify(root, [route()], write=told.append) as notify:
            assert notify.run().sent == sent
    (text,) = told
    assert "A person refunded payment pay-1: refunded 50.00 EUR" in text
    assert f"https://trail.example/events/{event.id}" in text
    assert "clerk-17" not in text
    (recorded,) = sealed(root, "notify.send")
    assert recorded["cause"] == {"kind": "event", "id": event.id}
    assert recorded["changes"][:2] == [{"path": "/route", "after": "desk"}, {"path": "/messages", "after": 1}]
    with open_notify(root, [route()], write=told.append) as notify:
        assert notify.run().sent == 0, "a message about a message would never end"


def test_the_past_is_not_told(tmp_path: Path) -> None:
    """The first start begins with what is sealed from then on."""
    place = tmp_path / "trail"
    told: list[str] = []
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        trail.record([refund()])
        trail.seal()
    with open_notify(place, [route()], write=told.append) as notify:
        notify.run()
    record(place, refund(2))
    with open_notify(place, [route()], write=told.append) as notify:
        notify.run()
    assert len(told) == 1
    assert "pay-2" in told[0]


def test_alerts_are_told_as_the_watch_raises_them(root: Path) -> None:
    """An alert is an event of the trail, so it is told like one, with its page; a route of rules has it alone."""
    told: list[str] = []
    now = utc_now()
    events = [
        Event(
            id=new_id(),
            time=format_time(now + timedelta(seconds=number)),
            action="order.cancel",
            actor=Actor("p.novak", "person"),
            subject=Subject("order", f"SO-{number}", f"SO-{number}"),
        )
        for number in range(60)
    ]
    record(root, *events)
    with open_monitor(root) as monitor:
        monitor.watch().step()
    with open_trail(root) as trail:
        trail.seal()
    routes = [route(rules=["bulk_*"], most_per_minute=5), route("none", rules=["nothing"])]
    with open_notify(root, routes, write=told.append) as notify:
        assert notify.run().sent == 1
    (text,) = told
    assert "Many orders cancelled by one person" in text
    assert "https://trail.example/alerts/A-" in text
    assert "p.novak" not in text


def test_each_route_has_what_it_says_and_pages_have_the_log(root: Path) -> None:
    """Severity, actions, leave to say who; a route to the pages is read in the delivery log."""
    record(root, refund(actor="clerk-17"))
    told: list[str] = []
    routes = [
        route("all", personal=True),
        route("grave", least="critical"),
        route("orders", actions=["order.*"]),
        route("inbox", "app"),
    ]
    with open_notify(root, routes, write=told.append) as notify:
        assert notify.run().sent == 2
        (inbox,) = notify.find(DeliveryQuery(route="inbox"))
    assert inbox.state is State.SENT
    assert inbox.parcel.messages[0].order == "SO-1"
    (text,) = told
    assert "clerk-17 refunded payment pay-1" in text


def test_a_channel_that_is_down_is_tried_again_with_the_same_parcel(root: Path) -> None:
    """Twice 503, then taken: one id, one body; and one record of it, with its attempts."""
    record(root, refund())
    answers = iter([503, 503, 204])
    with hooks_receiver() as got:
        got.answer = lambda _request: (next(answers), {})
        with open_notify(root, [hooked(got)], backoff=FAST) as notify:
            until(lambda: notify.run().sent == 1)
    assert len({one.headers["webhook-id"] for one in got.requests}) == 1
    assert len({one.body for one in got.requests}) == 1
    (recorded,) = sealed(root, "notify.send")
    assert {"path": "/attempts", "after": 3} in recorded["changes"]


def test_a_receiver_that_asks_to_wait_is_not_asked_before(root: Path) -> None:
    """However short our own waits are: the next attempt is due when it said."""
    record(root, refund())
    with hooks_receiver() as got:
        got.answer = lambda _request: (429, {"Retry-After": "3600"})
        with open_notify(root, [hooked(got)], backoff=FAST) as notify:
            until(lambda: not notify.run().sent and len(got.requests) == 1)
            (waiting,) = notify.find(DeliveryQuery())
            assert waiting.due > format_time(utc_now() + timedelta(minutes=59))
            notify.run()
        assert len(got.requests) == 1


def test_what_is_given_up_is_told_and_can_be_tried_again(root: Path) -> None:
    """All attempts spent, or refused at once: dead, on record as a failure, and sent when somebody says so."""
    record(root, refund())
    with hooks_receiver() as got:
        got.answer = lambda _request: (500, {})
        with open_notify(root, [hooked(got)], backoff=FAST) as notify:
            until(lambda: notify.run().dead == 1)
            assert len(got.requests) == FAST.attempts
            got.answer = lambda _request: (410, {})
            assert notify.retry() == 1
            assert notify.run().dead == 1, "what is refused is not tried again by itself"
            got.answer = lambda _request: (204, {})
            (dead,) = notify.find(DeliveryQuery(state=State.DEAD))
            assert dead.error is not None
            assert "410" in dead.error
            assert notify.retry([dead.parcel.id]) == 1
            assert notify.run().sent == 1
    failures = sealed(root, "notify.fail")
    assert [one["outcome"] for one in failures] == ["failed", "failed"]
    assert len(sealed(root, "notify.send")) == 1


def test_a_channel_that_is_down_or_slow_delays_no_other(root: Path) -> None:
    """While one route waits for its receiver and another's answers 503, a third has its messages at once."""
    release = threading.Event()

    def hang(_request: Request) -> tuple[int, dict[str, str]]:
        release.wait(30)
        return 204, {}

    with hooks_receiver() as slow, hooks_receiver() as down, hooks_receiver() as good:
        slow.answer = hang
        down.answer = lambda _request: (503, {})
        routes = [hooked(slow, "slow"), hooked(down, "down"), hooked(good, "good")]
        with open_notify(root, routes, backoff=FAST) as notify, following(notify):
            record(root, refund(1))
            until(lambda: slow.requests and down.requests)
            for number in range(2, 7):
                record(root, refund(number))
                until(lambda number=number: len(good.requests) == number)  # type: ignore[misc]
            assert len(slow.requests) <= 2, "one at a time waits for who is slow"
            release.set()


def test_a_journal_that_hangs_delays_nobody(root: Path) -> None:
    """While what became of a message cannot be put on record yet, the next ones are told; then all are on record."""
    release, asked = threading.Event(), threading.Event()
    told: list[str] = []
    with open_notify(root, [route()], write=told.append) as notify:

        def hang(events: Sequence[Event]) -> None:
            asked.set()
            assert release.wait(60)
            notify.door(events)

        with following(replace(notify, door=hang)):
            try:
                record(root, refund(1))
                until(asked.is_set)
                for number in range(2, 5):
                    record(root, refund(number))
                    until(lambda number=number: len(told) == number)  # type: ignore[misc]
            finally:
                release.set()
    assert len(sealed(root, "notify.send")) == 4


def test_a_storm_is_few_messages_that_count_all(root: Path) -> None:
    """Ten thousand at once: no more messages than the bound allows, and together they count all of it."""
    number = 10_000
    with open_trail(root) as trail:
        for first in range(0, number, 1_000):
            trail.record([refund(one) for one in range(first, first + 1_000)])
        trail.seal()
    told: list[str] = []
    with open_notify(root, [route(most_per_minute=3)], write=told.append) as notify:
        begun = utc_now()
        assert notify.run().sent == len(told) <= 3
        deliveries = notify.find(MANY)
        assert sum(one.parcel.count for one in deliveries) == number
        assert "10,000 of payment.refund" in told[0]
        assert len(told[0]) < 20_000
        assert utc_now() - begun < timedelta(minutes=1)


def test_a_storm_while_following_stays_within_the_bound(root: Path) -> None:
    """As it is sealed batch by batch, the bound holds in the minute, and what is more waits to go as one."""
    told: list[str] = []
    with open_notify(root, [route(most_per_minute=2)], write=told.append) as notify:
        with following(notify):
            for first in range(10):
                record(root, *(refund(100 * first + one) for one in range(100)))
            until(lambda: len(told) == 2)
            until(lambda: sum(one.waiting for one in notify.backlog()) + _counted(notify) == 1_000)
        assert len(told) == 2


def _counted(notify: Notify) -> int:
    return sum(one.parcel.count for one in notify.find(MANY))


def test_quiet_hours_hold_back_and_end(root: Path) -> None:
    """By the clock of the route's zone: by night only what is critical; all of the night as one in the morning."""
    now = datetime(2026, 11, 23, 23, tzinfo=UTC)
    told: list[str] = []
    loss = Event(
        id=new_id(),
        time=format_time(now),
        action="capture.loss",
        actor=Actor("ordertrail", "system"),
        subject=Subject("source", "shop"),
    )
    record(root, refund(1), refund(2), loss)
    said = [route(quiet_hours="22:00-06:00")]
    with open_notify(root, said, write=told.append, clock=lambda: now) as notify:
        assert notify.run().sent == 1
        assert "[critical]" in told[0]
        now += timedelta(hours=6, minutes=59)
        assert notify.run().sent == 0
        now += timedelta(minutes=1)
        assert notify.run().sent == 1
    assert "2 of payment.refund" in told[1]


KILLED = """
import os, signal, sys
from pathlib import Path
from ordertrail.adapters.notify.store import SqlNotify
from ordertrail.assembly.notify import open_notify
from ordertrail.settings.notify import NotifySettings, RouteSettings

step, root, url = sys.argv[1:]
setattr(SqlNotify, step, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
said = RouteSettings(name="desk", to="webhook", url=url, secret_files=["hook.secret"])
with open_notify(Path(root), [said]) as notify:
    notify.run()
"""


@pytest.mark.parametrize("step", ["take", "pack", "settle", "unrecorded", "recorded"])
def test_killed_at_any_step_every_message_arrives_under_one_id(root: Path, step: str) -> None:
    """Killed before a step, the next start goes on; between sending and marking, the same parcel comes twice."""
    record(root, refund(1), refund(2), refund(3))
    with hooks_receiver() as got:
        program = [sys.executable, "-c", KILLED, step, str(root), got.url]
        assert subprocess.run(program, check=False, timeout=60).returncode == -signal.SIGKILL
        before = len(got.requests)
        assert before == {"take": 0, "pack": 0, "settle": 1}.get(step, 3)
        with open_notify(root, [hooked(got)]) as notify:
            notify.run()
            assert notify.run().sent == 0
    events = [one["id"] for request in got.requests for one in json.loads(request.body)["data"]["messages"]]
    assert len(set(events)) == 3
    assert len(got.requests) == (4 if step == "settle" else 3)
    bodies = {request.headers["webhook-id"]: request.body for request in got.requests}
    assert len(bodies) == 3
    assert all(bodies[request.headers["webhook-id"]] == request.body for request in got.requests)
    assert len(sealed(root, "notify.send")) == 3


def test_messages_may_wait_on_a_server(root: Path, postgresql_server: Server) -> None:
    """The same with the outbox on PostgreSQL, through two openings of it."""
    told: list[str] = []
    with empty_database(postgresql_server) as name:
        said = NotifySettings(url=postgresql_server.url(name))
        with open_notify(root, [route()], said) as notify:
            assert notify.run().sent == 0
        record(root, refund(1), refund(2))
        with open_notify(root, [route()], said, write=told.append) as notify:
            assert notify.run().sent == 2
            assert notify.run().sent == 0


def test_two_do_not_send_at_once(root: Path) -> None:
    """One process sends; another is told so, and may look."""
    with open_notify(root, [route()]):
        with pytest.raises(BusyError, match="another process"), open_notify(root, [route()]):
            pass
        with open_notify(root, [route()], alone=False) as notify:
            assert notify.backlog() == []


def test_a_log_that_was_rolled_back_is_told(root: Path) -> None:
    """Who was told of entries that are not there any more hears that it is so."""
    with open_notify(root, [route()]) as notify:
        places = notify.collector.queue.places()
        assert places is not None
        assert notify.collector.queue.take(places, {"default": 99}, [], utc_now())
        with pytest.raises(EvidenceError, match="told of 99 entries"):
            notify.run()


def test_a_test_message_goes_past_hours_and_is_on_record(root: Path) -> None:
    """It says that it is one; a channel that refuses says why, and that is on record, too."""
    told: list[str] = []
    with open_notify(root, [route(quiet_hours="00:00-23:59")], write=told.append, alone=False) as notify:
        notify.test("desk")
        with pytest.raises(ConfigurationError, match="there is no route 'other'"):
            notify.test("other")
    assert "This is a test of the route desk" in told[0]
    (recorded,) = sealed(root, "notify.send")
    assert "cause" not in recorded
    with hooks_receiver() as got:
        got.answer = lambda _request: (401, {})
        with open_notify(root, [hooked(got)], alone=False) as notify, pytest.raises(Exception, match="401"):
            notify.test("desk")
    assert len(sealed(root, "notify.fail")) == 1


def test_a_route_whose_part_breaks_is_heard_and_stops_no_other(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a channel raises is an attempt that failed, told without its text; the others go on."""
    from ordertrail.adapters.notify.here import Console

    def broken(_self: object, _parcel: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Console, "send", broken)
    heard: list[tuple[str, Went, str | None]] = []
    with hooks_receiver() as got:
        routes = [route("broken"), hooked(got, "good")]
        with (
            open_notify(root, routes) as notify,
            following(notify, lambda name, step: heard.append((name, step.went, step.error))),
        ):
            record(root, refund())
            until(lambda: got.requests and any(one[0] == "broken" for one in heard))
    assert ("broken", Went.FAILED, "ZeroDivisionError") in heard


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ({"to": "webhook"}, "need both"),
        ({"to": "apprise"}, "needs it"),
        ({"to": "console", "url": "https://x.example/"}, "belong to webhooks"),
        ({"to": "console", "quiet_hours": "06:00-06:00"}, "begin when they end"),
        ({"to": "console", "quiet_hours": "25:00-06:00"}, "pattern"),
        ({"to": "console", "zone": "Mars"}, "time zone"),
        ({"to": "webhook", "url": "https://u:p@x.example/", "secret_files": ["s"]}, "password"),
    ],
)
def test_settings_that_will_not_do_are_refused(named: dict[str, Any], problem: str) -> None:
    """Each with what is wrong."""
    with pytest.raises(ValueError, match=problem):
        RouteSettings(**{"name": "desk", **named})


def test_secrets_that_will_not_do_are_refused_before_anything_is_sent(root: Path) -> None:
    """A file that is not there, a weak secret, two addresses in one file, two routes of one name."""
    (root / "weak").write_text("whsec_c2hvcnQ=")
    (root / "two").write_text("json://a\njson://b\n")
    webhook = {"to": "webhook", "url": "https://x.example/"}
    for routes, problem in (
        ([route(**webhook, secret_files=["none"])], "none: No such file"),
        ([route(**webhook, secret_files=["weak"])], "24 to 64 bytes"),
        ([route(to="apprise", address_file="two")], "one URL, not 2"),
        ([route(), route()], "two of the name desk"),
    ):
        with pytest.raises(ConfigurationError, match=problem), open_notify(root, routes):
            pass
