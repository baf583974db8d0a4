"""From a source's event to the trail's: the one place where a mapping is applied.

Each event is taken through the same steps; all problems of an event are collected, not only the first:

1. case and ordinal: counted before anything can go wrong, so that ids do not depend on what does;
2. activity, and what the mapping makes of it (its *plan*);
3. time;
4. subject, actor, changes, context, links, as the plan says;
5. id, from log, case, ordinal, activity and time (:mod:`~.ids`);
6. one JSON object, its members in the order of the event's specification.

Nothing of the source is lost on the way: the change ``/activity`` holds the source's own word,
``context.source`` the log's name, fields that no rule uses become changes under ``/source/``, a
trace's unused attributes under ``/trace/`` on its first event, and where money had to be rounded,
``<path>_source`` holds the text it was rounded from. Memory: one counter a case. Worked example, BPI
Challenge 2019::

    {"id":"0160b6ee-9fe0-782f-aa57-386411cb1c16","time":"2018-01-02T12:53:00.000000Z",
     "action":"order.create","actor":{"id":"unknown","kind":"system"},
     "subject":{"kind":"order_line","id":"2000000000_00001","order":"2000000000_00001"},
     "changes":[{"path":"/activity","after":"SRM: Created"}],"context":{"source":"bpic2019"}}
"""

from collections.abc import Callable
from typing import Any

import orjson

from ordertrail.adapters.eventlogs.amounts import AmountReader
from ordertrail.adapters.eventlogs.events import (
    SourceEvent,
    SourceProblem,
    SourceRecord,
    UntranslatableError,
    text_of,
)
from ordertrail.adapters.eventlogs.findings import Place, compile_text_rule
from ordertrail.adapters.eventlogs.ids import EventIds
from ordertrail.adapters.eventlogs.mapping import Mapping, Rule
from ordertrail.adapters.eventlogs.ocel_objects import ObjectIndex
from ordertrail.adapters.eventlogs.recipe import Recipe
from ordertrail.adapters.eventlogs.times import TimeReader
from ordertrail.kernel.errors import Problem

OCEL_ID, OCEL_TYPE, OCEL_TIME = "ocel:id", "ocel:type", "ocel:time"
"""The fields under which the OCEL readers hand over what every OCEL event has."""

_TextFind = Callable[[Place], str | None]


class Translator:
    """Translates the events of one log, in their sequence. Not safe to share between threads."""

    def __init__(self, mapping: Mapping, objects: ObjectIndex | None = None) -> None:
        self._mapping = mapping
        self._objects = objects
        rule = mapping.time
        self._time_field = rule.field or OCEL_TIME
        self._times = TimeReader(
            zone=rule.zone, pattern=rule.pattern, ambiguous=rule.ambiguous, finer=rule.finer
        )
        self._amounts = AmountReader(
            mapping.currency, rounding=mapping.rounding, decimal_mark=mapping.decimal_mark
        )
        self._ids = EventIds(mapping.log)
        self._ordinals: dict[str, int] = {}
        self._recipes: dict[str, Recipe | None] = {}
        self._find_case = self._compile(mapping.case or Rule("field", (OCEL_ID,)))
        self._find_activity = self._compile_activity()

    @property
    def times(self) -> TimeReader:
        """Reads times as this log writes them; the OCEL readers read objects' times with it."""
        return self._times

    def translate(self, event: SourceEvent) -> SourceRecord | SourceProblem:
        """Turn one event into a record, or into everything that is wrong with it."""
        problems = list(event.problems)
        try:
            line = self._line(event, problems)
        except (UnicodeEncodeError, orjson.JSONEncodeError):
            problems.append(_not_unicode(event))
            line = b""
        if problems:
            return SourceProblem(event.position, tuple(dict.fromkeys(problems)), event.original())
        return SourceRecord(event.position, line)

    def _line(self, event: SourceEvent, problems: list[Problem]) -> bytes:
        case, ordinal = self._count(event, problems)
        recipe, activity = self._prepare(Place(event, ordinal, ""), problems)
        time, milliseconds = self._read_time(event, problems)
        if recipe is None:
            return b""
        place = Place(event, ordinal, time)
        parts = recipe.parts(place, case, problems)
        if problems:
            return b""
        identity = self._ids.make(case, ordinal, activity, time, milliseconds)
        content: dict[str, Any] = {"id": identity, "time": time, "action": recipe.action}
        return orjson.dumps(content | parts)

    def _count(self, event: SourceEvent, problems: list[Problem]) -> tuple[str, int]:
        try:
            case = self._find_case(Place(event, 0, ""))
        except UntranslatableError as error:
            problems.append(Problem("case", str(error)))
            return "", 0
        if not case:
            problems.append(Problem("case", "is missing: the event belongs to no case"))
            return "", 0
        ordinal = self._ordinals[case] = self._ordinals.get(case, 0) + 1
        return case, ordinal

    def _prepare(self, place: Place, problems: list[Problem]) -> tuple[Recipe | None, str]:
        try:
            activity = self._find_activity(place)
        except UntranslatableError as error:
            problems.append(Problem("activity", str(error)))
            return None, ""
        if not activity:
            problems.append(Problem("activity", "is missing"))
            return None, ""
        if activity not in self._recipes:
            self._recipes[activity] = self._make_recipe(activity)
        recipe = self._recipes[activity]
        if recipe is None:
            problems.append(Problem("activity", f"{activity!r} has no action in the mapping"))
        return recipe, activity

    def _make_recipe(self, activity: str) -> Recipe | None:
        plan = self._mapping.plan(activity)
        return None if plan is None else Recipe(activity, plan, self._mapping, self._amounts, self._objects)

    def _read_time(self, event: SourceEvent, problems: list[Problem]) -> tuple[str, int]:
        text = text_of(event.fields.get(self._time_field))
        if not text:
            problems.append(Problem("time", f"is missing ({self._time_field})"))
            return "", 0
        try:
            return self._times.read(text)
        except UntranslatableError as error:
            problems.append(Problem("time", str(error)))
            return "", 0

    def _compile(self, rule: Rule) -> _TextFind:
        return compile_text_rule(rule, self._amounts, self._objects)

    def _compile_activity(self) -> _TextFind:
        if self._mapping.format == "ocel":
            return lambda place: text_of(place.event.fields.get(OCEL_TYPE))
        rules = self._mapping.activity
        find_rule = self._compile(rules.rule) if rules.rule else None
        if not rules.when and find_rule is not None and rules.otherwise is None:
            return find_rule

        def find(place: Place) -> str | None:
            for when in rules.when:
                if when.holds(text_of(place.event.fields.get(when.field))):
                    return when.activity
            return (find_rule(place) if find_rule else None) or rules.otherwise

        return find


def _not_unicode(event: SourceEvent) -> Problem:
    """Name the field whose bytes were not text in the source's encoding."""
    for name, value in (*event.fields.items(), *event.case.items()):
        for text in (name, text_of(value) or ""):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                byte = ord(text[error.start]) & 0xFF
                shown = name.encode("ascii", "backslashreplace").decode()
                return Problem(shown, f"is not UTF-8: byte 0x{byte:02x} after {error.start} characters")
    return Problem("", "holds bytes that are not UTF-8")
