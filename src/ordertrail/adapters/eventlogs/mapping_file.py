r"""Reading a mapping file: strict TOML in, a :class:`~.mapping.Mapping` out, every problem named.

The grammar stands in :mod:`~.mapping`. A file with three mistakes gets three problems, each with its
dotted path; a key that is not bare in TOML is quoted in the path::

    >>> parse_mapping(b'version = 1\nlog = "x"\nformat = "csv"\n[actions]\n"Pay it" = "order.pay"\n')
    Traceback (most recent call last):
    ordertrail.kernel.errors.InputError: time.field: is missing; case: is missing; ...;
    actions."Pay it".action: 'order.pay' is not in the action catalogue

Nothing is guessed: an unknown key is a problem (with the key that was probably meant), as is a rule
that the log's format cannot follow, an action outside the catalogue, money without a currency, a zone
that does not exist.
"""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from ordertrail.adapters.eventlogs.amounts import Rounding
from ordertrail.adapters.eventlogs.history_file import read_history_rules
from ordertrail.adapters.eventlogs.mapping import (
    ActivityRule,
    Format,
    Keep,
    Mapping,
    ObjectRules,
    Plan,
    TableRules,
    TimeRule,
    When,
)
from ordertrail.adapters.eventlogs.plan_file import read_lookup, read_plan, read_rule
from ordertrail.adapters.eventlogs.times import Ambiguous, Finer
from ordertrail.adapters.eventlogs.toml_section import Section
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.money import EXPONENTS
from ordertrail.record.actions import CATALOGUE, Catalogue

_VERSION = 1
_ENCODINGS = ("utf-8", "iso-8859-1", "windows-1252")
_MAPPINGS = files("ordertrail.adapters.eventlogs") / "mappings"
_REMEDY = "Correct the mapping file at the places named; the built-in mappings are examples of every rule."


def builtin_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with OrderTrail."""
    return tuple(
        sorted(file.name.removesuffix(".toml") for file in _MAPPINGS.iterdir() if file.name.endswith(".toml"))
    )


def builtin_mapping(name: str) -> Mapping:
    """Return one of the mappings that come with OrderTrail. Raises InputError for another name."""
    if name not in builtin_mappings():
        raise InputError(f"there is no built-in mapping {name!r}; there are {', '.join(builtin_mappings())}")
    return parse_mapping((_MAPPINGS / f"{name}.toml").read_bytes())


def load_mapping(path: Path, catalogue: Catalogue = CATALOGUE) -> Mapping:
    """Read a mapping file. Raises InputError with every problem in it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"the mapping {path} cannot be read: {error.strerror}") from error
    return parse_mapping(data, catalogue)


def parse_mapping(data: bytes, catalogue: Catalogue = CATALOGUE) -> Mapping:
    """Read the bytes of a mapping file. Raises InputError with every problem in it."""
    try:
        table = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 at byte {error.start}", remedy=_REMEDY) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"is not TOML: {error}", remedy=_REMEDY) from None
    problems: list[Problem] = []
    mapping = _read_mapping(Section(table, "", problems), catalogue)
    problems += _check_across(mapping, table)
    if problems:
        raise InputError(problems, remedy=_REMEDY)
    return mapping


def _read_mapping(top: Section, catalogue: Catalogue) -> Mapping:
    version = top.number("version", required=True)
    if version not in (None, _VERSION):
        top.report("version", f"is {version}; this OrderTrail reads version {_VERSION}")
    log_format: Format = top.choice("format", get_args(Format), required=True, default="csv")
    if log_format == "history":
        return _read_history(top, catalogue)
    plan = read_plan(top, catalogue, Plan(action=""), log_format)
    unmapped = top.text("unmapped", default="problem")
    if unmapped != "problem" and unmapped not in catalogue:
        top.report("unmapped", catalogue.suggest(unmapped))
    mapping = Mapping(
        log=top.text("log", required=True),
        format=log_format,
        time=_read_time(top.section("time"), log_format),
        activity=_read_activity(top.section("activity"), log_format),
        actions=_read_actions(top.section("actions"), catalogue, plan, log_format),
        case=read_rule(top, "case", log_format, required=log_format != "ocel"),
        unmapped=None if unmapped == "problem" else _with_action(plan, unmapped),
        keep=top.choice("keep", get_args(Keep), default="rest"),
        currency=top.choice("currency", tuple(EXPONENTS)),
        rounding=top.choice("round", get_args(Rounding)),
        decimal_mark=top.choice("decimal_mark", (".", ","), default="."),
        table=_read_table(top.section("csv")) if log_format == "csv" else TableRules(),
        objects=_read_objects(top.section("ocel")) if log_format == "ocel" else ObjectRules(),
    )
    top.finish()
    return mapping


