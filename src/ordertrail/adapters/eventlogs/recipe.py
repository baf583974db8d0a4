"""What becomes of one activity, prepared: an activity's plan with all its rules compiled.

A log has few activities and many events. What every event of an activity shares (its action, most
often its actor, context and changes) is encoded once and put into each line as it is. Worked example:
of BPI Challenge 2019's "Change Price" only id, time and subject are made per event; the rest is the
ready text ``{"id":"unknown","kind":"system"}``, ``[{"path":"/activity","after":"Change Price"}]``, ….
"""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

import orjson

from ordertrail.adapters.eventlogs.amounts import Amount, AmountReader
from ordertrail.adapters.eventlogs.events import Related, SourceEvent, UntranslatableError, text_of
from ordertrail.adapters.eventlogs.findings import Find, Place, Value, compile_rule
from ordertrail.adapters.eventlogs.mapping import Mapping, Plan, Rule
from ordertrail.adapters.eventlogs.ocel_objects import ObjectIndex
from ordertrail.kernel.errors import Problem
from ordertrail.record.event import ActorKind

_ACTOR_KINDS = get_args(ActorKind)
_OCEL_FIELDS = frozenset({"ocel:id", "ocel:type", "ocel:time"})

Part = Any
"""A part of the line: JSON values, or text that orjson has encoded before."""


