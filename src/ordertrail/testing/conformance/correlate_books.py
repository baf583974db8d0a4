"""What correlation relies on in what keeps its cards, facts, links, exceptions and reckonings.

A test module sets the fixtures ``cards``, ``facts`` (and the same as ``every_fact``), ``links``, ``exceptions`` and
``reckonings``, each empty, and imports these functions.
"""

from dataclasses import replace

from ordertrail.correlate.facts import ORDER, Fact, FactKind
from ordertrail.correlate.matching.cards import Key, KeyKind, OrderCard, keys_of
from ordertrail.correlate.matching.links import Basis, Link, LinkState
from ordertrail.correlate.matching.ports import Cards, EveryFact, Facts, Links
from ordertrail.correlate.money import Sums
from ordertrail.correlate.reconciling.exceptions import Exceptional, Standing
from ordertrail.correlate.reconciling.ports import Exceptions, Reckonings
from ordertrail.correlate.reconciling.rules import Discrepancy, Kind
from ordertrail.correlate.reconciling.totals import Reckoning, Total
from ordertrail.kernel.money import Money
from ordertrail.record.event import Link as Elsewhere

_NAME = Key(KeyKind.NAME, "1042")
_CARD = OrderCard(
    "web:main:1042", None, frozenset({_NAME, Key(KeyKind.PAYMENT, "pi_1")}), Money(7200, "EUR"),
    "2026-11-22T14:00:00.000000Z", "token",
)  # fmt: skip
_FACT = Fact(
    kind=FactKind.CAPTURED,
    system="stripe",
    account="main",
    thing="pi/1",
    id="ch_1",
    time="2026-11-22T14:02:00.000000Z",
    amount=Money(7200, "EUR"),
    links=(Elsewhere("stripe", ORDER, "#1042"),),
)


def test_a_card_is_found_by_each_of_its_keys(cards: Cards) -> None:
    """A card is found by its keys as they are now, and by no other; several of one key are all found."""
    cards.put([_CARD, replace(_CARD, order="web:other:1042", keys=frozenset({_NAME}))])
    found = cards.find([_NAME, Key(KeyKind.PAYMENT, "1042"), Key(KeyKind.NAME, "none")])
    assert {key: [card.order for card in own] for key, own in found.items()} == {
        _NAME: ["web:main:1042", "web:other:1042"]
    }
    assert found[_NAME][0] == _CARD
    cards.put([replace(_CARD, keys=frozenset({Key(KeyKind.NAME, "new")}))])
    assert [card.order for card in cards.find([_NAME])[_NAME]] == ["web:other:1042"]
    assert [card.order for card in cards.find([Key(KeyKind.NAME, "new")])[Key(KeyKind.NAME, "new")]] == [
        _CARD.order
    ]


def test_cards_of_an_amount_are_found_by_time(cards: Cards) -> None:
    """Of one amount and currency, those placed in a time are found, the latest where there are too many."""
    placed = [f"2026-11-22T14:0{minute}:00.000000Z" for minute in range(5)]
    cards.put(replace(_CARD, order=f"o{n}", placed=when) for n, when in enumerate(placed))
    cards.put(
        [replace(_CARD, order="yen", amount=Money(7200, "JPY")), replace(_CARD, order="never", placed=None)]
    )
    assert [card.order for card in cards.near(Money(7200, "EUR"), placed[1], placed[3], 9)] == [
        "o1",
        "o2",
        "o3",
    ]
    assert [card.order for card in cards.near(Money(7200, "EUR"), placed[0], placed[4], 2)] == ["o3", "o4"]
    assert not cards.near(Money(7201, "EUR"), placed[0], placed[4], 9)


def test_a_fact_counts_once(facts: Facts) -> None:
    """A fact of a key that is known adds nothing, whatever else it says; what was new is returned."""
    assert list(facts.add([_FACT, replace(_FACT, code="again")], {})) == [_FACT]
    assert list(facts.add([replace(_FACT, code="later")], {})) == []
    assert facts.of([_FACT.about]) == {_FACT.about: (_FACT,)} or facts.of([_FACT.about]) == {
        _FACT.about: [_FACT]
    }
    assert facts.known([_FACT.key, replace(_FACT, id="other").key]) == {_FACT.key}


def test_things_are_found_by_their_keys_and_told_by_time(facts: Facts) -> None:
    """A thing is found by each id that a fact of it has; its facts come by their times."""
    later = replace(_FACT, kind=FactKind.REFUNDED, id="re_1", time="2026-11-23T00:00:00.000000Z")
    facts.add([later, _FACT], {_FACT.about: "token"})
    keys = keys_of(_FACT)
    assert facts.things([*keys, Key(KeyKind.NAME, "none")]) == {key: [_FACT.about] for key in keys}
    assert [fact.id for fact in facts.of([_FACT.about])[_FACT.about]] == ["ch_1", "re_1"]
    assert facts.payer(_FACT.about) == "token"
    assert facts.payer(replace(_FACT, thing="other").about) is None


