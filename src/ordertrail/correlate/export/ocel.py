"""OCEL 2.0 as JSON: https://www.ocel-standard.org/2.0/ocel20-schema-json.json, specification section 6.

All values are texts: types of attributes that differ from event to event are what breaks readers. Readers take the
first value of an attribute for what an object had from its beginning, so that a beginning without values stands there.
"""

import json
from collections.abc import Iterator

from ordertrail.correlate.export.event_log import BEGINNING, EVENT_ATTRIBUTES, EventLog


def ocel_json(log: EventLog) -> Iterator[str]:
    """Yield a log as OCEL 2.0 JSON, in pieces."""
    types = sorted({one.type for one in log.objects})
    yield '{"objectTypes": '
    yield json.dumps([{"name": name, "attributes": _named(log.attribute_names(name))} for name in types])
    yield ', "eventTypes": '
    actions = sorted({one.type for one in log.events})
    yield json.dumps([{"name": name, "attributes": _named(EVENT_ATTRIBUTES)} for name in actions])
    yield ', "objects": ['
    for place, one in enumerate(log.objects):
        names = sorted({value.name for value in one.attributes})
        values = [{"name": name, "time": BEGINNING, "value": ""} for name in names]
        values += [{"name": value.name, "time": value.time, "value": value.value} for value in one.attributes]
        told = {"id": one.id, "type": one.type, "attributes": values, "relationships": []}
        yield (", " if place else "") + json.dumps(told)
    yield '], "events": ['
    for place, event in enumerate(log.events):
        told = {
            "id": event.id,
            "type": event.type,
            "time": event.time,
            "attributes": [{"name": name, "value": value} for name, value in event.attributes],
            "relationships": [
                {"objectId": one.object_id, "qualifier": one.qualifier} for one in event.relations
            ],
        }
        yield (", " if place else "") + json.dumps(told)
    yield "]}"


def _named(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"name": name, "type": "string"} for name in names]
