"""A house whose interface is asked over HTTP: the shop's story, and orders of two tenants with the same numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ordertrail.access.account import Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import NOT_BY_KEY, Role, verbs_of
from ordertrail.access.service import local_principal
from ordertrail.access.telling import Where
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.query.entries import read_entry
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Subject
from ordertrail.services import Services
from ordertrail.settings import Settings
from ordertrail.settings.serve import ServeSettings
from ordertrail.testing.story import order_story
from ordertrail.web.api.problems import install
from ordertrail.web.api.routes import router
from ordertrail.web.api.tiles import open_router
from web.api.served import served
from web.house import ORIGIN, PASSWORD, House

TENANTS = ("east", "west")
SETTINGS = Settings(immutable=False, serve=ServeSettings(insecure_cookies=True))
JSON = ("application/json", "application/problem+json")
HERE = Where(ip="127.0.0.1", user_agent="tests", request=None, trace=None, channel="tests")


def id_of(number: int) -> str:
    """The id of the n-th event of the tenants."""
    return f"01a1f7b3-0000-7000-8000-{number:012d}"


def tenant_events() -> Iterator[Event]:
    """The same order number in two tenants and two channels, each event the cause of the next, and some readings."""
    number = 0
    for tenant in TENANTS:
        for step, (action, channel) in enumerate(
            (
                ("order.create", "web"),
                ("order.price.change", "backoffice"),
                ("order.read", "backoffice"),
                ("order.status.change", "web"),
            )
        ):
            yield Event(
                id=id_of(number),
                time=f"2026-11-22T0{step}:00:00.000000Z",
                action=action,
                actor=Actor(f"clerk-{tenant}", "person", ("order.editor",), None, f"s-{tenant}"),
                subject=Subject("order", "T-1", "T-1", tenant),
                changes=_changes(action),
                context=Context(
                    channel=channel,
                    request="r-1",
                    reason=f"because of {tenant}",
                    tags=(f"region:{tenant}-1",),
                ),
                cause=None if step == 0 else Cause("event", id_of(number - 1)),
            )
            number += 1
    for whose in (None, "east"):
        yield Event(
            id=id_of(number),
            time="2026-11-22T06:00:00.000000Z",
            action="order.create",
            actor=Actor("clerk-0", "person"),
            subject=Subject("order", "T-0", "T-0", whose),
            changes=(Change("/status", after="open"),),
        )
        number += 1


def _changes(action: str) -> tuple[Change, ...]:
    match action:
        case "order.create":
            return (
                Change("/status", after="open"),
                Change("/total", after={"amount": 12000, "currency": "EUR"}),
            )
        case "order.price.change":
            euros = [{"amount": amount, "currency": "EUR"} for amount in (12000, 7200)]
            return (Change("/total", before=euros[0], after=euros[1]),)
        case "order.status.change":
            return (Change("/status", before="open", after="paid"),)
        case _:
            return ()


@dataclass(slots=True)
class Asker:
    """Asks the interface with one key."""

    client: httpx.Client
    key: str | None

    def headers(self) -> dict[str, str]:
        """The headers that say who asks."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}

    def get(self, path: str, *, status: int = 200, accept: str | None = None, **query: Any) -> Any:
        """Ask for JSON; the status must be as told."""
        headers = self.headers() | ({} if accept is None else {"Accept": accept})
        answer = self.client.get(path, params=query, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.headers["content-type"] in JSON else answer

    def post(self, path: str, *, status: int, headers: dict[str, str] | None = None, **body: Any) -> Any:
        """Send something; the status must be as told."""
        answer = self.client.post(path, headers=self.headers() | (headers or {}), **body)
        assert answer.status_code == status, answer.text
        return answer.json()


@dataclass(slots=True)
class Shop:
    """A house, its application, and whoever asks it."""

    house: House
    app: FastAPI
    client: httpx.Client

    @property
    def services(self) -> Services:
        """What the application is handed."""
        return self.house.services

    def key(self, *roles: Role, scope: Scope | None = None, sees_identities: bool = True) -> str:
        """Make a service with these roles and this scope; return its key."""
        access, local = self.services.access, local_principal()
        scope = scope or Scope()
        name = "-".join(("service", *roles, *sorted(scope.tenants or ()), *sorted(scope.channels))) + str(
            len(access.people.accounts.every())
        )
        given = access.people.add(
            local, name, name, Wanted(roles, scope, sees_identities), HERE, kind=Kind.SERVICE
        )
        verbs = verbs_of(roles) - NOT_BY_KEY
        made = access.keyring.make(local, given.account, "tests", verbs, timedelta(days=1), HERE)
        return made.text

    def browser(self, role: Role) -> httpx.Client:
        """Sign a person with a role in; return their browser."""
        people, local = self.services.access.people, local_principal()
        given = people.add(local, role, role.title(), Wanted((role,), Scope()), HERE)
        people.set_password(local, given.account, PASSWORD, HERE)
        attempt = self.services.access.entrance.sign_in(role, PASSWORD, HERE)
        assert attempt.token is not None
        return httpx.Client(
            base_url=self.client.base_url,
            cookies={"ordertrail": attempt.token},
            timeout=30,
        )

    def asker(self, *roles: Role, scope: Scope | None = None) -> Asker:
        """Return somebody with these roles, who sees what the scope lets them."""
        return Asker(self.client, self.key(*roles, scope=scope))

    def told(self, action: str) -> list[Event]:
        """Return the events of an action that the trail has recorded, the newest last; seals and feeds first."""
        self.house.feed()
        query = self.services.query
        rows = query.log.rows("default", 0, query.log.size("default"))
        events = [read_entry("default", row).event for row in rows]
        return [event for event in events if event.action == action]


def api_app(services: Services) -> FastAPI:
    """The interface alone."""
    app = FastAPI(title="OrderTrail", version="1", openapi_url="/api/v1/openapi.json")
    app.state.services = services
    install(app)
    app.include_router(router)
    app.include_router(open_router)
    return app


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A house of a module's own."""
    root = tmp_path_factory.mktemp("shop") / "trail"
    with create_trail(root, ORIGIN, settings=SETTINGS) as trail:
        list(trail.record_lines(("story", line) for line in order_story(26)))
    with open_services(root) as services:
        house = House(root, services, {})  # without people, whose passwords take seconds to hash
        record(house, list(tenant_events()))
        app = api_app(house.services)
        with served(app) as address, httpx.Client(base_url=address, timeout=30) as client:
            yield Shop(house, app, client)


def record(house: House, events: Sequence[Event]) -> None:
    """Record events, seal them and feed the index."""
    house.services.trail.record(events)
    house.feed()


@pytest.fixture(scope="module")
def auditor(shop: Shop) -> Asker:
    """An auditor who sees everything."""
    return shop.asker(Role.AUDITOR)


@pytest.fixture(scope="module")
def recorder(shop: Shop) -> Asker:
    """A system that records."""
    return shop.asker(Role.RECORDER)
