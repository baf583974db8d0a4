"""OCEL in JSON: object-centric event logs, version 2.0 and version 1.0.

Version 2.0 (ocel-standard.org, 2023)::

    {"objects": [{"id": "o1", "type": "order", "attributes": [{"name": "price", "time": "…", "value": 9.5}],
                  "relationships": [{"objectId": "i1", "qualifier": "comprises"}]}],
     "events": [{"id": "e1", "type": "place order", "time": "2023-04-03T12:08:18Z", "attributes": [],
                 "relationships": [{"objectId": "o1", "qualifier": "order"}]}]}

Version 1.0 (ocel-standard.org, 2020)::

    {"ocel:objects": {"o1": {"ocel:type": "order", "ocel:ovmap": {}}},
     "ocel:events": {"e1": {"ocel:activity": "Place Order", "ocel:timestamp": "2022-10-20T16:56:19",
                            "ocel:omap": ["o1"], "ocel:vmap": {}}}}

The document is walked twice: objects first (:mod:`~.ocel_objects`), then the events in their sequence,
each as ``SourceEvent("event e1", {"ocel:id": …, "ocel:type": …, "ocel:time": …, attributes…}, related=…)``.
An event with the wrong shape is handed on with its problems. A broken document is reported once.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ordertrail.adapters.eventlogs.events import (
    BrokenSourceError,
    Related,
    Scalar,
    SourceEvent,
    SourceProblem,
    UntranslatableError,
    text_of,
)
from ordertrail.adapters.eventlogs.json_walk import Repeated, walk
from ordertrail.adapters.eventlogs.ocel_objects import ObjectIndex
from ordertrail.adapters.eventlogs.source import Progress, Source
from ordertrail.adapters.eventlogs.times import TimeReader
from ordertrail.adapters.eventlogs.translate import OCEL_ID, OCEL_TIME, OCEL_TYPE
from ordertrail.kernel.errors import Problem

_EVENTS = ("events", "ocel:events")
_OBJECTS = ("objects", "ocel:objects")


def read_ocel_json(
    source: Source, index: ObjectIndex, times: TimeReader, progress: Progress | None = None
) -> Iterator[SourceEvent | SourceProblem]:
    """Fill the index and yield the events. Raises BrokenSourceError where the document breaks."""
    try:
        for section, key, element in walk(source.chunks(), source.limits.element):
            if section in _OBJECTS:
                yield from _add_object(index, times, key, element)
    except BrokenSourceError:
        # The second walk meets the same damage, after the events that stand before it.
        pass
    # Relations may point at objects that come later, so they are added when all are known.
    yield from _add_relations(source, index)
    index.settle()
    found = False
    for section, key, element in walk(source.chunks(progress), source.limits.element):
        if section in _EVENTS:
            found = True
            if key != -1:
                yield _read_event(index, key, element)
        elif section in _OBJECTS:
            found = True
    if not found:
        raise BrokenSourceError("the document", "has neither 'events' nor 'ocel:events': it is not an OCEL")


def _add_object(
    index: ObjectIndex, times: TimeReader, key: int | str, element: Any
) -> Iterator[SourceProblem]:
    problems: list[Problem] = []
    identity, kind, values = _object_parts(key, element, problems)
    if identity and kind:
        index.add_object(identity, kind)
        for name, time, value in values:
            if (kind, name) in index.attributes and (text := text_of(value)) is not None:
                try:
                    index.add_value(identity, name, times.read(time).text if time else "", text)
                except UntranslatableError as error:
                    problems.append(Problem(f"attributes.{name}.time", str(error)))
    if problems:
        yield SourceProblem(f"object {identity or key}", tuple(problems))


def _object_parts(
    key: int | str, element: Any, problems: list[Problem]
) -> tuple[str | None, str | None, list[tuple[str, str | None, Scalar]]]:
    """Return an object's id, type, and (attribute, time, value) of either version."""
    content = _content(element, problems)
    values: list[tuple[str, str | None, Scalar]] = []
    if isinstance(key, str):
        old = content.get("ocel:ovmap")
        values += [
            (name, None, _scalar(value)) for name, value in (old if isinstance(old, dict) else {}).items()
        ]
        return key, _text(content, "ocel:type", problems), values
    for at, item in enumerate(_items(content, "attributes", problems)):
        name, time = item.get("name"), item.get("time")
        if isinstance(name, str) and isinstance(time, str | None):
            values.append((name, time, _scalar(item.get("value"))))
        else:
            problems.append(Problem(f"attributes.{at}", "needs a name, a time and a value"))
    return _text(content, "id", problems), _text(content, "type", problems), values


