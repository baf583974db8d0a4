"""Every address of the application, for every role, for own and foreign tenants: generated from its routes."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from access.desk import HERE, PASSWORD
from ordertrail.access.account import Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import NOT_BY_KEY, Role, verbs_of
from ordertrail.access.service import local_principal
from ordertrail.access.totp import code_at, step_of
from ordertrail.access.verbs import Verb
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.services import Services
from ordertrail.settings import Settings
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.app import create_app
from ordertrail.web.auth.admission import Admission, guards, public, unguarded
from web.auth.site import Browser, Client

SERVE = ServeSettings(hosts=["trail.example.com"], workers=1)
MARK = "zebra"
"""Stands in what happened in the tenant acme, and in nothing else."""

ENDLESS = {"/seal/stream", "/api/v1/live"}
"""Answers that do not end by themselves; who may have them is tried, and what they say by their own tests."""

OPEN = {
    "/healthz", "/readyz", "/verify", "/static/{name:path}", "/sign-in", "/sign-in/invitation", "/sign-out",
    "/oidc/depart", "/oidc/arrive", "/me", "/-/preferences", "/api/v1/{rest:path}", "/api/v1/openapi.json",
}  # fmt: skip
"""What everybody may open, one by one; ``/me`` asks who it is by itself."""


@dataclass(frozen=True, slots=True)
class House:
    """The application, with the things of one tenant that others may not see."""

    app: FastAPI
    services: Services
    names: dict[str, str]

    def routes(self) -> Iterator[tuple[RouteContext, Verb | None, str]]:
        """Yield each route that this application guards itself, the verb that it asks for, and its filled-in path."""
        for route in iter_route_contexts(self.app.routes):
            for guard in guards(route):
                verb = guard.verb if isinstance(guard, Admission) else None
                yield route, verb, self.path(route)

    def path(self, route: RouteContext) -> str:
        """Return a route's path with what acme has in its places."""
        return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: self.names.get(found[1], "0"), route.path or "")

    def key(self, name: str, *roles: Role, scope: Scope | None = None) -> dict[str, str]:
        """Return the header of a program with all that these roles may do by a key."""
        access, local = self.services.access, local_principal()
        wanted = Wanted(roles, scope or Scope(), sees_identities=True)
        account = access.people.add(local, name, name, wanted, HERE, kind=Kind.SERVICE).account
        verbs = verbs_of(roles) - NOT_BY_KEY
        made = access.keyring.make(local, account, "matrix", verbs, timedelta(days=1), HERE)
        return {"Authorization": f"Bearer {made.text}", "Accept": "application/json"}


