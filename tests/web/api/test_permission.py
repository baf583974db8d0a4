"""Who may do what, and see what: every address, every role, one's own tenant and another's."""

import json
from typing import Any

import pytest
from fastapi.routing import RouteContext, iter_route_contexts

from ordertrail.access.principal import Scope
from ordertrail.access.roles import NOT_BY_KEY, Role, verbs_of
from ordertrail.access.verbs import Verb
from ordertrail.web.api.routes import router
from ordertrail.web.api.tiles import open_router
from ordertrail.web.api.tiles import router as tile_router
from ordertrail.web.auth.admission import Admission, guards, public, unguarded
from web.api.conftest import Asker, Shop, id_of

BASE = "/api/v1"
SPAN: dict[str, Any] = {"start": "2026-11-22T00:00:00Z", "end": "2026-11-24T00:00:00Z"}
EVENT = {
    "time": "2026-11-22T00:00:00Z",
    "action": "order.read",
    "actor": {"id": "a", "kind": "person"},
    "subject": {"kind": "order", "id": "P-1", "order": "P-1", "tenant": "east"},
}

ASKED: dict[str, dict[str, Any]] = {
    "POST /checks": {"json": {"stream": "default"}},
    "POST /events": {"json": [EVENT]},
    "POST /events/{event_id}/reveal": {"json": {"path": "/context/ip", "reason": "to see who may"}},
    "GET /actors/{actor:path}": {"params": SPAN},
    "GET /histogram": {"params": SPAN},
    "GET /fields": {"params": {"field": "status"}},
    "GET /orders/{order:path}": {"params": {"tenant": "east"}},
    "GET /orders/{order:path}/at": {"params": {"tenant": "east", "time": SPAN["end"]}},
    "GET /orders/{order:path}/between": {"params": {"tenant": "east"} | SPAN},
    "GET /patterns/moved-after": {"params": {"first": "action:order.create"}},
    "GET /consistency": {"params": {"old": 1, "new": 2}},
}
"""What some addresses need to be asked for."""
LET_IN = {"GET /checks/{check_id}": {404}, "POST /events/{event_id}/reveal": {422}}
"""What some addresses answer to who is let in, since there is no such check, and nothing sealed in the event."""
PLACES = {
    "{event_id}": id_of(1),
    "{order:path}": "T-1",
    "{actor:path}": "clerk-east",
    "{check_id}": id_of(77),
}


def name_of(route: RouteContext) -> str:
    """A route's method and path below the interface's own."""
    method = next(iter(route.methods or ()))
    return f"{method} {(route.path or '').removeprefix(BASE)}"


ROUTES = {
    name_of(route): route for route in iter_route_contexts(router.routes) if len(route.methods or ()) == 1
}
"""Every address of the interface, but for the last one, which tells that there is no such address."""


def verb_of(route: RouteContext) -> Verb:
    """The verb that an address asks for: exactly one."""
    (guard,) = guards(route)
    assert isinstance(guard, Admission)
    return guard.verb


def test_each_address_has_one_guard() -> None:
    """A new address without a verb fails here."""
    assert len(ROUTES) >= 30
    assert unguarded(router.routes) == []
    assert {verb_of(route) for route in ROUTES.values()} <= set(Verb)
    for tiles, hashes in ((tile_router, False), (open_router, True)):
        for route in iter_route_contexts(tiles.routes):
            (guard,) = guards(route)
            assert (guard is public) == (hashes and "/entries/" not in (route.path or ""))


def ask(shop: Shop, key: str, name: str) -> int:
    """Ask an address; the status of the answer. A stream is not waited for."""
    method, path = name.split(" ")
    for place, value in PLACES.items():
        path = path.replace(place, value)
    arguments = ASKED.get(name, {})
    with shop.client.stream(
        method, BASE + path, headers={"Authorization": f"Bearer {key}"}, **arguments
    ) as answer:
        return answer.status_code


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_its_verbs_say(shop: Shop, role: Role) -> None:
    """Each address lets in a role that has its verb, and no other: 403."""
    verbs = verbs_of([role]) - NOT_BY_KEY
    if not verbs:
        pytest.skip("nothing by key")
    key = shop.key(role)
    for name, route in ROUTES.items():
        status = ask(shop, key, name)
        if verb_of(route) in verbs:
            assert status in LET_IN.get(name, {200, 201, 202}), (role, name, status)
        else:
            assert status == 403, (role, name, status)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.EXPORTER])
