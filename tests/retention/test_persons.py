"""People: what is kept of one is told in full, and erased by two people where no hold and no duty goes before."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordertrail.assembly import open_trail
from ordertrail.assembly.evidence import open_desk
from ordertrail.cli.retention import app
from ordertrail.evidence.bundling import Request
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.custody import CustodyKind
from ordertrail.evidence.desk import Desk
from ordertrail.evidence.making import disclosure
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.retention.access_report import format_html, format_json
from ordertrail.retention.persons import Persons
from ordertrail.retention.service import RetentionRefusedError
from retention.house import ANNA, BEN, House

ADA = 'customer-"7" & Söhne'
"""An id that no format can take as it is."""
SECRETS = ("ada@example.test", "Ada <b>Lovelace</b>", "203.0.113.7")


@contextmanager
def people(house: House) -> Iterator[Persons]:
    """Open the house's people."""
    with house.retention() as retention:
        yield Persons(retention)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A trail with six orders of one customer, and two of another."""
    house = House(tmp_path / "trail", now=datetime(2026, 1, 1, tzinfo=UTC)).begin(days=30)
    with open_trail(house.root, clock=house.clock) as trail:
        sealer, events = trail.personal(), []
        for number in range(8):
            event = Event(
                id=new_id(),
                time=format_time(house.now + timedelta(seconds=number)),
                action="order.create",
                actor=Actor("shop", "service"),
                subject=Subject("order", f"SO-{number}", f"SO-{number}"),
                changes=(
                    Change("/buyer", after={"email": SECRETS[0], "name": SECRETS[1]}),
                    Change("/total", after={"amount": 7200, "currency": "EUR"}),
                ),
                context=Context(ip=SECRETS[2], channel="web", reason="ordered"),
            )
            person = ADA if number < 6 else "customer-8"
            places = ("/changes/0/after/email", "/changes/0/after/name", "/context/ip")
            events.append(sealer.seal(event, dict.fromkeys(places, person)))
        trail.record(events)
        trail.seal()
    house.months.append(events)
    return house


def denied(house: House) -> list[str]:
    """Return what the deletion log says of attempts that were refused."""
    with open_trail(house.root, clock=house.clock) as trail:
        log = trail.log("deletions").log
        rows = log.reader.rows("deletions", 0, log.store.head("deletions").size)
        said = [json.loads(row.entry)["event"] for row in rows]
    return [one["context"]["reason"] for one in said if one["outcome"] == "denied"]


def test_what_is_kept_of_a_person_is_counted(house: House) -> None:
    """Every sealed value of the person, of no other, with its events, orders and times; nothing is opened."""
    with people(house) as persons:
        scope = persons.scope(ADA)
        assert (scope.known, scope.values, scope.events, scope.orders) == (True, 18, 6, 6)
        assert scope.streams == ("default",)
        assert (scope.first, scope.last) == (house.months[0][0].time, house.months[0][5].time)
        assert scope.conflicts == ()
        assert persons.scope("nobody").values == 0
        assert persons.retention.register().erased == {}


def test_nothing_is_made_where_nothing_was_sealed(tmp_path: Path) -> None:
    """To look for a person in a trail without sealed data leaves no store of keys behind."""
    house = House(tmp_path / "trail").begin()
    with people(house) as persons:
        assert not persons.scope("customer-7").known
    assert not list((house.root / "keys").glob("people*"))


def test_a_report_tells_all_of_it_in_words(house: House) -> None:
    """Art. 15: every value, why and until when it is kept, from where, who opened it, and rights; it is on record."""
    with people(house) as persons:
        report = persons.report(ANNA, ADA, "request R-7")
        assert {one.value for one in report.values} == set(SECRETS)
        assert len(report.values) == 18
        again = persons.report(BEN, ADA, "once more")
    assert len(again.opened) == len(report.opened) + 1
    assert again.opened[-1].reason == "once more"
    page = format_html(report)
    assert "<b>" not in page, "what is kept is told as text, never as a page's own"
    text = unescape(re.sub(r"<[^>]+>", " ", page))
    for word in (
        *SECRETS,
        ADA,
        "buyer email (after)",
        "IP address",
        "web",
        "30 days",
        "Art. 77",
        "request R-7",
    ):
        assert word in text
    assert "customer-8" not in page
    told = json.loads(format_json(report))
    assert {one["value"] for one in told["values"]} == set(SECRETS)
    with open_trail(house.root, clock=house.clock) as trail:
        assert trail.verify(stream="deletions").findings == []


def test_two_people_erase_a_person_and_it_is_certified(house: House) -> None:
    """One asks and says how the person was known, another agrees; nothing opens any more, and all proofs stand."""
    with people(house) as persons:
        with pytest.raises(InputError, match="identity"):
            persons.request(ANNA, ADA, "request R-7", " ")
        asked = persons.request(ANNA, ADA, "request R-7", "answered from the address on file")
        with pytest.raises(InputError, match="already"):
            persons.request(BEN, ADA, "once more", "x")
        with pytest.raises(RetentionRefusedError, match="nobody approves"):
            persons.erase(ANNA, asked.id)
        certificate = persons.erase(BEN, asked.id)
        assert (certificate.values, certificate.events) == (18, 6)
        assert (certificate.requester, certificate.approver) == ("anna", "ben")
        assert "answered from the address on file" in certificate.sentence
        assert persons.erase(BEN, asked.id) == certificate
        scope = persons.scope(ADA)
        assert (scope.known, scope.values) == (False, 18)
        with pytest.raises(InputError, match="no key"):
            persons.report(ANNA, ADA, "once more")
        with pytest.raises(InputError, match="no key"):
            persons.request(ANNA, ADA, "once more", "x")
        with pytest.raises(InputError, match="nobody asked"):
            persons.erase(BEN, "nothing")
        assert len(persons.report(ANNA, "customer-8", "R-8").values) == 6
    assert house.problems() == []
    assert house.bytes_found([one.encode() for one in SECRETS]) == []
    assert any("nobody approves" in one for one in denied(house))


def test_stopped_after_the_key_it_is_certified_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key destroyed and no certificate written: whoever agrees again gets the certificate of it."""
    with people(house) as persons:
        asked = persons.request(ANNA, ADA, "request R-7", "known in person")
        tell = type(persons.retention).tell

        def stopping(*arguments: object) -> None:
            if arguments[1] == "person.erase":
                raise KeyboardInterrupt
            tell(*arguments)  # type: ignore[arg-type]  # as they came

        monkeypatch.setattr(type(persons.retention), "tell", stopping)
        with pytest.raises(KeyboardInterrupt):
            persons.erase(BEN, asked.id)
        monkeypatch.undo()
        assert not persons.scope(ADA).known
        assert persons.erase(BEN, asked.id).values == 18
    assert house.problems() == []


