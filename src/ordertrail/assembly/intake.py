"""Intake on the database that the settings name: tables, capture, sources with their secrets, door, workers, desk."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, event

from ordertrail.adapters.files.bodies import FileBodies
from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.desk import SqlDesk
from ordertrail.adapters.intake.inbox import SqlInbox
from ordertrail.adapters.intake.places import SqlPlaces
from ordertrail.adapters.intake.sources import SqlSources
from ordertrail.adapters.orders.policy import order_policy
from ordertrail.adapters.orders.store import OrderRows, SqlOrders, create_order_tables
from ordertrail.adapters.state import write_ahead
from ordertrail.assembly.applications import application_engine
from ordertrail.assembly.people import People
from ordertrail.assembly.stores import KEYS, read_settings
from ordertrail.assembly.trail import no_trail
from ordertrail.capture import Policy, acting
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture
from ordertrail.capture.sqlalchemy.telling import tell
from ordertrail.intake.channel import channel_names, open_channel
from ordertrail.intake.delivery import Source
from ordertrail.intake.ports import Outcome
from ordertrail.intake.processing import Flow
from ordertrail.intake.reading import Reader
from ordertrail.intake.receiving import Door
from ordertrail.intake.repair import Repair
from ordertrail.intake.rules.rulebook import Rulebook, load_rulebook, shipped
from ordertrail.intake.rules.validator import RulesValidator
from ordertrail.intake.service import Intake
from ordertrail.intake.signatures.catalogue import Lock, SignatureAuthenticator, customary, lock
from ordertrail.intake.signatures.scheme import Credential
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.record.event import Cause, Event
from ordertrail.settings import Settings, SourceSettings, secret

if TYPE_CHECKING:
    from ordertrail.adapters.nats.consumer import Consumer

ORDERS = "orders.db"
"""The database of orders, where the settings name no other."""

BODIES = "intake"
"""The folder of delivered bytes that are too large for a row."""

_FILE = "_file"

_SHORTEST_KEY = 16
"""Characters of the shortest key of an operator."""

_OBJECTS = 50_000
"""New objects between two looks for cycles."""


@contextmanager
def open_intake(root: Path, *, clock: Clock = utc_now) -> Iterator[Intake]:
    """Open the intake of the trail in a directory; its tables are made where they are missing.

    Raises ConfigurationError where the settings will not do, UnavailableError where the database cannot be reached.
    """
    if not root.is_dir():
        raise no_trail(root)
    settings = read_settings(root)
    people = People(root / KEYS, clock)
    engine = intake_engine(intake_url(root, settings), intake_password(root, settings))
    try:
        database = IntakeDatabase(engine, OrderRows(), told_to, on_account_of)
        create_order_tables(engine)
        database.create()
        create_outbox(engine)
        sealed = settings.intake.personal == "sealed"
        policy = Policy.from_dict(order_policy(sealed=sealed))
        capture(engine, policy, sealer=people.sealer() if sealed else None, name="intake")
        yield _intake(root, settings, database, clock)
    finally:
        engine.dispose()
        people.close()


def intake_url(root: Path, settings: Settings) -> str:
    """Return the address of the database of orders."""
    return settings.intake.url or f"sqlite:///{root / ORDERS}"


def intake_password(root: Path, settings: Settings) -> str | None:
    """Return the password of its role, None where there is none."""
    file = settings.intake.password_file
    place = None if file is None else str(root / file)
    found = secret("INTAKE_PASSWORD", place, "intake.password_file")
    return None if found is None else found.decode()


def collect_seldom() -> None:
    """Have Python look for cycles of objects seldom, for a process that does nothing but work on messages.

    Reading makes and drops some thousand objects for each order, few of them in cycles; looking for those as often as
    Python does by itself costs an eighth of a worker's time. Memory stays bounded: it is still looked for them.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS, 20, 50)


def operator_key(root: Path) -> bytes | None:
    """Return the key to health, metrics and the page, None where there is none.

    Raises ConfigurationError for one that could be guessed.
    """
    named = read_settings(root).intake.operator_key_file
    place = None if named is None else str(root / named)
    found = secret("INTAKE_OPERATOR_KEY", place, "intake.operator_key_file")
    if found is not None and len(found) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"the operator's key has fewer than {_SHORTEST_KEY} characters",
            meaning="It could be guessed; nothing is served.",
            remedy="Make one with: openssl rand -base64 32",
        )
    return found


