"""Forecasts, models and rules as people decide on them: over HTTP, each with their verb; by axe in a real browser."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from monitor.actions.told import FILE, forecast
from monitor.models.test_registry import training
from monitor.test_approval import LOW
from ordertrail.access.service import local_principal
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.kernel.clock import utc_now
from ordertrail.monitor.actions.ports import SuggestionQuery
from ordertrail.monitor.actions.service import Actions
from ordertrail.monitor.actions.suggestion import State, Suggestion
from ordertrail.monitor.forecast.forecast import Forecast, Outcome
from ordertrail.monitor.models.record import Stage
from ordertrail.monitor.models.register import measured
from ordertrail.monitor.models.registry import Models
from ordertrail.query.ports import Way
from ordertrail.query.projection import moment_microseconds
from ordertrail.record.event import Actor
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story
from web.house import ORIGIN, SERVE, House, _people
from web.pages.conftest import Open, picture, settled
from web.pages.serving import Served, serving
from web.pages.test_access import violations
from web.pages.test_rooms import Reader

ENGINE = Actor("ordertrail", "system")
ORDERS = ("ORD-1004", "ORD-1009", "ORD-1013", "ORD-1017")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A shop that says what actions are worth to it, served."""
    root = tmp_path_factory.mktemp("forecast") / "trail"
    with create_trail(root, ORIGIN, settings=Settings(immutable=False, serve=SERVE)) as trail:
        list(trail.record_lines((f"line {at}", line) for at, line in enumerate(order_story(20))))
    (root / "corrective.toml").write_text(FILE)
    with open_services(root) as services:
        house = House(root, services, _people(services, local_principal()))
        house.feed()
        with serving(house) as found:
            yield found


def actions_of(house: House) -> Actions:
    """Return the house's corrective actions."""
    assert house.services.actions is not None
    return house.services.actions


def models_of(house: House) -> Models:
    """Return the house's registry of models."""
    assert house.services.models is not None
    return house.services.models


def foreseen(house: House, order: str, probability: float = 0.8, **changes: object) -> Forecast:
    """Return a forecast of now, moved by an event that is there."""
    query = house.services.query
    last = query.searches.page(query.parse(""), 1, None, Way.OLDER)[0].event.id
    told = forecast(order, probability)
    moved = replace(told, at=moment_microseconds(utc_now()) - 1_000_000, last=last)
    return replace(moved, **changes)  # type: ignore[arg-type]  # a test's own choice


def suggested(house: House, order: str) -> Suggestion:
    """Have something suggested for an order, once."""
    actions = actions_of(house)
    actions.consider([foreseen(house, order)])
    return actions.find(SuggestionQuery(orders=frozenset({order})))[0]


def test_before_anything_was_foreseen_the_pages_say_what_will_be_there(running: Served) -> None:
    """An empty page says how something comes there."""
    with Reader(running.url, running.house.session("auditor")) as reader:
        assert "No open order is foreseen to breach" in reader.open("/forecast")
        assert "Nothing runs without asking" in reader.open("/actions")
        assert "No model was trained yet" in reader.open("/models")


def test_an_order_at_risk_is_seen_with_its_reasons_and_a_person_decides(running: Served) -> None:
    """The risk, why, what is suggested and its gain; done for a reason, carried out, and all of it on record."""
    house = running.house
    one = suggested(house, ORDERS[0])
    actions_of(house).consider([foreseen(house, ORDERS[3], 0.35, outcomes=frozenset(Outcome))])
    with Reader(running.url, house.session("alert-triager")) as reader:
        page = reader.open("/forecast")
        assert "Two reports of missing stock so far." in page
        assert "80 %" in page
        assert "not sure" in page
        assert "€45.00" in page
        detail = reader.open(f"/forecast/{one.id}")
        assert "The risk is 80 %; with it, 30 %" in detail
        assert "for whoever reads it later" in reader.send(f"/forecast/{one.id}/accept", 422, reason=" ")
        reader.open(f"/forecast/{one.id}")
        reader.send(f"/forecast/{one.id}/accept", reason="stock is gone")
        assert "accepted" in reader.page
        assert "stock is gone" in reader.page
        assert "cannot be made" in reader.send(f"/forecast/{one.id}/explode", 422, reason="x")
    actions_of(house).run()
    assert actions_of(house).suggestion(one.id).state is State.FAILED  # no webhook is named
    house.feed()
    query = house.services.query
    told = {hit.event.action for hit in query.searches.page(query.parse(""), 200, None, Way.OLDER)}
    assert {"suggestion.make", "suggestion.decide", "suggestion.execute", "evidence.read"} <= told


def test_who_may_only_read_decides_nothing(running: Served) -> None:
    """An auditor sees a suggestion and no form; sending one is refused, and so is stopping a mandate."""
    one = suggested(running.house, ORDERS[1])
    with Reader(running.url, running.house.session("auditor")) as reader:
        assert "Do it" not in reader.open(f"/forecast/{one.id}")
        reader.send(f"/forecast/{one.id}/accept", 403, reason="mine")
        reader.send("/actions/mandates/corrective-actions/stop", 403, reason="mine")
    assert actions_of(running.house).suggestion(one.id).state is State.SUGGESTED


