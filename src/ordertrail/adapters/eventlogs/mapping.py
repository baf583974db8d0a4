"""What an event log means: the values that a mapping file holds once it has been read.

A log says "Change Price" at a time; the trail wants an action, an actor, a subject. A mapping says
how one log's words become the trail's. It is written as TOML; :mod:`~.mapping_file` reads it and
names every problem in it. The smallest::

    version = 1
    log = "shop"                       # the log's identity: in every id, and in context.source
    format = "csv"                     # csv, xes or ocel; history has a grammar of its own (history_rules)

    [time]
    field = "when"

    [case]
    field = "order"

    [activity]
    field = "what"

    [subject]
    kind = "order"
    id = { field = "order" }

    [actor]
    id = { field = "who", default = "unknown" }
    kind = "person"

    [actions]
    "Placed" = "order.create"

Top level: ``currency`` (ISO 4217) and ``round`` ("half-even", "half-up", "down"; absent: an amount that
does not fit is a problem) for money, ``decimal_mark``, ``unmapped`` ("problem", or the action that an
unlisted activity gets) and ``keep`` ("rest", the default: fields that nothing else uses become changes
under ``/source/``, a trace's under ``/trace/``; or "mapped").

``[time]`` field, pattern, zone, ambiguous, finer: see :mod:`~.times`. ``[csv]`` delimiter, encoding,
columns (the exact header, where the log has a known one). ``[context]`` channel, reason, tags, ….
``[[links]]`` system, kind, id. ``[[changes]]`` path, before, after: made for every event.

A **rule** says how one value is found. Text is a constant. A table looks one up:

- ``field`` a column or attribute of the event; ``case`` an attribute of its trace (XES);
- ``object`` the first related object of that type (OCEL; a list: the first type that is there), with
  ``qualifier`` to say in which role: its id, or with ``attribute`` the attribute's value as of the
  event's time, or with ``at = "before"`` as of just before;
- ``template`` text in which ``{name}`` is a field and ``{#}`` the event's number within its case.

What is found is then, in this order: absent if it is empty or listed in ``absent``; replaced through
``map``, where ``"*"`` stands for every value that is not listed and without it such a value is a
problem; read ``as`` "text" (the default), "integer", "digits" (a whole number as text: a customer
"17850.0" is "17850"), "decimal" or "money"; and put behind ``prefix``. Where nothing is found,
``default`` stands in.

``[actions]`` gives each activity an action, or a table: action, outcome, and ``actor``, ``subject``,
``context``, ``changes``, ``links`` that replace (actor, subject, context: field by field) or follow
(changes, links) the log's own. Every event gets the change ``/activity`` with the source's own word.

``[activity]`` is a rule; in CSV, ``[[activity.when]]`` tables (field, and ``is``, ``starts`` or
``empty = true``, then ``activity``) may name it first; ``otherwise`` names it last.

``[ocel]`` kinds (object type → subject kind), subjects (types by priority: which related object an
event happened to), orders (the types that are orders), members (types that belong to orders, nearest
first). An object's order is found through the log's object relations and through events that name
both; where it belongs to several, it stands as its own order and links to them all.
"""

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Literal

from ordertrail.adapters.eventlogs.amounts import Rounding
from ordertrail.adapters.eventlogs.history_rules import HistoryRules
from ordertrail.adapters.eventlogs.times import Ambiguous, Finer

Format = Literal["csv", "xes", "ocel", "history"]
Reading = Literal["text", "integer", "digits", "decimal", "money"]
Keep = Literal["rest", "mapped"]
Lookup = Literal["constant", "field", "case", "object", "template"]

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one value is found. ``names`` are the constant, the field, the template or the object types."""

    lookup: Lookup
    names: tuple[str, ...]
    reading: Reading = "text"
    default: str | None = None
    absent: frozenset[str] = frozenset()
    replace: MappingOf[str, str] | None = None
    prefix: str = ""
    qualifier: str | None = None
    attribute: str | None = None
    before: bool = False

    @property
    def name(self) -> str:
        """The one name of every lookup but ``object``."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """A change that is made where at least one side is found."""

    path: str
    before: Rule | None = None
    after: Rule | None = None


@dataclass(frozen=True, slots=True)
class LinkRule:
    """A link that is made where its id is found."""

    system: Rule
    kind: Rule
    id: Rule


@dataclass(frozen=True, slots=True)
class When:
    """A condition on one field that names the activity. Exactly one of the three is set."""

    field: str
    activity: str
    equals: str | None = None
    starts: str | None = None
    empty: bool = False

    def holds(self, text: str | None) -> bool:
        """Say whether the field's text fulfils the condition."""
        if self.empty:
            return not text
        if self.equals is not None:
            return text == self.equals
        return text is not None and text.startswith(self.starts or "")


