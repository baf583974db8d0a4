"""Whatever the house can be asked, it can be asked over HTTP, and answers the same."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.actions.told import forecast
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.kernel.clock import utc_now
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.questions.search import search
from web.api.conftest import Asker, Shop, id_of

BASE = "/api/v1"


def test_a_search_pages_both_ways(shop: Shop, auditor: Asker) -> None:
    """Pages follow each other without a hole or a repetition, and lead back; each tells the filter and the lag."""
    first = auditor.get(f"{BASE}/events", q="action:order.cancel", limit=3)
    assert first["sentence"] == "Events of the kind order.cancel"
    assert first["filter"] == "action:order.cancel"
    assert first["lag"] == {"events": 0, "milliseconds": 0}
    pages = [first]
    while pages[-1]["older"] is not None:
        pages.append(
            auditor.get(f"{BASE}/events", q="action:order.cancel", limit=3, beyond=pages[-1]["older"])
        )
    ids = [one["event"]["id"] for page in pages for one in page["events"]]
    query = shop.services.query
    hits = search(query.searches, query.parse("action:order.cancel"), limit=1_000).hits
    assert ids == [hit.event.id for hit in hits]
    back = auditor.get(
        f"{BASE}/events", q="action:order.cancel", limit=3, beyond=pages[-1]["newer"], way="newer"
    )
    assert back["events"] == pages[-2]["events"]


def test_an_event_is_whole(shop: Shop, auditor: Asker) -> None:
    """It has what was captured and what the log added, its hash, and how far it has come."""
    told = auditor.get(f"{BASE}/events/{id_of(1)}")
    sealed = shop.services.trail.find(id_of(1))
    assert told["hash"] == sealed.row.hash.hex()
    assert told["ledger"]["index"] == sealed.row.index
    assert told["ledger"]["order"] == {"number": 2, "previous": sealed.entry.ledger.order.previous}  # type: ignore[union-attr]
    assert told["state"] == "published"
    assert told["sensitive"] is True
    assert told["event"]["changes"] == [
        {
            "path": "/total",
            "before": {"amount": 12000, "currency": "EUR"},
            "after": {"amount": 7200, "currency": "EUR"},
        }
    ]
    assert told["event"]["action"] == "order.price.change"
    assert auditor.get(f"{BASE}/events/{id_of(999)}", status=404)["type"] == "urn:ordertrail:problem:unknown"
    assert auditor.get(f"{BASE}/events/x", status=422)["errors"][0]["parameter"] == "event_id"


def test_facets_and_histogram_count_the_same(auditor: Asker) -> None:
    """What a facet counts of a value is what the histogram counts with it chosen."""
    facets = {one["field"]: one for one in auditor.get(f"{BASE}/facets")["facets"]}
    assert set(facets) == {"action", "actor", "outcome", "kind", "thing", "channel", "source", "tenant"}
    value = facets["outcome"]["values"][0]
    bars = auditor.get(
        f"{BASE}/histogram",
        q=f"outcome:{value['value']}",
        start="2020-01-01T00:00:00Z",
        end="2030-01-01T00:00:00Z",
        step="month",
    )["bars"]
    assert sum(bar["events"] for bar in bars) == value["events"]
    chosen = auditor.get(f"{BASE}/facets", q="actor:p.novak")
    actor = next(one for one in chosen["facets"] if one["field"] == "actor")
    assert actor["chosen"] == ["p.novak"]
    assert len(actor["values"]) > 1


def test_facts_are_told_of_the_whole_trail(auditor: Asker) -> None:
    """A ranking, the counts by day and the histogram agree; money moved is told by currency."""
    ranked = auditor.get(f"{BASE}/facts/ranking", q="action:order.cancel", by="actor")["ranked"]
    page = auditor.get(f"{BASE}/events", q="action:order.cancel", limit=1000)
    assert sum(one["events"] for one in ranked) == len(page["events"])
    days = auditor.get(f"{BASE}/facts/days", q="action:order.cancel", by="actor,outcome")
    assert days["whole"] is True
    assert sum(one["events"] for one in days["days"]) == len(page["events"])
    moved = auditor.get(f"{BASE}/facts/money", q="actor:clerk-east")["moved"]
    assert moved == [{"actor": "clerk-east", "currency": "EUR", "events": 1, "raised": 0, "lowered": 4800}]
    wrong = auditor.get(f"{BASE}/facts/ranking", q="customer", status=422)
    assert wrong["errors"][0]["parameter"] == "q"
    assert (
        auditor.get(f"{BASE}/facts/ranking", by="actor,actor", status=422)["errors"][0]["parameter"] == "by"
    )


def test_people(auditor: Asker) -> None:
    """A profile tells what somebody does; readings tell who saw what; who is not there is unknown."""
    span: dict[str, Any] = {"start": "2026-11-22T00:00:00Z", "end": "2026-11-23T00:00:00Z"}
    profile = auditor.get(f"{BASE}/actors/clerk-east", **span)
    assert profile["events"] == 4
    assert profile["orders"] == [{"value": "T-1", "events": 4}]
    assert {one["value"] for one in profile["peers"]} == {"clerk-west"}
    assert sum(map(sum, profile["hours"])) == 4
    assert profile["money"][0]["lowered"] == 4800
    auditor.get(f"{BASE}/actors/nobody", status=404, **span)
    readers = auditor.get(f"{BASE}/reads", q="order:T-1")
    assert [(one["actor"], one["reads"]) for one in readers["readers"]] == [
        ("clerk-east", 1),
        ("clerk-west", 1),
    ]


def test_open_orders_at_risk(shop: Shop, auditor: Asker) -> None:
    """The most probable breach first, with reasons and what could be done; of one's own tenants, and on record."""
    actions = shop.services.actions
    assert actions is not None
    now = moment_microseconds(utc_now())
    risky = [
        replace(forecast(order, probability), tenant=tenant, at=now)
        for order, probability, tenant in (("T-1", 0.8, "east"), ("T-2", 0.9, "west"))
    ]
    actions.board.put(risky, [])
    told = auditor.get(f"{BASE}/forecasts", target="cancelled")["forecasts"]
    assert [(one["order"], one["probability"], one["verdict"]) for one in told] == [
        ("T-2", 0.9, "breach"),
        ("T-1", 0.8, "breach"),
    ]
    assert told[0]["curve"] == [{"seconds": 30 * 86_400, "probability": 0.9}]
    assert told[0]["reasons"][0]["sentence"] == "Two reports of missing stock so far."
    assert [one["action"] for one in told[0]["remedies"]] == ["hold order", "open case"]
    assert [one["order"] for one in auditor.get(f"{BASE}/forecasts", limit=1)["forecasts"]] == ["T-2"]
    assert auditor.get(f"{BASE}/forecasts", target="other")["forecasts"] == []
    east = shop.asker(Role.AUDITOR, scope=Scope(tenants=frozenset({"east"})))
    assert [one["order"] for one in east.get(f"{BASE}/forecasts")["forecasts"]] == ["T-1"]
    web = shop.asker(Role.AUDITOR, scope=Scope(channels=frozenset({"web"})))
    web.get(f"{BASE}/forecasts", status=403)
    shop.services.trail.seal()
    shop.services.query.feed()
    reads = auditor.get(f"{BASE}/events", q="action:evidence.read thing:forecast")["events"]
    assert len(reads) == 4


