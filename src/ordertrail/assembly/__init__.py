"""The only room that names adapters: from a directory and its settings to a trail's services."""

from ordertrail.assembly.inputs import read_event_log, read_lines
from ordertrail.assembly.stores import log_root
from ordertrail.assembly.trail import KEEP_DAYS, add_log, create_trail, open_source, open_trail

__all__ = [
    "KEEP_DAYS",
    "add_log",
    "create_trail",
    "log_root",
    "open_source",
    "open_trail",
    "read_event_log",
    "read_lines",
]
