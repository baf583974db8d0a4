"""Who approved whose work: pairs of duties, each number with the decisions that it counts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id
from ordertrail.query.questions.duties import Pair, duties_of
from ordertrail.query.service import Query
from ordertrail.record.event import Actor, Event, Subject
from web.pages.conftest import Open, settled
from web.pages.serving import indexed

_BEGAN = datetime(2026, 10, 1, 8, tzinfo=UTC)
_STORY = (
    ("SO-1", "ann", "order.create"),
    ("SO-1", "cat", "order.price.change"),
    ("SO-1", "bob", "order.approve"),
    ("SO-1", "dan", "order.update"),
    ("SO-1", "ann", "order.approve"),
    ("SO-2", "bob", "order.create"),
    ("SO-2", "ann", "order.approve"),
    ("SO-3", "ann", "order.create"),
    ("SO-3", "ann", "order.approve"),
    ("SO-3", "bob", "order.approve"),
)


def story() -> Iterator[Event]:
    """Yield what was written and approved, an hour apart."""
    for number, (order, actor, action) in enumerate(_STORY):
        yield Event(
            id=new_id(),
            time=format_time(_BEGAN + number * timedelta(hours=1)),
            action=action,
            actor=Actor(actor, "person"),
            subject=Subject("order", order, order),
        )


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    """The story, indexed."""
    root = tmp_path_factory.mktemp("duties") / "trail"
    with indexed(root, story()) as query:
        yield query


def test_pairs_are_told_the_gravest_first(query: Query) -> None:
    """Promise: one's own work first, then those who approve each other's, then the others."""
    duties = duties_of(query.searches, "ann")
    assert duties.pairs() == (Pair("ann", 1, 1), Pair("bob", 1, 1), Pair("dan", 1, 0))
    assert duties.whole
    assert duties_of(query.searches, "cat").pairs() == (Pair("bob", 0, 1),)


def test_an_approval_covers_what_was_written_since_the_last(query: Query) -> None:
    """Promise: what was approved once is not approved again, and an approval of nothing is nobody's work."""
    duties = duties_of(query.searches, "bob")
    of_ann = duties.between("bob", "ann")
    assert [[hit.event.actor for hit in one.covers] for one in of_ann] == [["ann", "cat"]]
    assert [one.covers for one in duties.given if one.approval.event.order == "SO-3"] == [()]
    for pair in duties.pairs():
        assert len(duties.between("bob", pair.other)) == pair.gave
        assert len(duties.between(pair.other, "bob")) == pair.got


def test_every_number_of_a_pair_opens_its_decisions(opened: Open) -> None:
    """Promise: from a person's page, a number leads to as many decisions, each with its order and its proof."""
    page = settled(opened("/people/a.delgado"))
    region = page.locator("#duties")
    expect(region).to_contain_text("Approvals given")
    number = region.locator("tbody [data-peek]").first
    shown = int(number.inner_text().split()[0])
    number.click()
    page.wait_for_url("**/duties?**")
    expect(page.locator("#decisions tbody tr")).to_have_count(shown)
    expect(page.locator("#decisions")).to_contain_text("a.delgado approved")
    page.locator("#decisions a", has_text="Proof").first.click()
    page.wait_for_url("**/events/**")


def test_duties_are_read_without_scripts(opened: Open) -> None:
    """Promise: the same is a link away where nothing is run."""
    page = opened("/people/a.delgado?show=duties", scripts=False)
    expect(page.locator("#duties")).to_contain_text("Approved their work")
