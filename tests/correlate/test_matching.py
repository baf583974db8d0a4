"""Links: what an id names is linked, what is only likely waits, what a person decided stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.correlate.memory import MemoryCards, MemoryFacts, MemoryLinks
from ordertrail.correlate.events import fact_event, fact_of
from ordertrail.correlate.facts import ORDER, PAYMENT, Fact, FactKind
from ordertrail.correlate.linking import Linker
from ordertrail.correlate.matching.cards import Key, KeyKind, OrderCard, name_key, parcel_key
from ordertrail.correlate.matching.likelihood import Delays, likely
from ordertrail.correlate.matching.links import (
    CERTAIN,
    MOVES,
    Basis,
    Link,
    LinkState,
    decided,
    event_of,
    link_of,
)
from ordertrail.correlate.matching.matcher import Matcher
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Event
from ordertrail.record.event import Link as Elsewhere
from ordertrail.record.parse import read_event

PLACED = datetime(2026, 11, 22, 14, tzinfo=UTC)
ADA = Actor("ada", "person")
EUR = Money(7200, "EUR")


def fact(**more: object) -> Fact:
    """Return a capture of a payment of Stripe's."""
    made = Fact(
        kind=FactKind.CAPTURED, system="stripe", account="main", thing="pi_1", id="ch_1", amount=EUR,
        time=format_time(PLACED + timedelta(minutes=2)),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def named(*names: str, **more: object) -> Fact:
    """Return a capture that names orders."""
    return fact(links=tuple(Elsewhere("stripe", ORDER, name) for name in names), **more)


def card(order: str, *keys: Key, placed: datetime = PLACED, **more: object) -> OrderCard:
    """Return a card."""
    return OrderCard(order, None, frozenset(keys), EUR, format_time(placed), **more)  # type: ignore[arg-type]


class Desk:
    """Books in memory, with a linker over them and what it told."""

    def __init__(self, *cards: OrderCard) -> None:
        self.told: list[Event] = []
        self.facts, self.links = MemoryFacts(), MemoryLinks()
        own = MemoryCards()
        own.put(cards)
        self.linker = Linker(Matcher(own, self.facts, self.links), self.told.extend, lambda: PLACED)

    def came(self, *facts: Fact) -> dict[str, LinkState]:
        """Take facts in; return where the links of their things stand, by order."""
        self.facts.add(facts, {one.about: one.payer for one in facts if one.payer is not None})
        self.linker.facts_came([one.about for one in facts])
        found = self.links.of_things({one.about for one in facts})
        return {link.order: link.state for own in found.values() for link in own}


def test_an_order_that_is_named_is_linked() -> None:
    """One order of that name: it is linked, with the reason, and the decision is an event in the order's chain."""
    desk = Desk(card("a", name_key("#1042")), card("b", name_key("1043")))
    assert desk.came(named(" 1042")) == {"a": LinkState.LINKED}
    (event,) = desk.told
    assert (event.action, event.subject.order) == ("link.decide", "a")
    link = link_of(event)
    assert link is not None
    assert (link.basis, link.confidence) == (Basis.NAMED, CERTAIN)
    assert desk.linker.facts_came([fact().about]) == []


def test_a_name_that_two_orders_have_waits_for_a_person() -> None:
    """Two shops number alike: both are proposed, and neither is linked."""
    desk = Desk(card("a", name_key("1042")), card("b", name_key("1042")))
    assert desk.came(named("1042")) == {"a": LinkState.PROPOSED, "b": LinkState.PROPOSED}


def test_of_two_the_one_that_has_more_of_the_ids_is_meant() -> None:
    """The order that has the payment's id besides its name is meant; ids of two orders are a contradiction."""
    payment = Key(KeyKind.PAYMENT, "pi_1")
    both = Desk(card("a", name_key("1042"), payment), card("b", name_key("1042")))
    assert both.came(named("1042")) == {"a": LinkState.LINKED}
    apart = Desk(card("a", payment), card("b", name_key("1042")))
    assert apart.came(named("1042")) == {"a": LinkState.PROPOSED, "b": LinkState.PROPOSED}


def test_a_tenant_never_meets_another() -> None:
    """An order of another tenant is neither linked nor proposed, by name or by amount."""
    desk = Desk(replace(card("a", name_key("1042")), tenant="north"))
    assert desk.came(named("1042", tenant="south")) == {}
    assert desk.came(named("1042", thing="pi_2", id="ch_2", tenant="north")) == {"a": LinkState.LINKED}


def test_a_number_that_is_used_again_after_months_waits() -> None:
    """Carriers use numbers again: a parcel seen long after its order is proposed, and not linked."""
    seen = fact(
        kind=FactKind.DELIVERED,
        thing="1Z",
        id="s",
        amount=None,
        time=format_time(PLACED + timedelta(days=300)),
    )
    assert Desk(card("a", parcel_key("1 Z"))).came(seen) == {"a": LinkState.PROPOSED}
    assert Desk(card("a", parcel_key("1-z"))).came(replace(seen, time=format_time(PLACED))) == {
        "a": LinkState.LINKED
    }


def test_what_happened_before_its_order_waits() -> None:
    """A payment of a week before the order was placed can hardly be of it."""
    early = named("1042", time=format_time(PLACED - timedelta(days=7)))
    assert Desk(card("a", name_key("1042"))).came(early) == {"a": LinkState.PROPOSED}


def test_a_refund_is_linked_by_the_payment_that_it_shares_an_id_with() -> None:
    """A thing that names no order is linked with the thing it shares an id with, whichever comes first."""
    joint = Elsewhere("stripe", PAYMENT, "pi_1")
    refund = fact(kind=FactKind.REFUNDED, thing="re_1", id="re_1", links=(joint,))
    for sequence in ((named("1042"), refund), (refund, named("1042"))):
        desk = Desk(card("a", name_key("1042")))
        for one in sequence:
            desk.came(one)
        links = desk.links.of_orders(["a"])["a"]
        assert {link.thing.id: (link.state, link.basis) for link in links} == {
            "pi_1": (LinkState.LINKED, Basis.NAMED),
            "re_1": (LinkState.LINKED, Basis.JOINED),
        }


def test_ids_of_two_gateways_are_not_one() -> None:
    """An id that two systems happen to have joins nothing."""
    desk = Desk(card("a", name_key("1042")))
    desk.came(named("1042", thing="77"))
    other = fact(
        kind=FactKind.REFUNDED, system="adyen", thing="78", id="x", links=(Elsewhere("adyen", PAYMENT, "77"),)
    )
    assert desk.came(other) == {}


def test_what_is_only_likely_is_proposed_with_its_reasons() -> None:
    """A payment without an id is proposed for orders of its amount, the likeliest first, and never linked."""
    desk = Desk(card("a"), card("b", placed=PLACED - timedelta(days=2)))
    assert desk.came(fact())["a"] is LinkState.PROPOSED
    (first, *_) = desk.links.standing(LinkState.PROPOSED, 9)
    assert first.order == "a"
    assert first.confidence < CERTAIN
    assert first.reasons


def test_what_a_person_rejected_is_not_proposed_again() -> None:
    """A rejection stands, whatever comes later of the same thing; only a person takes it back."""
    desk = Desk(card("a", name_key("1042")), card("b", name_key("1042")))
    desk.came(named("1042"))
    thing = fact().about
    desk.linker.decide(thing, "a", LinkState.REJECTED, ADA, "not theirs")
    assert desk.came(named("1042", id="ch_2"))["a"] is LinkState.REJECTED
    assert desk.linker.link(thing, "a", None, ADA, "theirs after all").state is LinkState.LINKED


def test_a_second_name_for_what_is_linked_is_a_question() -> None:
    """A thing that is linked and later names another order stays linked, and the other is proposed."""
    desk = Desk(card("a", name_key("1")), card("b", name_key("2")))
    desk.came(named("1"))
    assert desk.came(named("2", id="ch_2"))["a"] is LinkState.LINKED
    (waiting,) = desk.links.standing(LinkState.PROPOSED, 9)
    assert waiting.order == "b"


def test_nothing_is_linked_by_hand_of_which_nothing_was_told() -> None:
    """A link needs a thing that a provider told of, and a reason."""
    desk = Desk(card("a"))
    with pytest.raises(InputError, match="nothing was ever told"):
        desk.linker.link(fact().about, "a", None, ADA, "because")
    desk.came(fact())
    with pytest.raises(InputError, match="needs a reason"):
        desk.linker.link(fact().about, "c", None, ADA, "")


states = st.sampled_from(list(LinkState))
links = st.builds(
    Link, st.just(fact().about), st.just("a"), st.none() | st.just("north"), states, st.sampled_from(list(Basis)),
    st.integers(0, CERTAIN), st.lists(st.text(max_size=20), max_size=3).map(tuple),
)  # fmt: skip


@given(links, states, st.none() | states)
def test_only_what_may_follow_can_be_decided(link: Link, after: LinkState, before: LinkState | None) -> None:
    """A decision follows the table, or is refused; its event says where the link stands, and is taken by the trail."""
    if after in MOVES[link.state]:
        assert decided(link, after, ADA, "because").state is after
    else:
        with pytest.raises(InputError):
            decided(link, after, ADA, "because")
    event = event_of(link, before, format_time(PLACED), Actor(link.by, "service"))
    assert link_of(event) == link
    body = encode(event)
    assert read_event(body, CATALOGUE)[1] == body


amounts = st.none() | st.builds(Money, st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
facts = st.builds(
    Fact,
    kind=st.sampled_from(list(FactKind)),
    system=st.sampled_from(["stripe", "ups"]),
    account=st.just("main"),
    thing=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12),
    id=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12),
    time=st.integers(0, 2_000_000_000).map(lambda at: format_time(datetime.fromtimestamp(at, UTC))),
    amount=amounts,
    total=st.booleans(),
    code=st.sampled_from(["", "charge.refunded", "D/FS"]),
    links=st.lists(st.builds(Elsewhere, st.just("stripe"), st.just(ORDER), st.just("SO-1")), max_size=1).map(
        tuple
    ),
    tenant=st.none() | st.just("north"),
    payer=st.none() | st.just("ada@example.test"),
)


