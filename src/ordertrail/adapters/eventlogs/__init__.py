"""Event logs of the process-mining and retail world, translated into the events that the trail records.

::

    file ─▶ source (unpack, bound) ─▶ xes | ocel_json | ocel_sqlite | table ─▶ translate ─▶ JSON lines
                                                      mapping (TOML) ──────────▶┘

The tables in which other audit tools keep an object's past have a package of their own, :mod:`~.history`.

A reader finds events and interprets nothing; a mapping says what they mean; the translator makes one
JSON line of each, or says what is wrong with it. Nothing is dropped and nothing is recorded here: the
lines go through the trail's one strict door, as every other event does.

    >>> from ordertrail.adapters.eventlogs import builtin_mapping, open_event_log
    >>> found = open_event_log("bpic2019.xes.gz", builtin_mapping("bpic2019"))
    >>> next(found).position
    'trace 1 event 1'
"""

from ordertrail.adapters.eventlogs.detect import open_event_log
from ordertrail.adapters.eventlogs.events import SourceProblem, SourceRecord
from ordertrail.adapters.eventlogs.mapping import Mapping
from ordertrail.adapters.eventlogs.mapping_file import (
    builtin_mapping,
    builtin_mappings,
    load_mapping,
    parse_mapping,
)
from ordertrail.adapters.eventlogs.source import Limits, Progress

__all__ = [
    "Limits",
    "Mapping",
    "Progress",
    "SourceProblem",
    "SourceRecord",
    "builtin_mapping",
    "builtin_mappings",
    "load_mapping",
    "open_event_log",
    "parse_mapping",
]
