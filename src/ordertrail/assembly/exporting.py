"""An exporter from its settings: what it reads of a trail, how it tells it, where it sends it, how far it is."""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ordertrail.adapters.exporting.files import FileDestination, FilePlaces
from ordertrail.adapters.exporting.syslog import SyslogDatagrams, SyslogStream
from ordertrail.adapters.files.durable import append_line, make_folder, replace, translated
from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.assembly.databases import TrailDatabase
from ordertrail.assembly.stores import read_settings
from ordertrail.exporting import cloudevents, ocsf
from ordertrail.exporting.cef import cef
from ordertrail.exporting.entry import Exported, Sender, Tell
from ordertrail.exporting.ports import Destination
from ordertrail.exporting.service import Export, everything
from ordertrail.exporting.syslog import NOTICE, WARNING, About, Machine, message
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import BusyError, ConfigurationError
from ordertrail.query.filters.grammar import parse_filter
from ordertrail.query.projection import project
from ordertrail.query.service import zone_of
from ordertrail.settings import secret
from ordertrail.settings.export import SYSLOG, ExporterSettings

FOLDER: Final = "exports"
_UTC: Final = "UTC"


@contextmanager
def open_export(
    root: Path, said: ExporterSettings, *, alone: bool = True, clock: Clock = utc_now
) -> Iterator[Export]:
    """Open an exporter of the trail in a directory, for this process alone; not ``alone`` to look how far it is.

    Raises BusyError where another one works on it, ConfigurationError where its settings will not do.
    """
    settings = read_settings(root)
    with translated(root, "creating"):
        make_folder(root / FOLDER)
    lock = _locked(root / FOLDER / f"{said.name}.lock", said.name) if alone else None
    database = TrailDatabase(root, settings.database, clock).open()
    try:
        logs = list_streams(database)
        sender = Sender(logs[0].origin, version("ordertrail"), settings.actions)
        tell = _tell(said, sender)
        destination = _destination(root, said)
        try:
            yield Export(
                name=said.name,
                log=SqlEntries(database),
                streams=[one.name for one in logs],
                places=FilePlaces(root / FOLDER / f"{said.name}.json", replace),
                destination=destination,
                tell=tell,
                clock=clock,
                meant=_meant(said, sender, clock),
                batch=said.batch,
                from_now=said.begin == "now",
            )
        finally:
            destination.close()
    finally:
        database.close()
        if lock is not None:
            lock.release()


def _locked(path: Path, name: str) -> FileLock:
    lock = FileLock(path)
    try:
        lock.acquire()
    except BusyError:
        raise BusyError(
            f"another process sends to {name}",
            meaning="Nothing was sent by this one.",
            remedy="Let it, or stop it: 'ordertrail serve' sends too, where exports of [serve] is on.",
        ) from None
    return lock


def _meant(said: ExporterSettings, sender: Sender, clock: Clock) -> Callable[[Exported], bool]:
    """Return what says whether an event is sent: the same filters as everywhere, by their Python predicate."""
    if said.filter is None:
        return everything
    meant = parse_filter(said.filter, clock(), zone_of(_UTC))

    def by_filter(one: Exported) -> bool:
        return meant.matches(project(one.event, one.sealed.place, sender.actions))

    return by_filter


def _tell(said: ExporterSettings, sender: Sender) -> Tell:
    """Return what writes an entry: in its format, and for syslog within one message of it."""
    formats = {"ocsf": ocsf.ocsf, "cloudevents": cloudevents.cloud_event, "cef": cef}
    tell: Tell = partial(formats[said.format], sender=sender)
    if urlsplit(said.to).scheme not in SYSLOG:
        return tell
    machine = Machine(socket.getfqdn(), sender.version, os.getpid())

    def as_message(one: Exported) -> str:
        severity = WARNING if sender.is_sensitive(one.event) else NOTICE
        about = About(severity, one.event.time, one.event.action, one.sealed.place.position)
        return message(machine, about, tell(one))

    return as_message


def _destination(root: Path, said: ExporterSettings) -> Destination:
    parts = urlsplit(said.to)
    host, port = parts.hostname or "", parts.port or 0
    match parts.scheme:
        case "file":
            return FileDestination(Path(unquote(parts.path)), append_line)
        case "udp":
            return SyslogDatagrams(host, port)
        case "tcp":
            return SyslogStream(host, port, said.timeout_seconds)
        case "tls":
            return SyslogStream(host, port, said.timeout_seconds, _tls(root, said))
        case _:
            return _http(root, said)


def _http(root: Path, said: ExporterSettings) -> Destination:
    try:
        from ordertrail.adapters.exporting.http import Body, HttpDestination  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"sending to {said.name} needs a package that is not installed: {error.name}",
            meaning="Nothing was sent.",
            remedy="Install it with: pip install 'ordertrail[export]'",
        ) from None
    if said.format == "cloudevents":
        body = Body(cloudevents.MEDIA_TYPE, cloudevents.batch)
    else:
        media_type = "application/x-ndjson" if said.format == "ocsf" else "text/plain; charset=utf-8"
        body = Body(media_type, lambda lines: "".join(f"{one}\n" for one in lines).encode())
    token = None
    if said.token_file is not None:
        found = secret("", str(root / said.token_file), f"exporters.{said.name}.token_file")
        token = (found or b"").decode()
    return HttpDestination(said.to, body, said.timeout_seconds, tls=_tls(root, said), authorization=token)


def _tls(root: Path, said: ExporterSettings) -> ssl.SSLContext:
    """Return how a receiver is believed to be itself, and how we prove to be us."""
    try:
        context = ssl.create_default_context(
            cafile=None if said.ca_file is None else str(root / said.ca_file)
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if said.certificate is not None and said.private_key is not None:
            context.load_cert_chain(str(root / said.certificate), str(root / said.private_key))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"exporter {said.name}: a certificate or key cannot be read: {error}",
            meaning="Nothing was sent.",
            remedy="Correct ca_file, certificate and private_key of [[exporters]].",
        ) from None
    return context
