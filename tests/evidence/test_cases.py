"""Cases are never deleted, are signed off by somebody else, and every change of them is an event of the trail."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, exc, text

from evidence.richly import event, order
from ordertrail.adapters.evidence.store import SqlCaseBook, SqlCustodyBook, open_engine
from ordertrail.assembly import create_trail
from ordertrail.assembly.evidence import open_desk
from ordertrail.assembly.index import open_query
from ordertrail.evidence.bundling import Request
from ordertrail.evidence.cases import TRANSITIONS, Act, ActKind, CaseState, Pinned, apply, fold
from ordertrail.evidence.checking import check_bundle
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.custody import CustodyAct, CustodyKind, Kept, make_link, open_link
from ordertrail.evidence.desk import Desk
from ordertrail.evidence.population import Drawing, draw_sample
from ordertrail.evidence.samples import Method
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.ids import format_id, new_id
from ordertrail.ledger.tlog_proof import check_tlog_proof, parse_tlog_proof
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.record.event import Actor
from ordertrail.services import Trail
from ordertrail.settings import Settings
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

ANNA, BEN, ROBOT = Actor("anna", "person"), Actor("ben", "person"), Actor("robot", "service")
KEY = bytes(range(32))
NOW = datetime.fromisoformat("2026-11-23T12:00:00+00:00")


@contextlib.contextmanager
def house(root: Path) -> Iterator[tuple[Trail, Desk]]:
    """A trail with three orders, and its desk."""
    with create_trail(root, "orders.example.com/cases", settings=Settings(immutable=False)) as trail:
        trail.record([event("order.create", order(f"SO-{n}")) for n in range(3)])
        trail.seal()
        with open_desk(root, trail) as desk:
            yield trail, desk


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Trail, Desk]]:
    """The same, made anew."""
    with house(tmp_path / "trail") as found:
        yield found


def told(trail: Trail, subject: str) -> list[tuple[str, str, object]]:
    """Return what the trail tells of a case or a bundle: action, actor, state or custody."""
    trail.seal()
    log = trail.log().log
    found = []
    for row in log.reader.rows("default", 0, 10_000):
        sealed = trail.find(format_id(row.id)).entry.event
        if sealed.subject.id == subject:
            named = {change.path: change.after for change in sealed.changes}
            found.append((sealed.action, sealed.actor.id, named.get("/state") or named.get("/custody")))
    return found


class TestLife:
    """A case from its opening to its end."""

    def test_prepared_by_one_and_signed_by_another(self, opened: tuple[Trail, Desk]) -> None:
        """Open, add, submit, sign, close; each an event, in the trail before it counts."""
        trail, desk = opened
        first = trail.history("SO-0")[0].entry.event.id
        case = desk.open_case("A price too low", ANNA, "price-override")
        desk.add(case.id, first, ANNA, "the first event")
        desk.act(case.id, ActKind.SUBMIT, ANNA)
        with pytest.raises(InputError, match="anna prepared this case"):
            desk.act(case.id, ActKind.SIGN, ANNA)
        with pytest.raises(InputError, match="no person"):
            desk.act(case.id, ActKind.SIGN, ROBOT)
        signed = desk.act(case.id, ActKind.SIGN, BEN, "seen")
        assert (signed.state, signed.signed_by) == (CaseState.SIGNED, "ben")
        assert desk.act(case.id, ActKind.CLOSE, BEN).state is CaseState.CLOSED
        assert told(trail, case.id) == [
            ("case.open", "anna", "open"),
            ("case.add", "anna", None),
            ("case.add", "anna", "review"),
            ("case.sign", "ben", "signed"),
            ("case.close", "ben", "closed"),
        ]

    def test_reopened_it_must_be_signed_again(self, opened: tuple[Trail, Desk]) -> None:
        """A signature is of what was there; with a reason, and the reason is kept."""
        _, desk = opened
        case = desk.open_case("x", ANNA)
        for kind, by, why in (
            (ActKind.NOTE, ANNA, "looked"),
            (ActKind.SUBMIT, ANNA, ""),
            (ActKind.SIGN, BEN, ""),
            (ActKind.REOPEN, BEN, "something new"),
        ):
            case = desk.act(case.id, kind, by, why)
        assert (case.state, case.signed_by) == (CaseState.OPEN, None)
        assert [note[2] for note in case.notes] == ["looked", "something new"]

    def test_what_is_pinned_is_proven_as_of_then(self, opened: tuple[Trail, Desk]) -> None:
        """The proof in the basket is checked by anybody, whatever the log did since."""
        trail, desk = opened
        case = desk.open_case("x", ANNA)
        desk.add(case.id, trail.history("SO-1")[0].entry.event.id, ANNA)
        trail.record([event("order.create", order("SO-8"))])
        trail.seal()
        (item,) = desk.case(case.id).basket
        key = parse_vkey(trail.keys()[-1].vkey)
        assert check_tlog_proof(parse_tlog_proof(item.proof), item.entry, key).checkpoint.size < 6

    def test_what_is_set_aside_stays_on_record(self, opened: tuple[Trail, Desk]) -> None:
        """It leaves the basket and not the case; a reason is needed."""
        trail, desk = opened
        found = trail.history("SO-1")[0].entry.event.id
        case = desk.open_case("x", ANNA)
        desk.add(case.id, found, ANNA)
        with pytest.raises(InputError, match="reason"):
            desk.set_aside(case.id, found, ANNA, " ")
        case = desk.set_aside(case.id, found, ANNA, "another order")
        assert case.basket == ()
        assert [item.event for item in case.items] == [found]


ACTS = st.lists(
    st.tuples(st.sampled_from(ActKind), st.sampled_from(["anna", "ben", "cleo"]), st.booleans()), max_size=12
)


class TestLaws:
    """Whatever people try."""

    @given(ACTS)
    def test_nobody_signs_what_they_prepared(self, tries: list[tuple[ActKind, str, bool]]) -> None:
        """And a case is signed only in the states that say so; what is refused changes nothing."""
        case = apply(None, Act("c", 1, ActKind.OPEN, "anna", "t", "e", text="title", template="blank"))
        for number, (kind, by, person) in enumerate(tries):
            pinned = Pinned(f"event {number}", "default", number, b"{}", b"proof")
            act = Act(
                "c", case.acts + 1, kind, by, "t", "e", person, "why", pinned=pinned, set_aside="event 0"
            )
            before = case
            try:
                case = apply(case, act)
            except InputError:
                assert case is before
                continue
            if kind in TRANSITIONS:
                assert case.state is TRANSITIONS[kind][before.state]
            assert set(before.items) <= set(case.items)
            assert (case.signed_by is not None) == (case.state in {CaseState.SIGNED, CaseState.CLOSED})
            assert case.signed_by not in case.preparers

    def test_a_case_begins_with_its_opening(self) -> None:
        """Nothing else can be first, and nothing can be left out."""
        opening = Act("c", 1, ActKind.OPEN, "anna", "t", "e", text="title", template="blank")
        note = Act("c", 2, ActKind.NOTE, "anna", "t", "e", text="why")
        for acts in ([], [note], [opening, replace(note, number=3)], [opening, opening]):
            with pytest.raises(InputError):
                fold(acts)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The books' database, of each kind."""
    if request.param == "sqlite":
        found = open_engine(tmp_path / "evidence.db")
        yield found
        found.dispose()
        return
    server: Server = request.getfixturevalue("postgresql_server")
    with empty_database(server) as name:
        found = open_engine(server.url(name))
        yield found
        found.dispose()


