"""Correlation on the databases that the settings name: providers with their secrets, inbox, books, orders, outbox."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from ordertrail.adapters.correlate.books import (
    BooksDatabase,
    SqlCards,
    SqlExceptions,
    SqlFacts,
    SqlLinks,
    SqlReckonings,
)
from ordertrail.adapters.correlate.ocel_sqlite import write_ocel_sqlite
from ordertrail.adapters.correlate.orders import SqlOrderBook
from ordertrail.adapters.correlate.parcels import SqlParcels
from ordertrail.adapters.files.bodies import FileBodies
from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.desk import SqlDesk
from ordertrail.adapters.intake.inbox import SqlInbox
from ordertrail.adapters.intake.places import SqlPlaces
from ordertrail.adapters.intake.sources import SqlSources
from ordertrail.adapters.orders.store import OrderRows
from ordertrail.assembly.intake import intake_engine, intake_password, intake_url
from ordertrail.assembly.relay import open_relay
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import no_trail, open_trail
from ordertrail.capture import Policy
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture
from ordertrail.capture.sqlalchemy.telling import tell
from ordertrail.correlate.linking import Linker
from ordertrail.correlate.matching.matcher import Matcher
from ordertrail.correlate.observing import Observer, ProviderReader
from ordertrail.correlate.provider import open_provider, provider_names
from ordertrail.correlate.reconciling.rules import Patience
from ordertrail.correlate.service import Correlate
from ordertrail.intake.delivery import Source
from ordertrail.intake.ports import Verdict
from ordertrail.intake.processing import Flow
from ordertrail.intake.reading import Reader
from ordertrail.intake.receiving import Door
from ordertrail.intake.repair import Repair
from ordertrail.intake.service import Intake
from ordertrail.intake.signatures.catalogue import Lock, SignatureAuthenticator, lock
from ordertrail.intake.signatures.scheme import Credential
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.orders.model import Order
from ordertrail.record.event import Event
from ordertrail.services import Trail
from ordertrail.settings import secret
from ordertrail.settings.correlate import CorrelateSettings, ProviderSettings

if TYPE_CHECKING:
    from ordertrail.intake.channel import Channel

__all__ = [
    "correlate_password",
    "correlate_settings",
    "correlate_url",
    "open_correlate",
    "relay_outside",
    "write_ocel_sqlite",
]

OUTSIDE = "outside.db"
"""The database of what providers deliver, where the settings name no other."""

BODIES = "outside"
"""The folder of delivered bytes that are too large for a row."""

_FILE = "_file"


class _NoRules:
    """Facts are held against no rules of orders. Implements :class:`ordertrail.intake.ports.Validator`."""

    def validate(self, order: Order, before: Order | None) -> Verdict:
        """Return that nothing is wrong."""
        del order, before
        return Verdict()


@contextmanager
def open_correlate(
    root: Path,
    said: CorrelateSettings | None = None,
    *,
    clock: Clock = utc_now,
    trail: Trail | None = None,
) -> Iterator[Correlate]:
    """Open the correlation of the trail in a directory; its tables are made where they are missing.

    What it tells waits in its outbox until somebody relays it. Where ``trail`` is handed in it is brought there at
    once, so that a decision is in the trail's journal when whoever decided is answered; what cannot be brought now
    stays in the outbox.

    Raises ConfigurationError where the settings will not do, UnavailableError where a database cannot be reached.
    """
    if not root.is_dir():
        raise no_trail(root)
    said = said or correlate_settings(root)
    settings = read_settings(root)
    url, orders_url = correlate_url(root, said), intake_url(root, settings)
    if url == orders_url:
        raise ConfigurationError(
            "correlation and intake name the same database",
            meaning="Each has an inbox of its own; workers of one would take what came for the other.",
            remedy="Name another database by url in [correlate].",
        )
    engine = intake_engine(url, correlate_password(root, said))
    orders = intake_engine(orders_url, intake_password(root, settings))
    try:
        made = _correlate(root, said, engine, orders, clock)
        yield made if trail is None else _relaying(made, trail, url, correlate_password(root, said))
    finally:
        orders.dispose()
        engine.dispose()


def _relaying(correlate: Correlate, trail: Trail, url: str, password: str | None) -> Correlate:
    """Return a correlation whose decisions are brought to the trail as they are told."""

    def told(events: Sequence[Event]) -> None:
        correlate.tell(events)
        with suppress(UnavailableError), open_relay(trail, url, password=password) as moving:
            moving.run()

    return replace(correlate, tell=told, linker=replace(correlate.linker, tell=told))


def correlate_settings(root: Path) -> CorrelateSettings:
    """Return the section of a trail's settings."""
    return read_settings(root).correlate


