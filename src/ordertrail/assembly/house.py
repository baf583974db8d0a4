"""A trail with everything that the web layer is handed: log, index, accounts and, where orders come in, intake."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ordertrail.adapters.views.store import SqlViews
from ordertrail.assembly.access import open_access
from ordertrail.assembly.index import open_query
from ordertrail.assembly.retention import begin_deletions, open_retention
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.services import Services, Trail

if TYPE_CHECKING:  # an extra
    from ordertrail.evidence.desk import Desk
    from ordertrail.intake.service import Intake
    from ordertrail.monitor.service import Monitor

VIEWS = "views.db"
"""The file of saved views and permanent links."""


@contextmanager
def open_services(root: Path, *, clock: Clock = utc_now) -> Iterator[Services]:
    """Open the services of the trail in a directory, for one process; its threads may share them.

    Raises ConfigurationError where there is no trail or its settings will not do, UnavailableError where a store cannot
    be reached.
    """
    settings = read_settings(root)
    begin_deletions(root, clock)
    with ExitStack() as opened:
        trail = opened.enter_context(open_trail(root, clock=clock))
        yield Services(
            trail=trail,
            query=opened.enter_context(open_query(root, clock=clock)),
            access=opened.enter_context(open_access(root, trail, clock=clock)),
            intake=_open_intake(root, opened, clock) if settings.sources else None,
            retention=opened.enter_context(open_retention(root, clock=clock)),
            monitor=_open_monitor(root, opened, clock),
            evidence=_open_desk(root, trail, opened),
            views=SqlViews.at(root / VIEWS),
        )


def _open_monitor(root: Path, opened: ExitStack, clock: Clock) -> "Monitor | None":
    """Open the watch; None where its packages are not installed."""
    try:
        from ordertrail.assembly.monitor import open_monitor  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return opened.enter_context(open_monitor(root, clock=clock))


def _open_desk(root: Path, trail: Trail, opened: ExitStack) -> "Desk | None":
    """Open cases and bundles; None where what prints reports is not installed."""
    try:
        from ordertrail.assembly.evidence import open_desk  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return opened.enter_context(open_desk(root, trail))


def _open_intake(root: Path, opened: ExitStack, clock: Clock) -> "Intake":
    try:
        from ordertrail.assembly.intake import open_intake  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"[[sources]] are named, and intake needs a package that is not installed: {error.name}",
            meaning="Nothing is served, and nothing is taken in.",
            remedy="Install it with: pip install 'ordertrail[intake]'",
        ) from None
    return opened.enter_context(open_intake(root, clock=clock))
