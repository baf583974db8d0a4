"""The whole of it on a trail: webhooks land, facts are recorded and sealed, links are made, decided and undone."""

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from correlate.test_providers import STRIPE_CHARGE
from correlate.trade import trade
from ordertrail.adapters.correlate.memory import MemoryExceptions, MemoryFacts, MemoryLinks
from ordertrail.adapters.orders.store import SqlOrders
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.correlate import correlate_url, open_correlate
from ordertrail.assembly.index import open_query
from ordertrail.assembly.intake import intake_engine, open_intake
from ordertrail.assembly.relay import open_relay
from ordertrail.correlate.events import fact_of
from ordertrail.correlate.facts import Thing
from ordertrail.correlate.matching.links import LinkState, link_of
from ordertrail.correlate.provider import open_provider
from ordertrail.correlate.rebuilding import rebuild
from ordertrail.correlate.reconciling.rules import Kind
from ordertrail.correlate.service import Correlate
from ordertrail.intake.delivery import Way
from ordertrail.intake.ports import Query, Settlement, Settling
from ordertrail.intake.receiving import Reception, Sent
from ordertrail.intake.repair import Fix
from ordertrail.intake.states import MessageState
from ordertrail.kernel.errors import ConfigurationError, InputError, UnavailableError
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.statuses import FulfilmentStatus
from ordertrail.query.entries import read_entry
from ordertrail.record.event import Actor, Event
from ordertrail.settings import Settings
from ordertrail.settings.correlate import CorrelateSettings, ProviderSettings

NOW = datetime(2026, 11, 22, 14, 10, tzinfo=UTC)
SECRET = "whsec_test"  # noqa: S105 - a secret of this test
PAYMENT = Thing("stripe", "main", "payment", "pi_1")
ADA = Actor("ada", "person")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail, with an account of Stripe and one of UPS."""
    place = tmp_path / "trail"
    create_trail(place, "shop.example/log", settings=Settings(immutable=False)).close()
    (place / "stripe.secret").write_text(SECRET)
    return place


SAID = CorrelateSettings(
    providers=[
        ProviderSettings(provider="stripe", account="main", secret_files=["stripe.secret"]),
        ProviderSettings(provider="ups", account="main"),
    ]
)


@pytest.fixture
def correlate(root: Path) -> Iterator[Correlate]:
    """Its correlation."""
    with open_correlate(root, SAID, clock=lambda: NOW) as opened:
        yield opened


def _webhook(correlate: Correlate, body: bytes, secret: str = SECRET) -> Reception:
    stamp = int(NOW.timestamp())
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    headers = {"stripe-signature": f"t={stamp},v1={signature}"}
    source = correlate.intake.source("stripe", "main")
    return correlate.intake.door.receive(Sent(source, body, Way.WEBHOOK, headers)).reception


def _event(ident: str = "evt_1", **more: object) -> bytes:
    thing = {**STRIPE_CHARGE, **more}
    event = {"object": "event", "id": ident, "type": "charge.succeeded", "created": 1763820131}
    return json.dumps({**event, "data": {"object": thing}}).encode()


def _recorded(root: Path) -> list[Event]:
    """Relay and seal; return the trail's events in their sequence."""
    with open_trail(root) as trail:
        with open_relay(trail, correlate_url(root, SAID)) as moving:
            moving.run()
        trail.seal()
        assert trail.verify().intact
    with open_query(root) as query:
        rows = query.log.rows("default", 0, query.log.size("default"))
        return [read_entry("default", row).event for row in rows]


def test_a_webhook_is_proven_landed_read_and_recorded_once(root: Path, correlate: Correlate) -> None:
    """What Stripe signed is recorded as a fact, once however often it comes; what nobody signed is turned away."""
    assert _webhook(correlate, _event(), "forged") is Reception.REFUSED
    assert _webhook(correlate, _event()) is Reception.LANDED
    assert _webhook(correlate, _event()) is Reception.DUPLICATE
    assert _webhook(correlate, _event("evt_2")) is Reception.LANDED
    worked = correlate.observer.drain()
    assert worked.states == {MessageState.ACCEPTED: 1, MessageState.DUPLICATE: 1}
    facts = [fact for event in _recorded(root) if (fact := fact_of(event)) is not None]
    assert [(fact.kind, fact.thing, fact.id) for fact in facts] == [("captured", "pi_1", "ch_1")]
    kept = correlate.linker.matcher.facts.of([PAYMENT])[PAYMENT]
    assert list(kept) == facts


