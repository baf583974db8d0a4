"""What a store of suggestions promises: each is changed by who knows it, and an allowance is never exceeded."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.monitor.actions import lifecycle
from ordertrail.monitor.actions.effect import Tally
from ordertrail.monitor.actions.ports import Allowance, Changed, SuggestionQuery, SuggestionStore
from ordertrail.monitor.actions.suggestion import Arm, Deed, State, Suggestion, Transition
from ordertrail.testing.conformance.together import at_once

NOW = parse_time("2026-11-23T12:00:00.000000Z")
HERE = format_time(NOW)
AGO = format_time(NOW - timedelta(hours=1))


def suggestion(number: int, gain: int = 100) -> Suggestion:
    """Return a sample, just made."""
    return Suggestion(
        id=f"S-{number:016x}",
        version=1,
        order=f"SO-{number % 3}",
        tenant="north" if number % 2 else None,
        target="cancelled",
        action="hold order",
        title="Hold the order",
        model="ab" * 32,
        made=HERE,
        ends=format_time(NOW + timedelta(days=number)),
        last="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
        reasons=("Two reports of missing stock so far.",),
        before=800_000,
        after=300_000,
        benefit=1_000,
        cost=10,
        gain=gain,
        currency="EUR",
    )


def made(number: int, gain: int = 100) -> Transition:
    """Return how a sample was made."""
    return Transition(suggestion=suggestion(number, gain), deed=Deed.MAKE, at=HERE)


class SuggestionStoreSuite:
    """Holds for :class:`ordertrail.monitor.actions.ports.SuggestionStore`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], SuggestionStore]:
        """Return what opens the same store, empty at first, once more."""
        raise NotImplementedError

    def test_what_is_kept_is_there_after_a_restart(self, reopen: Callable[[], SuggestionStore]) -> None:
        """A suggestion reads back as it was kept, with its life, by another process."""
        store = reopen()
        first = made(1)
        assert store.change(first) is Changed.DONE
        second = lifecycle.accept(first.suggestion, "anna", "as told", NOW)
        assert store.change(second) is Changed.DONE
        again = reopen()
        assert dict(again.get([first.suggestion.id, "S-none"])) == {first.suggestion.id: second.suggestion}
        assert list(again.life(first.suggestion.id)) == [first, second]
        assert again.life("S-none") == []

    def test_a_suggestion_is_made_once(self, reopen: Callable[[], SuggestionStore]) -> None:
        """Who makes it again is told, and it stays as it was."""
        store = reopen()
        assert store.change(made(1)) is Changed.DONE
        assert store.change(made(1, gain=7)) is Changed.STALE
        assert store.get([suggestion(1).id])[suggestion(1).id].gain == 100
        assert len(store.life(suggestion(1).id)) == 1

    def test_of_two_who_take_one_on_at_once_one_is_told(self, reopen: Callable[[], SuggestionStore]) -> None:
        """Of many who begin the same suggestion together, exactly one has it."""
        store = reopen()
        first = made(1)
        accepted = lifecycle.accept(first.suggestion, "anna", "as told", NOW)
        assert [store.change(one) for one in (first, accepted)] == [Changed.DONE, Changed.DONE]
        begun = lifecycle.begin(accepted.suggestion, NOW)
        became = at_once(*[lambda: reopen().change(begun)] * 4)
        assert became.count(Changed.DONE) == 1
        assert became.count(Changed.STALE) == 3

    def test_no_two_exceed_an_allowance_together(self, reopen: Callable[[], SuggestionStore]) -> None:
        """However many are accepted by a mandate at once, no more are than it allows; a person's are not counted."""
        store = reopen()
        for number in range(8):
            store.change(made(number))
        store.change(lifecycle.accept(suggestion(0), "anna", "as told", NOW))
        asked = [lifecycle.accept_by_mandate(suggestion(number), "M-1", NOW) for number in range(1, 8)]

        def ask(transition: Transition) -> Callable[[], Changed]:
            return lambda: reopen().change(transition, Allowance("hold order", AGO, 3))

        became = at_once(*(ask(one) for one in asked))
        assert became.count(Changed.DONE) == 3
        assert became.count(Changed.SPENT) == 4
        left = next(one for one, how in zip(asked, became, strict=True) if how is Changed.SPENT)
        assert store.change(left, Allowance("hold order", HERE, 3)) is Changed.DONE

    def test_suggestions_are_found_by_what_is_asked(self, reopen: Callable[[], SuggestionStore]) -> None:
        """Those of the greatest gain first; by order, state, target, action and tenant."""
        store = reopen()
        for number in range(6):
            store.change(made(number, gain=number))
        store.change(lifecycle.dismiss(suggestion(5, gain=5), "anna", "no", NOW))

        def found(query: SuggestionQuery) -> list[int]:
            return [one.gain for one in store.find(query)]

        assert found(SuggestionQuery()) == [5, 4, 3, 2, 1, 0]
        assert found(SuggestionQuery(limit=2)) == [5, 4]
        assert found(SuggestionQuery(states=frozenset({State.SUGGESTED}))) == [4, 3, 2, 1, 0]
        assert found(SuggestionQuery(orders=frozenset({"SO-0", "SO-9"}))) == [3, 0]
        assert found(SuggestionQuery(tenants=frozenset({"north"}))) == [5, 3, 1]
        assert found(SuggestionQuery(tenants=frozenset({""}))) == [4, 2, 0]
        assert found(SuggestionQuery(target="other")) == []
        assert found(SuggestionQuery(action="hold order", limit=1)) == [5]

    def test_what_is_due_comes_in_its_time(self, reopen: Callable[[], SuggestionStore]) -> None:
        """Accepted ones are due, the longest first; what waits for a later time is not, nor what is done."""
        store = reopen()
        for number, minutes in ((1, 0), (2, -5), (3, 5)):
            store.change(made(number))
            when = NOW + timedelta(minutes=minutes)
            store.change(lifecycle.accept(suggestion(number), "anna", "as told", when))
        assert [one.id for one in store.due(HERE, 10)] == [suggestion(2).id, suggestion(1).id]
        begun = lifecycle.begin(store.get([suggestion(2).id])[suggestion(2).id], NOW)
        store.change(begun)
        assert [one.id for one in store.due(HERE, 10)] == [suggestion(1).id]
        later = format_time(NOW + lifecycle.LEASE)
        assert suggestion(2).id in {one.id for one in store.due(later, 10)}
        store.change(lifecycle.finish(begun.suggestion, "done", NOW))
        assert suggestion(2).id not in {one.id for one in store.due(later, 10)}

    def test_what_became_of_orders_is_asked_once_the_horizon_ended(
        self, reopen: Callable[[], SuggestionStore]
    ) -> None:
        """A suggestion whose horizon ended is not learned, until it is; then it is counted."""
        store = reopen()
        for number in (1, 2):
            store.change(made(number))
        late = format_time(NOW + timedelta(days=1))
        assert [one.id for one in store.unlearned(late, 10)] == [suggestion(1).id]
        learned = lifecycle.learn(suggestion(1), NOW, breached=True)
        store.change(learned)
        assert store.unlearned(late, 10) == []
        assert store.tally() == [Tally("hold order", "cancelled", Arm.BY_HAND, breached=True, orders=1)]
        for number in (3, 5):
            store.change(made(number))
            withheld = lifecycle.withhold(suggestion(number), "M-1", NOW)
            store.change(withheld)
            store.change(lifecycle.learn(withheld.suggestion, NOW, breached=False))
        held = Tally("hold order", "cancelled", Arm.HELD_OUT, breached=False, orders=2)
        assert [one for one in store.tally() if one.arm is Arm.HELD_OUT] == [held]

    def test_transitions_are_untold_until_they_are_told(self, reopen: Callable[[], SuggestionStore]) -> None:
        """What the trail does not know of is handed out, oldest first, until it does."""
        store = reopen()
        first = made(1)
        second = lifecycle.accept(first.suggestion, "anna", "as told", NOW + timedelta(seconds=1))
        for one in (first, second):
            store.change(one)
        assert list(reopen().untold(10)) == [first, second]
        store.tell([first])
        assert list(reopen().untold(10)) == [second]
        assert msgspec.json.decode(msgspec.json.encode(second), type=Transition) == second