def intake_engine(url: str, password: str | None) -> Engine:
    """Return an engine on the database of orders and intake; on SQLite, one whose commits are on disk."""
    engine = application_engine(url, password, meaning="Nothing was taken in; sources send again.")
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def durable(connection: Any, _record: object) -> None:
            write_ahead(connection)
            connection.execute("PRAGMA foreign_keys = ON")

    return engine


def told_to(connection: Connection, events: Sequence[Event]) -> None:
    """Put intake's own events into the outbox."""
    tell(connection, events, "intake")


def on_account_of(outcomes: Sequence[Outcome]) -> AbstractContextManager[Any]:
    """Have what is written recorded as intake's, with the delivery that led to it where it is one."""
    sources = {one.source for one in outcomes}
    deliveries = {one.delivery for one in outcomes}
    source = sources.pop() if len(sources) == 1 else None
    cause = Cause("message", deliveries.pop()) if len(deliveries) == 1 else None
    channel = source.partition("/")[0] if source is not None else None
    return acting("intake", kind="service", channel=channel, source=source, cause=cause)


def open_consumer(root: Path, intake: Intake) -> "Consumer":
    """Return what takes deliveries from the bus of the settings. Raises ConfigurationError where there is none."""
    from ordertrail.adapters.nats.consumer import Consumer, Subscription  # noqa: PLC0415 - an extra

    said = read_settings(root).bus
    if said.url is None:
        raise ConfigurationError("no bus is configured", remedy="Name it by url in [bus] of trail.toml.")
    credentials = None if said.credentials_file is None else str(root / said.credentials_file)
    subscription = Subscription(said.url, said.stream, said.prefix, credentials)
    return Consumer(subscription, intake.door, intake.sources)


def _intake(root: Path, settings: Settings, database: IntakeDatabase, clock: Clock) -> Intake:
    sources = {str(one): one for one in (_source(root, said) for said in settings.sources)}
    inbox, records, desk = SqlInbox(database), SqlSources(database), SqlDesk(database)
    bodies = FileBodies(root / BODIES)
    authenticator = SignatureAuthenticator(
        {f"{one.channel}/{one.account}": found for one in settings.sources if (found := _lock(root, one))},
        clock,
    )
    rulebook = _rulebook(root, settings)
    validator = RulesValidator(lambda: rulebook, SqlOrders(database.engine))
    flow = Flow(inbox, Reader(sources, bodies, open_channel), records, validator, clock)
    door = Door(inbox, bodies, records, authenticator, open_channel, clock)
    repair, places = Repair(desk, bodies, clock), SqlPlaces(database)
    return Intake(sources, door, flow, desk, repair, records, places, settings.intake.backlog)


def rulebook_in_force(root: Path) -> Rulebook:
    """Return the rules by which a trail's intake validates."""
    return _rulebook(root, read_settings(root))


def _rulebook(root: Path, settings: Settings) -> Rulebook:
    said = settings.intake.rules
    return shipped() if said is None else load_rulebook(root / said)


def _source(root: Path, said: SourceSettings) -> Source:
    """Return a source. An option ``…_file`` stands for the option without the ending: the text of that file."""
    if said.channel not in channel_names():
        open_channel(said.channel)
    options = {}
    for name, value in said.options.items():
        try:
            read = name.removesuffix(_FILE)
            options[read] = value if read == name else (root / value).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"sources.options.{name}: {value} cannot be read: {error}") from None
    return Source(said.channel, said.account, ZoneInfo(said.zone), said.currency, said.tenant, options)


def _lock(root: Path, said: SourceSettings) -> Lock | None:
    """Return how a source proves its webhooks; None where it has no secret: then it sends none."""
    name = f"{said.channel}/{said.account}"
    found = [secret("", str(root / file), f"sources.{name}.secret_files") for file in said.secret_files]
    if not found:
        if said.signature is not None:
            raise ConfigurationError(
                f"{name} is to prove itself by {said.signature}, and has no secret",
                remedy="Name the files that hold its secrets in secret_files.",
            )
        return None
    credentials = [Credential(one.decode()) for one in found if one]
    return lock(name, said.signature or customary(said.channel), credentials)
