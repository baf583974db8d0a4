"""Samples can be drawn again by anybody, and their certificate is of one population."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ordertrail.evidence.samples import Item, Method, Sampled, certify, check_sample, draw
from ordertrail.kernel.errors import InputError

LOG = ("default", 100, "cm9vdA==")
INTERVAL = ("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z")
POPULATIONS = st.lists(st.integers(1, 10**9), min_size=1, max_size=60).map(
    lambda amounts: [Item(f"event {number}", amount, "EUR") for number, amount in enumerate(amounts)]
)


def drawn(items: list[Item], method: Method, size: int, seed: str) -> Sampled:
    """Draw from a population and its certificate."""
    return draw(items, certify(items, "all", INTERVAL, LOG), method, size, seed)


class TestDrawing:
    """Every method, over every population."""

    @given(POPULATIONS, st.sampled_from(Method), st.integers(1, 60), st.text(min_size=1, max_size=20))
    def test_it_is_drawn_again_just_so(self, items: list[Item], method: Method, size: int, seed: str) -> None:
        """The same seed draws the same; items are of the population, in its order, none twice."""
        assume(size <= len(items))
        sample = drawn(items, method, size, seed)
        assert check_sample(sample, items)
        places = [[item.event for item in items].index(event) for event in sample.events]
        assert places == sorted(set(places))
        if method is not Method.MONETARY:
            assert len(places) == size

    @given(POPULATIONS, st.integers(1, 60), st.text(min_size=1, max_size=20))
    def test_what_is_larger_than_the_step_is_always_in_a_monetary_sample(
        self, items: list[Item], size: int, seed: str
    ) -> None:
        """A large item cannot be missed: that is what the method is for."""
        assume(size <= len(items))
        sample = drawn(items, Method.MONETARY, size, seed)
        total = sum(item.amount or 0 for item in items)
        assert {item.event for item in items if (item.amount or 0) * size >= total} <= set(sample.events)

    def test_every_item_may_be_chosen_about_equally(self) -> None:
        """Over a thousand seeds, each of ten items is drawn about as often as the others."""
        items = [Item(str(number)) for number in range(10)]
        for method in (Method.RANDOM, Method.SYSTEMATIC):
            counts = dict.fromkeys((item.event for item in items), 0)
            for seed in range(1_000):
                for event in drawn(items, method, 3, str(seed)).events:
                    counts[event] += 1
            assert all(220 < times < 380 for times in counts.values()), counts

    def test_one_draw_is_fixed_for_ever(self) -> None:
        """The generator is SHA-256 and a rule in the docstring: this sample is what it was."""
        items = [Item(str(number), number + 1, "EUR") for number in range(20)]
        assert drawn(items, Method.RANDOM, 4, "2026-Q3").events == ("3", "6", "17", "19")
        assert drawn(items, Method.SYSTEMATIC, 4, "2026-Q3").events == ("4", "9", "14", "19")
        assert drawn(items, Method.MONETARY, 4, "2026-Q3").events == ("8", "12", "16", "19")


class TestCertificate:
    """What a sample was drawn from."""

    def test_it_sums_by_currency(self) -> None:
        """Whole numbers, of the items that have an amount."""
        items = [Item("a", 5, "EUR"), Item("b", 7, "EUR"), Item("c", 3, "JPY"), Item("d")]
        population = certify(items, "all", INTERVAL, LOG)
        told = [(one.currency, one.amount, one.items) for one in population.sums]
        assert (population.count, told) == (4, [("EUR", 12, 2), ("JPY", 3, 1)])

    def test_another_population_is_not_certified(self) -> None:
        """One more, one less, another order, another sample: found."""
        items = [Item(str(number)) for number in range(9)]
        sample = drawn(items, Method.RANDOM, 3, "seed")
        for others in ([*items, Item("x")], items[1:], items[::-1]):
            assert not check_sample(sample, others)
        assert not check_sample(msgspec.structs.replace(sample, events=sample.events[::-1]), items)
        assert not check_sample(msgspec.structs.replace(sample, seed="another"), items)

    @pytest.mark.parametrize(
        ("size", "seed", "method", "path"),
        [
            (0, "s", Method.RANDOM, "size"),
            (4, "s", Method.RANDOM, "size"),
            (2, "", Method.RANDOM, "seed"),
            (2, "s", Method.MONETARY, "method"),
        ],
    )
    def test_what_cannot_be_meant_is_named(self, size: int, seed: str, method: Method, path: str) -> None:
        """With its path."""
        items = [Item("a", 5, "EUR"), Item("b", 7, "JPY"), Item("c")]
        with pytest.raises(InputError) as caught:
            drawn(items, method, size, seed)
        assert path in {problem.path for problem in caught.value.problems}

    def test_a_certificate_of_others_draws_nothing(self) -> None:
        """Items and certificate belong together."""
        items = [Item("a"), Item("b")]
        population = certify([replace(items[0], event="z")], "all", INTERVAL, LOG)
        with pytest.raises(InputError, match="population"):
            draw(items, population, Method.RANDOM, 1, "s")
