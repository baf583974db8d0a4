"""Notifying from its settings: routes, their channels, and the outbox in a file beside the trail or on a server."""

import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.notify.database import STATE
from ordertrail.adapters.notify.here import Console, Pages
from ordertrail.adapters.notify.store import SqlNotify
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.adapters.state import StateDatabase, open_file, open_server
from ordertrail.assembly.databases import TrailDatabase
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import BusyError, ConfigurationError
from ordertrail.notify.collecting import Collector
from ordertrail.notify.courier import Courier
from ordertrail.notify.message import Address, Severity
from ordertrail.notify.ports import Channel
from ordertrail.notify.routing import QuietHours, Route
from ordertrail.notify.service import Notify
from ordertrail.query.ports import LogReader
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Event
from ordertrail.settings import secret
from ordertrail.settings.actions import WebhookSettings
from ordertrail.settings.notify import NotifySettings, RouteSettings, quiet_times

if TYPE_CHECKING:  # an extra
    from ordertrail.adapters.notify.webhook import Webhook

NOTIFY: Final = "notify.db"
"""The file of messages and deliveries, where no server is named."""

LOCK: Final = "notify.lock"

BACKOFF: Final = Backoff(timedelta(seconds=1), timedelta(minutes=10), attempts=15)
"""A channel that is down is tried for an hour on average before what it was to be told is given up."""


@contextmanager
def open_notify(  # noqa: PLR0913 - what a house chooses, and what tests put in the place of it
    root: Path,
    routes: Sequence[RouteSettings],
    said: NotifySettings | None = None,
    *,
    alone: bool = True,
    clock: Clock = utc_now,
    write: Callable[[str], None] | None = None,
    backoff: Backoff = BACKOFF,
) -> Iterator[Notify]:
    """Open notifying for the trail in a directory, for this process alone; not ``alone`` to look and to mend.

    ``write`` writes what routes to the console say. Raises BusyError where another process sends,
    ConfigurationError where settings will not do, UnavailableError where a database cannot be reached.
    """
    settings = read_settings(root)
    with ExitStack() as stack:
        trail = stack.enter_context(open_trail(root, clock=clock))
        if alone:
            stack.callback(_locked(root / LOCK).release)
        log = stack.enter_context(closing(TrailDatabase(root, settings.database, clock).open()))
        store = SqlNotify(stack.enter_context(closing(_open_database(root, said or NotifySettings()))))
        couriers: dict[str, Courier] = {}
        for one in routes:
            if one.name in couriers:
                raise ConfigurationError(f"routes: there are two of the name {one.name}")
            channel = stack.enter_context(closing(open_channel(root, one, clock, write or _print)))
            couriers[one.name] = Courier(route_of(one), store, channel, clock, backoff)

        def door(events: Sequence[Event]) -> None:
            trail.record(events)

        collector = Collector(
            log=_Log(SqlEntries(log)),
            streams=[one.name for one in list_streams(log)],
            queue=store,
            routes=[courier.route for courier in couriers.values()],
            clock=clock,
            actions=settings.actions,
            address=_addresses(settings.serve.public_url),
        )
        yield Notify(collector, couriers, store, door)


def said_routes(root: Path) -> tuple[Sequence[RouteSettings], NotifySettings]:
    """Return the routes of the trail in a directory, and where their messages wait, as its settings say."""
    settings = read_settings(root)
    return settings.routes, settings.notify


def route_of(said: RouteSettings) -> Route:
    """Return a route as its settings say it."""
    quiet = None
    if said.quiet_hours is not None:
        quiet = QuietHours(*quiet_times(said.quiet_hours), ZoneInfo(said.zone))
    return Route(
        name=said.name,
        least=Severity[said.least.upper()],
        rules=tuple(said.rules),
        actions=tuple(said.actions),
        channels=frozenset(said.channels),
        tenants=frozenset(said.tenants),
        quiet=quiet,
        digest=timedelta(minutes=said.digest_minutes),
        most_per_minute=said.most_per_minute,
        personal=said.personal,
    )


def open_channel(root: Path, said: RouteSettings, clock: Clock, write: Callable[[str], None]) -> Channel:
    """Open where a route hands over. Raises ConfigurationError where its settings will not do."""
    match said.to:
        case "console":
            return Console(write)
        case "app":
            return Pages()
        case "webhook":
            return open_webhook(root, said, clock, f"routes.{said.name}")
        case "apprise":
            return _service(root, said)


@dataclass(frozen=True, slots=True)
class _Log:
    """Implements :class:`ordertrail.notify.ports.SealedLog` over the entries of the log."""

    reader: LogReader

    def size(self, stream: str) -> int:
        return self.reader.size(stream)

    def events(self, stream: str, start: int, end: int) -> Sequence[Event]:
        return [read_entry(row.entry).event for row in self.reader.rows(stream, start, end)]


def open_webhook(root: Path, said: RouteSettings | WebhookSettings, clock: Clock, place: str) -> "Webhook":
    """Open a signed webhook; ``place`` is where the settings say it. Raises ConfigurationError where it will not do."""
    try:
        from ordertrail.adapters.notify.webhook import Endpoint, Webhook, parse_secret  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _missing(place, error) from None
    setting = f"{place}.secret_files"
    secrets = []
    for name in said.secret_files:
        try:
            secrets.append(parse_secret(_read(root, name, setting)))
        except ValueError as error:
            raise ConfigurationError(f"{setting}: what is in {name} {error}") from None
    try:
        tls = ssl.create_default_context(cafile=None if said.ca_file is None else str(root / said.ca_file))
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"{place}.ca_file cannot be read: {error}") from None
    return Webhook(Endpoint(said.url or "", secrets, said.private, said.timeout_seconds, tls), clock)


def _service(root: Path, said: RouteSettings) -> Channel:
    try:
        from ordertrail.adapters.notify.services import AppriseService  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _missing(f"routes.{said.name}", error) from None
    setting = f"routes.{said.name}.address_file"
    lines = _read(root, said.address_file or "", setting).split()
    if len(lines) != 1:
        raise ConfigurationError(f"{setting}: holds one URL, not {len(lines)}")
    return AppriseService(said.name, lines[0], said.timeout_seconds)


def _read(root: Path, name: str, setting: str) -> str:
    try:
        return (secret("", str(root / name), setting) or b"").decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{setting}: {name} is not text") from None


def _missing(place: str, error: ImportError) -> ConfigurationError:
    return ConfigurationError(
        f"{place} needs a package that is not installed: {error.name}",
        meaning="Nobody was told of anything.",
        remedy="Install it with: pip install 'ordertrail[notify]'",
    )


def _addresses(public_url: str | None) -> Address:
    """Return what names the pages of events and alerts, where they have a public address."""

    def address(kind: str, id_: str) -> str | None:
        return None if public_url is None else f"{public_url}/{kind}s/{quote(id_, safe='')}"

    return address


def _open_database(root: Path, said: NotifySettings) -> StateDatabase:
    if said.url is None:
        return open_file(root / NOTIFY, STATE)
    place = None if said.password_file is None else str(root / said.password_file)
    found = secret("NOTIFY_PASSWORD", place, "notify.password_file")
    return open_server(said.url, None if found is None else found.decode(), STATE)


def _locked(path: Path) -> FileLock:
    lock = FileLock(path)
    try:
        lock.acquire()
    except BusyError:
        raise BusyError(
            "another process sends the messages of this trail",
            meaning="Nothing was sent by this one.",
            remedy="Let it, or stop it.",
        ) from None
    return lock


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