def test_what_the_law_keeps_is_not_erased(house: House) -> None:
    """A hold and a duty go before, each with its article; the attempt is an event; when they are over it is erased."""
    policy = """\
version = 1
[[classes]]
name = "default"
basis = "vouchers must be kept"
term_days = 60
duty = true
"""
    with people(house) as persons:
        asked = persons.request(ANNA, ADA, "request R-7", "known in person")
        persons.retention.change_policy(ANNA, policy, "as counsel says")
    house.hold("M-7", "order:SO-3")
    with people(house) as persons:
        told = [str(one) for one in persons.scope(ADA).conflicts]
        assert "17(3)(e)" in told[0]
        assert "M-7" in told[0]
        assert "(1 of" in told[0]
        assert "17(3)(b)" in told[1]
        assert "vouchers" in told[1]
        assert "(6 of" in told[1]
        for attempt in (
            lambda: persons.erase(BEN, asked.id),
            lambda: persons.request(BEN, "customer-8", "R-8", "known"),
        ):
            with pytest.raises(RetentionRefusedError, match="what the law keeps is not erased") as caught:
                attempt()
            assert "17(3)" in str(caught.value)
        assert persons.scope(ADA).known
        house.now += timedelta(days=61)
        with pytest.raises(RetentionRefusedError, match="M-7"):
            persons.erase(BEN, asked.id)
        persons.retention.release_hold(BEN, "M-7", "settled")
        assert persons.erase(BEN, asked.id).holds_checked == ()
    assert sum("17(3)" in one for one in denied(house)) == 3


def test_from_the_command_line(house: House, tmp_path: Path) -> None:
    """Told, reported, asked for, approved and certified; a report never overwrites what is there."""

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--trail", str(house.root)])
        if done.exception is not None:
            raise done.exception
        return done.output

    out = tmp_path / "report.html"
    access = ("access", ADA, "--by", "anna", "--reason", "R-7", "--out", str(out))
    assert "18 sealed values in 6 events" in run("person", ADA)
    assert "18 values" in run(*access)
    assert SECRETS[0] in out.read_text()
    with pytest.raises(InputError, match="there already"):
        run(*access)
    told = run("erase", ADA, "--by", "anna", "--reason", "R-7", "--identity", "in person", "--json")
    asked = json.loads(told)["id"]
    with pytest.raises(RetentionRefusedError, match="nobody approves"):
        run("approve-erasure", asked, "--by", "anna")
    assert "was erased on" in run("approve-erasure", asked, "--by", "ben")
    assert asked in run("certificates")
    assert "Its key is gone" in run("person", ADA)


