"""The rules and plans of a mapping file: how values are found and what becomes of an activity.

The grammar stands in :mod:`~.mapping`. A plan is read on top of the log's common plan, so that the
plan that is kept is complete::

    [actor]
    id = { field = "resource", default = "unknown" }
    kind = "person"

    [actions."Payment Handled"]
    action = "declaration.pay"
    actor = { kind = "system" }        # the id is still the resource
"""

from collections.abc import Iterable
from typing import Any, get_args

from ordertrail.adapters.eventlogs.mapping import (
    ChangeRule,
    Format,
    LinkRule,
    Lookup,
    Plan,
    Reading,
    Rule,
    template_fields,
)
from ordertrail.adapters.eventlogs.toml_section import Section
from ordertrail.record.actions import Catalogue
from ordertrail.record.event import ActorKind, Outcome

_SUBJECT = ("kind", "id", "order", "tenant")
_ACTOR = ("id", "kind", "on_behalf_of", "session")
_CONTEXT = ("ip", "user_agent", "request", "trace", "channel", "host", "version", "reason", "ticket")
_LOOKUPS: dict[Lookup, tuple[Format, ...]] = {
    "field": ("csv", "xes", "ocel"),
    "case": ("xes",),
    "object": ("ocel",),
    "template": ("csv", "xes", "ocel"),
}


def read_plan(
    section: Section, catalogue: Catalogue, common: Plan, log_format: Format, *, of_action: bool = False
) -> Plan:
    """Read the parts of a plan from a table: the top's own, or with ``of_action`` one activity's."""
    action, outcome = "", common.outcome
    if of_action:
        action = section.text("action", required=True)
        if action and action not in catalogue:
            section.report("action", catalogue.suggest(action))
        outcome = section.choice("outcome", get_args(Outcome), default=outcome)
    subject_type = None
    if log_format == "ocel":
        subject_type = (section.text("subject") or None) if of_action else None
        subject: dict[str, Rule] = {}
    else:
        subject = _read_rules(section.section("subject"), _SUBJECT, log_format)
        subject = dict(common.subject) | subject
    actor_table, context_table = section.section("actor"), section.section("context")
    roles = _read_list(actor_table, "roles", log_format)
    tags = _read_list(context_table, "tags", log_format)
    actor = dict(common.actor) | _read_rules(actor_table, _ACTOR, log_format)
    if not of_action:
        _require(section, "actor", actor)
        if log_format != "ocel":
            _require(section, "subject", subject)
    _check_kind(actor_table, actor.get("kind"))
    return Plan(
        action=action,
        outcome=outcome,
        subject=subject,
        subject_type=subject_type,
        actor=actor,
        roles=common.roles if roles is None else roles,
        context=dict(common.context) | _read_rules(context_table, _CONTEXT, log_format),
        tags=common.tags if tags is None else tags,
        changes=(*common.changes, *_read_changes(section.sections("changes"), log_format)),
        links=(*common.links, *_read_links(section.sections("links"), log_format)),
    )


def read_rule(
    section: Section, key: str, log_format: Format, *, required: bool = False, typed: bool = False
) -> Rule | None:
    """Read the rule under a key; ``typed`` allows readings that are not text."""
    value = section.raw(key)
    if value is None:
        if required:
            section.report(key, "is missing")
        return None
    if isinstance(value, str):
        return Rule("constant", (value,))
    if not isinstance(value, dict):
        section.report(key, "must be text or a table that says where to find it")
        return None
    return read_lookup(section.section(key), log_format, typed=typed)


def read_lookup(table: Section, log_format: Format, *, typed: bool = False) -> Rule | None:
    """Read the table of a rule that looks its value up."""
    given = [lookup for lookup in _LOOKUPS if table.has(lookup)]
    if len(given) != 1:
        table.report("", f"needs exactly one of {', '.join(_LOOKUPS)}")
    lookup = given[0] if given else "field"
    if given and log_format not in _LOOKUPS[lookup]:
        table.report(lookup, f"cannot be looked up in a log of format {log_format}")
    names = table.texts("object") if lookup == "object" else (table.text(lookup),)
    if lookup == "template" and not any(True for _ in template_fields(names[0])) and "{#}" not in names[0]:
        table.report("template", "names no field; write a constant as plain text")
    reading: Reading = table.choice("as", get_args(Reading), default="text")
    if reading in ("integer", "money") and not typed:
        table.report("as", f"{reading} is only for the sides of a change")
    rule = Rule(
        lookup,
        names,
        reading=reading,
        default=table.text("default") or None,
        absent=frozenset(table.texts("absent")),
        replace=_read_replacements(table),
        prefix=table.text("prefix"),
        qualifier=(table.text("qualifier") or None) if lookup == "object" else None,
        attribute=(table.text("attribute") or None) if lookup == "object" else None,
        before=lookup == "object" and table.choice("at", ("before", "event"), default="event") == "before",
    )
    table.finish()
    return rule if len(given) == 1 and all(names) else None


def _read_replacements(table: Section) -> dict[str, str] | None:
    if not table.has("map"):
        return None
    pairs = table.section("map")
    return {key: pairs.text(key, required=True) for key in pairs}


def _read_rules(section: Section, keys: Iterable[str], log_format: Format) -> dict[str, Rule]:
    rules = {key: read_rule(section, key, log_format) for key in keys}
    section.finish()
    return {key: rule for key, rule in rules.items() if rule is not None}


def _read_list(section: Section, key: str, log_format: Format) -> tuple[Rule, ...] | None:
    """Read a list of rules; None where the key is absent, so that the common list stays."""
    value: Any = section.raw(key)
    if value is None:
        return None
    if not isinstance(value, list):
        section.report(key, "must be a list of texts or tables")
        return ()
    items = Section({str(at): item for at, item in enumerate(value)}, section.at(key), section.problems)
    return tuple(rule for at in items if (rule := read_rule(items, at, log_format)) is not None)


def _read_changes(tables: Iterable[Section], log_format: Format) -> list[ChangeRule]:
    changes = []
    for table in tables:
        path = table.text("path", required=True)
        if path and not path.startswith("/"):
            table.report("path", "must be a JSON pointer, which starts with / (RFC 6901)")
        change = ChangeRule(
            path, *(read_rule(table, side, log_format, typed=True) for side in ("before", "after"))
        )
        if not (table.has("before") or table.has("after")):
            table.report("", "needs before, after or both")
        table.finish()
        changes.append(change)
    return changes


def _read_links(tables: Iterable[Section], log_format: Format) -> list[LinkRule]:
    links = []
    for table in tables:
        rules = [read_rule(table, key, log_format, required=True) for key in ("system", "kind", "id")]
        table.finish()
        system, kind, target = rules
        if system and kind and target:
            links.append(LinkRule(system, kind, target))
    return links


def _require(section: Section, part: str, rules: dict[str, Rule]) -> None:
    table = section.raw(part)
    for key in ("id", "kind"):
        if key not in rules and not (isinstance(table, dict) and key in table):
            section.report(part, f"has no {key}")


def _check_kind(section: Section, rule: Rule | None) -> None:
    """Report an actor's kind that can be known to be wrong before any event is read."""
    if rule is None or not section.has("kind"):
        return
    known = list(rule.names) if rule.lookup == "constant" else list((rule.replace or {}).values())
    for kind in [*known, *([rule.default] if rule.default else [])]:
        if kind not in get_args(ActorKind):
            section.report("kind", f"is {kind!r}; must be {', '.join(get_args(ActorKind))}")