def test_neighbours_and_causes(auditor: Asker) -> None:
    """What else happened in a request, and the chain of causes both ways."""
    beside = auditor.get(f"{BASE}/events/{id_of(1)}/neighbours", limit=5)
    assert [one["event"]["id"] for one in beside["session"]] == [id_of(0), id_of(2), id_of(3)]
    chain = auditor.get(f"{BASE}/events/{id_of(2)}/causes")
    assert [one["event"]["id"] for one in chain["causes"]] == [id_of(1), id_of(0)]
    assert [(one["depth"], one["found"]["event"]["id"]) for one in chain["effects"]] == [(1, id_of(3))]
    assert chain["whole"] is True
    auditor.get(f"{BASE}/events/{id_of(999)}/causes", status=404)


def test_a_field_is_followed(auditor: Asker) -> None:
    """Every change of it, the oldest first, page after page."""
    first = auditor.get(f"{BASE}/fields", field="total", q="order:T-1", limit=3)
    rest = auditor.get(f"{BASE}/fields", field="total", q="order:T-1", limit=3, beyond=first["newer"])
    told = [(one["before"], one["after"]) for page in (first, rest) for one in page["changes"]]
    assert told == [(None, "120.00 EUR")] * 2 + [("120.00 EUR", "72.00 EUR")] * 2
    assert rest["newer"] is None