def test_another_tenants_evidence_is_not_there(shop: Shop, role: Role) -> None:
    """Of whoever sees the tenant west, what is of the tenant east answers as if it were not there."""
    foreign = shop.asker(role, scope=Scope(tenants=frozenset({"west"})))
    if role is not Role.EXPORTER:
        for path in ("", "/entry", "/proof", "/neighbours", "/causes"):
            foreign.get(f"{BASE}/events/{id_of(1)}{path}", status=404)
            foreign.get(f"{BASE}/events/{id_of(5)}{path}")
    assert tenants_of(foreign.get(f"{BASE}/events", limit=1000)["events"]) == {"west"}
    assert foreign.get(f"{BASE}/events", q="tenant:east")["events"] == []
    assert foreign.get(f"{BASE}/events", q="-tenant:west")["events"] == []
    for suffix, query in (("", {}), ("/at", {"time": SPAN["end"]}), ("/between", SPAN)):
        foreign.get(f"{BASE}/orders/T-1{suffix}", tenant="east", status=404, **query)
        foreign.get(f"{BASE}/orders/T-0{suffix}", status=404, **query)
        told = foreign.get(f"{BASE}/orders/T-1{suffix}", **query)
        assert told["tenant"] == "west"
        assert told["withheld"] == 0
    if role is Role.EXPORTER:
        lines = foreign.get(f"{BASE}/export").text.splitlines()[:-1]
        assert tenants_of([json.loads(line) for line in lines]) == {"west"}
    changes = foreign.get(f"{BASE}/fields", field="status")["changes"]
    assert tenants_of([one["found"] for one in changes]) == {"west"}


def test_counts_keep_to_ones_tenant(shop: Shop) -> None:
    """No facet, bar, fact, profile or reading tells of another tenant; not even that it is there."""
    foreign = shop.asker(Role.AUDITOR, scope=Scope(tenants=frozenset({"west"})))
    for question in ("", "tenant:west", "tenant:east", "-tenant:west", "channel:web"):
        for facet in foreign.get(f"{BASE}/facets", q=question)["facets"]:
            values = {one["value"] for one in facet["values"]}
            assert not values & {"east", "main", "clerk-east", "p.novak"}, (question, facet)
    bars = foreign.get(f"{BASE}/histogram", **SPAN)["bars"]
    assert sum(bar["events"] for bar in bars) == 4
    assert {tuple(one["key"]) for one in foreign.get(f"{BASE}/facts/ranking")["ranked"]} == {("clerk-west",)}
    assert {one["actor"] for one in foreign.get(f"{BASE}/facts/money")["moved"]} == {"clerk-west"}
    assert sum(one["events"] for one in foreign.get(f"{BASE}/facts/days")["days"]) == 4
    assert [one["actor"] for one in foreign.get(f"{BASE}/reads")["readers"]] == ["clerk-west"]
    foreign.get(f"{BASE}/actors/clerk-east", status=404, **SPAN)
    assert foreign.get(f"{BASE}/actors/clerk-west", **SPAN)["peers"] == []


def test_who_sees_no_tenant_sees_nothing(shop: Shop) -> None:
    """An empty set of tenants is none, and not all."""
    nobody = shop.asker(Role.AUDITOR, scope=Scope(tenants=frozenset()))
    assert nobody.get(f"{BASE}/events")["events"] == []
    assert all(not one["values"] for one in nobody.get(f"{BASE}/facets")["facets"])
    nobody.get(f"{BASE}/events/{id_of(1)}", status=404)


def test_who_sees_some_channels_sees_those(shop: Shop) -> None:
    """Of an order, what happened elsewhere is withheld, and its number told; what is of whole tenants is refused."""
    partly = shop.asker(Role.AUDITOR, scope=Scope(tenants=frozenset({"east"}), channels=frozenset({"web"})))
    told = partly.get(f"{BASE}/orders/T-1", prove=True)
    assert [one["event"]["context"]["channel"] for one in told["events"]] == ["web", "web"]
    assert told["withheld"] == 2
    assert told["chain"] == {"proven": 4, "problems": []}
    state = partly.get(f"{BASE}/orders/T-1/at", time=SPAN["end"])
    assert {one["value"]["amount"] for one in state["fields"] if one["place"]["path"] == "/total"} == {12000}
    assert state["withheld"] == 2
    for path in ("facts/ranking", "facts/days", "facts/money"):
        assert partly.get(f"{BASE}/{path}", status=403)["type"] == "urn:ordertrail:problem:scope"
    partly.get(f"{BASE}/actors/clerk-east", status=403, **SPAN)
    regional = shop.asker(Role.VIEWER, scope=Scope(regions=frozenset({"west-1"})))
    assert tenants_of(regional.get(f"{BASE}/events")["events"]) == {"west"}


def test_entries_in_the_raw_are_for_who_sees_everything(shop: Shop) -> None:
    """A bundle holds every tenant's events: whoever is bound anywhere has none of it; hashes are open."""
    foreign = shop.asker(Role.VIEWER, scope=Scope(tenants=frozenset({"west"})))
    foreign.get("/tile/entries/000", status=404)
    everyone = shop.asker(Role.VIEWER)
    assert everyone.get("/tile/entries/000").content[:2] != b""
    assert [event.subject.id for event in shop.told("evidence.read") if event.subject.kind == "entries"] == [
        "default/tile/entries/000"
    ]
    assert Asker(shop.client, None).get("/tile/0/000").headers["cache-control"].startswith("public")
    Asker(shop.client, None).get("/tile/entries/000", status=401)


def tenants_of(found: list[dict[str, Any]]) -> set[str | None]:
    """The tenants of events."""
    return {one["event"]["subject"].get("tenant") for one in found}
