"""What notifying keeps beside the log."""

from typing import Final

from ordertrail.adapters.notify.tables import metadata
from ordertrail.adapters.state import Purpose

STATE: Final = Purpose(
    schema="ordertrail_notify",
    form=1,
    lock=0x4F54_4E4F,
    tables=metadata,
    subject="the outbox of messages",
    application="ordertrail notify",
    meaning="Nothing is lost: messages wait, and the log is untouched.",
    remedy="Look at the database; sending goes on by itself.",
)
