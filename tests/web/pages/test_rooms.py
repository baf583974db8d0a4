"""Alerts, cases and retention as people work with them, over HTTP: one finds, another signs, each step is on record."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Self

import httpx
import pytest

from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.access.service import local_principal
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.alerts.alert import Status
from ordertrail.monitor.ports import AlertQuery
from ordertrail.query.ports import Way
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.settings import Settings
from web.house import _HERE, ORIGIN, PASSWORD, SERVE, House, _people, shop_house
from web.pages.serving import serving

As = Callable[[str], "Reader"]


class Reader:
    """Somebody who is signed in, with the token of the page that they look at."""

    def __init__(self, url: str, session: str) -> None:
        cookies = {"__Host-ordertrail": session, "ordertrail": session}
        self._client = httpx.Client(
            base_url=url,
            headers={"Accept": "text/html"},
            cookies=cookies,
            follow_redirects=True,
            timeout=60.0,
        )
        self.page = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, path: str, expect: int = 200) -> str:
        """Look at a page; return its text."""
        answer = self._client.get(path)
        assert answer.status_code == expect, answer.text[:2_000]
        self.page = unescape(answer.text)
        return self.page

    def send(self, path: str, expect: int = 200, **fields: str) -> str:
        """Send a form of the page that was opened last; return the page that it leads to."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        assert token is not None
        origin = str(self._client.base_url).rstrip("/")
        answer = self._client.post(path, data={"csrf_token": token[1], **fields}, headers={"Origin": origin})
        assert answer.status_code == expect, answer.text[:2_000]
        if answer.status_code == 200:
            self.page = unescape(answer.text)
        return unescape(answer.text)

    def download(self, path: str) -> bytes:
        """Fetch a file."""
        answer = self._client.get(path)
        assert answer.status_code == 200, answer.text[:2_000]
        return answer.content


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The shop, watched to its end."""
    with shop_house(tmp_path_factory.mktemp("rooms") / "trail", orders=40) as house:
        watch_all(house)
        yield house


def watch_all(house: House) -> None:
    """Have the rules look at all that is sealed."""
    assert house.services.monitor is not None
    watch = house.services.monitor.watch()
    while watch.step():
        pass
    watch.idle()


@contextmanager
def readers(house: House) -> Iterator[As]:
    """Serve a house; what is yielded signs somebody in."""
    with serving(house) as running, ExitStack() as opened:
        yield lambda name: opened.enter_context(Reader(running.url, house.session(name)))


@pytest.fixture(scope="module")
def as_(house: House) -> Iterator[As]:
    """Look at it as somebody."""
    with readers(house) as sign_in:
        yield sign_in


def actions(house: House) -> list[str]:
    """Return the actions of the events that wait or are sealed, of the default log."""
    house.services.trail.seal()
    house.services.query.feed()
    query = house.services.query
    return [hit.event.action for hit in query.searches.page(query.parse(""), 200, None, Way.OLDER)]


def test_an_alert_is_taken_and_closed(house: House, as_: As) -> None:
    """From the queue to a disposition with a reason; what two must close stays open with what one proposes."""
    triager = as_("alert-triager")
    assert "Price lowered by more than a fifth" in triager.open("/alerts")
    assert house.services.monitor is not None
    query = AlertQuery(statuses=frozenset({Status.NEW}))
    alert = next(one for one in house.services.monitor.alerts(query) if one.severity.name == "MEDIUM")
    page = triager.open(f"/alerts/{alert.id}")
    assert "The rule looks for" in page
    assert alert.evidence[0].id in page
    triager.send(f"/alerts/{alert.id}/take")
    assert "in review" in triager.page
    assert "why" in triager.send(f"/alerts/{alert.id}/close", 422, disposition="mistake", reason="")
    triager.open(f"/alerts/{alert.id}")
    triager.send(f"/alerts/{alert.id}/close", disposition="mistake", reason="the wrong order")
    assert "closed: mistake" in triager.page
    assert alert.id in triager.open("/alerts?show=closed")
    assert {"alert.change", "alert.close"} <= set(actions(house))


def test_who_may_only_read_decides_nothing(house: House, as_: As) -> None:
    """An auditor sees alerts and is shown no form; sending one is refused."""
    auditor = as_("auditor")
    assert house.services.monitor is not None
    alert = house.services.monitor.alerts(AlertQuery())[0]
    assert "Take it" not in auditor.open(f"/alerts/{alert.id}")
    auditor.open("/cases")
    auditor.send(f"/alerts/{alert.id}/take", 403)


def test_rules_are_told_in_english(as_: As) -> None:
    """Each with what to do, and what it may be instead."""
    page = as_("rule-author").open("/rules")
    assert "Repeated bulk cancellations by one person" in page
    assert page.count("What to do") > 20


def test_a_case_from_an_alert_to_a_bundle(house: House, as_: As) -> None:
    """One prepares it, nobody signs their own, another signs, and the bundle checks itself."""
    assert house.services.monitor is not None
    alert = house.services.monitor.alerts(AlertQuery())[0]
    auditor, exporter = as_("auditor"), as_("evidence-exporter")
    auditor.open("/cases")
    auditor.send("/cases", title="Prices in November", template="price-override", alert=alert.id)
    assert "Prices in November" in auditor.page
    assert alert.evidence[0].id in auditor.page
    (case,) = re.findall(r'action="(/cases/[^/"]+)/acts"', auditor.page)[:1]
    auditor.send(f"{case}/acts", act="note", text="The customer was called.")
    auditor.send(f"{case}/acts", act="submit")
    assert "somebody else must sign it off" in auditor.page
    exporter.open(case)
    exporter.send(f"{case}/bundles", reason="asked for by counsel", recipient="counsel")
    (href,) = re.findall(rf'href="({case}/bundles/[^"]+)"', exporter.page)
    with zipfile.ZipFile(io.BytesIO(exporter.download(href))) as bundle:
        assert {"verify.html", "verify.py"} <= {Path(name).name for name in bundle.namelist()}
    assert {"case.open", "case.add", "bundle.make", "bundle.hand"} & set(actions(house)) >= {
        "case.open",
        "case.add",
    }


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[House, As]]:
    """A trail in which everything is past its term."""
    root = tmp_path / "trail"
    begin = datetime.now(UTC) - timedelta(days=800)
    settings = Settings(immutable=False, serve=SERVE)
    with create_trail(root, ORIGIN, settings=settings, keep_days=30, clock=lambda: begin) as trail:
        trail.record(
            Event(
                id=new_id(),
                time=format_time(begin),
                action="order.update",
                actor=Actor("clerk-1", "person"),
                subject=Subject("order", f"SO-{number}", f"SO-{number}"),
            )
            for number in range(600)
        )
        trail.seal()
    with open_services(root, clock=utc_now) as services:
        house = House(root, services, _people(services, local_principal()))
        house.feed()
        with readers(house) as sign_in:
            yield house, sign_in


def test_what_is_due_goes_by_two_people(old: tuple[House, As]) -> None:
    """A hold is placed, destruction asked for and approved by another, and the certificate stands on the page."""
    house, as_ = old
    officer, approver = as_("retention-officer"), as_("retention-approver")
    assert "512 events" in officer.open("/retention")
    officer.send("/retention/holds", id="M-7", scope="order:SO-3", reason="a dispute")
    assert "order:SO-3" in officer.page
    officer.send("/retention/disposals", stream="default", reason="term over")
    assert house.services.retention is not None
    (disposal,) = house.services.retention.register().disposals
    assert "somebody else must agree" in officer.page
    officer.send(f"/retention/disposals/{disposal}/approve", 403, reason="mine")
    approver.open("/retention")
    approver.send(f"/retention/disposals/{disposal}/approve", reason="agreed")
    approver.send(f"/retention/disposals/{disposal}/run")
    assert "were destroyed on" in approver.page
    assert "1 that are under a hold" in approver.page
    assert house.services.trail.verify().findings == []
    assert "of default" in officer.open("/retention?years=5")


def a_sealed_order(house: House, person: str, email: str) -> None:
    """Record an order whose buyer's address is sealed."""
    event = Event(
        id=new_id(),
        time=format_time(utc_now()),
        action="order.create",
        actor=Actor("shop", "service"),
        subject=Subject("order", "SO-77", "SO-77"),
        changes=(Change("/buyer/email", after=email),),
    )
    trail = house.services.trail
    trail.record([trail.personal().seal(event, {"/changes/0/after": person})])
    trail.seal()


