"""Behaviour from end to end: learned, approved by another, scored, told as alerts, and learned from decisions.

The shop has orders that go as they should, one that was approved after it was shipped, an hour with very many events,
and a clerk who one day does what nobody does.
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.background import Deaf, Stopping
from ordertrail.assembly.behaviour import BEHAVIOUR, open_behaviour, run_behaviour
from ordertrail.assembly.jobs import Work
from ordertrail.assembly.monitor import open_monitor
from ordertrail.assembly.stores import read_settings
from ordertrail.cli import behaviour as verbs
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.alerts.alert import Disposition
from ordertrail.monitor.alerts.why import why
from ordertrail.monitor.behaviour.alerting import Subject as About
from ordertrail.monitor.behaviour.service import Behaviour
from ordertrail.monitor.models.record import Stage
from ordertrail.monitor.models.register import measured
from ordertrail.monitor.ports import AlertQuery
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.settings import Settings
from ordertrail.settings.behaviour import BehaviourSettings

BEGIN = parse_time("2026-07-06T08:00:00Z")
END = parse_time("2026-11-01T00:00:00Z")
ANA, BOB = Actor("ana", "person"), Actor("bob", "person")
COURSE = ("order.create", "order.approve", "order.confirm", "shipment.dispatch", "order.complete")
ODD = ("order.create", "order.confirm", "shipment.dispatch", "order.approve", "order.complete")
ROLES = {"order.approve": "approver", "shipment.dispatch": "warehouse"}


def events(
    order: str, begin: datetime, course: tuple[str, ...] = COURSE, clerk: str = "clerk-1"
) -> Iterator[Event]:
    """Yield the events of an order, one an hour."""
    for hour, action in enumerate(course):
        role = ROLES.get(action, "clerk")
        yield Event(
            id=new_id(),
            time=format_time(begin + timedelta(hours=hour)),
            action=action,
            actor=Actor(clerk if role == "clerk" else role, "person", (role,)),
            subject=Subject("order", order, order=order),
            changes=(Change("/status", after=action),),
            context=Context(channel="web"),
        )


def trade() -> Iterator[Event]:
    """Yield eight weeks of orders, four a day, by two clerks; one odd order; and an hour with sixty new orders."""
    random = Random(7)
    for day in range(56):
        for number in range(4):
            begin = BEGIN + timedelta(days=day, hours=number, minutes=random.randrange(59))
            course = ODD if (day, number) == (30, 2) else COURSE
            yield from events(f"SO-{day:02}-{number}", begin, course, f"clerk-{number % 2}")
    for number in range(60):
        yield from events(
            f"RUSH-{number}", BEGIN + timedelta(days=40, hours=18, seconds=number), COURSE, "temp"
        )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail with the trade, sealed."""
    return made(tmp_path, BehaviourSettings())


def made(folder: Path, said: BehaviourSettings) -> Path:
    """Return a trail with the trade."""
    place = folder / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False, behaviour=said)) as trail:
        trail.record(list(trade()))
        trail.seal()
    return place


def clock() -> datetime:
    """Return a moment after the trade."""
    return END


def deploy(behaviour: Behaviour) -> None:
    """Learn, and have what was learned approved by another and deployed."""
    registry = behaviour.registry
    for one in behaviour.fit(ANA, "the quarter"):
        registry.validate(one.version, measured({"orders": 1}), ANA, "looked at")
        registry.approve(one.version, BOB, "as it should be")
        assert registry.deploy(one.version, ANA, "from now on").stage is Stage.DEPLOYED


def test_the_odd_order_is_told_as_an_alert_once(root: Path) -> None:
    """With sentences and events; scoring again raises nothing, and a second fit is the same model."""
    with open_behaviour(root, clock=clock) as behaviour:
        assert behaviour.score().without == ("orders",)
        with pytest.raises(InputError, match="no model of orders is in use"):
            behaviour.explain("SO-30-2")
        deploy(behaviour)
        (again,) = behaviour.fit(ANA, "again")
        assert again.stage is Stage.DEPLOYED
        scored = behaviour.score()
        (order,) = [one for one in scored.unusual if one.subject is About.ORDER]
        assert order.name == "SO-30-2"
        assert "'order.approve" in " ".join(order.sentences)
        assert "227 orders took that course without this" in " ".join(order.sentences)
        assert order.doers == ()
        assert len(order.evidence) == len(ODD)
        assert behaviour.raise_alerts(scored.unusual) == len(scored.unusual)
        assert behaviour.raise_alerts(behaviour.score().unusual) == 0
        assert behaviour.explain("SO-00-0").score < order.score
    with open_monitor(root, clock=clock) as monitor:
        found = {alert.name: alert for alert in monitor.alerts(AlertQuery())}
        assert "227 orders took that course" in why(found["behaviour_order"])
        assert found["behaviour_order"].orders == ("SO-30-2",)
        assert {transition.deed.value for transition in monitor.life(found["behaviour_order"].id)} == {
            "raised"
        }


def test_an_hour_beyond_all_others_is_told_without_a_model(root: Path) -> None:
    """The rush is found by the detector alone, with how many events it had."""
    with open_behaviour(root, clock=clock) as behaviour:
        hours = [one for one in behaviour.score().unusual if one.subject is About.CHANNEL]
    assert [one.name for one in hours[:1]] == ["web"]
    assert "web had 60 events in this hour." in hours[0].sentences
    assert "farther off than in all" in " ".join(hours[0].sentences)
    assert {(seen.order, seen.money) for seen in hours[0].evidence} == {(None, ())}


