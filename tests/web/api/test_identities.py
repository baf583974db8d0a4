"""A sealed value is opened by who may, for a reason, one at a time, and on record."""

import pytest

from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.client import Client
from ordertrail.record.event import Actor, Context, Event, Subject
from web.api.conftest import Asker, Shop, id_of, record

SEALED = id_of(700)
URL = f"/api/v1/events/{SEALED}/reveal"
WHY = {"path": "/context/ip", "reason": "complaint 2026-118"}


@pytest.fixture(scope="module", autouse=True)
def sealed(shop: Shop) -> None:
    """An event whose address is sealed for a person."""
    event = Event(
        id=SEALED,
        time="2026-11-22T09:00:00.000000Z",
        action="order.read",
        actor=Actor("clerk-9", "person"),
        subject=Subject("order", "I-1", "I-1", "east"),
        context=Context(ip="203.0.113.7"),
    )
    record(shop.house, [shop.services.trail.personal().seal(event, {"/context/ip": "person-9"})])


def test_it_is_opened_and_recorded(shop: Shop, auditor: Asker) -> None:
    """The event itself never shows it; opened, it is there, and the trail has who, what and why."""
    assert "203.0.113.7" not in str(auditor.get(f"/api/v1/events/{SEALED}"))
    assert auditor.post(URL, status=200, json=WHY)["value"] == "203.0.113.7"
    told = shop.told("identity.reveal")[-1]
    assert told.subject.id == SEALED
    assert told.context is not None
    assert told.context.reason == "complaint 2026-118"
    with Client(str(shop.client.base_url), auditor.key or "") as client:
        assert client.reveal(SEALED, "/context/ip", "by the client").value == "203.0.113.7"


def test_who_may_not_does_not(shop: Shop) -> None:
    """Not without the verb, not another tenant's, not without a reason; and none of these is told as opened."""
    before = len(shop.told("identity.reveal"))
    shop.asker(Role.VIEWER).post(URL, status=403, json=WHY)
    Asker(shop.client, shop.key(Role.AUDITOR, sees_identities=False)).post(URL, status=403, json=WHY)
    west = shop.asker(Role.AUDITOR, scope=Scope(tenants=frozenset({"west"})))
    west.post(URL, status=404, json=WHY)
    everyone = shop.asker(Role.AUDITOR)
    everyone.post(URL, status=422, json={"path": "/context/ip"})
    everyone.post(URL, status=422, json=WHY | {"reason": "   "})
    everyone.post(URL, status=422, json=WHY | {"path": "/actor/id"})
    assert (
        everyone.post(URL, status=422, json=WHY | {"path": "/context/user_agent"})["errors"][0]["pointer"]
        == "/path"
    )
    everyone.post(URL, status=413, json=WHY | {"reason": "x" * 20_000})
    assert len(shop.told("identity.reveal")) == before


def test_what_is_erased_opens_for_nobody(shop: Shop, auditor: Asker) -> None:
    """Once its person is erased, the value is gone, and the problem says that it should be."""
    shop.services.trail.erase("person-9", Actor("officer", "person"), "asked to be forgotten")
    gone = auditor.post(URL, status=422, json=WHY)
    assert "erased" in gone["detail"]