def test_what_cannot_be_read_is_a_letter_that_can_be_mended(root: Path, correlate: Correlate) -> None:
    """A payload with a fault is a dead letter with its bytes; given back with a fix, it is recorded."""
    _webhook(correlate, _event(amount="lots"))
    assert correlate.observer.drain().states == {MessageState.DEAD: 1}
    (letter,) = correlate.intake.desk.letters(Query())
    assert letter.faults[0].path == "/data/object/amount"
    fix = Fix(old=b'"amount": "lots"', new=b'"amount": 7200')
    assert correlate.intake.repair.replay(letter, ADA, "the gateway said so on the phone", fix)
    assert correlate.observer.drain().states == {MessageState.ACCEPTED: 1}
    actions = [event.action for event in _recorded(root)]
    assert actions.count("external.fact") == 1
    assert "intake.dead_letter" in actions
    assert "intake.replay" in actions


def an_order_comes(
    root: Path, parcel: str | None = None, placed: str = "2025-11-22T14:00:00.000000Z"
) -> None:
    """Put an order into the order tables, as intake would; with a parcel, where one is named."""
    with open_intake(root, clock=lambda: NOW):
        pass
    (order,) = trade(1).orders
    named = msgspec.structs.replace(order, number="SO-1042", placed=placed)
    if parcel is not None:
        sent = (Fulfilment(id="F1", status=FulfilmentStatus.IN_TRANSIT, tracking_numbers=(parcel,)),)
        named = msgspec.structs.replace(named, fulfilments=sent)
    engine = intake_engine(f"sqlite:///{root / 'orders.db'}", None)
    assert SqlOrders(engine).put(named, 0) == 1
    engine.dispose()


def test_a_payment_before_its_order_is_linked_when_it_comes(root: Path, correlate: Correlate) -> None:
    """A webhook often comes before its order: it waits, and is linked by its order's name when that is there."""
    _webhook(correlate, _event())
    correlate.observer.drain()
    assert correlate.linker.matcher.links.of_things([PAYMENT]) == {}
    an_order_comes(root)
    assert correlate.refresh() == 1
    (link,) = correlate.linker.matcher.links.of_things([PAYMENT])[PAYMENT]
    assert (link.state, link.basis) == (LinkState.LINKED, "named")
    told = [link_of(event) for event in _recorded(root) if event.action == "link.decide"]
    assert [one.state for one in told if one is not None] == [LinkState.LINKED]


def test_a_wrong_link_is_undone_and_stays_undone(root: Path, correlate: Correlate) -> None:
    """A person takes a link back: no rule makes it again, and that it was there is still on record."""
    an_order_comes(root)
    _webhook(correlate, _event())
    correlate.refresh()
    correlate.observer.drain()
    (link,) = correlate.linker.matcher.links.of_things([PAYMENT])[PAYMENT]
    with pytest.raises(InputError, match="needs a reason"):
        correlate.linker.decide(PAYMENT, link.order, LinkState.UNDONE, ADA, " ")
    correlate.linker.decide(PAYMENT, link.order, LinkState.UNDONE, ADA, "another customer's")
    assert correlate.linker.facts_came([PAYMENT]) == []
    correlate.refresh()
    (after,) = correlate.linker.matcher.links.of_things([PAYMENT])[PAYMENT]
    assert (after.state, after.by) == (LinkState.UNDONE, "ada")
    with pytest.raises(InputError, match="cannot become"):
        correlate.linker.decide(PAYMENT, link.order, LinkState.REJECTED, ADA, "again")
    correlate.linker.link(PAYMENT, link.order, None, ADA, "it was theirs after all")
    states = [one.state for event in _recorded(root) if (one := link_of(event)) is not None]
    assert states == [LinkState.LINKED, LinkState.UNDONE, LinkState.LINKED]


def test_discrepancies_are_events_in_their_orders_chain(root: Path, correlate: Correlate) -> None:
    """What does not agree is told when it is found, and when it is settled; settled, it is not told again."""
    an_order_comes(root)
    _webhook(correlate, _event(amount=100, amount_captured=100))
    correlate.refresh()
    correlate.observer.drain()
    late = replace(correlate, clock=lambda: datetime(2026, 12, 24, tzinfo=UTC))
    found = late.reconcile()
    assert found.opened >= 1
    kinds = {one.discrepancy.kind for one in late.exceptions.open(9)}
    assert kinds & {Kind.CAPTURE_DIFFERS, Kind.CURRENCY_MISMATCH}
    again = late.reconcile()
    assert (again.opened, again.gone) == (0, 0)
    (order,) = {one.discrepancy.order for one in late.exceptions.open(9)}
    for kind in kinds:
        late.settle(order, kind, ADA, "agreed with the customer")
        with pytest.raises(InputError, match="cannot be settled"):
            late.settle(order, kind, ADA, "twice")
    assert late.reconcile().opened == 0
    told = [event for event in _recorded(root) if event.action.startswith("reconcile.")]
    assert {event.subject.order for event in told} == {order}
    assert {event.action for event in told} == {"reconcile.exception", "reconcile.settle"}


