from collections import Counter

import numpy as np
import pytest

from monitor.forecast.small import happened, indexed, target, year_model
from ordertrail.monitor.forecast.calibration import average_precision, calibration_error
from ordertrail.monitor.forecast.forecast import EVEN, Basis, Corrections, Forecast, Outcome, Risk, Verdict
from ordertrail.monitor.forecast.reasons import overview, phrase
from ordertrail.monitor.forecast.scoring import Scoring
from ordertrail.testing.year import NEXT, Trouble, Year


@pytest.fixture(scope="module")
def followed() -> tuple[Year, list[Forecast], dict[str, int], set[str]]:
    """A year that no model has seen, its forecasts, when orders were cancelled, and which the base rule calls risky."""
    year, scoring = Year(500, 2, begin=NEXT), Scoring((target(),), {"cancelled": year_model()})
    said: list[Forecast] = []
    ends: dict[str, int] = {}
    risky: set[str] = set()
    for event in indexed(year):
        scoring.take(event)
        if event.action == "order.cancel":
            ends[event.order or ""] = event.time
        said += [
            scoring.explained(one) if one.verdict is Verdict.BREACH else one for one in scoring.forecasts()
        ]
        if event.action == "item.stockout":
            risky.add(f"{event.order} {event.id}")
    return year, said, ends, risky


Followed = tuple[Year, list[Forecast], dict[str, int], set[str]]


def test_forecasts_are_twice_as_precise_as_the_base_rule(followed: Followed) -> None:
    """On a year held apart, average precision is at least twice the base rule's, and probabilities keep their word."""
    _year, said, ends, risky = followed
    truths = np.array([one.order in ends for one in said])
    told = np.array([one.probability for one in said])
    stocked = {one.split()[0]: one.split()[1] for one in risky}
    seen: set[str] = set()
    rule = []
    for one in said:
        if stocked.get(one.order) == one.last:
            seen.add(one.order)
        rule.append(float(one.order in seen))
    assert average_precision(told, truths) >= 2 * average_precision(np.array(rule), truths)
    assert calibration_error(told, truths) <= 0.05


def test_sets_cover_the_outcome_as_often_as_promised(followed: Followed) -> None:
    """Nine of ten forecasts have what came to be in their set."""
    _year, said, ends, _risky = followed
    covered = [(Outcome.BREACH if one.order in ends else Outcome.CLEAR) in one.outcomes for one in said]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.03)


def test_suggestions_are_right_by_what_the_year_knows(followed: Followed) -> None:
    """Of the actions suggested, four of five are what helps with the order's own trouble."""
    year, said, _ends, _risky = followed
    suggested = Counter(one.suggested == year.troubles[one.order].remedy for one in said if one.suggested)
    assert suggested.total() >= 50
    assert suggested[True] >= 0.8 * suggested.total()


def test_warnings_come_before_the_breach(followed: Followed) -> None:
    """Two of three cancelled orders that had a trouble were warned of, half of them a day before or more."""
    year, said, ends, _risky = followed
    troubled = {order for order in ends if year.troubles[order] is not Trouble.NONE}
    first: dict[str, int] = {}
    for one in said:
        if one.verdict is Verdict.BREACH and one.order in troubled:
            first.setdefault(one.order, one.at)
    assert len(first) >= 2 / 3 * len(troubled)
    assert np.median([ends[order] - at for order, at in first.items()]) >= 86_400_000_000


def test_reasons_name_events_of_the_order_and_what_would_have_to_change(followed: Followed) -> None:
    """A foreseen breach is told in sentences, and the events it rests on are the order's own."""
    year, said, _ends, _risky = followed
    own: dict[str, set[str]] = {}
    for event in indexed(Year(year.orders, year.seed, begin=NEXT)):
        own.setdefault(event.order or "", set()).add(event.id)
    for one in said:
        if one.verdict is not Verdict.BREACH:
            continue
        assert one.reasons
        assert set(one.events) <= own[one.order]
        assert all(reason.sentence.endswith("the forecast.") and reason.weight for reason in one.reasons)
        assert [abs(reason.weight) for reason in one.reasons] == sorted(
            (abs(reason.weight) for reason in one.reasons), reverse=True
        )
        assert all(remedy.probability < one.probability for remedy in one.remedies)
    stock = next(one for one in said if one.suggested == Trouble.STOCK.remedy)
    assert any(
        "item.stockout" in reason.sentence and reason.events and reason.change for reason in stock.reasons
    )


def test_the_curve_rises_to_the_probability(followed: Followed) -> None:
    """Over time a breach grows no less probable, up to the horizon's probability."""
    for one in followed[1]:
        told = [risk.probability for risk in one.curve]
        assert told == sorted(told)
        assert one.curve[-1] == Risk(one.horizon, one.probability)


