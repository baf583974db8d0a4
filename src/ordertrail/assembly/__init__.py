"""The only room that names adapters: from a directory and its settings to a trail's services."""

from ordertrail.assembly.backup import back_up
from ordertrail.assembly.custody import list_custody, read_trial
from ordertrail.assembly.inputs import read_event_log, read_lines
from ordertrail.assembly.probes import probes
from ordertrail.assembly.restore import reindex, restore
from ordertrail.assembly.stores import log_root
from ordertrail.assembly.trail import KEEP_DAYS, add_log, create_trail, migrate_trail, open_source, open_trail

__all__ = [
    "KEEP_DAYS",
    "add_log",
    "back_up",
    "create_trail",
    "list_custody",
    "log_root",
    "migrate_trail",
    "open_source",
    "open_trail",
    "probes",
    "read_event_log",
    "read_lines",
    "read_trial",
    "reindex",
    "restore",
]