def test_what_was_dismissed_must_be_more_unusual(root: Path) -> None:
    """An alert that was closed as expected leaves a tenth of the odds to what deviates alike."""
    with open_behaviour(root, clock=clock) as behaviour:
        deploy(behaviour)
        before = behaviour.score()
        behaviour.raise_alerts(before.unusual)
        (order,) = [one for one in before.unusual if one.subject is About.ORDER]
    with open_monitor(root, clock=clock) as monitor:
        (alert,) = [one for one in monitor.alerts(AlertQuery()) if one.name == "behaviour_order"]
        monitor.close(alert.id, "carla", Disposition.EXPECTED, "approved by telephone")
    with open_behaviour(root, clock=clock) as behaviour:
        after = [one for one in behaviour.score().unusual if one.subject is About.ORDER]
        lowered = [one for one in after if one.name == order.name]
        assert not lowered or lowered[0].score == pytest.approx(order.score - 2.302585, abs=1e-4)
        assert all("dismissed 1 times" in one.sentences[-1] for one in lowered)


def test_people_are_left_out_unless_the_settings_say_what_allows_it(tmp_path: Path) -> None:
    """Off by default; on without a basis is refused with the law that it touches."""
    place = made(tmp_path, BehaviourSettings(people=True))
    with pytest.raises(ConfigurationError, match="basis") as refused, open_behaviour(place, clock=clock):
        pass
    assert "GDPR" in refused.value.meaning


def test_a_person_is_held_against_their_past_and_their_role(tmp_path: Path) -> None:
    """A clerk who one night cancels what nobody cancels is told; the card names what allows it."""
    place = made(tmp_path, BehaviourSettings(people=True, basis="works agreement 12"))
    with open_trail(place) as trail:
        night = BEGIN + timedelta(days=55, hours=17)
        told = [
            event
            for number in range(9)
            for event in events(f"SO-50-{number % 4}", night, ("order.cancel",), "clerk-1")
        ]
        trail.record(told)
        trail.seal()
    with open_behaviour(place, clock=clock) as behaviour:
        deploy(behaviour)
        (card,) = [
            one.training.card for one in behaviour.registry.records() if one.training.purpose == "people"
        ]
        assert "works agreement 12" in card.people
        days = [one for one in behaviour.score().unusual if one.subject is About.PERSON]
    (day,) = [one for one in days if one.name == "clerk-1"]
    assert day.doers == ("clerk-1",)
    assert "order.cancel" in " ".join(day.sentences)
    assert "in the own past" in " ".join(day.sentences)


def test_drift_is_noted_once(root: Path) -> None:
    """When the trade itself changes, the model says so on record, with the numbers."""
    with open_behaviour(root, clock=clock) as behaviour:
        deploy(behaviour)
        assert behaviour.note_drift(behaviour.score()) is None
    with open_trail(root) as trail:
        begin = BEGIN + timedelta(days=60)
        trail.record([event for number in range(40) for event in events(f"N-{number}", begin, ODD[:3])])
        trail.record(list(events("last", begin + timedelta(days=20))))
        trail.seal()
    with open_behaviour(root, clock=clock) as behaviour:
        noted = behaviour.note_drift(behaviour.score())
        assert noted is not None
        assert noted.drift is not None
        assert "of 40 new orders are unusual" in noted.drift.reason
        assert behaviour.note_drift(behaviour.score()) is None


def test_the_verbs_say_what_they_did(root: Path) -> None:
    """Fit, score and explain, to people and as JSON."""
    runner, app = CliRunner(), typer.Typer()
    app.add_typer(verbs.app, name="behaviour")

    def said(*words: str) -> dict[str, Any]:
        result = runner.invoke(
            app, ["behaviour", *words, "--trail", str(root), "--json"], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    (model,) = said("fit", "--by", "ana", "--reason", "weekly", "--due")["models"]
    assert model["metrics"]["orders"] == "228"
    assert said("fit", "--by", "ana", "--reason", "weekly", "--due") == {"models": []}
    with open_behaviour(root, clock=clock) as behaviour:
        deploy(behaviour)
    told = said("score", "--raise")
    assert told["raised"] == told["unusual"] == len(told["first"])
    assert said("explain", "SO-30-2")["signature"].startswith("moved:")
    result = runner.invoke(app, ["behaviour", "score", "--trail", str(root)], catch_exceptions=False)
    assert "behaviour_order SO-30-2" in result.output
    assert "228 orders" in result.output


class Counted(Deaf):
    """Counts rounds."""

    rounds = 0

    def done(self, job: str, count: int) -> None:
        """See the protocol."""
        assert job == BEHAVIOUR
        self.rounds += count


def test_the_service_learns_what_is_due_scores_and_raises_alerts(tmp_path: Path) -> None:
    """In a process of its own, and once in its time: a model that waits for approval, and an alert of the rush."""
    place = made(tmp_path, BehaviourSettings(score_every=1))
    assert BEHAVIOUR in {job.name for job in Work(place, read_settings(place)).jobs()}
    stopping, counted = Stopping(), Counted()
    thread = Thread(target=run_behaviour, args=(place, stopping, counted))
    thread.start()
    deadline = time.monotonic() + 120
    while not counted.rounds and time.monotonic() < deadline:
        time.sleep(0.1)
    stopping.ask()
    thread.join()
    assert counted.rounds == 1
    with open_behaviour(place) as behaviour:
        (record,) = behaviour.registry.records()
        assert (record.stage, record.life[0].is_person) == (Stage.TRAINED, False)
        assert not behaviour.is_due(timedelta(days=7))
        assert behaviour.raise_alerts(behaviour.score().unusual) == 0
    with open_monitor(place) as monitor:
        assert "behaviour_channel" in {alert.name for alert in monitor.alerts(AlertQuery())}
