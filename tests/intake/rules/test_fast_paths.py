"""What is asked the short way has the answer of the long way."""

from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from orders.generated import an_order
from ordertrail.intake.rules.checks import is_email
from ordertrail.intake.rules.expressions import Expression, Facts, Together, UntellableError
from ordertrail.intake.rules.rulebook import shipped
from ordertrail.intake.rules.validator import judge
from ordertrail.orders.model import Order

LOCALS = st.one_of(
    st.from_regex(r"[A-Za-z0-9._+-]{1,70}", fullmatch=True), st.emails().map(str), st.text(max_size=8)
)
DOMAINS = st.one_of(
    st.sampled_from(
        ["example.com", "example.test", "localhost", "a.invalid", "münchen.de", "x", "-a.com", "a..b", ""]
    ),
    st.from_regex(r"[A-Za-z0-9-]{1,70}\.[a-z]{1,5}", fullmatch=True),
)
CONDITIONS = (
    "true",
    "false",
    "order.a == 1",
    "order.b == 1",
    "order.a",
    "has(order.b)",
    "order.a / 0 == 1",
    "1 + 1",
    "true // so",
)


@given(LOCALS, DOMAINS)
def test_an_address_is_judged_as_the_library_judges_it(local: str, domain: str) -> None:
    """Whether its domain was looked at before or not."""
    text = f"{local}@{domain}"
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        assert not is_email(text)
    else:
        assert is_email(text)


@given(st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(CONDITIONS)), min_size=1, max_size=4))
def test_conditions_hold_together_only_where_each_holds(pairs: list[tuple[str, str]]) -> None:
    """Whatever cannot be told, or is neither true nor false, is left to be asked by itself."""
    facts = Facts({"order": {"a": 1}, "before": None, "account": {}, "found": {}})
    conditions = [(Expression(applies), Expression(require)) for applies, require in pairs]
    if Together(conditions).hold(facts):
        assert not any(_is_broken(applies, require, facts) for applies, require in conditions)
    elif all(_answer(applies, facts) is False for applies, _ in conditions):
        raise AssertionError("nothing counts here, and yet it does not hold")


@given(an_order())
def test_the_shipped_rules_find_the_same_together(order: Order) -> None:
    """An order breaks the rules that it breaks one by one."""
    book = shipped()
    together = {one.rule.rule.id for one in judge(book, order, None)}
    assert together == {one.id for one in book.rules if _alone(one.id, order)}


def _alone(name: str, order: Order) -> bool:
    """Say whether an order breaks a rule of which the rulebook has nothing else."""
    book = shipped()
    alone = type(book)(book.version, tuple(one for one in book.rules if one.id == name), book.accounts)
    return any(judge(alone, order, None))


def _is_broken(applies: Expression, require: Expression, facts: Facts) -> bool:
    return _answer(applies, facts) is True and _answer(require, facts) is not True


def _answer(expression: Expression, facts: Facts) -> bool | None:
    try:
        return expression.truth(facts)
    except UntellableError:
        return None