def test_a_person_is_told_and_erased_by_two_people(old: tuple[House, As]) -> None:
    """How much is kept is told, all of it handed out on record, and erased when somebody else agrees."""
    house, as_ = old
    a_sealed_order(house, "customer-7", "ada@example.test")
    officer, approver = as_("retention-officer"), as_("retention-approver")
    access, local = house.services.access, local_principal()
    sees = Wanted((Role.AUDITOR,), Scope(), sees_identities=True)
    added = access.people.add(local, "protector", "Protector", sees, _HERE)
    access.people.set_password(local, added.account, PASSWORD, _HERE)
    auditor = as_("protector")
    assert "1 sealed value in 1 event" in auditor.open("/retention/persons?person=customer-7")
    auditor.send("/retention/persons/report", 422, person="customer-7", reason="")
    auditor.open("/retention/persons?person=customer-7")
    report = auditor.send("/retention/persons/report", person="customer-7", reason="request R-7")
    assert "ada@example.test" in report
    assert "Make the report" not in officer.open("/retention/persons?person=customer-7")
    officer.send("/retention/persons/report", 403, person="customer-7", reason="curious")
    officer.open("/retention/persons?person=customer-7")
    sent = {"person": "customer-7", "reason": "request R-7"}
    officer.send("/retention/persons/requests", 422, identity="", **sent)
    officer.open("/retention/persons?person=customer-7")
    officer.send("/retention/persons/requests", 200, identity="known in person", **sent)
    assert "somebody else must agree" in officer.page
    assert house.services.retention is not None
    (erasure,) = house.services.retention.register().erasures
    officer.send(f"/retention/persons/requests/{erasure}/approve", 403)
    approver.open("/retention/persons")
    approver.send(f"/retention/persons/requests/{erasure}/approve")
    assert "was erased on" in approver.page
    assert "no key" in officer.open("/retention/persons?person=customer-7")