@given(facts)
def test_a_fact_is_in_its_event_and_the_payer_is_not(one: Fact) -> None:
    """What is recorded of a fact is the fact: read back it is the same, without who paid; the trail takes it."""
    event = fact_event(one, "delivery-1")
    expected = replace(one.without_payer(), total=one.total and one.amount is not None)
    assert fact_of(event) == expected
    body = encode(event)
    assert b"example.test" not in body
    assert read_event(body, CATALOGUE)[1] == body


@given(st.lists(st.integers(-600, 250_000), min_size=1, max_size=8), st.booleans())
def test_confidences_share_what_there_is(delays: list[int], knows: bool) -> None:  # noqa: FBT001 - drawn
    """All orders together are never surer than sure; a payer that is the buyer makes an order likelier."""
    cards = [
        card(f"o{n}", placed=PLACED - timedelta(seconds=delay), payer="token" if n == 0 and knows else None)
        for n, delay in enumerate(delays)
    ]
    found = likely(cards, format_time(PLACED), "token", Delays())
    assert sum(one.confidence for one in found) < CERTAIN
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
    if knows:
        plain = likely([replace(one, payer=None) for one in cards], format_time(PLACED), "token", Delays())
        before = next(one.confidence for one in plain if one.card.order == "o0")
        assert next(one.confidence for one in found if one.card.order == "o0") >= before


def test_what_is_learned_makes_usual_delays_likelier() -> None:
    """Where a shop's payments come a day after its orders, an order of yesterday becomes the likelier one."""
    cards = [card("now"), card("yesterday", placed=PLACED - timedelta(hours=20))]
    time = format_time(parse_time(format_time(PLACED)) + timedelta(seconds=70))
    assert likely(cards, time, None, Delays())[0].card.order == "now"
    learned = Delays().learned([70_000.0] * 5_000)
    assert likely(cards, time, None, learned)[0].card.order == "yesterday"
