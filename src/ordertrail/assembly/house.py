"""A trail with everything that the web layer is handed: log, index, accounts and, where orders come in, intake."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ordertrail.adapters.files.takeouts import FileTakeouts
from ordertrail.adapters.views.store import SqlViews
from ordertrail.assembly.access import open_access
from ordertrail.assembly.index import open_query
from ordertrail.assembly.models import open_models
from ordertrail.assembly.retention import begin_deletions, open_retention
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.services import Services, Trail
from ordertrail.settings import Settings

if TYPE_CHECKING:  # an extra
    from ordertrail.correlate.service import Correlate
    from ordertrail.evidence.desk import Desk
    from ordertrail.intake.service import Intake
    from ordertrail.monitor.actions.service import Actions
    from ordertrail.monitor.service import Monitor
    from ordertrail.notify.service import Notify

VIEWS = "views.db"
"""The file of saved views and permanent links."""
TAKEOUTS = "takeouts"
"""The directory of exports that are made in the background, and their files."""


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
            notify=_open_notify(root, settings, opened, clock) if settings.routes else None,
            evidence=_open_desk(root, trail, opened),
            views=SqlViews.at(root / VIEWS),
            takeouts=FileTakeouts(root / TAKEOUTS),
            models=opened.enter_context(open_models(root, clock=clock)),
            actions=_open_actions(root, opened, clock),
            correlate=_open_correlate(root, trail, opened, clock) if settings.correlate.providers else None,
        )


def _open_monitor(root: Path, opened: ExitStack, clock: Clock) -> "Monitor | None":
    """Open the watch; None where its packages are not installed."""
    try:
        from ordertrail.assembly.monitor import open_monitor  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return opened.enter_context(open_monitor(root, clock=clock))


def _open_actions(root: Path, opened: ExitStack, clock: Clock) -> "Actions | None":
    """Open corrective actions; None where the packages of the watch are not installed."""
    try:
        from ordertrail.assembly.actions import open_actions  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return opened.enter_context(open_actions(root, clock=clock))


def _open_notify(root: Path, settings: Settings, opened: ExitStack, clock: Clock) -> "Notify":
    """Open the routes, to look and to mend: what sends is the background's."""
    try:
        from ordertrail.assembly.notify import open_notify  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"[[routes]] are named, and they need a package that is not installed: {error.name}",
            meaning="Nothing is served, and nobody is told of anything.",
            remedy="Install it with: pip install 'ordertrail[notify]'",
        ) from None
    return opened.enter_context(open_notify(root, settings.routes, settings.notify, alone=False, clock=clock))


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


def _open_correlate(root: Path, trail: Trail, opened: ExitStack, clock: Clock) -> "Correlate":
    """Open what gateways and carriers say of orders; its decisions are brought to the trail as they are made."""
    try:
        from ordertrail.assembly.correlate import open_correlate  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"[[correlate.providers]] are named, and they need a package that is not installed: {error.name}",
            meaning="Nothing is served, and nothing of them is taken in.",
            remedy="Install it with: pip install 'ordertrail[intake]'",
        ) from None
    return opened.enter_context(open_correlate(root, clock=clock, trail=trail))
