"""Each region says what it is: loading, ready, empty, emptied by a filter, stale, broken, closed. Over HTTP."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ordertrail.access.roles import Role
from ordertrail.access.service import local_principal
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.assembly.index import INDEX
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.query.ports import Way
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.settings import Settings
from ordertrail.web.auth.admission import unguarded
from ordertrail.web.pages.reading import reading_of
from ordertrail.web.pages.rows import rows_of_hits
from web.house import ORIGIN, House, _people, shop_house
from web.pages.serving import page_app, serving

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own: what is done to it here is seen by nobody else."""
    with shop_house(tmp_path_factory.mktemp("states") / "trail", orders=6) as house:
        yield house


@pytest.fixture(scope="module")
def client(shop: House) -> Iterator[httpx.Client]:
    """Whoever asks for its pages."""
    with serving(shop) as running, httpx.Client(base_url=running.url, timeout=30.0) as asking:
        yield asking


@pytest.fixture
def nothing(tmp_path: Path) -> Iterator[tuple[httpx.Client, House]]:
    """A trail in which nothing is sealed."""
    root = tmp_path / "trail"
    with create_trail(root, ORIGIN, settings=Settings(immutable=False)):
        pass
    with open_services(root) as services:
        house = House(root, services, _people(services, local_principal()))
        with serving(house) as running, httpx.Client(base_url=running.url) as asking:
            yield asking, house


def page(client: httpx.Client, house: House, path: str, role: Role = Role.AUDITOR) -> str:
    """Return a page as somebody sees it."""
    answer = client.get(path, headers={**HTML, **house.bearer(role)})
    assert answer.status_code == 200, answer.text
    return answer.text


def state(html: str, region: str) -> str:
    """Return the state of a region."""
    start = html.index(f'id="{region}"')
    return html[start:].split('data-state="', 1)[1].split('"', 1)[0]


def an_event(
    action: str = "order.price.change", *changes: Change, order: str = "SO-9001", actor: str = "clerk-9"
) -> Event:
    """Return an event of now."""
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action=action,
        actor=Actor(actor, "person"),
        subject=Subject("order", order, order, "main"),
        changes=changes,
        context=Context(channel="backoffice"),
    )


@pytest.mark.parametrize("region", ["facets", "chart", "summary"])
def test_what_loads_later_says_so_and_is_then_ready(client: httpx.Client, shop: House, region: str) -> None:
    """Promise: a region that is loading names where it comes from; asked for by itself, it is ready and alone."""
    assert state(page(client, shop, "/explore"), region) == "loading"
    alone = page(client, shop, f"/explore?region={region}")
    assert state(alone, region) == "ready"
    assert "<html" not in alone


def test_all_of_a_page_comes_at_once_for_who_runs_no_script(client: httpx.Client, shop: House) -> None:
    """Promise: ``show`` in the address leaves nothing to be loaded."""
    assert 'data-state="loading"' not in page(client, shop, "/explore?show=facets")


def test_a_chosen_value_keeps_its_count(client: httpx.Client, shop: House) -> None:
    """Promise: a value that is chosen and not among the most frequent is shown with how often it is."""
    rare = page(client, shop, "/explore?q=action%3Aorder.submit&region=facets")
    chosen = re.search(r'class="chosen">.*?<span class="number">([^<]*)</span>', rare, re.DOTALL)
    assert chosen is not None
    assert int(chosen[1]) > 0


def test_a_part_that_a_page_has_not_is_refused(client: httpx.Client, shop: House) -> None:
    """Promise: a page never answers a question for a part of it with all of it."""
    answer = client.get("/explore?region=nothing", headers={**HTML, **shop.bearer(Role.AUDITOR)})
    assert answer.status_code == 404


def test_empty_at_first(nothing: tuple[httpx.Client, House]) -> None:
    """Promise: a trail without events says how to begin, on each page that would list them."""
    client, house = nothing
    for path, region in (("/explore", "events"), ("/orders", "orders"), ("/people", "people")):
        assert state(page(client, house, path), region) == "empty-first"
    assert "First steps" in page(client, house, "/")


def test_emptied_by_a_filter(client: httpx.Client, shop: House) -> None:
    """Promise: the filter that lets nothing through is named, and each of its terms can be taken away."""
    html = page(client, shop, "/explore?q=actor%3Anobody+channel%3Aweb")
    assert state(html, "events") == "empty-filtered"
    assert "by nobody" in html
    assert "/explore?q=channel%3Aweb" in html
    assert state(page(client, shop, "/orders?q=state%3Anothing"), "orders") == "empty-filtered"