def _read_history(top: Section, catalogue: Catalogue) -> Mapping:
    mapping = Mapping(
        log=top.text("log"),
        format="history",
        time=_read_time(top.section("time"), "history"),
        activity=ActivityRule(),
        actions={},
        currency=top.choice("currency", tuple(EXPONENTS)),
        rounding=top.choice("round", get_args(Rounding)),
        decimal_mark=top.choice("decimal_mark", (".", ","), default="."),
        table=_read_table(top.section("csv")),
        history=read_history_rules(top, catalogue),
    )
    top.finish()
    return mapping


def _with_action(plan: Plan, action: str) -> Plan:
    return Plan(
        action,
        subject=plan.subject,
        actor=plan.actor,
        roles=plan.roles,
        context=plan.context,
        tags=plan.tags,
        changes=plan.changes,
        links=plan.links,
    )


def _read_actions(
    section: Section, catalogue: Catalogue, common: Plan, log_format: Format
) -> dict[str, Plan]:
    plans = {}
    for activity in section:
        table = section.section(activity, shorthand="action")
        plans[activity] = read_plan(table, catalogue, common, log_format, of_action=True)
        table.finish()
    return plans


def _read_time(section: Section, log_format: Format) -> TimeRule:
    zone = section.text("zone", default="") or None
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, LookupError):
            section.report("zone", f"{zone!r} is not a time zone of this computer's time zone data")
            zone = None
    pattern = section.text("pattern", default="") or None
    if pattern is not None and "%" not in pattern:
        section.report(
            "pattern", "names no part of a time; write it as strptime reads it, such as %d/%m/%Y %H:%M"
        )
    rule = TimeRule(
        field=None if log_format in ("ocel", "history") else section.text("field", required=True),
        pattern=pattern,
        zone=zone,
        ambiguous=section.choice("ambiguous", get_args(Ambiguous), default="problem"),
        finer=section.choice("finer", get_args(Finer), default="problem"),
    )
    section.finish()
    return rule


def _read_activity(section: Section, log_format: Format) -> ActivityRule:
    if log_format == "ocel":
        section.finish()  # An OCEL event has a type; there is nothing to say about where it stands.
        return ActivityRule()
    when = tuple(_read_when(table) for table in section.sections("when"))
    otherwise = section.text("otherwise", default="") or None
    rule = None
    if tuple(section):
        rule = read_lookup(section, log_format)
    elif not when and otherwise is None:
        section.parent.report(section.name, "is missing")
    return ActivityRule(when, rule, otherwise)


def _read_when(section: Section) -> When:
    equals, starts = (section.text(key, default="") or None for key in ("is", "starts"))
    when = When(
        field=section.text("field", required=True),
        activity=section.text("activity", required=True),
        equals=equals,
        starts=starts,
        empty=section.flag("empty"),
    )
    if (equals is not None) + (starts is not None) + when.empty != 1:
        section.report("", "needs exactly one of is, starts and empty = true")
    section.finish()
    return when


def _read_table(section: Section) -> TableRules:
    delimiter = section.text("delimiter", default=",")
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n':
        section.report("delimiter", "must be one ASCII character that is no letter, digit, quote or line end")
    columns = section.texts("columns")
    if len(set(columns)) != len(columns):
        section.report("columns", "names a column twice")
    rules = TableRules(delimiter, section.choice("encoding", _ENCODINGS, default="utf-8"), columns)
    section.finish()
    return rules


def _read_objects(section: Section) -> ObjectRules:
    kinds_table = section.section("kinds")
    kinds = {key: kinds_table.text(key, required=True) for key in kinds_table}
    subjects = section.texts("subjects", required=True)
    rules = ObjectRules(kinds, subjects, section.texts("orders", required=True), section.texts("members"))
    for key in ("subjects", "orders", "members"):
        for name in getattr(rules, key):
            if name not in kinds:
                section.report(key, f"{name!r} has no kind (ocel.kinds)")
    section.finish()
    return rules


def _check_across(mapping: Mapping, table: dict[str, object]) -> Iterator[Problem]:
    """Yield what is wrong between places that are each right."""
    if mapping.currency is None and any(rule.reading == "money" for rule in mapping.rules()):
        yield Problem("currency", "is missing, and some values are read as money")
    if mapping.format == "history":
        return  # The currency may stand in a column, and tables have actions of their own.
    if mapping.rounding and mapping.currency is None:
        yield Problem("round", "rounds nothing without a currency")
    if not mapping.actions and mapping.unmapped is None and "actions" not in table:
        yield Problem("actions", "is missing: no activity has an action")
    if mapping.table.columns:
        for name in sorted(mapping.fields() - set(mapping.table.columns)):
            yield Problem("csv.columns", f"lacks the column {name!r} that the mapping looks at")
    for activity, plan in mapping.actions.items():
        if plan.subject_type is not None and plan.subject_type not in mapping.objects.kinds:
            yield Problem(f'actions."{activity}".subject', f"{plan.subject_type!r} has no kind (ocel.kinds)")