@dataclass(frozen=True, slots=True)
class ActivityRule:
    """How an event's activity is found: conditions in order, then a rule, then a last word."""

    when: tuple[When, ...] = ()
    rule: Rule | None = None
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where the time stands and how it is written."""

    field: str | None = None
    pattern: str | None = None
    zone: str | None = None
    ambiguous: Ambiguous = "problem"
    finer: Finer = "problem"


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one activity. ``subject``, ``actor`` and ``context`` hold rules by field name.

    ``subject_type`` is the object type that the activity happens to, where it is not the first of
    :attr:`ObjectRules.subjects` that the event names.
    """

    action: str
    outcome: str = "success"
    subject: MappingOf[str, Rule] = field(default_factory=dict)
    subject_type: str | None = None
    actor: MappingOf[str, Rule] = field(default_factory=dict)
    roles: tuple[Rule, ...] = ()
    context: MappingOf[str, Rule] = field(default_factory=dict)
    tags: tuple[Rule, ...] = ()
    changes: tuple[ChangeRule, ...] = ()
    links: tuple[LinkRule, ...] = ()

    def rules(self) -> Iterator[Rule]:
        """Yield every rule of the plan."""
        yield from (
            *self.subject.values(),
            *self.actor.values(),
            *self.context.values(),
            *self.roles,
            *self.tags,
        )
        for change in self.changes:
            yield from (side for side in (change.before, change.after) if side)
        for link in self.links:
            yield from (link.system, link.kind, link.id)


@dataclass(frozen=True, slots=True)
class TableRules:
    """How a CSV is written."""

    delimiter: str = ","
    encoding: str = "utf-8"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """What the objects of an OCEL are."""

    kinds: MappingOf[str, str] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """What one log means. Every plan is complete: the log's own rules are already part of it."""

    log: str
    format: Format
    time: TimeRule
    activity: ActivityRule
    actions: MappingOf[str, Plan]
    case: Rule | None = None
    unmapped: Plan | None = None
    keep: Keep = "rest"
    currency: str | None = None
    rounding: Rounding | None = None
    decimal_mark: str = "."
    table: TableRules = TableRules()
    objects: ObjectRules = field(default_factory=ObjectRules)
    history: HistoryRules = field(default_factory=HistoryRules)

    def plan(self, activity: str) -> Plan | None:
        """Return what becomes of an activity, or None where the mapping is closed and does not list it."""
        return self.actions.get(activity, self.unmapped)

    def rules(self, plan: Plan | None = None) -> Iterator[Rule]:
        """Yield every rule by which something of an event is found, ever or under one plan; some twice."""
        yield from (rule for rule in (self.case, self.activity.rule) if rule)
        plans = [plan] if plan else [*self.actions.values(), *([self.unmapped] if self.unmapped else [])]
        for one in plans:
            yield from one.rules()

    def fields(self, plan: Plan | None = None) -> frozenset[str]:
        """Return the event fields (columns, attributes) that the mapping looks at: ever, or under one plan."""
        found = {when.field for when in self.activity.when}
        if self.time.field:
            found.add(self.time.field)
        for rule in self.rules(plan):
            if rule.lookup == "field":
                found.add(rule.name)
            elif rule.lookup == "template":
                found.update(template_fields(rule.name))
        return frozenset(found)


def template_fields(template: str) -> Iterator[str]:
    """Yield the fields that a template names."""
    return (name for name in _PLACEHOLDER.findall(template) if name != "#")


def fill_template(template: str, value_of: Callable[[str], str]) -> str:
    """Replace each ``{name}`` by its value."""
    return _PLACEHOLDER.sub(lambda found: value_of(found[1]), template)