def test_stale_where_the_index_is_behind(client: httpx.Client, shop: House) -> None:
    """Promise: what is sealed and not yet indexed is counted above the rows, and the rows stand."""
    shop.services.trail.record([an_event(actor="late-clerk")])
    shop.services.trail.seal()
    html = page(client, shop, "/explore?q=SO-5003")
    assert state(html, "events") == "stale"
    assert "not shown yet" in html
    assert "SO-5003" in html
    shop.services.query.feed()
    assert state(page(client, shop, "/explore?q=SO-5003"), "events") == "ready"


def test_an_index_of_another_log_is_an_error_of_its_region_alone(client: httpx.Client, shop: House) -> None:
    """Promise: what happened, what it means, what to do and a reference; the page around it stands."""
    shop.services.trail.record([an_event(actor="lost-clerk")])
    shop.services.trail.seal()
    shop.services.query.feed()
    with sqlite3.connect(shop.root / INDEX) as index:
        (key, kept) = index.execute("SELECT key, id FROM event WHERE actor = 'lost-clerk'").fetchone()
        index.execute("UPDATE event SET id = ? WHERE key = ?", (new_id(), key))
    try:
        html = page(client, shop, "/explore?q=actor%3Alost-clerk")
    finally:
        with sqlite3.connect(shop.root / INDEX) as index:
            index.execute("UPDATE event SET id = ? WHERE key = ?", (kept, key))
    assert state(html, "events") == "error"
    assert "The index is not of this log" in html
    assert "Reference" in html
    assert "Try again" in html


def test_denied_names_the_role(client: httpx.Client, shop: House) -> None:
    """Promise: a region, and a page, that a role does not open say which role does."""
    assert state(page(client, shop, "/settings"), "accounts") == "denied"
    answer = client.get("/people", headers={**HTML, **shop.bearer(Role.VIEWER)})
    assert answer.status_code == 403
    assert "auditor" in answer.text


def test_a_filter_that_is_none_is_told_beside_it(client: httpx.Client, shop: House) -> None:
    """Promise: what cannot be read is named where it was written, and what was written stays."""
    html = page(client, shop, "/explore?q=when%3Asometime")
    assert 'aria-invalid="true"' in html
    assert "is no time" in html
    assert 'value="when:sometime"' in html


def test_every_pattern_is_on_the_pattern_page(client: httpx.Client, shop: House) -> None:
    """Promise: the pattern page shows each state."""
    html = page(client, shop, "/-/patterns")
    for name in ("loading", "ready", "empty-first", "empty-filtered", "stale", "error", "denied"):
        assert f'data-state="{name}"' in html


def test_what_people_wrote_is_never_markup(client: httpx.Client, shop: House) -> None:
    """Promise: markup in a name, a reason, a value, a filter or an address is text on every page."""
    evil = '"><script>alert(1)</script>'
    shop.services.trail.record([an_event("order.update", Change("/note", "x", evil), order=evil, actor=evil)])
    shop.feed()
    for path in (
        "/explore",
        "/explore?q=%22%3E%3Cscript%3E",
        "/orders",
        "/people",
        "/views?address=%22%3E%3Cscript%3E",
        "/",
    ):
        assert "<script>alert" not in page(client, shop, path)


def test_a_very_large_order_is_paged(client: httpx.Client, shop: House) -> None:
    """Promise: an order of thousands of lines, and an event with 200 changes, are shown in a page of bounded size."""
    trail = shop.services.trail
    changes = [Change(f"/lines/{line}/quantity", 1, line) for line in range(200)]
    trail.record([an_event("order.update", *changes, order="SO-BIG")])
    many = [
        an_event("order.line.update", Change(f"/lines/{line}/quantity", after=line), order="SO-BIG")
        for line in range(2_000)
    ]
    trail.record(many)
    shop.feed()
    html = page(client, shop, "/orders/SO-BIG")
    assert "1 to 250 of 2,001 events" in html
    assert "more fields" in html
    assert len(html) < 1_500_000
    assert "and 197 more" in html


def test_reading_is_recorded(client: httpx.Client, shop: House) -> None:
    """Promise: opening an order puts who opened it on record."""
    page(client, shop, "/orders/SO-5003")
    shop.feed()
    meant = shop.services.query.parse("action:evidence.read order:SO-5003")
    assert shop.services.query.searches.count(meant, 5)


def test_rows_that_are_read_together_are_those_that_were_found(shop: House) -> None:
    """Promise: however far apart in the log, each row is the event of its hit, in the sequence of the hits."""
    query = shop.services.query
    reading = reading_of({}, {}, None, utc_now())
    for text in ("", "actor:t.varga", "is:sensitive", "channel:web -kind:service"):
        hits = query.searches.page(query.parse(text), 80, None, Way.OLDER)
        assert [row.id for row in rows_of_hits(query, hits, reading)] == [hit.event.id for hit in hits]


def test_every_page_asks_who_it_is(shop: House) -> None:
    """Promise: no address of a page is open by mistake."""
    assert unguarded(page_app(shop).routes) == []