class Recipe:
    """Makes the parts of a line that follow the action, for the events of one activity."""

    def __init__(
        self, activity: str, plan: Plan, mapping: Mapping, amounts: AmountReader, objects: ObjectIndex | None
    ) -> None:
        self.action = plan.action
        self._activity = activity
        self._mapping = mapping
        self._amounts = amounts
        self._objects = objects
        self._outcome = plan.outcome
        self._subject = self._compile(plan.subject)
        self._subject_type = plan.subject_type
        self._actor = self._compile(plan.actor)
        self._roles = self._compile_list(plan.roles)
        self._context = self._compile(plan.context)
        self._tags = self._compile_list(plan.tags)
        self._changes = [
            (change.path, [(side, self._find(rule)) for side, rule in _sides(change.before, change.after)])
            for change in plan.changes
        ]
        self._links = [
            [
                (key, self._find(rule))
                for key, rule in (("system", link.system), ("kind", link.kind), ("id", link.id))
            ]
            for link in plan.links
        ]
        # What another activity's rules look at is not used here, and must be kept here.
        self._used = mapping.fields(plan) | _OCEL_FIELDS
        self._used_of_case = frozenset(rule.name for rule in mapping.rules(plan) if rule.lookup == "case")
        self._ready = self._prepare(plan)

    def parts(self, place: Place, case: str, problems: list[Problem]) -> dict[str, Part]:
        """Return the parts of one event's line by name. Adds to the problems what cannot be translated."""
        parts: dict[str, Part] = {}
        if self._outcome != "success":
            parts["outcome"] = self._outcome
        parts["actor"] = self._ready.get("actor") or self._make_actor(place, problems)
        if self._mapping.format == "ocel":
            subject, links = self._make_object_subject(place.event.related, problems)
        else:
            subject, links = self._make_subject(place, case, problems), []
        parts["subject"] = subject
        parts["changes"] = self._make_all_changes(place, problems)
        parts["context"] = self._ready.get("context") or self._make_context(place, problems)
        for at, link in enumerate(self._links):
            found = {key: _try(find, place, f"links.{at}.{key}", problems) for key, find in link}
            if found["id"] is not None:
                links.append(found)
        if links:
            parts["links"] = links
        return parts

    def _find(self, rule: Rule) -> Find:
        return compile_rule(rule, self._amounts, self._objects)

    def _compile(self, rules: Any) -> list[tuple[str, Find]]:
        return [(key, self._find(rule)) for key, rule in rules.items()]

    def _compile_list(self, rules: Iterable[Rule]) -> list[Find]:
        return [self._find(rule) for rule in rules]

    def _prepare(self, plan: Plan) -> dict[str, Part]:
        """Encode what is the same for every event, once."""
        nowhere: Any = None
        problems: list[Problem] = []
        ready: dict[str, Part] = {}
        if _constant(plan.actor.values()) and _constant(plan.roles):
            ready["actor"] = orjson.Fragment(orjson.dumps(self._make_actor(nowhere, problems)))
        if _constant(plan.context.values()) and _constant(plan.tags):
            ready["context"] = orjson.Fragment(orjson.dumps(self._make_context(nowhere, problems)))
        if all(_constant(side for _, side in _sides(change.before, change.after)) for change in plan.changes):
            ready["changes"] = orjson.Fragment(orjson.dumps(self._make_changes(nowhere, problems)))
        return ready

    def _make_actor(self, place: Place, problems: list[Problem]) -> Part:
        actor = _fill(self._actor, place, "actor", problems)
        problems += [Problem(f"actor.{key}", "is missing") for key in ("id", "kind") if key not in actor]
        if actor.get("kind", "system") not in _ACTOR_KINDS:
            problems.append(Problem("actor.kind", f"is {actor['kind']!r}; must be {', '.join(_ACTOR_KINDS)}"))
        roles = _fill_list(self._roles, place, "actor.roles", problems)
        return actor | {"roles": roles} if roles else actor

    def _make_context(self, place: Place, problems: list[Problem]) -> Part:
        context = _fill(self._context, place, "context", problems)
        context["source"] = self._mapping.log
        tags = _fill_list(self._tags, place, "context.tags", problems)
        return context | {"tags": tags} if tags else context

    def _make_subject(self, place: Place, case: str, problems: list[Problem]) -> Part:
        found = _fill(self._subject, place, "subject", problems)
        problems += [Problem(f"subject.{key}", "is missing") for key in ("kind", "id") if key not in found]
        found.setdefault("order", case)
        return found

    def _make_object_subject(
        self, related: tuple[Related, ...], problems: list[Problem]
    ) -> tuple[Part, list[dict[str, Any]]]:
        """Choose the subject among an event's objects, find its order, and link to the others."""
        wanted = (self._subject_type,) if self._subject_type else self._mapping.objects.subjects
        subject = next((other for kind in wanted for other in related if other.type == kind), None)
        if subject is None or self._objects is None:
            problems.append(Problem("subject", f"names no object of {', '.join(wanted)}"))
            return None, []
        orders = self._objects.orders_of(subject, related)
        order = orders[0] if len(orders) == 1 else subject.id
        linked = {(other.type, other.id): None for other in related}
        linked |= {(self._objects.kind_of(one) or "", one): None for one in orders}
        links = [
            {"system": self._mapping.log, "kind": kind, "id": identity}
            for kind, identity in linked
            if identity not in (subject.id, order)
        ]
        return {"kind": self._mapping.objects.kinds[subject.type], "id": subject.id, "order": order}, links

    def _make_all_changes(self, place: Place, problems: list[Problem]) -> Part:
        """Return the changes that the mapping makes, and those that keep what it does not look at."""
        event = place.event
        if self._mapping.keep == "rest" and (
            event.related
            or not event.fields.keys() <= self._used
            or (event.opens and not event.case.keys() <= self._used_of_case)
        ):
            return [*self._make_changes(place, problems), *self._kept(event)]
        return self._ready.get("changes") or self._make_changes(place, problems)

    def _make_changes(self, place: Place, problems: list[Problem]) -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = [{"path": "/activity", "after": self._activity}]
        for at, (path, sides) in enumerate(self._changes):
            found: dict[str, Any] = {}
            rounded: dict[str, Any] = {}
            for side, find in sides:
                value = _try(find, place, f"changes.{at}.{side}", problems)
                if isinstance(value, Amount):
                    found[side] = {"amount": value.minor, "currency": value.currency}
                    if value.exact is not None:
                        rounded[side] = value.exact
                elif value is not None:
                    found[side] = value
            if found:
                changes.append({"path": path} | found)
            if rounded:
                changes.append({"path": f"{path}_source"} | rounded)
        return changes

    def _kept(self, event: SourceEvent) -> Iterator[dict[str, Any]]:
        """Yield, as changes, what the source says and no rule uses."""
        qualifiers: dict[tuple[str, str], list[str]] = {}
        for other in event.related:
            if other.qualifier:
                qualifiers.setdefault((other.type, other.id), []).append(other.qualifier)
        for (kind, identity), names in qualifiers.items():
            yield {"path": f"/relations/{_escape(kind)}/{_escape(identity)}", "after": ", ".join(names)}
        for name, value in event.fields.items():
            if name not in self._used and (text := text_of(value)) is not None:
                yield {"path": f"/source/{_escape(name)}", "after": text}
        if event.opens:
            for name, value in event.case.items():
                if name not in self._used_of_case and (text := text_of(value)) is not None:
                    yield {"path": f"/trace/{_escape(name)}", "after": text}


def _sides(before: Rule | None, after: Rule | None) -> Iterator[tuple[str, Rule]]:
    for side, rule in (("before", before), ("after", after)):
        if rule is not None:
            yield side, rule


def _constant(rules: Iterable[Rule]) -> bool:
    return all(rule.lookup == "constant" for rule in rules)


def _try(find: Find, place: Place, path: str, problems: list[Problem]) -> Value | None:
    try:
        return find(place)
    except UntranslatableError as error:
        problems.append(Problem(path, str(error)))
        return None


def _fill(finds: list[tuple[str, Find]], place: Place, part: str, problems: list[Problem]) -> dict[str, Any]:
    found = {}
    for key, find in finds:
        value = _try(find, place, f"{part}.{key}", problems)
        if value is not None:
            found[key] = value
    return found


def _fill_list(finds: list[Find], place: Place, path: str, problems: list[Problem]) -> list[Any]:
    values = (_try(find, place, f"{path}.{at}", problems) for at, find in enumerate(finds))
    return [value for value in values if value is not None]


def _escape(name: str) -> str:
    """Write a name as one step of a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")
