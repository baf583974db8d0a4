"""Corrective actions of the trail in a directory: what they are worth, who carries them out, what is kept of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ordertrail.adapters.monitor.board import SqlBoard
from ordertrail.adapters.monitor.store import SqlMonitor
from ordertrail.adapters.monitor.suggestions import SqlSuggestions
from ordertrail.assembly.access import open_access
from ordertrail.assembly.governance import open_governance
from ordertrail.assembly.monitor import open_monitor_database
from ordertrail.assembly.notify import open_webhook
from ordertrail.assembly.operations import (
    CaseOperation,
    IntakeOperation,
    Post,
    ReconcileOperation,
    SessionOperation,
    WebhookOperation,
)
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.monitor.actions.catalogue import (
    ActionCatalogue,
    OperationKind,
    read_catalogue,
    shipped_actions,
)
from ordertrail.monitor.actions.judging import Judge
from ordertrail.monitor.actions.mandate import Mandates
from ordertrail.monitor.actions.ports import Operation
from ordertrail.monitor.actions.service import Actions
from ordertrail.monitor.actions.suggestion import Suggestion, Transition
from ordertrail.monitor.actions.telling import told
from ordertrail.monitor.forecast.targets import Target, shipped_targets
from ordertrail.monitor.ports import AlertQuery, AlertStore
from ordertrail.query.projection import Indexed, Place, project
from ordertrail.record.event import Event
from ordertrail.services import Trail
from ordertrail.settings.actions import WebhookSettings

if TYPE_CHECKING:  # each is an extra's
    from ordertrail.correlate.service import Correlate
    from ordertrail.evidence.desk import Desk
    from ordertrail.intake.service import Intake

LARGEST: Final = 1 << 20
"""Bytes of the largest file of actions."""


@contextmanager
def open_actions(
    root: Path, *, clock: Clock = utc_now, targets: Sequence[Target] | None = None
) -> Iterator[Actions]:
    """Open corrective actions of the trail in a directory. ``targets`` say what a breach is; without any, its own.

    Raises ConfigurationError where there is no trail, or its file of actions will not do, naming everything in it;
    UnavailableError where a database cannot be reached.
    """
    settings = read_settings(root)
    catalogue = read_actions(root)
    with ExitStack() as opened:
        trail = opened.enter_context(open_trail(root, clock=clock))
        log = opened.enter_context(open_governance(root, clock))
        database = opened.enter_context(closing(open_monitor_database(root, settings.monitor)))
        declared = _declared(root) if targets is None else targets

        def door(transitions: Sequence[Transition]) -> None:
            trail.record([told(one) for one in transitions])

        systems = {one.name: _system(root, one, clock, opened) for one in settings.webhooks}
        yield Actions(
            store=SqlSuggestions(database),
            board=SqlBoard(database),
            catalogue=catalogue,
            operations=_operations(root, trail, WebhookOperation(systems, clock)),
            mandates=Mandates(log, catalogue, clock),
            outcomes=Judge.of(declared, partial(_history, trail), partial(_found, SqlMonitor(database))),
            door=door,
            clock=clock,
        )


def read_actions(root: Path) -> ActionCatalogue:
    """Return the corrective actions of the trail in a directory: those that are shipped, and what its own file says."""
    path = root / read_settings(root).corrective.file
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigurationError(f"{path} has more than {LARGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return shipped_actions()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the corrective actions in {path} cannot be read: {error}") from None
    try:
        return read_catalogue(text, shipped_actions())
    except InputError as error:
        raise ConfigurationError(
            f"{path.name}: {error.message}",
            meaning="Nothing is suggested, and nothing is carried out.",
            remedy="Correct what is named; 'ordertrail actions list' shows what is read.",
        ) from None


def _operations(root: Path, trail: Trail, webhook: WebhookOperation) -> dict[OperationKind, Operation]:
    def event_of(one: Suggestion) -> Event:
        return trail.find(one.last).entry.event

    return {
        OperationKind.WEBHOOK: webhook,
        OperationKind.CASE: CaseOperation(partial(_open_desk, root, trail)),
        OperationKind.RECONCILE: ReconcileOperation(partial(_open_correlate, root, trail)),
        OperationKind.INTAKE: IntakeOperation(partial(_open_intake, root)),
        OperationKind.SESSION: SessionOperation(partial(open_access, root, trail), event_of),
    }


def _system(root: Path, said: WebhookSettings, clock: Clock, opened: ExitStack) -> Post:
    """Return what asks a system of the organisation."""
    return opened.enter_context(closing(open_webhook(root, said, clock, f"webhooks.{said.name}"))).post


def _declared(root: Path) -> Sequence[Target]:
    """Return the targets of the trail; the shipped ones where nothing here can forecast."""
    try:
        from ordertrail.assembly.forecast import declared_targets  # noqa: PLC0415 - an extra
    except ImportError:
        return shipped_targets()
    return declared_targets(root)


def _history(trail: Trail, order: str, tenant: str | None) -> Iterator[Indexed]:
    """Yield the events of an order, as the log has them; another tenant's order of that number is another order."""
    for one in trail.history(order, tenant=tenant):
        if one.entry.event.subject.tenant != tenant:
            continue
        place = Place(one.stream, one.row.index, one.entry.ledger.recorded)
        yield project(one.entry.event, place, trail.actions)


def _found(alerts: AlertStore, rule: str, order: str, tenant: str | None) -> list[int]:
    """Return when events of an order happened that a rule raised alerts of."""
    found = alerts.find(AlertQuery(rule=rule, order=order, tenants=frozenset({tenant}) if tenant else None))
    return [seen.time for alert in found for seen in alert.evidence if seen.order == order]


@contextmanager
def _open_desk(root: Path, trail: Trail) -> "Iterator[Desk]":
    with _extra("evidence"):
        from ordertrail.assembly.evidence import open_desk  # noqa: PLC0415 - an extra
    with open_desk(root, trail) as desk:
        yield desk


@contextmanager
def _open_correlate(root: Path, trail: Trail) -> "Iterator[Correlate]":
    with _extra("intake"):
        from ordertrail.assembly.correlate import open_correlate  # noqa: PLC0415 - an extra
    with open_correlate(root, trail=trail) as correlate:
        yield correlate


@contextmanager
def _open_intake(root: Path) -> "Iterator[Intake]":
    with _extra("intake"):
        from ordertrail.assembly.intake import open_intake  # noqa: PLC0415 - an extra
    with open_intake(root) as intake:
        yield intake


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Say which packages an action needs that are not installed."""
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"the action needs a package that is not installed: {error.name}",
            meaning="Nothing was done about the order.",
            remedy=f"Install it with: pip install 'ordertrail[{name}]'",
        ) from None
