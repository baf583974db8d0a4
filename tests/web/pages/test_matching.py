"""What waits is linked, parted and undone by page; what does not agree is told to the cent, and settled."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from correlate.trade import END, Trade, trade
from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.access.service import local_principal
from ordertrail.adapters.orders.store import SqlOrders
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.assembly.intake import intake_engine, open_intake
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.correlate.reconciling.totals import at_risk
from ordertrail.correlate.service import Correlate
from ordertrail.intake.delivery import Way
from ordertrail.intake.receiving import Sent
from ordertrail.settings import Settings
from ordertrail.settings.correlate import CorrelateSettings, ProviderSettings
from ordertrail.web.pages.reading import reading_of
from web.house import _HERE, ORIGIN, PASSWORD, SERVE, House, _people
from web.pages.conftest import Open, picture, settled
from web.pages.serving import Served, serving
from web.pages.test_access import violations
from web.pages.test_rooms import As, Reader

ORDERS = 60
PROVIDERS = ("stripe", "adyen", "paypal", "easypost", "ups", "aftership")


@pytest.fixture(scope="module")
def month() -> Trade:
    """Trade in which much is wrong, and some payments name no order."""
    return trade(ORDERS, seed=11, share=0.4, nameless=0.2)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, month: Trade) -> Iterator[House]:
    """A trail that hears of its orders from six providers, held together once."""
    root = tmp_path_factory.mktemp("matching") / "trail"
    said = CorrelateSettings(providers=[ProviderSettings(provider=one, account="main") for one in PROVIDERS])
    create_trail(root, ORIGIN, settings=Settings(immutable=False, serve=SERVE, correlate=said)).close()
    with open_intake(root, clock=lambda: END):
        pass
    engine = intake_engine(f"sqlite:///{root / 'orders.db'}", None)
    for order in month.orders:
        SqlOrders(engine).put(order, 0)
    engine.dispose()
    with open_services(root, clock=lambda: END) as services:
        correlate = services.correlate
        assert correlate is not None
        correlate.refresh()
        for number, delivery in enumerate(month.deliveries):
            source = correlate.intake.source(delivery.source.channel, "main")
            correlate.intake.door.receive(Sent(source, delivery.body, Way.FILE, name=f"{number}.json"))
        correlate.observer.drain()
        correlate.reconcile()
        house = House(root, services, _people(services, local_principal()))
        house.feed()
        yield house


@pytest.fixture(scope="module")
def running(house: House) -> Iterator[Served]:
    """It is served."""
    with serving(house) as found:
        yield found


@pytest.fixture(scope="module")
def as_(house: House, running: Served) -> Iterator[As]:
    """Look at it as somebody."""
    made: list[Reader] = []

    def sign_in(name: str) -> Reader:
        made.append(Reader(running.url, house.session(name)))
        return made[-1]

    yield sign_in
    for one in made:
        one.__exit__()


@pytest.fixture(scope="module")
def correlate(house: House) -> Correlate:
    """What the pages ask."""
    assert house.services.correlate is not None
    return house.services.correlate


def shown(amount: int, currency: str) -> str:
    """Return an amount as a British reader sees it."""
    return reading_of({}, {}, None, END).money(amount, currency)


def waiting(correlate: Correlate) -> list[Link]:
    """Return what waits for a person."""
    return list(correlate.linker.matcher.links.standing(LinkState.PROPOSED, 10_000))


def told(house: House, action: str) -> int:
    """Return how many events of a kind stand in the trail: relayed by the page itself, by nobody else."""
    house.feed()
    query = house.services.query
    return query.searches.count(query.parse(f"action:{action}"), 10_000)


def test_what_waits_is_told_with_what_to_decide_it_by(as_: As, correlate: Correlate) -> None:
    """Each possible match has the payment, what it took, the order with its total, why, and how likely it is."""
    links = waiting(correlate)
    assert len(links) > 2
    page = as_("alert-triager").open("/matching")
    for link in links[:5]:
        (one,) = correlate.possible([link])
        assert link.thing.id in page
        assert f"{link.confidence / 100:.1f} %" in page
        assert link.reasons[0] in page
        assert one.order is not None
        assert link.order in page
        money = next(fact.amount for fact in one.facts if fact.amount is not None)
        assert shown(money.amount, money.currency) in page
    assert f'<span class="value">{len(links)}</span>' in page


def test_a_match_is_linked_and_undone(house: House, as_: As, correlate: Correlate) -> None:
    """Linked with a reason by who may; undone the same way; each is an event that the page itself brought home."""
    link = waiting(correlate)[0]
    decided, undone = told(house, "link.decide"), told(house, "link.undo")
    triager = as_("alert-triager")
    triager.open("/matching")
    sent = {"thing": str(link.thing), "order": link.order}
    triager.send("/matching/links", 422, **sent, state="linked", reason=" ")
    triager.open("/matching")
    triager.send("/matching/links", 200, **sent, state="linked", reason="the buyer sent the receipt")
    assert "Undo the link" in triager.page
    assert correlate.linker.matcher.links.of_things([link.thing])[link.thing][0].order
    assert told(house, "link.decide") == decided + 1
    triager.send("/matching/links", 200, **sent, state="undone", reason="it was another order's")
    assert 'class="chip mute">undone' in triager.page
    assert told(house, "link.undo") == undone + 1
    triager.send("/matching/links", 422, **sent, state="rejected", reason="twice")


def test_what_is_not_the_same_is_proposed_no_more(as_: As, correlate: Correlate) -> None:
    """Parted by a person, a pair leaves the queue, stands among those that are not the same, and stays there."""
    link = waiting(correlate)[-1]
    triager = as_("alert-triager")
    triager.open("/matching")
    triager.send("/matching/links", thing=str(link.thing), order=link.order, state="rejected", reason="no")
    assert link not in waiting(correlate)
    assert link.thing.id in triager.open("/matching?show=rejected")
    correlate.refresh()
    assert (link.thing, link.order) not in {(one.thing, one.order) for one in waiting(correlate)}


def test_a_link_by_hand(house: House, as_: As, correlate: Correlate) -> None:
    """What no rule proposed is linked by hand, where both are there; what was never told of is not."""
    triager = as_("alert-triager")
    linked = correlate.linker.matcher.links.standing(LinkState.LINKED, 2)
    other = next(one.order for one in linked if one.order != linked[0].order)
    triager.open(f"/matching?order={other}")
    sent = {"order": other, "state": "linked", "reason": "one payment for two orders"}
    triager.send("/matching/links", 422, thing="stripe/main/payment/never", **sent)
    triager.open(f"/matching?order={other}")
    triager.send("/matching/links", 422, thing="a payment", **sent)
    triager.open(f"/matching?order={other}")
    triager.send("/matching/links", 404, thing=str(linked[0].thing), **{**sent, "order": "web:none:1"})
    triager.open(f"/matching?order={other}")
    triager.send("/matching/links", 200, thing=str(linked[0].thing), **sent)
    assert linked[0].thing.id in triager.page
    triager.send(
        "/matching/links", thing=str(linked[0].thing), order=other, state="undone", reason="only tried"
    )
    assert told(house, "link.undo") >= 1


def test_money_at_risk_and_totals_agree_to_the_cent(as_: As, correlate: Correlate, month: Trade) -> None:
    """What is at risk is the sum of the open ones; what was told is what the gateways took, by currency."""
    page = as_("viewer").open("/matching")
    open_ = [one.discrepancy for one in correlate.exceptions.open()]
    assert len(open_) >= 10
    for currency, amount in at_risk(open_):
        assert shown(amount, currency) in page
    last = correlate.reckonings.last()
    assert last is not None
    sums = {(one.system, one.currency): one.told.captured for one in last.totals if one.told.captured}
    assert sums == month.captured
    for (_, currency), amount in month.captured.items():
        assert shown(amount, currency) in page
    for one in last.totals:
        assert one.linked + one.unlinked == one.told


def test_every_number_opens_what_it_counts(as_: As, correlate: Correlate) -> None:
    """A kind's number leads to just as many discrepancies, and so does a day's."""
    viewer = as_("viewer")
    page = viewer.open("/matching")
    rows = re.findall(r'<a href="(/matching\?kind=[^"]+)">[^<]+</a></th><td class="end">(\d+)</td>', page)
    assert rows
    for href, number in rows:
        narrowed = viewer.open(href.replace("#discrepancies", ""))
        assert f"{number} discrepanc" in narrowed
        assert narrowed.count("shown by") <= int(number)
    days = re.findall(r'<a href="(/matching\?day=[^"]+)">[\d-]+</a></th><td class="end">(\d+)</td>', page)
    assert sum(int(number) for _, number in days) <= len(correlate.exceptions.open())
    href, number = days[-1]
    assert f"{number} discrepanc" in viewer.open(href.replace("#discrepancies", ""))
    viewer.open("/matching?kind=nonsense", 422)
    viewer.open("/matching?day=soon", 422)
    viewer.open("/matching?page=0", 422)
    viewer.open("/matching?show=all", 422)


def test_a_discrepancy_is_settled_with_a_reason(house: House, as_: As, correlate: Correlate) -> None:
    """It leaves the open ones, the reason is on record, and the next reconciliation does not bring it back."""
    one = correlate.exceptions.open()[0].discrepancy
    settled_before = told(house, "reconcile.settle")
    triager = as_("alert-triager")
    triager.open("/matching")
    sent = {"order": one.order, "kind": str(one.kind)}
    triager.send("/matching/discrepancies", 422, **sent, reason="")
    triager.open("/matching")
    triager.send("/matching/discrepancies", 200, **sent, reason="goodwill, ticket 4711")
    assert one.key not in {known.discrepancy.key for known in correlate.exceptions.open()}
    assert told(house, "reconcile.settle") == settled_before + 1
    assert correlate.reconcile().opened == 0


def test_who_may_only_read_decides_nothing(as_: As, correlate: Correlate) -> None:
    """A viewer sees what waits and is shown no form; sending one is refused. Who reads no links is shown no page."""
    viewer, link = as_("viewer"), waiting(correlate)[0]
    assert 'action="/matching/links"' not in viewer.open("/matching")
    viewer.send("/matching/links", 403, thing=str(link.thing), order=link.order, state="linked", reason="x")
    as_("administrator").open("/matching", 403)
    assert "/matching" not in as_("administrator").open("/")


def test_a_reader_of_another_tenant_sees_and_decides_nothing(
    house: House, running: Served, correlate: Correlate
) -> None:
    """To who is bound to a tenant nothing of others is shown, in no list, no sum and no number, or can be decided."""
    access, local = house.services.access, local_principal()
    wanted = Wanted((Role.TRIAGER,), Scope(tenants=frozenset({"elsewhere"})))
    access.people.set_password(
        local, access.people.add(local, "bound", "Bound", wanted, _HERE).account, PASSWORD, _HERE
    )
    link = waiting(correlate)[0]
    with Reader(running.url, house.session("bound")) as bound:
        page = bound.open("/matching")
        assert "Nothing waits" in page
        assert "Everything agrees" in page
        assert "stripe/main" not in page
        assert f"Nothing is linked to {link.order}" in bound.open(f"/matching?order={link.order}")
        for state in ("linked", "rejected"):
            bound.open("/matching")
            bound.send(
                "/matching/links", 404, thing=str(link.thing), order=link.order, state=state, reason="mine"
            )
        one = correlate.exceptions.open()[0].discrepancy
        bound.open("/matching")
        bound.send("/matching/discrepancies", 404, order=one.order, kind=str(one.kind), reason="mine")


def test_in_a_browser(opened: Open, running: Served) -> None:
    """In Chromium no rule of WCAG 2.2 AA is broken, and a possible match is linked and undone without a complaint."""
    page = settled(opened("/matching", "alert-triager", on=running))
    assert violations(page) == []
    picture(page, "matching-light")
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    picture(page, "matching-dark")
    page.emulate_media(color_scheme="light")
    page.locator("#discrepancies").scroll_into_view_if_needed()
    picture(page, "matching-discrepancies")
    page.locator("#money").scroll_into_view_if_needed()
    picture(page, "matching-money")
    row = page.locator("#links tbody tr").first
    order = row.locator("td a").first.inner_text()
    row.locator("input[name=reason]").fill("the receipt says so")
    row.get_by_role("button", name="Link", exact=True).click()
    page.wait_for_url("**/matching?order=*")
    first = page.locator("#links tbody tr").filter(has_text="linked").first
    expect(first).to_contain_text(order)
    assert page.get_by_role("button", name="Undo the link").count() >= 1
    assert violations(page) == []
    picture(page, "matching-order")
    undo = page.locator("#links tbody tr").filter(has=page.get_by_role("button", name="Undo the link")).last
    undo.locator("input[name=reason]").fill("it is not")
    undo.get_by_role("button", name="Undo the link").click()
    expect(page.locator("#links")).to_contain_text("undone")


def test_it_reads_without_scripts(opened: Open, running: Served) -> None:
    """Without JavaScript all of it is there: links, discrepancies, the table beside the chart, and money."""
    page = opened("/matching", "viewer", on=running, scripts=False)
    for name in ("links", "discrepancies", "money"):
        expect(page.locator(f"#{name} table").first).to_be_visible()
    page.locator("details.twin summary").click()
    expect(page.locator("details.twin table")).to_be_visible()