class TestBooks:
    """The books of cases and custody, on each database."""

    def test_what_is_added_is_read_and_a_number_is_given_once(self, engine: Engine) -> None:
        """Fenced: of two acts with one number, one is in."""
        book, case = SqlCaseBook(engine), new_id()
        pinned = Pinned("e", "default", 2**40, b"\x00\xff", b"proof")
        first = Act(case, 1, ActKind.OPEN, "anna", "t", "e", text="title 注文", template="blank")
        second = Act(case, 2, ActKind.ADD, "anna", "t", "e2", person=False, pinned=pinned)
        assert [book.append(first), book.append(second), book.append(replace(second, by="ben"))] == [
            True,
            True,
            False,
        ]
        assert list(book.acts(case)) == [first, second]
        assert list(book.cases()) == [case]
        assert book.acts("another") == []

    def test_pages_run_from_the_newest(self, engine: Engine) -> None:
        """Each case on one page."""
        book = SqlCaseBook(engine)
        made = [new_id() for _ in range(5)]
        for case in made:
            book.append(Act(case, 1, ActKind.OPEN, "anna", "t", "e", text="x", template="blank"))
        page = book.cases(limit=2)
        assert [*page, *book.cases(before=page[-1])] == sorted(made, reverse=True)

    def test_the_database_refuses_to_change_or_delete(self, engine: Engine) -> None:
        """Whoever asks."""
        SqlCaseBook(engine).append(Act("c", 1, ActKind.OPEN, "anna", "t", "e", text="x", template="blank"))
        SqlCustodyBook(engine).keep(Kept("b", "x", 1, "s", "m", None))
        SqlCustodyBook(engine).append(CustodyAct("b", 1, CustodyKind.MADE, "anna", "t", "e"))
        for table, column in (
            ("evidence_case_act", "text"),
            ("evidence_bundle", "about"),
            ("evidence_custody_act", "by"),
        ):
            for statement in (f"UPDATE {table} SET {column} = 'y'", f"DELETE FROM {table}"):
                with pytest.raises(exc.DBAPIError, match="only ever added"), engine.begin() as connection:
                    connection.execute(text(statement))