def _add_relations(source: Source, index: ObjectIndex) -> Iterator[SourceProblem]:
    try:
        for section, key, element in walk(source.chunks(), source.limits.element):
            if section == "objects" and isinstance(element, dict):
                problems: list[Problem] = []
                for at, item in enumerate(_items(element, "relationships", problems)):
                    target = item.get("objectId")
                    if isinstance(target, str):
                        index.add_relation(str(element.get("id")), target)
                    else:
                        problems.append(Problem(f"relationships.{at}.objectId", "must be text"))
                if problems:
                    yield SourceProblem(f"object {element.get('id', key)}", tuple(problems))
    except BrokenSourceError:
        return  # As above.


def _read_event(index: ObjectIndex, key: int | str, element: Any) -> SourceEvent:
    problems: list[Problem] = []
    content = _content(element, problems)
    fields: dict[str, Scalar] = {}
    pairs: list[tuple[Any, Any]] = []
    if isinstance(key, str):
        fields[OCEL_ID] = key
        names = {OCEL_TYPE: "ocel:activity", OCEL_TIME: "ocel:timestamp"}
        old = content.get("ocel:vmap", {})
        if not isinstance(old, dict):
            problems.append(Problem("ocel:vmap", "must be an object"))
        attributes = list(old.items()) if isinstance(old, dict) else []
        objects = content.get("ocel:omap", [])
        if isinstance(objects, list):
            pairs = [(identity, "") for identity in objects]
        else:
            problems.append(Problem("ocel:omap", "must be an array"))
    else:
        names = {OCEL_ID: "id", OCEL_TYPE: "type", OCEL_TIME: "time"}
        attributes = [
            (item.get("name"), item.get("value")) for item in _items(content, "attributes", problems)
        ]
        pairs = [
            (item.get("objectId"), item.get("qualifier", ""))
            for item in _items(content, "relationships", problems)
        ]
    fields |= {ours: _text(content, theirs, problems) for ours, theirs in names.items()}
    _add_attributes(fields, attributes, problems)
    related = _related(index, pairs, problems)
    position = f"event {fields.get(OCEL_ID) or key}"
    return SourceEvent(position, fields, related=related, problems=tuple(problems))


def _add_attributes(
    fields: dict[str, Scalar], attributes: list[tuple[Any, Any]], problems: list[Problem]
) -> None:
    for name, value in attributes:
        if not isinstance(name, str):
            problems.append(Problem("attributes", "every attribute needs a name"))
        elif name in fields:
            problems.append(Problem(f"attributes.{name}", "stands twice in one event"))
        else:
            fields[name] = _scalar(value)


def _related(
    index: ObjectIndex, pairs: list[tuple[Any, Any]], problems: list[Problem]
) -> tuple[Related, ...]:
    related = []
    for identity, qualifier in pairs:
        kind = index.kind_of(identity) if isinstance(identity, str) else None
        if kind is None:
            problems.append(Problem("objects", f"{identity!r} is not among the log's objects"))
        else:
            related.append(
                Related(identity, kind, qualifier if isinstance(qualifier, str) else str(qualifier))
            )
    return tuple(related)


def _content(element: Any, problems: list[Problem]) -> dict[str, Any]:
    if isinstance(element, Repeated):
        problems.append(Problem(element.key, "is named twice"))
    if isinstance(element, dict):
        return element
    problems.append(Problem("", "must be an object"))
    return {}


def _items(content: dict[str, Any], key: str, problems: list[Problem]) -> list[dict[str, Any]]:
    value = content.get(key, [])
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    problems.append(Problem(key, "must be an array of objects"))
    return []


def _text(content: dict[str, Any], key: str, problems: list[Problem]) -> str | None:
    value = content.get(key)
    if isinstance(value, str) and value:
        return value
    if key in content:
        problems.append(Problem(key, "must be text that is not empty"))
    elif key not in ("time", "ocel:timestamp"):
        problems.append(Problem(key, "is missing"))  # A missing time is named by the translator.
    return None


def _scalar(value: Any) -> Scalar:
    """Return a value as it may stand in a field; what is nested is kept as JSON text."""
    if value is None or isinstance(value, str | int | Decimal | bool):
        return value
    return json.dumps(value, default=str, ensure_ascii=False)
