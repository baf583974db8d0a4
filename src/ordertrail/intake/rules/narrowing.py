"""How a rule could be wrong less often, and stop everything that it was right about.

Two ways are tried on what became of past orders. Where the rule holds a *measure* against a limit, another limit may
part the orders that entered unchanged from those that were mended or discarded. And where a rule was only ever wrong
about one account, it may be a remark there. A suggestion is the TOML to add, and what it would have done; nobody but a
person puts it in force, after a backtest.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ordertrail.intake.rules.record import Ending
from ordertrail.intake.rules.rule import Severity
from ordertrail.intake.rules.rulebook import Rulebook
from ordertrail.intake.rules.validator import Broken, judge
from ordertrail.orders.model import Order

LEAST = 5
"""Wrong stops of an account from which on a rule is taken to be wrong there, and not unlucky."""


@dataclass(frozen=True, slots=True)
class Past:
    """An order as it came, what was known of it then, and what became of it."""

    order: Order
    ending: Ending
    before: Order | None = None
    same: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A narrower rule. ``spared`` orders would not have been stopped; none that it was right about would have been."""

    rule: str
    toml: str
    reason: str
    spared: int


def suggestions(rulebook: Rulebook, past: Iterable[Past]) -> list[Suggestion]:
    """Return how the rules in force could be narrower, what spares most orders first."""
    wrong: defaultdict[str, list[tuple[Past, Broken]]] = defaultdict(list)
    right: defaultdict[str, list[tuple[Past, Broken]]] = defaultdict(list)
    for one in past:
        if one.ending is Ending.OPEN:
            continue
        kept = wrong if one.ending is Ending.UNCHANGED else right
        for broken in judge(rulebook, one.order, one.before, one.same):
            if broken.rule.rule.severity in {Severity.REJECT, Severity.HOLD}:
                kept[broken.rule.rule.id].append((one, broken))
    found = [
        suggestion
        for rule, stopped in wrong.items()
        if (suggestion := _other_limit(rule, stopped, right[rule]) or _by_account(rule, stopped, right[rule]))
    ]
    return sorted(found, key=lambda one: (-one.spared, one.rule))


def _other_limit(
    rule: str, wrong: list[tuple[Past, Broken]], right: list[tuple[Past, Broken]]
) -> Suggestion | None:
    """Suggest the lowest limit that spares every order that the rule was wrong about, if it was right above it."""
    measured = [broken.measured for _, broken in wrong]
    most = max((value for value in measured if value is not None), default=None)
    limit = wrong[0][1].rule.rule.limit
    if most is None or limit is None or None in measured or most <= limit:
        return None
    above = [broken.measured for _, broken in right]
    if any(value is None or value <= most for value in above):
        return None
    beyond = (
        f"each of the {len(above)} that it was right about is above {most}" if above else "it was never right"
    )
    return Suggestion(
        rule,
        f'[[rules]]\nid = "{rule}"\nlimit = {most}\n',
        f"{len(wrong)} orders up to {most} were stopped at the limit {limit} and entered unchanged; {beyond}",
        len(wrong),
    )


def _by_account(
    rule: str, wrong: list[tuple[Past, Broken]], right: list[tuple[Past, Broken]]
) -> Suggestion | None:
    """Suggest that a rule be a remark for the account about which it was wrong most often, and never right."""
    were_right = {(one.order.channel, one.order.account) for one, _ in right}
    counted = _by_source(wrong)
    never = {
        source: times for source, times in counted.items() if source not in were_right and times >= LEAST
    }
    if not never:
        return None
    (channel, account), times = max(never.items(), key=lambda one: (one[1], one[0]))
    return Suggestion(
        rule,
        f'[[rules]]\nid = "{rule}"\nchannel = "{channel}"\naccount = "{account}"\nseverity = "warn"\n',
        f"all {times} orders of {channel}/{account} that it stopped entered unchanged",
        times,
    )


def _by_source(stopped: list[tuple[Past, Broken]]) -> Mapping[tuple[str, str], int]:
    counted: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one, _ in stopped:
        counted[one.order.channel, one.order.account] += 1
    return counted
