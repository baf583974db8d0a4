"""What became of orders that rules stopped, narrower rules, and trying a changed rulebook before it is in force."""

from intake.rules.cases import book, euros, order
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.ports import Attempt, Letter
from ordertrail.intake.rules.backtest import backtest
from ordertrail.intake.rules.narrowing import LEAST, Past, suggestions
from ordertrail.intake.rules.record import Ending, RuleRecord, records
from ordertrail.intake.rules.rulebook import Rulebook, parse_rulebook
from ordertrail.intake.states import MessageState
from ordertrail.orders.amounts import Totals
from ordertrail.orders.lines import Item, Line, Price, Quantities

TIME = "2026-11-23T12:00:00.000000Z"
LIMITED = """
[[rules]]
id = "worth"
severity = "hold"
measure = "order.totals.grand_total.amount"
limit = 2000
require = "order.totals.grand_total.amount <= limit"
"""


def letter(number: int, state: MessageState, *, rule: str = "worth", fix: str | None = None) -> Letter:
    """Return a message that a rule stopped at first."""
    fault = Fault(Code.RULE, "/totals", "too much", rule)
    tried = Attempt(0, TIME, MessageState.HELD, (fault,))
    return Letter("d", number, "x12/acme", state, TIME, TIME, "", 0, fix=fix, attempts=(tried,))


def worth(cents: int, number: int = 1, account: str = "acme") -> Past:
    """Return a past order of a value; it entered unchanged."""
    line = Line(
        id="1",
        item=Item(name="Cup"),
        quantities=Quantities(ordered="1"),
        unit="C62",
        unit_price=Price(amount=euros(cents), per="1"),
        amount=euros(cents),
    )
    totals = Totals(lines=euros(cents), grand_total=euros(cents))
    told = order(id=f"x12:{account}:{number}", account=account, lines=(line,), totals=totals)
    return Past(told, Ending.UNCHANGED)


def ended(past: Past, ending: Ending) -> Past:
    """Return it with another ending."""
    return Past(past.order, ending, past.before, past.same)


def test_records_count_endings_by_rule_and_source() -> None:
    """What entered unchanged was stopped wrongly; what was mended or discarded, rightly; what is open is neither."""
    told = [
        letter(1, MessageState.ACCEPTED),
        letter(2, MessageState.ACCEPTED, fix="ab"),
        letter(3, MessageState.DISCARDED),
        letter(4, MessageState.HELD),
        letter(5, MessageState.REPLAYED),
        letter(6, MessageState.ACCEPTED, rule="other"),
    ]
    first, second = records(told)
    assert first == RuleRecord("worth", "x12/acme", 5, 2, 1, 1, 1)
    assert first.wrong == 33
    assert (second.rule, second.wrong) == ("other", 100)
    assert records([letter(4, MessageState.HELD)])[0].wrong is None


def test_a_limit_that_parts_right_from_wrong_is_suggested() -> None:
    """It spares what entered unchanged and stops what did not; as TOML that a rulebook takes."""
    rules = book(LIMITED)
    past = [worth(2_100, 1), worth(3_000, 2), ended(worth(9_000, 3), Ending.DISCARDED), worth(1_000, 4)]
    (found,) = suggestions(rules, past)
    assert (found.rule, found.spared) == ("worth", 2)
    narrower = parse_rulebook(f"version = 3\n{found.toml}", rules)
    tried = backtest(rules, narrower, past)
    assert (tried.false_rejects, tried.misses, tried.stopped_by_both) == (-2, 0, 1)


def test_no_limit_is_suggested_that_would_let_a_right_stop_through() -> None:
    """Where an order that was rightly stopped is below one that was wrongly, no limit parts them."""
    past = [worth(3_000, 1), ended(worth(2_500, 2), Ending.MENDED)]
    assert suggestions(book(LIMITED), past) == []


def test_an_account_that_a_rule_is_only_wrong_about_is_suggested() -> None:
    """After enough of them, and not where the rule was ever right about it."""
    rules = book(LIMITED.replace('measure = "order.totals.grand_total.amount"\n', ""))
    wrong = [worth(3_000, number) for number in range(LEAST)]
    right = [ended(worth(3_000, 9, account="other"), Ending.DISCARDED)]
    (found,) = suggestions(rules, [*wrong, *right])
    assert found.spared == LEAST
    tried = backtest(rules, parse_rulebook(f"version = 3\n{found.toml}", rules), [*wrong, *right])
    assert (tried.false_rejects, tried.misses) == (-LEAST, 0)
    assert suggestions(rules, wrong[1:]) == []
    assert suggestions(rules, [*wrong, ended(worth(3_000, 8), Ending.MENDED)]) == []


def test_a_backtest_tells_both_ways() -> None:
    """A stricter rulebook stops what was all right, a milder one misses what was not; orders are named."""
    strict, mild = book(LIMITED), book(LIMITED.replace("2000", "5000"))
    past = [worth(3_000, 1), ended(worth(4_000, 2), Ending.DISCARDED), worth(100, 3)]
    tighter = backtest(mild, strict, past)
    assert tighter.false_rejects == 1
    assert tighter.stopped[Ending.UNCHANGED].orders == ["x12:acme:1"]
    milder = backtest(strict, mild, past)
    assert (milder.false_rejects, milder.misses) == (-1, 1)
    same = backtest(strict, strict, past)
    assert (same.stopped, same.spared, same.stopped_by_both) == ({}, {}, 2)


def test_a_changed_rulebook_does_not_touch_the_one_in_force() -> None:
    """Rulebooks are values: reading one on top of another leaves that one as it was."""
    rules: Rulebook = book(LIMITED)
    before = rules.rules
    parse_rulebook('version = 3\n[[rules]]\nid = "worth"\nseverity = "off"\n', rules)
    assert rules.rules == before
