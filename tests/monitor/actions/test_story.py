"""A suggestion's life, with a real webhook, real rooms and a real trail: decided, done once, undone, and judged."""

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from monitor.actions.told import AT, DAY, FILE, forecast
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.actions import open_actions
from ordertrail.assembly.evidence import open_desk
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.ids import format_id, new_id
from ordertrail.monitor.actions.mandate import EVERYTHING, MandateState, Terms
from ordertrail.monitor.actions.ports import Ask, SuggestionQuery
from ordertrail.monitor.actions.service import Actions
from ordertrail.monitor.actions.suggestion import Arm, State, Suggestion
from ordertrail.monitor.alerts.why import happened
from ordertrail.monitor.governance import GovernanceRefusedError
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.settings import Settings
from ordertrail.settings.actions import WebhookSettings
from ordertrail.testing.story import order_story

ANNA = Actor("anna", "person")
BEN = Actor("ben", "person")
SECRET = b"a secret of twenty-four b"
BEGIN = parse_time(happened(AT)) + timedelta(minutes=1)


@dataclass
class Receiver:
    """A system of the organisation: keeps what it was asked, once for each id, and answers as it is told to."""

    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    calls: int = 0
    answers: list[int] = field(default_factory=list)
    port: int = 0

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Check the signature by the rules of Standard Webhooks, keep what is new, and answer."""
        self.calls += 1
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(SECRET, text, "sha256")).decode()
        if f"v1,{expected}" not in headers["webhook-signature"].split():
            return 401
        if headers["webhook-id"] not in {one for one, _ in self.asked}:
            self.asked.append((headers["webhook-id"], json.loads(body)["data"]))
        return self.answers.pop(0) if self.answers else 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook that is there."""
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(here.take({name.lower(): value for name, value in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield here
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Time:
    """A clock that goes where it is put."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        """Say what time it is."""
        return self.now

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@dataclass
class House:
    """A trail with corrective actions, and its time."""

    root: Path
    time: Time
    last: str

    @contextmanager
    def actions(self) -> Iterator[Actions]:
        """Open the actions, as another process would."""
        with open_actions(self.root, clock=self.time) as actions:
            yield actions

    def live(self, action: str, orders: set[str], **after: float) -> None:
        """Have the same happen to orders, so long after the forecasts."""
        at = format_time(BEGIN + timedelta(**after))
        with open_trail(self.root, clock=self.time) as trail:
            clerk = Actor("clerk-1", "person")
            trail.record(
                Event(
                    id=new_id(), time=at, action=action, actor=clerk, subject=Subject("order", one, order=one)
                )
                for one in orders
            )
            trail.seal()

    def events(self) -> list[tuple[str, str, str]]:
        """Return what is recorded of suggestions: action, outcome and state."""
        with open_trail(self.root, clock=self.time) as trail:
            trail.seal()
            log = trail.log().log
            rows = log.reader.rows("default", 0, log.store.head("default").size)
            told = [json.loads(row.entry)["event"] for row in rows]
        return [
            (one["action"], one["outcome"], one["changes"][0]["after"])
            for one in told
            if one["action"].startswith("suggestion.")
        ]


@pytest.fixture
def house(tmp_path: Path, receiver: Receiver) -> House:
    """A trail that holds a story and a file of actions, and a webhook of the name of its settings."""
    root = tmp_path / "trail"
    hook = WebhookSettings(
        name="oms", url=f"http://127.0.0.1:{receiver.port}/act", secret_files=["oms.secret"]
    )
    with create_trail(root, "shop.example/log", settings=Settings(immutable=False, webhooks=[hook])) as trail:
        list(trail.record_lines(("story", line) for line in order_story()))
        trail.seal()
        row = next(iter(trail.log().log.reader.rows("default", 0, 1)))
        last = format_id(row.id)
    (root / "corrective.toml").write_text(FILE)
    (root / "oms.secret").write_text(f"whsec_{base64.b64encode(SECRET).decode()}")
    return House(root, Time(), last)


def suggested(actions: Actions, order: str = "SO-1") -> Suggestion:
    """Return what is suggested for an order."""
    return actions.consider([forecast(order)])[0]


TERMS = Terms("hold order", ("cancelled",), 500_000, 5, 0, "2027-01-01T00:00:00Z")


def in_force(actions: Actions, **changes: object) -> str:
    """Put a mandate in force by two people."""
    terms = replace(TERMS, **changes)  # type: ignore[arg-type]  # a test's own choice
    name = actions.mandates.propose(terms, ANNA, "holds are cheap").id
    actions.mandates.approve(name, BEN, "agreed")
    return name


def test_a_suggestion_is_decided_done_and_undone_and_each_step_is_an_event(
    house: House, receiver: Receiver
) -> None:
    """Made, accepted by a person with a reason, carried out by a signed webhook, undone: all of it on record."""
    with house.actions() as actions:
        one = suggested(actions)
        assert (one.action, one.gain, one.state) == ("hold order", 4_500, State.SUGGESTED)
        assert actions.run() == 0
        with pytest.raises(InputError, match="why"):
            actions.accept(one.id, "anna", " ")
        actions.accept(one.id, "anna", "stock is gone")
        assert actions.run() == 1
        done = actions.suggestion(one.id)
        assert done.state is State.DONE
        assert receiver.asked[0][0] == one.id
        assert receiver.asked[0][1]["action"] == "hold order"
        assert receiver.asked[0][1]["decided_by"] == "anna"
        actions.undo(one.id, "ben", "stock came back")
        actions.run()
        assert actions.suggestion(one.id).state is State.UNDONE
        assert [(key, asked["undo"]) for key, asked in receiver.asked] == [
            (one.id, False),
            (f"{one.id}-undo", True),
        ]
    assert house.events() == [
        ("suggestion.make", "success", "suggested"),
        ("suggestion.decide", "success", "accepted"),
        ("suggestion.execute", "success", "running"),
        ("suggestion.execute", "success", "done"),
        ("suggestion.undo", "success", "revoked"),
        ("suggestion.undo", "success", "undoing"),
        ("suggestion.undo", "success", "undone"),
    ]


def test_what_a_webhook_refuses_now_is_tried_again_and_done_once(house: House, receiver: Receiver) -> None:
    """A system that is down delays an action and doubles none, although it did it and answered badly."""
    receiver.answers = [503, 500]
    with house.actions() as actions:
        one = suggested(actions)
        actions.accept(one.id, "anna", "stock is gone")
    for _ in range(3):
        with house.actions() as actions:
            actions.run()
        house.time.pass_(hours=1)
    with house.actions() as actions:
        assert actions.suggestion(one.id).state is State.DONE
    assert receiver.calls == 3
    assert [key for key, _ in receiver.asked] == [one.id]
    assert [outcome for action, outcome, _ in house.events() if action == "suggestion.execute"] == [
        "success", "failed", "success", "failed", "success", "success",
    ]  # fmt: skip


def test_a_crash_at_any_point_neither_loses_nor_doubles_an_action(house: House, receiver: Receiver) -> None:
    """Killed after it was taken on, and after it was done but not kept: another start does it, under the same key."""
    with house.actions() as actions:
        one = suggested(actions)
        actions.accept(one.id, "anna", "stock is gone")

    class Killed(BaseException):
        """The machine stops."""

    class Dying:
        def __init__(self, actions: Actions, *, after: bool) -> None:
            self.inner = actions.operations[actions.catalogue["hold order"].operation]
            self.after = after

        def carry_out(self, ask: Ask) -> str:
            """Stop before or after it is done."""
            if self.after:
                self.inner.carry_out(ask)
            raise Killed

        def undo(self, ask: Ask) -> str:
            """Do nothing."""
            raise AssertionError(ask)

    for after in (False, True):
        with house.actions() as actions:
            dying = replace(
                actions, operations={actions.catalogue["hold order"].operation: Dying(actions, after=after)}
            )
            with pytest.raises(Killed):
                dying.run()
            assert actions.run() == 0  # within the lease it is nobody else's
        house.time.pass_(minutes=3)
    with house.actions() as actions:
        assert actions.run() == 1
        assert actions.suggestion(one.id).state is State.DONE
    assert [key for key, _ in receiver.asked] == [one.id]


def test_what_cannot_be_done_at_all_is_a_persons_again(house: House, receiver: Receiver) -> None:
    """An answer that says that the request itself is wrong ends it as failed, and a person may have it tried again."""
    receiver.answers = [400]
    with house.actions() as actions:
        one = suggested(actions)
        actions.accept(one.id, "anna", "stock is gone")
        actions.run()
        failed = actions.suggestion(one.id)
        assert failed.state is State.FAILED
        assert "400" in (failed.result or "")
        assert actions.run() == 0
        actions.accept(one.id, "ben", "mended over there")
        actions.run()
        assert actions.suggestion(one.id).state is State.DONE


def test_the_trails_own_rooms_carry_out_what_is_theirs(house: House) -> None:
    """A case is opened once, with the event that moved the forecast in it, however often it is asked."""
    with house.actions() as actions:
        told = replace(forecast(remedies={"open case": 0.1}), last=house.last)
        one = actions.consider([told])[0]
        assert one.action == "open case"
        actions.accept(one.id, "anna", "look into it")
        actions.run()
        assert actions.suggestion(one.id).state is State.DONE
        operation = actions.operations[actions.catalogue["open case"].operation]
        operation.carry_out(Ask(one.id, actions.catalogue["open case"], one))
        with pytest.raises(InputError, match="cannot be undone"):
            actions.undo(one.id, "anna", "no")
    with open_trail(house.root, clock=house.time) as trail, open_desk(house.root, trail) as desk:
        cases = desk.list_cases()
        assert [[item.event for item in case.items] for case in cases] == [[house.last]]
        assert one.id in cases[0].title


def test_the_same_forecast_again_suggests_nothing_more(house: House) -> None:
    """Once for an order, a target and an action; what the forecast does not say any more is let go."""
    with house.actions() as actions:
        one = suggested(actions)
        assert actions.consider([forecast()]) == []
        actions.consider([forecast(outcomes=frozenset())])
        assert actions.suggestion(one.id).state is State.EXPIRED
        other = suggested(actions, "SO-2")
        actions.dismiss(other.id, "anna", "the customer called")
        assert actions.consider([forecast("SO-2")]) == []
        with pytest.raises(InputError, match="dismissed"):
            actions.accept(other.id, "anna", "after all")


def test_a_mandate_takes_two_people_and_only_for_safe_actions(house: House) -> None:
    """One proposes, another approves, nothing runs before; what is not safe is refused, and one's own approval, too."""
    with house.actions() as actions:
        with pytest.raises(InputError, match="no safe action"):
            actions.mandates.propose(replace(TERMS, action="block session"), ANNA, "quick")
        mandate = actions.mandates.propose(TERMS, ANNA, "holds are cheap")
        assert suggested(actions, "SO-1").state is State.SUGGESTED
        for by in (ANNA, Actor("robot", "service")):
            with pytest.raises(GovernanceRefusedError, match="another person"):
                actions.mandates.approve(mandate.id, by, "fine")
        assert suggested(actions, "SO-2").state is State.SUGGESTED
        actions.mandates.approve(mandate.id, BEN, "agreed")
        done = suggested(actions, "SO-3")
        assert (done.state, done.arm, done.mandate) == (State.ACCEPTED, Arm.TREATED, mandate.id)
        below = actions.consider([forecast("SO-4", 0.4, remedies={"hold order": 0.1})])[0]
        assert below.state is State.SUGGESTED


def test_the_kill_switch_stops_what_was_not_begun(house: House, receiver: Receiver) -> None:
    """Stopping takes one person and effect at once: nothing of a mandate runs any more, in no process."""
    with house.actions() as actions, house.actions() as others:
        in_force(actions)
        one = suggested(actions)
        assert one.state is State.ACCEPTED
        others.mandates.stop(EVERYTHING, BEN, "something is wrong")
        assert actions.run() == 0
        assert actions.suggestion(one.id).state is State.DISMISSED
        assert suggested(actions, "SO-2").state is State.SUGGESTED
        assert [each.state for each in actions.mandates.all()] == [MandateState.STOPPED]
        by_hand = actions.accept(
            actions.find(SuggestionQuery(states=frozenset({State.SUGGESTED})))[0].id, "anna", "yes"
        )
        actions.run()
        assert [key for key, _ in receiver.asked] == [by_hand.id]


def test_a_mandate_runs_no_more_than_its_rate_and_not_after_its_end(house: House) -> None:
    """What is over the rate is left to a person; after an hour there is room again; after its end there is none."""
    with house.actions() as actions:
        in_force(actions, most_per_hour=3, until="2026-11-25T00:00:00Z")
        states = [suggested(actions, f"SO-{number}").state for number in range(5)]
        assert states == [State.ACCEPTED] * 3 + [State.SUGGESTED] * 2
        house.time.pass_(hours=1, seconds=1)
        assert suggested(actions, "SO-9").state is State.ACCEPTED
        house.time.pass_(days=3)
        assert suggested(actions, "SO-10").state is State.SUGGESTED


def test_chance_holds_out_its_share_and_outcomes_are_compared_as_assigned(house: House) -> None:
    """A tenth or so is withheld, the same whenever asked; the effect is told from outcomes, by whom chance chose."""
    with house.actions() as actions:
        in_force(actions, hold_out=30, most_per_hour=1_000)
        made = actions.consider([forecast(f"SO-{number}") for number in range(200)])
        held = [one for one in made if one.state is State.WITHHELD]
        assert 35 <= len(held) <= 85
        actions.accept(held[0].id, "anna", "this one must not wait")
        orders, left = {one.order for one in made}, {one.order for one in held}
        house.live("order.create", orders, hours=-1)
        house.live("order.cancel", left, days=29)
        house.live("order.cancel", orders - left, days=30, hours=1)
        assert actions.learn() == 0  # no horizon has ended
        house.time.pass_(days=31)
        assert actions.learn() == len(made)
        effect = actions.effects()[0]
        assert (effect.held_out.orders, effect.held_out.breached) == (len(held), len(held))
        assert (effect.treated.orders, effect.treated.breached) == (len(made) - len(held), 0)
        assert "averts breaches" in effect.sentence
        assert actions.learn() == 0
        assert actions.suggestion(held[1].id).state is State.EXPIRED


def test_what_is_over_the_rate_is_in_neither_group(house: House) -> None:
    """Where the rate is used up, chance withholds nothing either: the groups are of the same hours."""
    with house.actions() as actions:
        in_force(actions, hold_out=50, most_per_hour=2)
        made = actions.consider([forecast(f"SO-{number}") for number in range(60)])
        arms = [one.arm for one in made]
        last = max(place for place, arm in enumerate(arms) if arm is Arm.TREATED)
        assert arms.count(Arm.TREATED) == 2
        assert set(arms[last + 1 :]) == {Arm.BY_HAND}


def test_a_file_of_actions_that_is_wrong_stops_at_the_door(house: House) -> None:
    """Nothing is suggested by figures that cannot be read, and who opens it is told where they are wrong."""
    (house.root / "corrective.toml").write_text('["hold order"]\ncost = "much"')
    with pytest.raises(ConfigurationError, match=r"hold order\.cost"), house.actions():
        pass


def test_the_horizon_is_the_forecasts(house: House) -> None:
    """A suggestion ends when its forecast does."""
    with house.actions() as actions:
        assert suggested(actions).ends == format_time(parse_time(happened(AT + 30 * DAY)))
