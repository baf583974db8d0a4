"""Reading a file of rules: Sigma 2, with what is ours under ``custom``. Every problem is named, with its line.

A file holds one rule or several, as documents. pySigma parses them; what it takes and OrderTrail cannot watch (a field
that no event has, another product's log source, a window without a bound) is refused here.
"""

import re
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid5

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import (
    SigmaConditionError,
    SigmaCorrelationConditionError,
    SigmaCorrelationRuleError,
    SigmaError,
    SigmaLogsourceError,
    SigmaTimespanError,
)
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaRuleBase

from ordertrail.kernel.errors import Problem
from ordertrail.monitor.rules.correlation import read_correlation
from ordertrail.monitor.rules.custom import Custom, read_custom
from ordertrail.monitor.rules.detection import read_detection
from ordertrail.monitor.rules.expression import All, Compare
from ordertrail.monitor.rules.lines import Document, read_documents, refused
from ordertrail.monitor.rules.rule import (
    About,
    Correlation,
    Detection,
    Kind,
    Leg,
    Level,
    Rule,
    Threshold,
)

PRODUCT = "ordertrail"
"""Of the log source of every rule here."""

_RULES = UUID("6f1a1b5e-0f4b-5d0e-9a51-6f7264657274")
"""The name space of the ids of rules that have none: UUIDs of version 5 of their names (RFC 9562)."""

LONGEST_CONDITION = 2_000
"""Characters of the longest condition."""
DEEPEST_CONDITION = 6
"""Brackets within brackets in one."""

_CONDITIONED = ("detection", "correlation")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_SECTIONS: tuple[tuple[type[SigmaError], tuple[str, ...]], ...] = (
    (SigmaConditionError, ("detection", "condition")),
    (SigmaLogsourceError, ("logsource",)),
    (SigmaTimespanError, ("correlation", "timespan")),
    (SigmaCorrelationConditionError, ("correlation", "condition")),
    (SigmaCorrelationRuleError, ("correlation",)),
)


def read_rules(text: str) -> list[Rule]:
    """Read a file of rules. Raises InputError naming everything that is wrong with it, each with its line."""
    documents = read_documents(text)
    if not documents:
        raise refused(Problem("", "has no rule in it (line 1)"))
    rules: list[Rule] = []
    problems: list[Problem] = []
    for document in documents:
        found: list[Problem] = []
        rules += _read(document, found)
        problems += found
    if problems:
        raise refused(*problems)
    return rules


def _read(document: Document, problems: list[Problem]) -> list[Rule]:
    """Return the rules of a document: one, or with a silent one that it asks."""
    parsed = _parsed(document, problems)
    if parsed is None or problems:
        return []
    assert isinstance(document.content, dict)  # noqa: S101 - it was parsed
    custom = read_custom(document, document.content.get("custom"), problems)
    about = _about(document, parsed, custom, problems)
    try:
        if isinstance(parsed, SigmaCorrelationRule):
            return _correlation(document, parsed, about, custom, problems)
        assert isinstance(parsed, SigmaRule)  # noqa: S101 - pySigma has these two
        return _detection(document, parsed, about, custom, problems)
    except (ValueError, OverflowError) as error:  # a number that Python itself will not write down, say
        problems.append(document.problem(f"is no rule: {error}"))
        return []


def _parsed(document: Document, problems: list[Problem]) -> SigmaRuleBase | None:
    """Return a document as pySigma parses it; None, and why in ``problems``, where there is nothing to parse."""
    content = document.content
    if not isinstance(content, dict):
        problems.append(document.problem("a rule is a mapping with a title"))
        return None
    for name, told in (("filter", "a filter over other rules"), ("action", "a document that acts on others")):
        if name in content:
            problems.append(document.problem(f"{told} is not read here; write it into the rule", name))
            return None
    bounds = f"is longer than {LONGEST_CONDITION:,} characters, or deeper than {DEEPEST_CONDITION} brackets"
    endless = [path for path in _conditions(document) if _is_endless(path[-1])]
    if endless:
        problems += [document.problem(bounds, *path) for path in endless]
        return None
    kind: type[SigmaRuleBase] = SigmaCorrelationRule if "correlation" in content else SigmaRule
    try:
        parsed = kind.from_dict(content, collect_errors=True)
    except SigmaError as error:
        problems.append(_blamed(document, error))
        return None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        problems.append(document.problem(f"is no rule of Sigma: {type(error).__name__}: {error}"))
        return None
    problems += [_blamed(document, error) for error in parsed.errors]
    return parsed