def test_a_mandate_is_proposed_approved_and_stopped_by_three(running: Served) -> None:
    """Who writes rules proposes, who approves them approves, who works on alerts stops; nobody does two of these."""
    house = running.house
    fields = {
        "action": "hold order",
        "target": "cancelled",
        "least": "60",
        "rate": "5",
        "hold_out": "0",
        "days": "30",
    }
    wrong = fields | {"rate": "many"}
    with (
        Reader(running.url, house.session("rule-author")) as author,
        Reader(running.url, house.session("rule-approver")) as approver,
        Reader(running.url, house.session("alert-triager")) as triager,
    ):
        author.open("/actions")
        assert "whole number" in author.send("/actions/mandates", 422, reason="cheap", **wrong)
        author.open("/actions")
        author.send("/actions/mandates", 200, reason="holds are cheap", **fields)
        mandate = actions_of(house).mandates.all()[0]
        author.send(f"/actions/mandates/{mandate.id}/approve", 403, reason="mine")
        assert "holds are cheap" in approver.open("/actions")
        approver.send(f"/actions/mandates/{mandate.id}/approve", reason="agreed")
        assert "in force" in approver.page
        actions_of(house).consider([foreseen(house, ORDERS[2])])
        found = actions_of(house).find(SuggestionQuery(orders=frozenset({ORDERS[2]})))
        assert [one.state for one in found] == [State.ACCEPTED]
        assert "Stop all mandates" in triager.open("/actions")
        triager.send("/actions/mandates/corrective-actions/stop", reason="something is wrong")
        assert "stopped" in triager.page
    assert actions_of(house).mandates.in_force() == []


def test_a_model_is_approved_by_one_and_put_in_use_by_another(running: Served) -> None:
    """Its card, figures, file and life on one page; who may not decide is shown nothing to decide."""
    house = running.house
    models = models_of(house)
    version = models.train(training(), b"a model", ENGINE, "weekly fit").version
    with (
        Reader(running.url, house.session("rule-author")) as author,
        Reader(running.url, house.session("rule-approver")) as approver,
    ):
        assert "waits to be validated" in approver.open(f"/models/{version}")
        models.validate(version, measured({"auc": 0.81}), Actor("anna", "person"), "on June")
        assert "Never measured on other shops." in author.open(f"/models/{version}")
        author.send(f"/models/{version}/approve", 403, reason="mine")
        author.open(f"/models/{version}")
        assert "to deploy it takes" in author.send(f"/models/{version}/deploy", 422, reason="now")
        approver.open(f"/models/{version}")
        approver.send(f"/models/{version}/approve", reason="as good as the last")
        author.open(f"/models/{version}")
        author.send(f"/models/{version}/deploy", reason="from Monday on")
        assert "deployed" in author.page
        assert "byte for byte" in author.page
        assert "Cancellations foreseen" in author.open("/models")
    assert models.record(version).stage is Stage.DEPLOYED


def test_a_rule_that_one_saved_is_approved_by_another_on_its_page(running: Served) -> None:
    """With an author and an approver in the house, a saved rule waits; the page shows it whole, and is decided on."""
    house = running.house
    assert house.services.monitor is not None
    monitor = house.services.monitor
    author = Actor(house.people["rule-author"].id, "person")
    monitor.save("own", LOW, author, "asked for by audit")
    with (
        Reader(running.url, house.session("rule-author")) as writing,
        Reader(running.url, house.session("rule-approver")) as approving,
    ):
        assert "another person must approve it" in writing.open("/rules")
        writing.send("/rules/own/approve", 403, sha256=monitor.waiting()[0].sha256, reason="mine")
        page = approving.open("/rules")
        assert "anything_cancelled" in page
        assert "what waits" in approving.send("/rules/own/approve", 422, sha256="0" * 64, reason="read")
        approving.open("/rules")
        approving.send("/rules/own/approve", sha256=monitor.waiting()[0].sha256, reason="reads well")
        assert monitor.waiting() == []
        monitor.save("own", LOW.replace("An order", "One order"), author, "words")
        writing.open("/rules")
        writing.send("/rules/own/withdraw", reason="not now")
        assert "rules of yours wait under the name" in writing.send(
            "/rules/own/withdraw", 422, reason="again"
        )
    assert "anything_cancelled" in {rule.about.name for rule in monitor.rules()}


def test_axe_finds_nothing_on_the_pages_of_forecasts(opened: Open, running: Served) -> None:
    """WCAG 2.2 AA holds in both themes, by axe in a real browser; pictures are left to be looked at."""
    house = running.house
    one = suggested(house, "ORD-1002")
    version = models_of(house).train(training(), b"a model", ENGINE, "weekly fit").version
    assert house.services.monitor is not None
    other = LOW.replace("anything_cancelled", "other").replace("6f1a1b5e", "7f1a1b5e")
    author = Actor(house.people["rule-author"].id, "person")
    house.services.monitor.save("other", other, author, "asked for by audit")
    shown = {
        "forecast": ("/forecast", "alert-triager"),
        "suggestion": (f"/forecast/{one.id}", "alert-triager"),
        "actions": ("/actions", "rule-author"),
        "models": ("/models", "rule-author"),
        "model": (f"/models/{version}", "rule-approver"),
        "rules-waiting": ("/rules", "rule-approver"),
    }
    for name, (path, who) in shown.items():
        page = settled(opened(path, who, on=running))
        picture(page, f"{name}-light")
        found = violations(page)
        page.emulate_media(color_scheme="dark")
        picture(page, f"{name}-dark")
        assert found + violations(page) == [], name
