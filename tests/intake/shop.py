"""A channel for tests whose documents are lists of canonical orders and amendments, and a flow on a database of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

from ordertrail.adapters.files.bodies import FileBodies
from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.desk import SqlDesk
from ordertrail.adapters.intake.inbox import SqlInbox
from ordertrail.adapters.intake.places import SqlPlaces
from ordertrail.adapters.intake.sources import SqlSources
from ordertrail.adapters.orders.policy import order_policy
from ordertrail.adapters.orders.store import OrderRows, SqlOrders, create_order_tables
from ordertrail.assembly.intake import on_account_of, told_to
from ordertrail.capture import Policy
from ordertrail.capture.outbox import create_outbox, pending
from ordertrail.capture.sqlalchemy import capture
from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channel import Channel
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.json_text import json_tree
from ordertrail.intake.message import Content, Faulty, Foreign, Message
from ordertrail.intake.ports import Verdict
from ordertrail.intake.processing import Flow, Pace, Worker
from ordertrail.intake.reading import Reader
from ordertrail.intake.receiving import Door, Received, Sent
from ordertrail.intake.signatures.catalogue import SignatureAuthenticator, lock
from ordertrail.intake.signatures.scheme import Credential
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Address, Party
from ordertrail.orders.statuses import OrderStatus
from ordertrail.record.event import Event

KEY = "a key of the shop"
SHOP = Source("shop", "main")


class ShopChannel:
    """Reads ``{"delivery": id, "messages": [{"order": …}, {"amendment": …}, {"foreign": kind}, {"boom": true}]}``."""

    name = "shop"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return what the document says."""
        try:
            tree = json.loads(bytes(delivery.body))
        except ValueError:
            return None
        found = tree.get("delivery") if isinstance(tree, dict) else None
        return found if isinstance(found, str) else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield each message."""
        tree = json_tree(bytes(delivery.body))
        for place, one in enumerate(tree["messages"]):
            yield Message(f"/messages/{place}", _content(one, place))


def _content(one: dict[str, Any], place: int) -> Content:
    if "order" in one:
        return msgspec.convert(one["order"], Order)
    if "amendment" in one:
        return msgspec.convert(one["amendment"], Amendment)
    if "foreign" in one:
        return Foreign(one["foreign"], "it is none")
    if "boom" in one:
        raise RuntimeError("a channel's own fault")
    return Faulty((Fault(Code.MISSING, f"/messages/{place}/order", "order is missing"),))


def an_order(number: int, version: int = 1, status: str = "accepted", cents: int = 1_200) -> Order:
    """Return an order of two lines, as its source has it at a version."""
    euros = Money(cents, "EUR")
    lines = tuple(
        Line(
            id=str(place),
            item=Item(name="Cup", sku=f"CUP-{place}"),
            quantities=Quantities(ordered="1"),
            unit="C62",
            unit_price=Price(amount=euros, per="1"),
            amount=euros,
        )
        for place in (1, 2)
    )
    return Order(
        id=f"shop:main:{number}",
        channel="shop",
        account="main",
        status=OrderStatus(status),
        currency="EUR",
        tax_included=True,
        rounding=Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE),
        number=str(number),
        placed="2026-11-22T14:00:00.000000Z",
        lines=lines,
        totals=Totals(grand_total=Money(2 * cents, "EUR")),
        buyer=Party(name="A. Buyer", email="buyer@example.com"),
        ship_to=Party(name="A. Buyer", address=Address(city="Kyiv", country="UA")),
        source_version=SourceVersion(number=version),
    )


def a_change(number: int, version: int, **said: Any) -> Amendment:
    """Return an amendment of an order."""
    return Amendment(
        order=f"shop:main:{number}",
        channel="shop",
        account="main",
        version=SourceVersion(number=version),
        **said,
    )


def document(*contents: Order | Amendment | dict[str, Any], delivery: str | None = None) -> bytes:
    """Return the bytes of a delivery."""
    messages: list[dict[str, Any]] = []
    for one in contents:
        match one:
            case Order():
                messages.append({"order": msgspec.to_builtins(one)})
            case Amendment():
                messages.append({"amendment": msgspec.to_builtins(one)})
            case _:
                messages.append(one)
    return json.dumps({"delivery": delivery, "messages": messages}).encode()


@dataclass
class Clock:
    """A clock that tests set."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        """Return the time; it goes on a little each time that it is asked."""
        self.now += timedelta(microseconds=10)
        return self.now

    def pass_by(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)


class Rules:
    """A validator that tests tell what to say."""

    def __init__(self) -> None:
        self.says: dict[str, Verdict] = {}

    def validate(self, order: Order, _before: Order | None) -> Verdict:
        """Say what was told for an order's number."""
        return self.says.get(order.number or "", Verdict())


