"""The same rule over the past: how often it would have matched, and on what.

The index finds what may be meant, the rule decides, and the same engine as in the stream looks at it in the sequence of
times. So a backtest says what a watch would have said that saw the same events.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from ordertrail.monitor.rules.expression import Either, Form, Node, Test
from ordertrail.monitor.rules.rule import DAY, Correlation, Detection
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.monitor.stream.engine import DISORDER, Engine
from ordertrail.monitor.stream.seen import Finding, Group, Seen
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.when import When
from ordertrail.query.ports import Cursor, Searches, Way
from ordertrail.query.projection import Indexed, moment_microseconds
from ordertrail.query.tables import Dialect, Keys, all_keys, events

PAGE = 1_000
MOST_EVENTS = 1_000_000
"""Events that a backtest looks at; what comes after them it says that it left out."""

SHOWN = 50
"""Alerts of the past that are told one by one."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a rule means, as a term of a filter: the index finds what may be meant, Python decides."""

    node: Node
    test: Test
    actions: tuple[str, ...]

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:
        """See :class:`~ordertrail.query.filters.terms.Term`: all that is meant, and perhaps more."""
        return self.node.bounds(dialect).most

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        return select(events.c.key).where(events.c.action.in_(self.actions)) if self.actions else all_keys()

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return self.test(event)

    def words(self) -> str:
        """See the protocol."""
        return f"of which {self.node.words()}"

    def text(self) -> str:
        """See the protocol: a rule is written as a rule."""
        return self.node.words()


@dataclass(frozen=True, slots=True)
class PastAlert:
    """An alert that a rule would have raised: when it would have matched first, and by what."""

    rule: str
    key: Group
    first: Seen
    events: tuple[Seen, ...]
    measure: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a rule would have found: alerts by day of UTC (its first microsecond), and the first ones whole.

    ``looked`` is how many events its rules meant; ``whole`` is False where there were more than are looked at.
    """

    looked: int
    whole: bool
    alerts: int
    days: Mapping[int, int]
    shown: tuple[PastAlert, ...]


def backtest(
    rules: Rulebook,
    searches: Searches,
    actions: Sequence[str],
    between: tuple[datetime, datetime],
) -> Backtest:
    """Look at the past from a moment on and before another; correlations see one span more, before it."""
    spans = [rule.span for rule in rules if isinstance(rule, Correlation)]
    end = between[1]
    since, until = map(moment_microseconds, between)
    engine, looked, whole = Engine(rules), 0, True
    found: dict[tuple[str, Group, int], list[Finding]] = {}
    for event in _past(rules, searches, actions, since - max(spans, default=0), end):
        engine.take(event)
        looked += 1
        if looked % PAGE == 0:
            _collect(engine, found, since)
        if looked == MOST_EVENTS:
            whole = False
            break
    engine.settle(until + DISORDER)
    _collect(engine, found, since)
    told = sorted((_past_alert(one) for one in found.values()), key=lambda one: one.first.moment)
    days = Counter(one.first.time - one.first.time % DAY for one in told)
    return Backtest(looked, whole, len(told), dict(sorted(days.items())), tuple(told[:SHOWN]))


def _past(
    rules: Rulebook, searches: Searches, actions: Sequence[str], since: int, end: datetime
) -> Iterator[Indexed]:
    """Yield the events that any of the rules means, by time."""
    nodes = tuple(rule.node for rule in rules if isinstance(rule, Detection))
    tests = [node.test() for node in nodes]
    may = tuple(action for action in actions if any(node.of(Form(action)).maybe for node in nodes))
    meant = Past(Either(nodes), lambda event: any(test(event) for test in tests), may)
    filter_ = Filter((When("", None, end), meant))
    beyond: Cursor | None = Cursor(since, -1)
    while hits := searches.page(filter_, PAGE, beyond, Way.NEWER):
        for hit in hits:
            if meant.test(hit.event):
                yield hit.event
        beyond = hits[-1].cursor


def _collect(engine: Engine, found: dict[tuple[str, Group, int], list[Finding]], since: int) -> None:
    for finding in engine.taken().findings:
        if finding.at.time >= since:
            found.setdefault((finding.rule, finding.key, finding.bucket), []).append(finding)


def _past_alert(findings: Sequence[Finding]) -> PastAlert:
    first = min((one.at for one in findings), key=lambda seen: seen.moment)
    seen = {one.id: one for finding in findings for one in finding.seen}
    told = tuple(sorted(seen.values(), key=lambda one: one.moment))
    finding = findings[0]
    return PastAlert(finding.rule, finding.key, first, told, max(one.measure for one in findings))
