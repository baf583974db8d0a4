"""A model is what its cases say, whatever their sequence, byte for byte; and what deviates is told first, in words."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.behaviour.logs import CASES, cases
from ordertrail.kernel.errors import EvidenceError
from ordertrail.monitor.behaviour.cases import Case, Step
from ordertrail.monitor.behaviour.deviations import RATE
from ordertrail.monitor.behaviour.model_file import format_model, read_model
from ordertrail.monitor.behaviour.process import MOST, fit
from ordertrail.monitor.behaviour.repairs import Kind
from ordertrail.monitor.behaviour.words import sentences, signature

USUAL = (("abcde", 80), ("abde", 40))


@given(CASES, st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_the_sequence_of_cases_makes_no_difference(told: list[Case], seed: int) -> None:
    """The same cases make the same bytes, and the bytes the same model with the same scores."""
    shuffled = list(told)
    random.Random(seed).shuffle(shuffled)
    model = fit(told, ["field"])
    data = format_model(model)
    assert format_model(fit(shuffled, ["field"])) == data
    again = read_model(data)
    for case in told:
        if case.steps:
            assert again.judge(case, seen=True).score == model.judge(case, seen=True).score


@given(CASES)
@settings(deadline=None, max_examples=40)
def test_no_kind_deviates_more_often_than_it_may(told: list[Case]) -> None:
    """What most cases do is normal: the probabilities of a kind add up to no more than was allowed."""
    model = fit(told, ["field"])
    judged = [model.judge(case, seen=True) for case in told if case.steps]
    for kind in Kind:
        odds = [dict(one.kinds).get(kind) for one in judged]
        deviating = sum(1 / (1 + pow(2.718281828, -one)) for one in odds if one is not None)
        assert deviating <= MOST * RATE * len(judged) + 0.01


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("abce", Kind.MISSING, "'d' is missing after 'c'"),
        ("abcXde", Kind.EXTRA, "'X' came, as mostly it does not"),
        ("abcdcde", Kind.REPEATED, "was done again"),
        ("dabce", Kind.MOVED, "'d' came out of place, after the beginning"),
    ],
)
def test_what_deviates_is_told_with_numbers(path: str, kind: Kind, words: str) -> None:
    """Of each kind, the odd one scores highest of all, and its sentences say what, and how often otherwise."""
    told = cases(*USUAL, (path, 1))
    model = fit(told, ["field"])
    judged = {case.path: model.judge(case, seen=True) for case in told}
    odd = judged[tuple(path)]
    assert all(odd.score > one.score for other, one in judged.items() if other != tuple(path))
    assert signature(odd, model).startswith(kind)
    why = " ".join(sentences(odd, model))
    assert words in why
    assert "0 other orders of 121 took the same course" in why
    assert "80 orders took that course without this" in why


def test_a_wrong_value_is_told_with_numbers() -> None:
    """A value that never goes with a step, and is usual elsewhere, is named with the event that has it."""
    told = [
        Case(
            str(number),
            (Step("create", ("editor",), f"c{number}"), Step("approve", ("approver",), f"a{number}")),
        )
        for number in range(60)
    ]
    odd = Case("odd", (Step("create", ("editor",), "c-odd"), Step("approve", ("editor",), "a-odd")))
    model = fit([*told, odd], ["role"])
    judged = model.judge(odd, seen=True)
    assert judged.score > max(model.judge(case, seen=True).score for case in told)
    assert judged.deviating() == {"a-odd"}
    assert "role was 'editor' at 'approve', which it was 1 of 61 times" in " ".join(sentences(judged, model))


def test_a_usual_course_does_not_deviate() -> None:
    """What half of all do is usual, though it is a step away from what the others do."""
    model = fit(cases(*USUAL), ["field"])
    assert max(model.judge(case, seen=True).score for case in cases(*USUAL)) < -2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b'"version":1', b'"version":2'),
        lambda data: data.replace(b"80", b"-8"),
        lambda data: data.replace(b"80", b"8.5"),
        lambda data: data + b" ",
        lambda data: data[:-1],
        lambda _data: b"[]",
        lambda data: data.replace(b'"fields":["field"]', b'"fields":["field","other"]'),
    ],
)
def test_a_file_that_was_not_written_so_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """Another version, other counts than whole ones, another spelling: none of it is read."""
    data = format_model(fit(cases(*USUAL), ["field"]))
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_model(spoil(data))
