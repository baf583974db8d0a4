"""The shop's trail, put together: everything in it went through the doors that a real one has.

:func:`open_shop` makes it; ``ordertrail serve`` serves it like any other, and :func:`go_on` lets its day go on
meanwhile. The trail is for looking at: its objects are not made immutable, so that its folder can be deleted, and its
people share one password that is drawn when it is made.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.access.service import Access, local_principal
from ordertrail.access.telling import Where
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.house import open_services
from ordertrail.assembly.intake import intake_url
from ordertrail.assembly.relay import open_relay
from ordertrail.assembly.stores import read_settings
from ordertrail.evidence.cases import ActKind
from ordertrail.intake.delivery import Way as By
from ordertrail.intake.receiving import Sent
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.ports import AlertQuery
from ordertrail.query.ports import Hit
from ordertrail.query.questions.walking import walk
from ordertrail.query.service import Query
from ordertrail.record.event import Actor
from ordertrail.retention.hold import Hold
from ordertrail.services import Services
from ordertrail.settings import Settings, SourceSettings
from ordertrail.settings.serve import ServeSettings
from ordertrail.testing.shop.deliveries import MAIN, OUTLET, sendings
from ordertrail.testing.shop.events import PEOPLE, fill, live_story
from ordertrail.testing.tamper.rows import put_price_back

ORIGIN: Final = "shop.example/orders"
_FRAUD: Final = "actor:t.varga action:order.price.change"
_NIGHT: Final = "actor:p.novak action:order.cancel"
_HERE: Final = Where(ip="127.0.0.1", user_agent="ordertrail demo", request=None, trace=None, channel="demo")


@dataclass(frozen=True, slots=True)
class Sight:
    """Something to look at: what it is, whose roles open it, and where."""

    text: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop that was put together: how many events it has, its people's password, what there is to see."""

    events: int
    password: str
    sights: tuple[Sight, ...]


def open_shop(root: Path, *, empty: bool = False, clock: Clock = utc_now) -> Shop:
    """Make the shop's trail in a directory that is not there yet; ``empty`` has its people, and nothing happened.

    Raises ConfigurationError where there is a trail already, or a package is missing.
    """
    sources = (
        []
        if empty
        else [
            SourceSettings(channel=one.channel, account=one.account, currency="EUR") for one in (MAIN, OUTLET)
        ]
    )
    serve = ServeSettings(insecure_cookies=True, workers=1, log_level="warning", log_format="text")
    with create_trail(
        root, ORIGIN, settings=Settings(immutable=False, sources=sources, serve=serve), clock=clock
    ):
        pass
    password = secrets.token_hex(8)
    with open_services(root, clock=clock) as services:
        _let_in(services.access, password)
        if empty:
            services.trail.seal()
            services.query.feed()
            return Shop(0, password, (Sight("four first steps", "ada", "/"),))
        events = fill(services.trail, services.query)
        events += _take_in(root, services, clock)
        frauds, night = (_found(services.query, text) for text in (_FRAUD, _NIGHT))
        case = _work_on(services, frauds[-1], night, clock)
        services.trail.seal()
        services.query.feed()
    put_price_back(root, frauds[0].event.id)
    return Shop(
        events,
        password,
        (
            Sight(
                "a clerk lowered a price after approval: the order, and its proof",
                "ada",
                f"/orders/{frauds[-1].event.order}",
            ),
            Sight("one user cancelled order after order at night", "ada", "/people/p.novak"),
            Sight("alerts that wait for somebody", "dara", "/alerts"),
            Sight("a case with evidence in its basket", "ada", f"/cases/{case}"),
            Sight("a web shop whose orders cannot enter since noon: mend them", "ben", "/intake"),
            Sight("somebody edited a stored row: press Check now", "ada", "/integrity"),
        ),
    )


def go_on(root: Path, stopping: Callable[[float], bool], *, clock: Clock = utc_now) -> None:
    """Let the shop's day go on: record an event every few seconds until ``stopping``, which waits so long, says so."""
    with open_trail(root, clock=clock) as trail:
        for at, line in enumerate(live_story(clock)):
            if stopping(2.0 + secrets.randbelow(3_000) / 1_000):
                return
            for _ in trail.record_lines([(f"live event {at}", line)]):
                pass


def _let_in(access: Access, password: str) -> None:
    """Add the shop's people, each with the password."""
    local = local_principal()
    for one in PEOPLE:
        given = access.people.add(local, one.name, one.title, Wanted(one.roles, Scope()), _HERE)
        access.people.set_password(local, given.account, password, _HERE)


def _take_in(root: Path, services: Services, clock: Clock) -> int:
    """Take in what the web shops sent; return how many events that made."""
    intake = services.intake
    if intake is None:  # the settings name sources, so that it is there
        raise AssertionError("the shop has sources and no intake")
    for one in sendings(clock()):
        source = intake.source(one.source.channel, one.source.account)
        intake.door.receive(Sent(source, one.body, By.FILE, name=one.name))
    intake.worker().run()
    with open_relay(services.trail, intake_url(root, read_settings(root))) as moving:
        return moving.run().recorded


def _work_on(services: Services, fraud: Hit, night: Sequence[Hit], clock: Clock) -> str:
    """Seal, watch, take an alert, open a case and place a hold; return the case's id."""
    monitor, desk, retention = services.monitor, services.evidence, services.retention
    if monitor is None or desk is None or retention is None:
        raise ConfigurationError(
            "the shop needs packages that are not installed",
            remedy="Install them with: pip install 'ordertrail[serve,monitor,evidence]'",
        )
    services.trail.seal()
    services.query.feed()
    watch = monitor.watch()
    while watch.step():
        pass
    newest = monitor.alerts(AlertQuery(limit=1))
    if newest:
        monitor.take(newest[0].id, "dara")
    ada = Actor("ada", "person", (Role.AUDITOR,))
    case = desk.open_case(f"Price of {fraud.event.order} after its approval", ada, "price-override").id
    desk.add(case, fraud.event.id, ada, "The price was lowered after the approval.")
    for hit in night[-3:]:
        desk.add(case, hit.event.id, ada)
    desk.act(case, ActKind.NOTE, ada, "Asked the clerk for the customer's call; no answer yet.")
    review = (clock() + timedelta(days=90)).date().isoformat()
    scope = f"order:{fraud.event.order}"
    retention.place_hold(
        ada, Hold(new_id(), scope, "legal", "A dispute over its price.", format_time(clock()), review)
    )
    return case


def _found(query: Query, text: str) -> list[Hit]:
    return list(walk(query.searches, query.parse(text), 1_000))
