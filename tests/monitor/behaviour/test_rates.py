"""The rate detector looks at each reading once, and never ahead; what goes on is told once."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.monitor.behaviour.rates import HOUR, RateDetector, Reading

VALUES = st.lists(st.floats(-1e6, 1e6), max_size=120)


def read(values: list[float], learning: int = 40) -> list[Reading]:
    """Return the readings of an hourly series."""
    detector = RateDetector(learning)
    return [detector.take(place * HOUR, value) for place, value in enumerate(values)]


@given(VALUES, st.integers(0, 120))
@settings(deadline=None)
def test_nothing_looks_ahead(values: list[float], end: int) -> None:
    """What is said of a reading is the same, whatever comes after it."""
    assert read(values)[:end] == read(values[:end])


@given(VALUES)
@settings(deadline=None)
def test_a_score_is_what_its_opinions_say(values: list[float]) -> None:
    """The score is their sum, never below zero, and an alarm is a score or nothing."""
    for one in read(values):
        assert one.score == sum(opinion.rarity for opinion in one.opinions)
        assert one.score >= 0
        assert one.alarm in {0.0, one.score}


def test_a_day_unlike_all_others_is_told_once() -> None:
    """Of four weeks by the clock with noise, three hours that are ten times as high are the only high alarm."""
    random = Random(7)
    values = [10 + 5 * (8 <= hour % 24 < 18) + random.random() for hour in range(24 * 28)]
    for place in (500, 501, 502):
        values[place] += 100
    told = read(values, learning=14 * 24)
    assert [place for place, one in enumerate(told) if one.alarm > 12] == [500]
    assert sum(opinion.is_farthest for opinion in told[500].opinions) >= 3


def test_a_usual_value_at_an_unusual_hour_is_seen() -> None:
    """What each noon has is unusual at night, though it is near the mean of all."""
    random = Random(7)
    values = [20.0 * (8 <= hour % 24 < 18) + random.random() for hour in range(24 * 28)]
    values[24 * 25 + 2] = 20.0
    told = read(values, learning=14 * 24)
    loudest = max(range(24 * 14, len(told)), key=lambda place: told[place].score)
    assert loudest == 24 * 25 + 2
    assert max(told[loudest].opinions, key=lambda one: one.rarity).name.startswith("this hour")