def _conditions(document: Document) -> list[tuple[str, ...]]:
    """Return the places of conditions that are texts, each with the text at its end."""
    return [
        path
        for path in document.lines
        if len(path) > 2 and path[1] == "condition" and path[0] in _CONDITIONED
    ]


def _is_endless(condition: str) -> bool:
    """Say whether a condition is longer or deeper than anybody writes: its parser would take very long."""
    depth = deepest = 0
    for one in condition:
        depth += (one == "(") - (one == ")")
        deepest = max(deepest, depth)
    return len(condition) > LONGEST_CONDITION or deepest > DEEPEST_CONDITION


def _detection(
    document: Document, parsed: SigmaRule, about: About, custom: Custom, problems: list[Problem]
) -> list[Rule]:
    if parsed.logsource.product != PRODUCT:
        source = parsed.logsource
        told = " ".join(filter(None, (source.product, source.category, source.service)))
        problems.append(
            document.problem(
                f"is about {told or 'nothing'}; rules here are of product: {PRODUCT}", "logsource"
            )
        )
    node = read_detection(document, parsed, problems)
    if node is None or problems:
        return []
    if custom.nodes:
        node = All((node, *custom.nodes))
    if custom.first is None:
        return [Detection(about, node)]
    first = custom.first
    seen = About(f"{about.id}#seen", f"{about.name}_seen", about.title, about.description, about.level)
    threshold = Threshold(Compare.LEAST, Fraction(first.after))
    return [
        Detection(seen, node, silent=True),
        Correlation(
            about, Kind.FIRST, (Leg(seen.name, first.by, first.field),), first.by, first.span, threshold
        ),
    ]


def _correlation(
    document: Document,
    parsed: SigmaCorrelationRule,
    about: About,
    custom: Custom,
    problems: list[Problem],
) -> list[Rule]:
    if custom.nodes or custom.first is not None:
        problems.append(
            document.problem("filter, outside-hours and first belong to the rules that are asked", "custom")
        )
    if custom.by is not None:
        problems.append(
            document.problem("alerts of a correlation are told apart by its group-by", "custom", "alert-by")
        )
    correlation = read_correlation(document, parsed, about, problems)
    return [] if correlation is None or problems else [correlation]


def _about(document: Document, parsed: SigmaRuleBase, custom: Custom, problems: list[Problem]) -> About:
    name = parsed.name if parsed.name is not None else _slug(parsed.title)
    if not _NAME.fullmatch(name):
        problems.append(document.problem("is small letters, digits and _, and begins with a letter", "name"))
    if not parsed.title.strip():
        problems.append(document.problem("is empty", "title"))
    by = custom.by or ("actor", "order")
    level = Level.MEDIUM if parsed.level is None else Level[parsed.level.name]
    return About(
        id=str(parsed.id or uuid5(_RULES, name)),
        name=name,
        title=parsed.title,
        description=" ".join((parsed.description or "").split()),
        level=level,
        status="experimental" if parsed.status is None else parsed.status.name.lower(),
        control=custom.control,
        rationale=custom.rationale,
        false_positives=tuple(_plain(parsed.falsepositives)),
        playbook=custom.playbook,
        mapping=tuple(str(tag) for tag in parsed.tags),
        by=by,
        every=custom.every,
        text=document.text,
    )


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:63]


def _plain(said: Any) -> list[str]:
    return [" ".join(str(one).split()) for one in said or ()]


def _blamed(document: Document, error: SigmaError) -> Problem:
    place = next((path for kind, path in _SECTIONS if isinstance(error, kind)), ())
    told = " ".join(str(error).split())
    return document.blamed(f"{told[:1].lower()}{told[1:]}", *(place or ("detection",)))