def test_everything_kept_beside_can_be_made_again(root: Path, correlate: Correlate) -> None:
    """Facts, links and discrepancies, made again from the trail, are what they were."""
    an_order_comes(root)
    _webhook(correlate, _event(amount=100, amount_captured=100))
    correlate.refresh()
    correlate.observer.drain()
    late = replace(correlate, clock=lambda: datetime(2026, 12, 24, tzinfo=UTC))
    late.reconcile()
    (order,) = {one.discrepancy.order for one in late.exceptions.open(9)}
    late.settle(order, late.exceptions.open(1)[0].discrepancy.kind, ADA, "agreed")
    correlate.linker.decide(PAYMENT, order, LinkState.UNDONE, ADA, "not theirs")
    facts, links, exceptions = MemoryFacts(), MemoryLinks(), MemoryExceptions()
    rebuild(_recorded(root), facts, links, exceptions)
    own = correlate.linker.matcher
    assert list(facts.of([PAYMENT])[PAYMENT]) == list(own.facts.of([PAYMENT])[PAYMENT])
    assert links.of_orders([order]) == own.links.of_orders([order])
    assert exceptions.of([order]) == correlate.exceptions.of([order])


def test_a_clock_that_is_ahead_is_noticed(root: Path, correlate: Correlate) -> None:
    """Of facts told and recorded a clock's skew is estimated; of a clock that is right nothing is said."""
    _webhook(correlate, _event())
    correlate.observer.drain()
    (event,) = [event for event in _recorded(root) if event.action == "external.fact"]
    (right,) = correlate.skews([(event, "2025-11-22T14:02:11.000000Z")]).values()
    assert not right.matters
    ahead = correlate.skews([(event, "2025-11-22T13:00:00.000000Z")])["stripe"]
    assert ahead.high < timedelta(0)
    assert correlate.skews([]) == {}


def test_the_view_of_an_order_has_a_lane_for_its_gateway(root: Path, correlate: Correlate) -> None:
    """What is linked to an order stands beside what we recorded of it."""
    an_order_comes(root)
    _webhook(correlate, _event())
    correlate.refresh()
    correlate.observer.drain()
    (order,) = {link.order for link in correlate.linker.matcher.links.of_things([PAYMENT])[PAYMENT]}
    own = [event for event in _recorded(root) if event.subject.order == order]
    view = correlate.view(order, own)
    assert [lane.name for lane in view.lanes] == ["ours", "stripe"]
    assert [entry.what for entry in view.lanes[1].entries] == ["captured"]


def test_what_no_store_takes_is_a_letter_and_stops_nobody(root: Path, correlate: Correlate) -> None:
    """A part whose event is refused becomes a dead letter; its neighbours of the same delivery are recorded."""
    good = {**STRIPE_CHARGE, "id": "ch_2", "payment_intent": "pi_2"}
    body = json.dumps({"object": "list", "data": [STRIPE_CHARGE, good]}).encode()
    assert _webhook(correlate, body) is Reception.LANDED
    inbox = correlate.intake.flow.inbox
    settle = inbox.settle

    def refusing(settlement: Settlement, until: datetime) -> Settling:
        if any(event.subject.id == "pi_1" for event in settlement.events):
            raise InputError("no store takes this")
        return settle(settlement, until)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(inbox), "settle", lambda _self, settlement, until: refusing(settlement, until))
        worked = correlate.observer.drain()
    assert worked.states == {MessageState.DEAD: 1, MessageState.ACCEPTED: 1}
    assert worked.deliveries == 1
    (read,) = [event for event in _recorded(root) if event.action == "intake.receive"]
    assert {
        change.path: change.after for change in read.changes if change.path in {"/accepted", "/dead"}
    } == {
        "/accepted": 1,
        "/dead": 1,
    }
    assert [letter.number for letter in correlate.intake.desk.letters(Query())] == [0]


def test_a_store_that_cannot_be_reached_puts_off_and_loses_nothing(root: Path, correlate: Correlate) -> None:
    """While facts cannot be kept beside, the delivery is put off from where it came; what is on record stays."""
    _webhook(correlate, _event())
    facts = correlate.linker.matcher.facts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(facts), "known", _unreachable)
        worked = correlate.observer.round()
    assert (worked.put_off, worked.deliveries) == (1, 0)
    later = replace(correlate.observer._flow, clock=lambda: NOW + timedelta(hours=1))
    correlate.observer._flow = later
    assert correlate.observer.drain().states == {MessageState.ACCEPTED: 1}
    assert [event.action for event in _recorded(root)].count("external.fact") == 1


def _unreachable(*_: object) -> None:
    raise UnavailableError("the database is away")


def test_correlation_and_intake_may_not_share_an_inbox(root: Path) -> None:
    """Workers of one would take what came for the other: it is refused at the start."""
    said = CorrelateSettings(url=f"sqlite:///{root / 'orders.db'}")
    with pytest.raises(ConfigurationError, match="same database"), open_correlate(root, said):
        pass
    assert open_provider("stripe").signature == "stripe"