class TestCustody:
    """Who had a bundle in hand."""

    def test_from_making_to_receipt(self, opened: tuple[Trail, Desk]) -> None:
        """Made, approved, linked, downloaded, received; the bytes are the ones that were made, and hold."""
        trail, desk = opened
        bundle = desk.make(Request(Selection((("SO-0", None),)), ANNA, "court order", approved_by="ben"))
        link = desk.link(bundle.id, ANNA, "court@example.com")
        name, data = desk.follow(link, Actor("link", "system"))
        desk.received(bundle.id, ANNA, "Ms Weber, court")
        assert (name, data) == (bundle.id, bundle.data)
        assert check_bundle(data, [parse_vkey(trail.keys()[-1].vkey)]).vouched
        kept = desk.custody.find(bundle.id)
        assert kept is not None
        assert [str(act.kind) for act in kept.custody] == [
            "made",
            "approved",
            "linked",
            "downloaded",
            "received",
        ]
        assert [state for _, _, state in told(trail, bundle.id)] == [None, "linked", "downloaded", "received"]
        assert kept.custody[3].whom == "court@example.com"

    def test_a_withdrawn_link_is_dead(self, opened: tuple[Trail, Desk]) -> None:
        """And a link is not in the database: only its hash."""
        _, desk = opened
        bundle = desk.make(Request(Selection((("SO-0", None),)), ANNA, "x"))
        link = desk.link(bundle.id, ANNA, "somebody")
        kept = desk.custody.find(bundle.id)
        assert kept is not None
        assert link not in repr(kept)
        desk.withdraw(link, ANNA)
        with pytest.raises(InputError, match="does not work"):
            desk.follow(link, ANNA)

    def test_nobody_approves_what_they_make(self, opened: tuple[Trail, Desk]) -> None:
        """Refused before anything is made."""
        _, desk = opened
        with pytest.raises(InputError, match="cannot approve"):
            desk.make(Request(Selection((("SO-0", None),)), ANNA, "x", approved_by="anna"))
        assert desk.custody.bundles() == []

    def test_a_kept_copy_that_was_altered_is_not_handed_out(self, opened: tuple[Trail, Desk]) -> None:
        """The book has its hash."""
        trail, desk = opened
        bundle = desk.make(Request(Selection((("SO-0", None),)), ANNA, "x"))
        kept = Path(trail.location) / "bundles" / f"{bundle.id}.zip"
        kept.write_bytes(bundle.data[:-1] + b"x")
        with pytest.raises(EvidenceError, match="altered"):
            desk.download(bundle.id, ANNA)

    @given(st.integers(0, 200), st.integers(0, 255))
    def test_no_byte_of_a_link_can_be_another(self, at: int, byte: int) -> None:
        """Bundle, expiry and nonce are signed."""
        link = make_link(new_id(), NOW + timedelta(hours=1), KEY)
        altered = link[: at % len(link)] + chr(byte) + link[at % len(link) + 1 :]
        if altered != link:
            with pytest.raises(InputError):
                open_link(altered, NOW, KEY)

    def test_a_link_ends_when_it_says(self) -> None:
        """To the second; and under its own key only."""
        bundle = new_id()
        link = make_link(bundle, NOW + timedelta(hours=1), KEY)
        assert open_link(link, NOW + timedelta(minutes=59), KEY) == bundle
        for moment, key in ((NOW + timedelta(hours=1), KEY), (NOW, bytes(32))):
            with pytest.raises(InputError, match="does not work"):
                open_link(link, moment, key)


def test_a_bundle_of_a_case_tells_its_sample_and_who_signed(tmp_path: Path) -> None:
    """Population, method and seed are in the manifest; the reviewer is who approved."""
    root = tmp_path / "trail"
    with house(root) as (_, desk), open_query(root) as query:
        case = desk.open_case("A sample", ANNA, "sox-change-test")
        source = desk.bundling.workshop.sources["default"]
        with pytest.raises(InputError, match="must be whole"):
            draw_sample(query, source, Drawing("action:order.create", Method.RANDOM, 2, "seed"))
        desk.bundling.workshop.sealing.anchor("default")
        query.feed()
        drawn = draw_sample(query, source, Drawing("action:order.create", Method.RANDOM, 2, "seed"))
        desk.add_sample(case.id, drawn, ANNA)
        desk.act(case.id, ActKind.SUBMIT, ANNA)
        desk.act(case.id, ActKind.SIGN, BEN)
        bundle = desk.make_of_case(case.id, ANNA, "for the auditor")
        manifest = bundle.checked.manifest
        assert manifest.sample is not None
        assert (manifest.sample.population.count, manifest.sample.seed) == (3, "seed")
        assert {one.entry.event.id for one in bundle.checked.entries} == set(drawn.events)
        assert (manifest.made.approved_by, manifest.made.case) == ("ben", case.id)
