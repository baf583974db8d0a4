"""A month of trade with known truth: what is wrong is found, what is right is left alone, and the books agree."""

import os

import pytest

from correlate.books import Books, keep_books
from correlate.trade import WRONG, Trade, trade
from ordertrail.correlate.money import sums_of
from ordertrail.correlate.reconciling.totals import at_risk, trend_of

_SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
_ORDERS = 100_000 if _SOAK else 3_000


@pytest.fixture(scope="module")
def month() -> Trade:
    """A month; under soak one of a hundred thousand orders."""
    return trade(_ORDERS, share=0.03 if _SOAK else 0.06)


@pytest.fixture(scope="module")
def books(month: Trade) -> Books:
    """The month's books."""
    return keep_books(month)


def test_the_month_has_everything_that_can_be_wrong(month: Trade) -> None:
    """Each kind of discrepancy is in the month, and so are lost and repeated deliveries, and nameless payments."""
    assert {kind for _, kind in month.wrong} == set(WRONG)
    assert len(WRONG) >= 10
    assert month.nameless
    assert any(delivery.way == "poll" for delivery in month.deliveries)


def test_every_discrepancy_is_found_and_none_invented(month: Trade, books: Books) -> None:
    """Once a person went through what waits, all that is wrong is found, of its kind, and nothing else is told."""
    found = {one.key for one in books.discrepancies}
    assert found == month.wrong


def test_links_are_right_and_nearly_all_there(month: Trade, books: Books) -> None:
    """Of links that are made at most one in a thousand is wrong; at most five in a thousand are not made."""
    right = sum(month.links.get(thing) == order for thing, order in books.links.items())
    assert right / len(books.links) >= 0.999
    assert right / len(month.links) >= 0.995


def test_what_names_no_order_waits_for_a_person(month: Trade, books: Books) -> None:
    """A payment without an id is never linked by itself; its order is proposed, and is mostly the first proposal."""
    assert not month.nameless & books.links.keys()
    proposed = {thing: books.proposed[thing] for thing in month.nameless if books.proposed.get(thing)}
    first = [own[0].order == month.links[thing] for thing, own in proposed.items()]
    assert len(first) >= 0.7 * len(month.nameless)
    assert sum(first) >= 0.9 * len(first)


def test_money_agrees_to_the_cent(month: Trade, books: Books) -> None:
    """What facts come to is what the gateways took, by currency; linked and unlinked are all of it."""
    told = {(one.system, one.currency): one.told.captured for one in books.totals if one.told.captured}
    assert told == month.captured
    for one in books.totals:
        own = [fact for fact in books.facts if fact.system == one.system]
        assert one.told == sums_of(own)[one.currency]


def test_what_comes_again_counts_once(books: Books) -> None:
    """Deliveries that come twice, or are polled beside their webhook, add no facts."""
    assert books.told > len(books.facts)
    assert len({fact.key for fact in books.facts}) == len(books.facts)


def test_trend_and_risk_add_up(books: Books) -> None:
    """The trend counts each discrepancy once; what is at risk of an order counts once, whatever is wrong with it."""
    assert sum(one.count for one in trend_of(books.discrepancies)) == len(books.discrepancies)
    by_day = [amount for one in trend_of(books.discrepancies) for _, amount in one.at_risk]
    assert sum(amount for _, amount in at_risk(books.discrepancies)) <= sum(by_day)