def _events(tenant: str, mark: str) -> Iterator[Event]:
    for number in range(3):
        yield Event(
            id=new_id(),
            time=format_time(utc_now()),
            action="order.price.change",
            actor=Actor(f"clerk-{tenant}", "person", session=f"session-{mark}"),
            subject=Subject("order_line", f"SO-{tenant}/{number}", f"SO-{tenant}", tenant),
            changes=(Change("/note", before="calm", after=f"{mark} {number}"),),
            context=Context(
                reason=f"because of the {mark}", request=f"r-{tenant}", channel="web", tags=(mark,)
            ),
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A trail of two tenants, served."""
    root = tmp_path_factory.mktemp("matrix") / "trail"
    acme = list(_events("acme", MARK))
    with create_trail(root, "shop.example/trail", settings=Settings(immutable=False)) as trail:
        trail.record([*acme, *_events("bolt", "heron")])
        trail.seal()
    names = {
        "event": acme[1].id,
        "event_id": acme[1].id,
        "order": "SO-acme",
        "actor": "clerk-acme",
        "stream": "default",
    }
    with ExitStack() as stack:
        services = stack.enter_context(open_services(root))
        services.query.feed()
        yield House(create_app(services, SERVE), services, names | {"place": "000.p/6"})


def test_every_address_has_one_guard_and_what_is_open_is_named(house: House) -> None:
    """A route without a rule fails here, and so does one more that everybody may open."""
    assert [route.path for route in unguarded(house.app.routes)] == []
    opened = {route.path for route in iter_route_contexts(house.app.routes) if guards(route) == [public]}
    assert opened <= OPEN


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_the_addresses_of_its_verbs_and_no_other(house: House, role: Role) -> None:
    """By every method; what it may not is refused before anything is looked at."""
    headers = house.key(f"all-{role}", role)
    client = Client(house.app)
    allowed = verbs_of([role]) - NOT_BY_KEY
    for route, verb, path in house.routes():
        if verb is None or path in ENDLESS:
            continue
        for method in sorted(route.methods or ()):
            if verb in allowed and method != "GET":
                continue  # what it would do is for its own tests
            told = client.request(method, path, headers=headers)
            if verb in allowed:
                assert told.status_code not in {401, 500}, (method, path, told.text)
                assert told.status_code != 403 or "your roles" not in told.text, (method, path, told.text)
            else:
                assert told.status_code == 403, (method, path, told.status_code)
                assert "your roles" in told.text, (method, path, told.text)


def test_a_stranger_opens_nothing_that_is_not_named(house: House) -> None:
    """401, or the page to sign in; by any method, with nothing, and with a key that is none."""
    client = Client(house.app)
    wrong = {"Authorization": f"Bearer ot_{'0' * 12}_{'A' * 43}"}
    for route, _, path in house.routes():
        if route.path in OPEN:
            continue
        for method in sorted(route.methods or ()):
            assert client.request(method, path).status_code == 401, (method, path)
            told = client.request(method, path, headers={"Accept": "text/html"})
            assert told.status_code == (303 if method in {"GET", "HEAD"} else 401), (method, path)
            assert client.request(method, path, headers=wrong | {"Accept": "text/html"}).status_code in {
                401,
                303,
            }


def test_nothing_of_another_tenant_is_told_at_any_address(house: House) -> None:
    """With its ids, orders and actors in hand, by every address that reads, with every role that reads evidence."""
    reading = (Role.AUDITOR, Role.EXPORTER, Role.TRIAGER)
    scope = Scope(frozenset({"bolt"}))
    own, foreign = (
        house.key("acme", *reading, scope=Scope(frozenset({"acme"}))),
        house.key("bolt", *reading, scope=scope),
    )
    part = house.key("part", *reading, scope=Scope(frozenset({"acme"}), frozenset({"edi"})))
    client = Client(house.app)
    seen = set()
    for route, verb, path in house.routes():
        if verb is None or "GET" not in (route.methods or ()) or path in ENDLESS:
            continue
        for asked in (path, f"{path}?q={MARK}&to=2099-01-01T00:00:00Z&moment=2099-01-01T00:00:00Z"):
            if MARK in client.get(asked, headers=own).text.replace(asked, "").replace(f"q={MARK}", ""):
                seen.add(route.path)
            for headers in (foreign, part):
                told = client.get(asked, headers=headers)
                assert f"because of the {MARK}" not in told.text, asked
                assert f"{MARK} 1" not in told.text, asked
                assert f"session-{MARK}" not in told.text, asked
    assert len(seen) >= 5, "the mark is found where it may be seen, or this proves nothing"


def test_a_person_signs_in_and_out_of_the_whole_application(house: House) -> None:
    """By its own pages: the password, a second factor, a look at evidence that is recorded, and the way out."""
    access, local = house.services.access, local_principal()
    given = access.people.add(local, "ana", "Ana Lima", Wanted((Role.AUDITOR,), Scope()), HERE)
    access.people.set_password(local, given.account, PASSWORD, HERE)
    browser = Browser(house.app)
    led = browser.get("/explore")
    assert led.headers["location"] == "/sign-in?next=/explore"
    assert browser.sign_in("ana", path=led.headers["location"]).headers["location"] == "/explore"
    waiting = house.services.trail.log().log.journal
    before = waiting.waiting("default")
    page = browser.get("/explore")
    assert page.status_code == 200
    assert "no-store" in page.headers["cache-control"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert waiting.waiting("default") == before + 1
    offered = browser.form("/sign-in/enrol")
    account = access.people.seen(local, "ana")
    secret = access.factors._offered(account, offered["sealed"])
    done = browser.send("/sign-in/enrol", offered | {"code": code_at(secret, step_of(utc_now()))})
    assert done.status_code == 200, done.text
    assert browser.fill("/sign-out").status_code == 303
    assert browser.get("/explore").status_code == 303
    assert browser.sign_in("ana").headers["location"] == "/sign-in/second?next=/"