def test_events_are_refiled_by_two_people(old: tuple[House, As]) -> None:
    """Which events get which class's terms is asked for by one and approved by another, and stands on the page."""
    house, as_ = old
    officer, approver = as_("retention-officer"), as_("retention-approver")
    policy = (
        'version = 1\n[[classes]]\nname = "long"\nbasis = "a lawsuit"\nterm_years = 7\norder_types = ["long"]\n'
        '[[classes]]\nname = "default"\nbasis = "the rest"\nterm_days = 30\n'
    )
    assert house.services.retention is not None
    house.services.retention.change_policy(Actor("anna", "person"), policy, "as counsel says")
    assert 'action="/retention/refilings"' in officer.open("/retention")
    sent = {"stream": "default", "target": "long", "reason": "a dispute"}
    officer.send("/retention/refilings", 422, scope="order:none-such", **sent)
    officer.open("/retention")
    officer.send("/retention/refilings", 200, scope="order:SO-599", **sent)
    (one,) = house.services.retention.register().refilings
    assert "1 event of default, kept as long" in officer.page
    assert "somebody else must agree" in officer.page
    officer.send(f"/retention/refilings/{one}/approve", 403, reason="mine")
    approver.open("/retention")
    approver.send(f"/retention/refilings/{one}/approve", reason="agreed")
    assert "the longer of both terms counts" in approver.page
    assert house.services.retention.register().refilings[one].state == "in-force"
