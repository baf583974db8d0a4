"""Rules: what a rulebook may say, which rule is in force where, and what an order is told."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules.cases import CREDIT, STOPPED, book, order
from ordertrail.adapters.orders.memory import MemoryOrders
from ordertrail.intake.faults import Code
from ordertrail.intake.rules.expressions import LONGEST, Expression, Facts, UntellableError
from ordertrail.intake.rules.rule import Severity
from ordertrail.intake.rules.rulebook import Rulebook, load_rulebook, parse_rulebook, shipped
from ordertrail.intake.rules.validator import PURCHASE_ORDER, RulesValidator, judge
from ordertrail.kernel.errors import InputError
from ordertrail.orders.model import Order
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.ports import NOTHING
from ordertrail.orders.reference import Reference


def broken(rulebook: Rulebook, told: Order) -> dict[str, Severity]:
    """Return the rules that an order breaks, with their severities."""
    return {one.rule.rule.id: one.rule.rule.severity for one in judge(rulebook, told, None)}


def test_a_good_order_breaks_no_shipped_rule() -> None:
    """What is right is not stopped, and nothing is remarked of it."""
    assert broken(shipped(), order()) == {}


@pytest.mark.parametrize(("rule", "told", "text"), STOPPED, ids=[case[0] for case in STOPPED])
def test_shipped_rules(rule: str, told: Order, text: str) -> None:
    """Each shipped rule stops just what it is for."""
    assert rule in broken(book(text), told)


def test_every_shipped_rule_is_tested() -> None:
    """A rule that is shipped has a case above, or one of its own: duplicates need a store."""
    assert {rule.id for rule in shipped().rules} == {case[0] for case in STOPPED} | {"duplicate"}


def test_right_numbers_pass() -> None:
    """A right VAT number, telephone and e-mail are not remarked, nor a whole address."""
    buyer = Party(
        email="a@example.org",
        phone="+49 30 901820",
        tax_numbers=(TaxNumber(scheme="VAT", id="DE136695976"),),
        address=Address(country="DE"),
    )
    home = Party(address=Address(street=("Platz 1",), city="Berlin", postal_code="10117", country="DE"))
    assert broken(shipped(), order(buyer=buyer, ship_to=home)) == {}


def test_the_narrowest_scope_is_in_force() -> None:
    """A rule written again for a channel or an account is so there and as before elsewhere."""
    rules = book(
        CREDIT
        + '[[rules]]\nid = "credit-limit"\nchannel = "x12"\nseverity = "reject"\n'
        + '[[rules]]\nid = "credit-limit"\nchannel = "x12"\naccount = "other"\nseverity = "off"\n'
        + '[accounts."x12/other"]\ncredit_limit = 1\n[accounts."ubl/acme"]\ncredit_limit = 1\n'
    )
    assert broken(rules, order()) == {"credit-limit": Severity.REJECT}
    assert broken(rules, order(account="other")) == {}
    assert broken(rules, order(channel="ubl")) == {"credit-limit": Severity.HOLD}


def test_verdict_says_rule_version_and_place() -> None:
    """A fault names its rule, the version of the rulebook and the place in the order; one rule is one cause."""
    verdict = RulesValidator(lambda: book(CREDIT)).validate(order(), None)
    (fault,) = verdict.holds
    assert (fault.code, fault.path, fault.rule) == (Code.RULE, "/totals/grand_total", "credit-limit")
    assert "version 2" in fault.message
    assert fault.cause == "rule credit-limit"
    assert verdict.rejects == ()


def test_the_same_purchase_order_again_is_held() -> None:
    """Two orders of one account with one purchase order number are a duplicate; of two accounts they are none."""
    number = (Reference(system="buyer", kind=PURCHASE_ORDER, id="PO-1"),)
    orders = MemoryOrders()
    orders.put(order(id="x12:acme:0", references=number), NOTHING)
    validator = RulesValidator(shipped, orders)
    assert [fault.rule for fault in validator.validate(order(references=number), None).holds] == ["duplicate"]
    assert validator.validate(order(references=number), order(references=number)).holds == ()
    elsewhere = order(id="x12:other:1", account="other", references=number)
    assert validator.validate(elsewhere, None).holds == ()


def test_what_cannot_be_told_is_not_met() -> None:
    """A requirement over an absent field is broken and says which; a condition over one does not apply."""
    rules = book('[[rules]]\nid = "a"\nseverity = "hold"\nrequire = "order.incoterm == \'DAP\'"\n')
    (fault,) = RulesValidator(lambda: rules).validate(order(incoterm=None), None).holds
    assert "incoterm" in fault.message
    off = book(
        '[[rules]]\nid = "a"\nseverity = "hold"\napplies = "order.incoterm == \'DAP\'"\nrequire = "false"\n'
    )
    assert broken(off, order(incoterm=None)) == {}
    assert broken(off, order(incoterm="DAP")) == {"a": Severity.HOLD}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("version = 0", "version"),
        ("", "version"),
        ("version = 1\nrulez = 1", "rulez"),
        ("version = 1\nrules = 3", "rules"),
        ("version = 1\n[[rules]]\nid = 'a b'", "rules.0.id"),
        ("version = 1\n[[rules]]\nid = 'a'\nseverity = 'maybe'\nrequire = 'true'", "rules.0.severity"),
        ("version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'", "rules.0.require"),
        ("version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'\nrequire = '1 +'", "rules.0.require"),
        ("version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'\nrequire = 'ordre.id == 1'", "rules.0.require"),
        ("version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'\nrequire = '1 < limit'", "rules.0.require"),
        (
            "version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'\nrequire = 'true'\nlimit = 1.5",
            "rules.0.limit",
        ),
        (
            "version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'\nrequire = 'true'\naccount = 'x'",
            "rules.0.account",
        ),
        ("version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'\nrequire = 'true'\nwhen = 'x'", "rules.0.when"),
        ("version = 1\n[[rules]]\nid = 'a'\nseverity = 'hold'\nrequire = 3", "rules.0.require"),
        ("version = 1\n[accounts.acme]\na = 1", "accounts.acme"),
        ("version =", ""),
    ],
)
def test_a_wrong_rulebook_is_refused_with_its_place(text: str, path: str) -> None:
    """Each mistake is named where it stands, before any order is judged."""
    with pytest.raises(InputError) as caught:
        parse_rulebook(text)
    assert path in {problem.path for problem in caught.value.problems}


def test_a_rulebook_is_read_from_a_file(tmp_path: Path) -> None:
    """On top of the shipped one; what cannot be read is told."""
    path = tmp_path / "rules.toml"
    path.write_text("version = 9\n" + CREDIT)
    assert load_rulebook(path).version == 9
    assert len(load_rulebook(path).rules) == len(shipped().rules)
    with pytest.raises(InputError, match="cannot be read"):
        load_rulebook(tmp_path / "none.toml")


def test_limits_are_not_written_into_texts() -> None:
    """The word limit in a text, or in a longer name, is left as it is."""
    facts = Facts({"order": {"limit_x": 1}, "before": None, "account": {"limit_x": 1}, "found": {}})
    assert Expression("'limit' == 'lim' + 'it' && account.limit_x == 1 && limit == -3", -3).truth(facts)


def test_expressions_say_which_fields_they_speak_of() -> None:
    """A field of the order, of the order before, or all of it; not what only looks so in a text."""
    assert Expression("has(order.a) && before != null && before.b == 'order.c'").fields == frozenset(
        {"a", "b"}
    )
    for whole in ("order == before", "order['a'] == 1"):
        assert Expression(whole).fields is None


@given(
    st.text(max_size=60)
    | st.sampled_from(["order." * 50, "(" * 300, "1/0", "order.a.b", "[1][5]", "'a' < 1", "1"])
)
def test_no_text_does_more_than_be_refused(text: str) -> None:
    """Whatever somebody writes is refused with a ValueError, or has a value, or says that it has none."""
    try:
        expression = Expression(text, 1)
    except ValueError:
        return
    try:
        expression.value(Facts({"order": {}, "before": None, "account": {}, "found": {}}))
    except UntellableError as error:
        assert str(error)  # noqa: PT017 - it says why


def test_an_expression_is_not_endless() -> None:
    """A text longer than anybody writes is not compiled."""
    with pytest.raises(ValueError, match="at most"):
        Expression("1" * (LONGEST + 1))


def test_shipped_rules_are_plain_toml() -> None:
    """The shipped file is what anybody could have written: each rule has an id, a severity and a message."""
    text = (Path(__file__).parents[3] / "src/ordertrail/intake/rules/shipped.toml").read_text()
    for rule in tomllib.loads(text)["rules"]:
        assert {"id", "severity", "require", "message", "path"} <= rule.keys()
