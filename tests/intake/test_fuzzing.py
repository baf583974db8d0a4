"""The short form of the million inputs; the long one is ``python tests/intake/fuzzing.py``, with a report in docs."""

import pytest

from intake.fuzzing import CHANNELS, fuzz
from ordertrail.intake.channel import BUILT_IN


@pytest.mark.parametrize("channel", CHANNELS)
def test_whatever_comes_a_channel_answers(channel: str) -> None:
    """Nothing but FaultyError is raised, and some inputs are read to their end."""
    tally = fuzz(channel, 150, seed=2)
    assert tally.failures == []
    assert tally.inputs == 150


def test_every_channel_is_fuzzed() -> None:
    """A channel that is shipped has samples here."""
    assert set(CHANNELS) == set(BUILT_IN)