def correlate_url(root: Path, said: CorrelateSettings) -> str:
    """Return the address of the database of what providers deliver."""
    return said.url or f"sqlite:///{root / OUTSIDE}"


def correlate_password(root: Path, said: CorrelateSettings) -> str | None:
    """Return the password of its role, None where there is none."""
    place = None if said.password_file is None else str(root / said.password_file)
    found = secret("CORRELATE_PASSWORD", place, "correlate.password_file")
    return None if found is None else found.decode()


def _correlate(
    root: Path, said: CorrelateSettings, engine: Engine, orders: Engine, clock: Clock
) -> Correlate:
    database = IntakeDatabase(
        engine, OrderRows(), lambda connection, events: tell(connection, events, "outside")
    )
    database.create()
    create_outbox(engine)
    capture(engine, Policy.from_dict({"tables": {}}), name="outside")
    books = BooksDatabase(engine)
    books.create()

    def told(events: Sequence[Event]) -> None:
        with database.writing() as connection:
            tell(connection, events, "correlate")

    facts, cards, links = SqlFacts(books), SqlCards(books), SqlLinks(books)
    linker = Linker(Matcher(cards, facts, links), told, clock)
    intake = _intake(root, said, database, clock)
    reader = ProviderReader(intake.sources, FileBodies(root / BODIES), open_provider)
    observer = Observer(intake.flow, reader, facts, linker.facts_came)
    read = OrderRows().get
    return Correlate(
        intake,
        observer,
        linker,
        SqlExceptions(books),
        SqlReckonings(books),
        facts,
        SqlOrderBook(orders, read),
        told,
        clock,
        _patience(said),
        books.clear,
        lambda source, looks: SqlParcels(books, source, looks, clock),
    )


def _intake(root: Path, said: CorrelateSettings, database: IntakeDatabase, clock: Clock) -> Intake:
    sources = {f"{one.provider}/{one.account}": _source(root, one) for one in said.providers}
    inbox, records, desk = SqlInbox(database), SqlSources(database), SqlDesk(database)
    bodies = FileBodies(root / BODIES)
    locks = {f"{one.provider}/{one.account}": found for one in said.providers if (found := _lock(root, one))}
    authenticator = SignatureAuthenticator(locks, clock)
    # The door asks a channel for a delivery's id alone, which a provider tells as a channel does.
    door = Door(
        inbox, bodies, records, authenticator, lambda name: cast("Channel", open_provider(name)), clock
    )
    flow = Flow(
        inbox,
        Reader({}, bodies, lambda name: cast("Channel", open_provider(name))),
        records,
        _NoRules(),
        clock,
    )
    return Intake(
        sources, door, flow, desk, Repair(desk, bodies, clock), records, SqlPlaces(database), said.backlog
    )


def _patience(said: CorrelateSettings) -> Patience:
    return Patience(
        facts=timedelta(days=said.facts_days),
        refund=timedelta(days=said.refund_days),
        silence=timedelta(days=said.silence_days),
        shipping=timedelta(days=said.shipping_days),
    )


def _source(root: Path, said: ProviderSettings) -> Source:
    """Return an account. An option ``…_file`` stands for the option without the ending: the text of that file."""
    if said.provider not in provider_names():
        open_provider(said.provider)
    options = {}
    for name, value in said.options.items():
        try:
            read = name.removesuffix(_FILE)
            options[read] = value if read == name else (root / value).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"correlate.providers.options.{name}: {value} cannot be read: {error}"
            ) from None
    return Source(said.provider, said.account, ZoneInfo(said.zone), said.currency, said.tenant, options)


def _lock(root: Path, said: ProviderSettings) -> Lock | None:
    """Return how an account proves its webhooks; None where it has no secret: then it sends none."""
    name = f"{said.provider}/{said.account}"
    found = [
        secret("", str(root / file), f"correlate.providers.{name}.secret_files") for file in said.secret_files
    ]
    if not found:
        if said.signature is not None:
            raise ConfigurationError(
                f"{name} is to prove itself by {said.signature}, and has no secret",
                remedy="Name the files that hold its secrets in secret_files.",
            )
        return None
    scheme = said.signature or open_provider(said.provider).signature
    return lock(name, scheme, [_credential(one.decode(), scheme) for one in found if one])


def _credential(text: str, scheme: str) -> Credential:
    """Return a credential; of Braintree, whose secret is a pair of keys, ``public:private``."""
    if scheme == "braintree":
        public, _, private = text.strip().partition(":")
        return Credential(private, public)
    return Credential(text)


def relay_outside(root: Path) -> int:
    """Bring what correlation tells to the trail; return how many events were new there."""
    said = correlate_settings(root)
    url, password = correlate_url(root, said), correlate_password(root, said)
    with open_trail(root) as trail, open_relay(trail, url, password=password) as moving:
        return moving.run().recorded
