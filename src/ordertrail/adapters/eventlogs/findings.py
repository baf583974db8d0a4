"""Rules made into functions: how one value of one event is found.

A rule (:mod:`~.mapping`) is compiled once and then called for every event. Worked example: the rule
``{ field = "CustomerID", as = "digits", prefix = "customer-", default = "unknown" }`` becomes a function
that finds ``customer-17850`` where the column holds ``17850.0`` and ``unknown`` where it is empty.
"""

from collections.abc import Callable
from typing import NamedTuple

from ordertrail.adapters.eventlogs.amounts import Amount, AmountReader
from ordertrail.adapters.eventlogs.events import Related, SourceEvent, UntranslatableError, text_of
from ordertrail.adapters.eventlogs.mapping import Rule, fill_template
from ordertrail.adapters.eventlogs.ocel_objects import ObjectIndex

Value = str | int | Amount
"""What a rule finds: text, a whole number, or money."""


class Place(NamedTuple):
    """One event, and what has been made out about it when its rules are followed."""

    event: SourceEvent
    ordinal: int
    time: str


Find = Callable[[Place], Value | None]
"""Finds a value; None where there is none. Raises UntranslatableError where it is not what it must be."""

_TextFind = Callable[[Place], str | None]


def compile_rule(rule: Rule, amounts: AmountReader, objects: ObjectIndex | None) -> Find:
    """Return the function that follows a rule."""
    look_up = _look_up(rule, objects)
    if rule.lookup == "constant":
        return look_up
    plain = (
        rule.reading == "text" and not (rule.absent or rule.prefix or rule.default) and rule.replace is None
    )
    if plain:
        return lambda place: look_up(place) or None
    read = _reading(rule, amounts)

    def find(place: Place) -> Value | None:
        text = look_up(place)
        if not text or text in rule.absent:
            return rule.default
        if rule.replace is not None:
            replaced = rule.replace.get(text) or rule.replace.get("*")
            if replaced is None:
                raise UntranslatableError(f"{text!r} is not in the mapping's map")
            text = replaced
        value = read(text)
        return f"{rule.prefix}{value}" if rule.prefix else value

    return find


def compile_text_rule(rule: Rule, amounts: AmountReader, objects: ObjectIndex | None) -> _TextFind:
    """Return the function that follows a rule whose reading is some kind of text."""
    find = compile_rule(rule, amounts, objects)

    def find_text(place: Place) -> str | None:
        value = find(place)
        return value if value is None or isinstance(value, str) else str(value)

    return find_text


def _reading(rule: Rule, amounts: AmountReader) -> Callable[[str], Value]:
    match rule.reading:
        case "integer":
            return amounts.integer
        case "money":
            return amounts.money
        case "digits":
            return lambda text: str(amounts.integer(text))
        case "decimal":
            return lambda text: format(amounts.decimal(text), "f")
        case _:
            return str


def _look_up(rule: Rule, objects: ObjectIndex | None) -> _TextFind:
    name = rule.name
    match rule.lookup:
        case "constant":
            return lambda _place: name
        case "field":
            return lambda place: text_of(place.event.fields.get(name))
        case "case":
            return lambda place: text_of(place.event.case.get(name))
        case "template":
            return lambda place: fill_template(name, lambda key: _fill(place, key))
        case "object":
            return lambda place: _of_object(rule, place, objects)


def _fill(place: Place, key: str) -> str:
    if key == "#":
        return str(place.ordinal)
    text = text_of(place.event.fields.get(key))
    if not text:
        raise UntranslatableError(f"the field {key!r}, of which the template makes it, is empty")
    return text


def _of_object(rule: Rule, place: Place, objects: ObjectIndex | None) -> str | None:
    found = _first_related(rule, place.event.related)
    if found is None or objects is None:
        return None
    if rule.attribute is None:
        return found.id
    return objects.value(found.id, rule.attribute, place.time, before=rule.before)


def _first_related(rule: Rule, related: tuple[Related, ...]) -> Related | None:
    for kind in rule.names:
        for other in related:
            if other.type == kind and (rule.qualifier is None or other.qualifier == rule.qualifier):
                return other
    return None