@dataclass
class Shop:
    """A flow on a database."""

    engine: Engine
    clock: Clock
    rules: Rules
    flow: Flow
    door: Door
    desk: SqlDesk
    sources: SqlSources
    inbox: SqlInbox
    places: SqlPlaces

    def send(
        self, body: bytes | Path, *, key: str | None = KEY, way: Way = Way.WEBHOOK, again: bool = False
    ) -> Received:
        """Have the door take a delivery."""
        headers = {} if key is None else {"x-api-key": key}
        return self.door.receive(Sent(SHOP, body, way, headers, "/intake/shop/main", again))

    def worker(self, **pace: Any) -> Worker:
        """Return a worker of the flow."""
        return Worker(replace(self.flow, pace=replace(self.flow.pace, **pace)))

    def work(self) -> dict[str, int]:
        """Work until nothing is due; return what became of how many messages."""
        return {str(state): count for state, count in self.worker().run().states.items()}

    def take(
        self, *contents: Order | Amendment | dict[str, Any], delivery: str | None = None
    ) -> dict[str, int]:
        """Send one delivery, and work."""
        self.send(document(*contents, delivery=delivery))
        return self.work()

    def order(self, number: int) -> Order | None:
        """Return an order as it is kept."""
        stored = SqlOrders(self.engine).get(f"shop:main:{number}")
        return None if stored is None else stored.order

    def events(self) -> list[Event]:
        """Return what was told so far."""
        with self.engine.connect() as connection:
            return pending(connection)

    def told(self, prefix: str = "intake.") -> list[str]:
        """Return the actions that were told, of those that begin so."""
        return [one.action for one in self.events() if one.action.startswith(prefix)]


def prepare(engine: Engine) -> None:
    """Create all tables."""
    create_order_tables(engine)
    create_outbox(engine)
    IntakeDatabase(engine, OrderRows()).create()


def open_shop(engine: Engine, folder: Path, clock: Any = None, pace: Pace | None = None) -> Shop:
    """Open a flow on a database that has the tables, captured."""
    capture(engine, Policy.from_dict(order_policy(sealed=False)))
    database = IntakeDatabase(engine, OrderRows(), told_to, on_account_of)
    clock = clock or Clock()
    rules, inbox, sources = Rules(), SqlInbox(database), SqlSources(database)
    bodies = FileBodies(folder)

    def channel(_name: str) -> Channel:
        return ShopChannel()

    reader = Reader({str(SHOP): SHOP}, bodies, channel)
    flow = Flow(inbox, reader, sources, rules, clock, pace or Pace())
    door = Door(
        inbox,
        bodies,
        sources,
        SignatureAuthenticator({str(SHOP): lock(str(SHOP), "key", [Credential(KEY)])}, clock),
        channel,
        clock,
    )
    return Shop(engine, clock, rules, flow, door, SqlDesk(database), sources, inbox, SqlPlaces(database))


def durable_engine(url: str) -> Engine:
    """Open an engine as the assembly does."""
    from ordertrail.assembly.intake import intake_engine

    return intake_engine(url, None)
