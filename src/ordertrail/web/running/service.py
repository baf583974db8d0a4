"""A service as a whole: processes that answer on one address, and one that works in the background, kept running."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ordertrail.assembly.house import open_services
from ordertrail.assembly.processes import Part, Supervisor
from ordertrail.assembly.serving import listen_for
from ordertrail.assembly.stores import read_settings
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.operations.hosts import allowed_hosts
from ordertrail.web.operations.logs import configure_logs
from ordertrail.web.operations.metrics import forget_process, shared_figures
from ordertrail.web.running.worker import Overrides, answer, work

_ENDING: Final = 15.0
"""Seconds that a process may take to end, beyond the grace that answers have."""
_WORKING: Final = 120.0
"""Seconds that work in the background may take to end: it seals what came, anchors, and has that attested."""


def run_service(root: Path, overrides: Overrides, ready: Callable[[str, int], None]) -> int:
    """Serve the trail in a directory until SIGINT or SIGTERM; return the exit status.

    ``ready`` is told the address, and how many processes answer there, once all of them do. Raises ConfigurationError
    where there is no trail or its settings will not do, UnavailableError where the address is taken.
    """
    settings = _chosen(root, overrides)
    allowed_hosts(settings)
    with open_services(root):
        pass  # what it needs is made once, before several processes open it at the same time
    configure_logs(settings.log_level, settings.log_format)
    with (
        tempfile.TemporaryDirectory(prefix="ordertrail-") as folder,
        shared_figures(Path(folder)),
        listen_for(settings.host, settings.port) as listening,
    ):
        grace = settings.grace_seconds + _ENDING
        answering = [
            Part(f"answer-{number}", answer, (root, overrides, listening), grace)
            for number in range(1, settings.workers + 1)
        ]
        working = [Part("background", work, (root,), _WORKING)]
        url = url_of(settings, *listening.getsockname()[:2])
        supervisor = Supervisor([answering, working], ended=forget_process)
        return supervisor.run(lambda: ready(url, settings.workers))


def url_of(settings: ServeSettings, address: str, bound: int) -> str:
    """Return where browsers find the service."""
    if settings.public_url is not None:
        return settings.public_url
    scheme = "http" if settings.certificate is None else "https"
    return f"{scheme}://{f'[{address}]' if ':' in address else address}:{bound}"


def _chosen(root: Path, overrides: Overrides) -> ServeSettings:
    try:
        return overrides.over(read_settings(root).serve)
    except ValidationError as error:
        told = "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise ConfigurationError(f"[serve]: {told}", meaning="Nothing is served.") from None