@contextmanager
def desk_of(house: House) -> Iterator[Desk]:
    """Open the desk of a house."""
    with open_trail(house.root, clock=house.clock) as trail, open_desk(house.root, trail) as desk:
        yield desk


def disclosed(house: House, place: int) -> str:
    """Make and keep a bundle that opens the e-mail address of one order; return its id."""
    event = house.months[0][place]
    with open_trail(house.root, clock=house.clock) as trail, open_desk(house.root, trail) as desk:
        path = "/changes/0/after/email"
        key = trail.personal().disclose(trail.find(event.id).entry.event, path)
        opened = (disclosure(event.id, path, key),)
        return desk.make(Request(Selection(events=(event.id,)), ANNA, "for the court", disclosures=opened)).id


def sealed_only(house: House) -> str:
    """Make and keep a bundle of an order of the same person that opens nothing; return its id."""
    with desk_of(house) as desk:
        return desk.make(Request(Selection(events=(house.months[0][1].id,)), ANNA, "for the court")).id


def test_an_erasure_reaches_the_bundles_that_are_kept(house: House) -> None:
    """Those that open the person's data are shown before, go with it and are in the certificate; others stay."""
    opening, sealed, others = disclosed(house, 0), sealed_only(house), disclosed(house, 7)
    with people(house) as persons:
        assert persons.scope(ADA).bundles == (opening,)
        asked = persons.request(ANNA, ADA, "request R-7", "by letter")
        certificate = persons.erase(BEN, asked.id)
    assert certificate.bundles == (opening,)
    assert f"1 kept bundle that opened some of it was removed: {opening}" in certificate.sentence
    assert sorted(path.stem for path in (house.root / "bundles").iterdir()) == sorted((sealed, others))
    with desk_of(house) as desk:
        kept = desk.custody.find(opening)
        assert kept is not None
        assert [(act.kind, act.by) for act in kept.custody] == [("made", "anna"), ("removed", "ben")]
        with pytest.raises(InputError, match="was removed on 2026-01-01: it opened data of a person"):
            desk.download(opening, ANNA)
        assert desk.download(sealed, ANNA)
        assert desk.remove(opening, BEN, "once more") == 0
        again = desk.custody.find(opening)
        assert again is not None
        assert [act.kind for act in again.custody].count(CustodyKind.REMOVED) == 1
    with people(house) as persons:
        assert persons.scope(ADA).bundles == ()
    assert house.problems() == []


def test_a_hold_keeps_the_bundles_too(house: House) -> None:
    """Nothing of what a hold keeps is erased, so that what was taken out of it stays as well."""
    opening = disclosed(house, 0)
    house.hold("M-7", "order:SO-0")
    with people(house) as persons:
        scope = persons.scope(ADA)
        assert (scope.bundles, len(scope.conflicts)) == ((opening,), 1)
        with pytest.raises(RetentionRefusedError, match="M-7"):
            persons.request(ANNA, ADA, "request R-7", "by letter")
    assert (house.root / "bundles" / f"{opening}.zip").exists()


def test_a_stop_after_a_bundle_went_is_gone_on_with(house: House) -> None:
    """The copy is gone and the certificate not written: done once more, it names the bundle all the same."""
    opening = disclosed(house, 0)
    with people(house) as persons:
        asked = persons.request(ANNA, ADA, "request R-7", "by letter")
    with desk_of(house) as desk:
        desk.remove(opening, BEN, "as far as it came")
    with people(house) as persons:
        assert persons.erase(BEN, asked.id).bundles == (opening,)


def test_a_kept_copy_that_cannot_be_read_keeps_an_erasure_waiting(house: House) -> None:
    """Whose data it opens nobody can say: it is named, and no certificate claims what is not known."""
    opening = disclosed(house, 0)
    path = house.root / "bundles" / f"{opening}.zip"
    path.write_bytes(path.read_bytes()[:-1])
    with people(house) as persons, pytest.raises(EvidenceError, match=opening):
        persons.scope(ADA)
