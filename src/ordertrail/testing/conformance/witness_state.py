"""What :class:`ordertrail.ledger.ports.WitnessState` promises."""

from collections.abc import Callable

import pytest

from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.ports import WitnessState
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], WitnessState]

ORIGIN = "orders.example.com/trail"
OTHER = "orders.example.com/trail/2"


class WitnessStateSuite:
    """Give ``reopen``, a memory that holds nothing yet; and ``unreachable`` if that can be had."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the memory once more."""
        raise NotImplementedError("the suite of a witness's memory needs a fixture 'reopen'")

    @pytest.fixture
    def state(self, reopen: Reopen) -> WitnessState:
        """The memory under test."""
        return reopen()

    @pytest.fixture
    def unreachable(self) -> WitnessState:
        """Return a memory that is out of reach."""
        pytest.skip("this memory gives no way to put it out of reach")

    def test_of_a_log_that_was_never_cosigned_it_knows_nothing(self, state: WitnessState) -> None:
        """None, and not an empty checkpoint."""
        assert state.latest(ORIGIN) is None
        assert state.conflict(ORIGIN) is None

    def test_it_advances_from_what_is_there_and_from_nothing_else(self, state: WitnessState) -> None:
        """To the byte; refused, it is as it was."""
        assert not state.advance(ORIGIN, b"first\n", b"second\n")
        assert state.latest(ORIGIN) is None
        assert state.advance(ORIGIN, None, b"first\n")
        for expected in (None, b"", b"second\n", b"first"):
            assert not state.advance(ORIGIN, expected, b"third\n")
        assert state.latest(ORIGIN) == b"first\n"
        assert state.advance(ORIGIN, b"first\n", b"2")
        assert state.latest(ORIGIN) == b"2"

    def test_to_advance_to_the_same_is_to_ask_whether_it_is_still_there(self, state: WitnessState) -> None:
        """Yes as often as one likes, until something else is there."""
        assert state.advance(ORIGIN, None, b"first\n")
        assert state.advance(ORIGIN, b"first\n", b"first\n")
        assert state.advance(ORIGIN, b"first\n", b"second\n")
        assert not state.advance(ORIGIN, b"first\n", b"first\n")

    def test_what_it_holds_is_there_when_it_is_opened_again(
        self, state: WitnessState, reopen: Reopen
    ) -> None:
        """Once ``advance`` or ``keep_conflict`` returned, a second opener finds it, and so does one that was open."""
        other = reopen()
        state.advance(ORIGIN, None, b"first\n")
        state.keep_conflict(ORIGIN, b"another\n")
        for one in (other, reopen()):
            assert one.latest(ORIGIN) == b"first\n"
            assert one.conflict(ORIGIN) == b"another\n"
        assert other.advance(ORIGIN, b"first\n", b"second\n")
        assert state.latest(ORIGIN) == b"second\n"

    def test_logs_do_not_touch_each_other(self, state: WitnessState) -> None:
        """Whatever their origins look like."""
        origins = (ORIGIN, OTHER, "../trail", "a/../../b", "é\u202e", "A" * 5_000)
        for number, origin in enumerate(origins):
            assert state.advance(origin, None, b"%d\n" % number)
            state.keep_conflict(origin, b"not %d\n" % number)
        assert [state.latest(origin) for origin in origins] == [b"%d\n" % number for number in range(6)]
        assert [state.conflict(origin) for origin in origins] == [b"not %d\n" % number for number in range(6)]

    def test_the_first_contradiction_stays(self, state: WitnessState) -> None:
        """Nobody can push it out by making more of them."""
        state.keep_conflict(ORIGIN, b"first\n")
        state.keep_conflict(ORIGIN, b"second\n")
        assert state.conflict(ORIGIN) == b"first\n"
        assert state.latest(ORIGIN) is None

    def test_of_many_at_once_exactly_one_advances(self, reopen: Reopen) -> None:
        """Round by round, each through a memory of its own; what is there is what that one put there."""
        states = [reopen() for _ in range(5)]
        latest: bytes | None = None
        for number in range(8):
            notes = [b"%d of %d\n" % (number, one) for one in range(len(states))]

            def advancing(
                state: WitnessState, note: bytes, expected: bytes | None = latest
            ) -> Callable[[], bool]:
                return lambda: state.advance(ORIGIN, expected, note)

            outcomes = at_once(*map(advancing, states, notes))
            assert sorted(map(str, outcomes)) == ["False"] * 4 + ["True"]
            latest = notes[outcomes.index(True)]
            assert {state.latest(ORIGIN) for state in states} == {latest}

    def test_out_of_reach_is_not_empty(self, unreachable: WitnessState) -> None:
        """A witness that takes it for empty would cosign a second history."""
        with pytest.raises(UnavailableError):
            unreachable.latest(ORIGIN)
        with pytest.raises(UnavailableError):
            unreachable.advance(ORIGIN, None, b"first\n")
        with pytest.raises(UnavailableError):
            unreachable.keep_conflict(ORIGIN, b"first\n")
        with pytest.raises(UnavailableError):
            unreachable.conflict(ORIGIN)
