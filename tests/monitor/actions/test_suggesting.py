"""What is suggested is what gains most by the organisation's own figures, in whole numbers, or nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.actions.told import catalogue, forecast
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.actions.catalogue import read_catalogue, shipped_actions
from ordertrail.monitor.actions.suggesting import offers
from ordertrail.monitor.forecast.forecast import Outcome
from ordertrail.monitor.forecast.targets import shipped_targets

BOTH = frozenset(Outcome)
_NAMES = ("hold order", "require approval", "notify owner", "open case")
_figures = st.fixed_dictionaries(
    {name: st.tuples(st.integers(0, 5_000), st.integers(0, 50_000)) for name in _NAMES}
)


def test_the_best_is_the_greatest_expected_net_gain() -> None:
    """Half the risk of 100.00 gone at 5.00 beats 0.6 of it at 20.00; a share that is stated goes before a forecast."""
    found = offers(forecast(), catalogue())
    assert [(one.action.name, one.gain) for one in found] == [
        ("hold order", 500_000 * 10_000 // 1_000_000 - 500),
        ("open case", 600_000 * 10_000 // 1_000_000 - 2_000),
        ("call customer", 80_000 * 10_000 // 1_000_000 - 100),
    ]


@pytest.mark.parametrize("outcomes", [BOTH, frozenset(), frozenset({Outcome.CLEAR})])
def test_a_forecast_that_abstains_or_sees_nothing_suggests_nothing(outcomes: frozenset[Outcome]) -> None:
    """Where a forecast is not sure of a breach, nobody is told to do anything."""
    assert offers(forecast(outcomes=outcomes), catalogue()) == []


def test_what_the_organisation_has_not_valued_is_never_suggested() -> None:
    """The shipped actions cost and bring nothing that is known, and so none of them is suggested."""
    assert offers(forecast(remedies=dict.fromkeys(shipped_actions(), 0.0)), shipped_actions()) == []


@given(
    figures=_figures,
    before=st.floats(0, 1),
    after=st.fixed_dictionaries(dict.fromkeys(_NAMES, st.floats(0, 1))),
)
def test_no_other_action_would_have_gained_more(
    figures: dict[str, tuple[int, int]], before: float, after: dict[str, float]
) -> None:
    """The first offer is worth no less than any other by exact arithmetic, and every offer is worth something."""
    text = 'currency = "EUR"\n' + "".join(
        f'["{name}"]\ncost = {cost}\nbenefit = {{cancelled = {benefit}}}\n'
        for name, (cost, benefit) in figures.items()
    )
    told = forecast(probability=round(before, 6), remedies=after)
    found = offers(told, read_catalogue(text, shipped_actions()))
    gains = {}
    for name, (cost, benefit) in figures.items():
        less = Decimal(told.millionths) - Decimal(round(after[name] * 1_000_000))
        gains[name] = less * benefit / 1_000_000 - cost
    worth = {name for name, gain in gains.items() if gain >= 1}
    assert worth == {one.action.name for one in found}
    for one in found:
        assert one.gain == gains[one.action.name] // 1
        assert one.gain <= found[0].gain


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('["hold order"]\ncost = 5', "currency"),
        ('currency = "EUR"\n["hold order"]\ncost = 5.5', "hold order.cost"),
        ('currency = "EUR"\n["hold order"]\ncost = -1', "hold order.cost"),
        ('currency = "EUR"\n["hold order"]\nsafe = false', "hold order.safe"),
        ('currency = "XXQ"', "currency"),
        ('currency = "EUR"\n[mine]\noperation = "webhook"', "mine.title"),
        ('currency = "EUR"\n[mine]\ntitle = "Mine"\noperation = "shell"', "mine.operation"),
        ('currency = "EUR"\n["hold order"]\nbenefit = 7', "hold order.benefit"),
        ('currency = "EUR"\n["hold order"]\naverts = {x = 101}', "hold order.averts.x"),
        ('currency = "EUR"\n["open case"]\nto = "oms"', "open case.to"),
        ('currency = "EUR"\n["hold order"]\nurl = "x"', "hold order.url"),
        ("hold = 7", "hold"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(text: str, path: str) -> None:
    """What an organisation says of actions is read strictly: each thing that is wrong is named by its place."""
    with pytest.raises(InputError) as refused:
        read_catalogue(text, shipped_actions())
    assert path in {problem.path for problem in refused.value.problems}


def test_every_action_that_a_shipped_target_allows_is_in_the_catalogue() -> None:
    """What a forecast may name as a remedy can be suggested, once the organisation has valued it."""
    named = {allowed.name for target in shipped_targets() for allowed in target.actions}
    assert named
    assert named <= set(shipped_actions())