def test_an_order_of_one_of_several_tenants(auditor: Asker) -> None:
    """Its number alone is ambiguous; with its tenant its history is proven, and its state at any moment is told."""
    problem = auditor.get(f"{BASE}/orders/T-1", status=409)
    assert problem["type"] == "urn:ordertrail:problem:ambiguous"
    history = auditor.get(f"{BASE}/orders/T-1", tenant="east", prove=True)
    assert [one["event"]["id"] for one in history["events"]] == [id_of(number) for number in range(4)]
    assert history["chain"] == {"proven": 4, "problems": []}
    assert history["withheld"] == 0
    assert auditor.get(f"{BASE}/orders/T-1", tenant="east", first=3, limit=1)["more"] is False
    assert auditor.get(f"{BASE}/orders/T-1", tenant="east", limit=1)["more"] is True
    at = auditor.get(f"{BASE}/orders/T-1/at", tenant="east", time="2026-11-22T00:30:00Z")
    fields = {one["place"]["path"]: one["value"] for one in at["fields"]}
    assert fields == {"/status": "open", "/total": {"amount": 12000, "currency": "EUR"}}
    between = auditor.get(
        f"{BASE}/orders/T-1/between",
        tenant="east",
        start="2026-11-22T00:30:00+00:00",
        end="2026-11-22T05:00:00+01:00",
    )
    assert {one["place"]["path"]: one["after"]["value"] for one in between["differs"]} == {
        "/status": "paid",
        "/total": {"amount": 7200, "currency": "EUR"},
    }
    auditor.get(f"{BASE}/orders/T-2", status=404)
    wrong = auditor.get(f"{BASE}/orders/T-1/at", tenant="east", time="yesterday", status=422)
    assert wrong["errors"][0]["parameter"] == "time"


def test_the_order_of_no_tenant_is_named_by_an_empty_one(auditor: Asker) -> None:
    """Where a tenant has an order of the same number, both can be told apart."""
    assert auditor.get(f"{BASE}/orders/T-0", status=409)["type"] == "urn:ordertrail:problem:ambiguous"
    told = auditor.get(f"{BASE}/orders/T-0", tenant="", prove=True)
    assert [one["event"]["id"] for one in told["events"]] == [id_of(8)]
    assert told["tenant"] is None
    assert told["chain"] == {"proven": 1, "problems": []}


def test_the_vocabulary_and_a_filter(auditor: Asker) -> None:
    """What may be asked for is told, and what a filter means, fixed in time."""
    words = auditor.get(f"{BASE}/vocabulary")
    assert {"actor", "order", "tenant"} <= {one["name"] for one in words["fields"]}
    assert {"order.create", "evidence.search"} <= {one["name"] for one in words["actions"]}
    read = auditor.get(f"{BASE}/filter", q="actor:a when:today", zone="Europe/Berlin")
    assert read["filter"] == "actor:a when:today"
    assert "when:today" not in read["fixed"]
    assert read["terms"][0] == {"text": "actor:a", "words": "by a"}


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("events", {"q": "colour:red"}, "q"),
        ("events", {"q": '"open'}, "q"),
        ("events", {"zone": "Mars/Olympus"}, "zone"),
        ("events", {"zone": "../../etc/passwd"}, "zone"),
        ("events", {"limit": "0"}, "limit"),
        ("events", {"limit": "1001"}, "limit"),
        ("events", {"beyond": "1;drop table event"}, "beyond"),
        ("events", {"way": "sideways"}, "way"),
        ("events", {"q": "a" * 5_000}, "q"),
        ("histogram", {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "end"),
        (
            "histogram",
            {"start": "2020-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z", "step": "minute"},
            "step",
        ),
        ("histogram", {"start": "0000-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"}, "start"),
        ("fields", {"field": "a\u0000"}, "field"),
        ("consistency", {"old": "1", "new": "999999"}, "new"),
        ("consistency", {"old": "-1", "new": "3"}, "old"),
    ],
)
def test_a_wrong_parameter_is_named(auditor: Asker, path: str, query: dict[str, Any], parameter: str) -> None:
    """Nothing is asked, and the problem names the parameter."""
    problem = auditor.get(f"{BASE}/{path}", status=422, **query)
    assert problem["type"] == "urn:ordertrail:problem:input"
    assert problem["errors"][0]["parameter"] == parameter, problem


def test_whoever_may_not_is_told_so(shop: Shop, recorder: Asker) -> None:
    """Without a key 401, with one that may not 403, and both are problems."""
    answer = shop.client.get(f"{BASE}/events")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "www-authenticate" in answer.headers
    assert recorder.get(f"{BASE}/events", status=403)["type"] == "urn:ordertrail:problem:forbidden"


