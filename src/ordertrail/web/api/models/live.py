"""What a live stream tells: where the logs stand, events as they are sealed, and what was passed over."""

from ordertrail.web.api.models.document import Count, Document, Lag, Time


class LiveStream(Document):
    """Where a log stands now; ``recorded`` is of its newest entry."""

    stream: str
    size: Count
    recorded: Time | None


class LiveStatus(Document):
    """Where all logs stand, and how far the index is behind."""

    streams: tuple[LiveStream, ...]
    lag: Lag


class Gap(Document):
    """Entries that were passed over, because they were too many: search for them."""

    stream: str
    start: Count
    end: Count
