"""One sealed personal value, opened for a reason.

That it is opened, by whom and why, is on record before it is: what cannot be recorded stays closed. A value whose
person was erased opens for nobody any more.
"""

from typing import Any

from starlette.requests import HTTPConnection

from ordertrail.access.principal import Principal
from ordertrail.record.event import Event
from ordertrail.services import Trail
from ordertrail.web.auth.observing import observe


def reveal(  # noqa: PLR0913, PLR0917 - who wants what, and why
    request: HTTPConnection, who: Principal, trail: Trail, event: Event, path: str, reason: str
) -> Any:
    """Put on record that somebody opens a value of an event, and open it.

    Raises InputError where there is none at the path, or its person was erased; UnavailableError where it cannot be
    put on record. Then nothing is opened.
    """
    sealer = trail.personal()
    sealer.disclose(event, path)  # that there is something to open; nothing is opened yet
    observe(request, who, "identity.reveal", "event", event.id, reason, (("path", path),))
    return sealer.open(event, path)
