import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import InputError
from ordertrail.monitor.forecast.targets import ByAbsence, ByFilter, ByRule, read_targets, shipped_targets
from ordertrail.monitor.rules.rulebook import shipped_rules

GOOD = """
[[target]]
name = "late"
title = "Late"
asked = "action:order.confirm"
horizon = "7d"
breach = {missing = "action:shipment.dispatch", after = "action:order.confirm", within = "3d"}
"""


def test_shipped_targets_are_of_all_three_kinds_and_name_rules_that_are_there() -> None:
    """Every shipped target can be forecast: its rule, where it has one, is shipped too, and it has an action."""
    found = shipped_targets()
    assert {type(one.breach) for one in found} == {ByFilter, ByAbsence, ByRule}
    rules = {rule.about.name for rule in shipped_rules()}
    assert all(one.breach.rule in rules for one in found if isinstance(one.breach, ByRule))
    assert all(one.actions for one in found)


def test_a_target_is_a_declaration() -> None:
    """A service level is declared, not programmed."""
    (late,) = read_targets(GOOD)
    assert isinstance(late.breach, ByAbsence)
    assert (late.breach.within, late.horizon) == (3 * 86_400_000_000, 7 * 86_400_000_000)


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('name = "late"', 'name = "Late!"', "target.0.name"),
        ('horizon = "7d"', 'horizon = "soon"', "target.0.horizon"),
        ('asked = "action:order.confirm"', 'asked = "state:paid"', "target.0.asked"),
        ('asked = "action:order.confirm"', 'asked = ""', "target.0.asked"),
        ('title = "Late"', "", "target.0.title"),
        ('title = "Late"', 'title = "Late"\ncolour = "red"', "target.0.colour"),
        (', within = "3d"', "", "target.0.breach.within"),
        (', after = "action:order.confirm"', "", "target.0.breach.after"),
        ("breach = {missing", 'breach = {rule = "x", missing', "target.0.breach"),
        ("[[target]]", "[[goal]]", "goal"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(before: str, after: str, path: str) -> None:
    """A declaration that will not do says where, by a dotted path."""
    assert before in GOOD
    with pytest.raises(InputError) as told:
        read_targets(GOOD.replace(before, after, 1))
    assert path in {problem.path for problem in told.value.problems}


def test_every_problem_is_named_at_once() -> None:
    """Two mistakes are two problems, and a name that is there twice is one."""
    wrong = GOOD.replace('"7d"', '"x"').replace('"3d"', '"y"')
    with pytest.raises(InputError) as told:
        read_targets(wrong)
    assert {one.path for one in told.value.problems} == {"target.0.horizon", "target.0.breach.within"}
    with pytest.raises(InputError, match="twice"):
        read_targets(GOOD + GOOD)


@given(st.text(max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    """Text that is no declaration is refused as input, with problems, and never otherwise."""
    with pytest.raises(InputError) as told:
        read_targets(text)
    assert told.value.problems
