"""What the watch keeps beside the log."""

from typing import Final

from ordertrail.adapters.monitor.tables import metadata
from ordertrail.adapters.state import Purpose

STATE: Final = Purpose(
    schema="ordertrail_watch",
    form=2,  # 1 had no suggestions
    lock=0x4F54_5741,
    tables=metadata,
    subject="the state of the watch",
    application="ordertrail watch",
    meaning="Nothing was half done: the watch goes on from where it was, and the log is untouched.",
    remedy="Look at the database; the watch goes on by itself.",
)