def test_without_a_model_the_base_rule_speaks_and_abstains() -> None:
    """What no model says is said by the target's rule, with no claim to be sure."""
    scoring = Scoring((target(),), {})
    scoring.take(happened("order.create"))
    (quiet,) = scoring.forecasts()
    scoring.take(happened("item.stockout", hours=1))
    (risky,) = scoring.forecasts()
    assert (quiet.probability, risky.probability) == (0.0, EVEN)
    assert {quiet.basis, risky.basis} == {Basis.BASELINE}
    assert quiet.abstains
    assert risky.abstains
    assert scoring.explained(risky) == risky


def test_a_model_that_ranks_below_chance_falls_back_to_its_rule() -> None:
    """Where the world turns round, forecasts abstain rather than rank those first who do not breach."""
    scoring = Scoring((target(),), {"cancelled": year_model()})
    trade = [one for one in indexed(Year(500, 9, begin=NEXT)) if one.action != "order.cancel"]
    for event in trade:
        order = event.order or ""
        scoring.take(event)
        scoring.forecasts()
        if event.action == "payment.capture" and scoring.standing("cancelled"):
            risk = next((one for one in scoring.standing("cancelled") if one.order == order), None)
            if risk is not None and risk.basis is Basis.MODEL and risk.probability < 0.02:
                scoring.take(
                    happened("order.cancel", hours=(event.time - happened("x").time) / 3.6e9, order=order)
                )
    assert any(signal.grave for signal in scoring.signals()["cancelled"])
    assert {one.basis for one in scoring.standing("cancelled")} <= {Basis.BASELINE}


def test_nothing_is_learned_from_what_the_model_knew() -> None:
    """Over the orders of training nothing is corrected, whatever came of them; over those after it, something is."""
    corrected = []
    for year in (Year(400, 1), Year(400, 1, begin=NEXT)):
        scoring = Scoring((target(),), {"cancelled": year_model(400)})
        for event in indexed(year):
            scoring.take(event)
            scoring.forecasts()
        scoring.take(happened("order.create", order="SO-new"))
        (last,) = scoring.forecasts()
        corrected.append(last.corrections)
    assert corrected[0] == Corrections()
    assert corrected[1] != Corrections()


def test_what_is_known_once_an_order_is_over_is_not_asked() -> None:
    """A cancelled order is open no more, and is forecast no more."""
    scoring = Scoring((target(),), {"cancelled": year_model()})
    for hours, action in enumerate(("order.create", "order.approve")):
        scoring.take(happened(action, hours=hours))
    assert len(scoring.forecasts()) == 1
    assert [one.order for one in scoring.standing("cancelled")] == ["SO-1"]
    scoring.take(happened("order.cancel", hours=2))
    scoring.take(happened("order.confirm", hours=3))
    assert scoring.forecasts() == []
    assert scoring.standing("cancelled") == []


@pytest.mark.parametrize(
    ("outcomes", "basis", "verdict"),
    [
        ({Outcome.BREACH}, Basis.MODEL, Verdict.BREACH),
        ({Outcome.CLEAR}, Basis.MODEL, Verdict.CLEAR),
        (set(Outcome), Basis.MODEL, Verdict.UNSURE),
        (set(), Basis.MODEL, Verdict.UNLIKE),
        ({Outcome.BREACH}, Basis.BASELINE, Verdict.UNSURE),
    ],
)
def test_a_verdict_is_what_the_set_says(outcomes: set[Outcome], basis: Basis, verdict: Verdict) -> None:
    """One outcome is a verdict, two or none abstain, and a base rule is never sure."""
    forecast = Forecast(
        order="SO-1",
        tenant=None,
        target="cancelled",
        model="",
        basis=basis,
        at=0,
        horizon=1,
        probability=0.9,
        curve=(),
        outcomes=frozenset(outcomes),
        last="e",
    )
    assert forecast.verdict is verdict
    assert forecast.abstains is (verdict not in {Verdict.BREACH, Verdict.CLEAR})
    assert forecast.millionths == 900_000
    assert forecast.corrections == Corrections()


def test_every_value_can_be_said() -> None:
    """What weighs in a model is told in words, and its shares sum to no more than all."""
    found = overview(year_model(), 1_000)
    assert sum(share for _name, share in found) == pytest.approx(1.0)
    assert all(phrase(name) for name, _share in found)
    assert phrase("count action=item.stockout") == "events with “item.stockout”"
    assert phrase("number gap max") == "the largest hours between events"