def test_all_facts_come_in_pages_and_each_thing_whole(facts: Facts, every_fact: EveryFact) -> None:
    """Every fact comes once; those of one payment come together, however small the pages are."""
    told = [replace(_FACT, thing=f"pi_{n // 2}", id=f"ch_{n}") for n in range(10)]
    facts.add(told, {})
    pages = [list(page) for page in every_fact.pages(2)]
    assert sorted(fact.id for page in pages for fact in page) == sorted(fact.id for fact in told)
    assert [len({fact.about for fact in page}) for page in pages] == [2, 2, 1]
    assert all(len(page) == 2 * len({fact.about for fact in page}) for page in pages)


def test_a_payer_is_never_kept_with_a_fact(facts: Facts) -> None:
    """Who paid is not in what is kept of a fact."""
    facts.add([replace(_FACT, payer="ada@example.test")], {})
    assert facts.of([_FACT.about])[_FACT.about][0].payer is None


def test_a_link_stands_as_it_was_last_decided(links: Links) -> None:
    """Of a thing and an order the last decision counts; links are found from both sides."""
    link = Link(_FACT.about, "o1", None, LinkState.PROPOSED, Basis.LIKELY, 4_000, ("because",))
    likelier = replace(link, order="o2", confidence=6_000)
    links.apply([link, likelier])
    assert [one.order for one in links.standing(LinkState.PROPOSED, 9)] == ["o2", "o1"]
    assert [one.order for one in links.standing(LinkState.PROPOSED, 1)] == ["o2"]
    links.apply([replace(link, state=LinkState.REJECTED, basis=Basis.PERSON, by="ada")])
    assert [one.order for one in links.standing(LinkState.PROPOSED, 9)] == ["o2"]
    (one,) = links.of_orders(["o1", "none"])["o1"]
    assert (one.state, one.by, one.reasons) == (LinkState.REJECTED, "ada", ("because",))
    assert {one.order for one in links.of_things([_FACT.about])[_FACT.about]} == {"o1", "o2"}


def test_links_come_in_pages_each_once(links: Links) -> None:
    """Links that stand so come likeliest first, and from any of them on: each once, whatever the pages are."""
    made = [
        Link(
            replace(_FACT, thing=f"pi_{n % 4}").about,
            f"o{n}",
            None,
            LinkState.PROPOSED,
            Basis.LIKELY,
            100 * (n % 3),
        )
        for n in range(10)
    ]
    links.apply([*made, replace(made[0], order="linked", state=LinkState.LINKED)])
    seen: list[Link] = []
    while page := links.standing(LinkState.PROPOSED, 3, seen[-1] if seen else None):
        assert len(page) <= 3
        seen += page
    assert sorted(one.order for one in seen) == [one.order for one in made]
    assert [one.confidence for one in seen] == sorted((one.confidence for one in made), reverse=True)
    assert [one.order for one in links.standing(LinkState.LINKED, 9)] == ["linked"]


def test_the_newest_reckoning_counts(reckonings: Reckonings) -> None:
    """What a reconciliation came to is kept to the cent; one that began earlier and ended later changes nothing."""
    assert reckonings.last() is None
    sums = Sums(authorised=1, captured=2**53 + 1, refunded=3, disputed=4)
    total = Total("stripe", "main", "EUR", sums, Sums(captured=5))
    newest = Reckoning("2026-11-22T14:00:00.000000Z", 9, 2, 1, (total,))
    reckonings.keep(replace(newest, time="2026-11-21T14:00:00.000000Z"))
    reckonings.keep(newest)
    reckonings.keep(replace(newest, time="2026-11-20T14:00:00.000000Z", orders=1))
    assert reckonings.last() == newest


def test_exceptions_are_kept_by_order_and_kind(exceptions: Exceptions) -> None:
    """Of an order there is one of each kind; the open ones are found, the most at risk first."""
    one = Discrepancy(
        "o1", None, Kind.DOUBLE_CAPTURE, Money(100, "EUR"), _FACT.time, "twice", ("ch_1", "ch_2")
    )
    more = replace(one, order="o2", at_risk=Money(900, "EUR"))
    unknown = replace(one, kind=Kind.CARRIER_SILENCE, at_risk=None)
    kept = [Exceptional(each, Standing.OPEN, _FACT.time) for each in (one, more, unknown)]
    exceptions.apply(kept)
    assert [each.discrepancy for each in exceptions.open(9)] == [more, one, unknown]
    assert list(exceptions.open()) == list(exceptions.open(9))
    exceptions.apply([replace(kept[1], standing=Standing.GONE)])
    assert [each.discrepancy for each in exceptions.open(1)] == [one]
    assert [each.discrepancy.kind for each in exceptions.of(["o1"])] == [
        Kind.CARRIER_SILENCE,
        Kind.DOUBLE_CAPTURE,
    ]