def test_what_is_no_address_is_a_problem(auditor: Asker, shop: Shop) -> None:
    """404 for what is not there, 405 with what is taken for another method, as problems both."""
    assert auditor.get(f"{BASE}/nothing", status=404)["type"] == "urn:ordertrail:problem:unknown"
    answer = shop.client.delete(f"{BASE}/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["type"] == "urn:ordertrail:problem:method"


def test_every_reading_is_recorded(shop: Shop) -> None:
    """Whoever reads is in the trail: a search with its sentence and its hits, an event, an order, a proof."""
    reader = shop.asker(Role.AUDITOR)
    me = shop.services.access.recognising.by_key(reader.key or "")
    assert me is not None
    reader.get(f"{BASE}/events", q="order:T-1 tenant:east")
    reader.get(f"{BASE}/events/{id_of(1)}")
    reader.get(f"{BASE}/events/{id_of(1)}/proof")
    reader.get(f"{BASE}/orders/T-1", tenant="west")
    told = [
        (event.action, event.subject.id, (event.context.reason if event.context else None))
        for action in ("evidence.search", "evidence.read", "evidence.prove")
        for event in shop.told(action)
        if event.actor.id == me.id
    ]
    assert told == [
        ("evidence.search", "events", "Events on order T-1, of tenant east"),
        ("evidence.read", id_of(1), None),
        ("evidence.read", "T-1", "its history"),
        ("evidence.prove", id_of(1), None),
    ]


def test_patterns_stand_out(auditor: Asker) -> None:
    """Who cancels in bulk, and who lowers prices after an occasion, from the whole trail."""
    bursts = auditor.get(f"{BASE}/patterns/bursts", q="action:order.cancel", least=3)
    assert [one["actor"] for one in bursts["actors"]] == ["p.novak"]
    assert bursts["actors"][0]["largest"] >= 3
    moved = auditor.get(f"{BASE}/patterns/moved-after", first="action:order.create", q="actor:clerk-east")
    assert moved["moved"] == [
        {"actor": "clerk-east", "currency": "EUR", "changes": 1, "orders": 1, "raised": 0, "lowered": 4800}
    ]
    wrong = auditor.get(f"{BASE}/patterns/moved-after", first="colour:red", status=422)
    assert wrong["errors"][0]["parameter"] == "first"


def test_who_looked_at_an_order_is_among_who_saw_it(shop: Shop, auditor: Asker) -> None:
    """A reading of an order over the interface is an event of that order: who saw what tells it."""
    reader = shop.asker(Role.VIEWER)
    me = shop.services.access.recognising.by_key(reader.key or "")
    assert me is not None
    reader.get(f"{BASE}/orders/T-1/at", tenant="west", time="2026-11-23T00:00:00Z")
    shop.house.feed()
    readers = auditor.get(f"{BASE}/reads", q="order:T-1 tenant:west")["readers"]
    assert me.id in {one["actor"] for one in readers}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("histogram", {"start": "9999-11-01T00:00:00Z", "end": "9999-12-31T23:59:59Z", "step": "month"}),
        ("histogram", {"start": "0001-01-01T00:00:00Z", "end": "0001-01-02T00:00:00Z", "step": "week"}),
        ("actors/clerk-east", {"start": "9999-12-31T00:00:00Z", "end": "9999-12-31T23:59:59.999999Z"}),
        ("actors/clerk-east", {"start": "0001-01-01T00:00:00+14:00", "end": "0001-01-01T01:00:00Z"}),
        ("orders/T-1/at", {"time": "9999-12-31T23:59:59.999999-12:00", "tenant": "east"}),
        ("orders/T-1/at", {"time": "0001-01-01T00:00:00+14:00", "tenant": "east"}),
        ("events", {"q": "when:0001-01-01.."}),
        ("events", {"q": "when:..9999-12-31"}),
        ("filter", {"q": "when:0001"}),
        ("filter", {"q": "when:9999"}),
        ("facets", {"q": "when:0001..9998"}),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_are_answered(
    auditor: Asker, path: str, query: dict[str, str], zone: str
) -> None:
    """Times at which a calendar ends are answered, or named as wrong; nothing fails."""
    zoned = {} if path.endswith("/at") else {"zone": zone}
    answer = auditor.client.get(f"{BASE}/{path}", params=query | zoned, headers=auditor.headers())
    assert answer.status_code in {200, 422}, answer.text
