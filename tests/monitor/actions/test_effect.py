"""An effect is only told from outcomes that were logged, against what chance held out, with its uncertainty."""

import random

import pytest

from ordertrail.monitor.actions.effect import Effect, Share, Tally, effects
from ordertrail.monitor.actions.suggestion import Arm


def known(arm: Arm, breached: int, orders: int) -> list[Tally]:
    """Return outcomes of an arm: so many of so many breached."""
    return [
        Tally("hold order", "cancelled", arm, breached=True, orders=breached),
        Tally("hold order", "cancelled", arm, breached=False, orders=orders - breached),
    ]


@pytest.mark.parametrize(
    ("held", "treated", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0000),
    ],
)
def test_the_interval_is_newcombes(
    held: tuple[int, int], treated: tuple[int, int], low: float, high: float
) -> None:
    """The interval of the difference is that of Newcombe (1998), table II, method 10, on his own examples."""
    effect = Effect("hold order", "cancelled", Share(*treated), Share(*held), 0)
    assert effect.interval() == pytest.approx((low, high), abs=0.0001)


def test_nothing_is_claimed_where_nothing_was_held_out() -> None:
    """However well orders fared that people treated, without a group to compare with nothing is said of an effect."""
    told = effects(known(Arm.BY_HAND, 0, 50))
    assert len(told) == 1
    assert told[0].by_hand == 50
    assert "no group to compare with" in told[0].sentence
    treated = effects(known(Arm.TREATED, 0, 50))
    assert "no group to compare with" in treated[0].sentence


def test_an_effect_that_is_there_is_found_and_one_that_is_not_is_not() -> None:
    """With chance as it comes, a real effect is told as one and no effect is not, in most of many trials."""
    chance = random.Random(11)

    def sentence(treated: float, held: float) -> str:
        shares = {Arm.TREATED: treated, Arm.HELD_OUT: held}
        drawn = {arm: sum(chance.random() < share for _ in range(300)) for arm, share in shares.items()}
        return effects([one for arm, breached in drawn.items() for one in known(arm, breached, 300)])[
            0
        ].sentence

    real = [sentence(0.3, 0.6) for _ in range(50)]
    none = [sentence(0.5, 0.5) for _ in range(100)]
    harm = [sentence(0.7, 0.4) for _ in range(50)]
    assert all("averts breaches" in one for one in real)
    assert sum("no effect is shown" in one for one in none) >= 88
    assert all("brings breaches about" in one for one in harm)


def test_of_no_orders_nothing_is_known() -> None:
    """The share of none may be anything."""
    assert Share(0, 0).interval() == (0.0, 1.0)
