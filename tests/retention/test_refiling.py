"""Re-filing: sealed entries get the terms of another class where they lie, when two people agree."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ordertrail.cli.retention import app
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.retention.purging import rows_of
from ordertrail.retention.refiling import SUBJECT, Refiling, RefilingState
from ordertrail.retention.register import fold
from ordertrail.retention.service import Retention, RetentionRefusedError
from retention.house import ANNA, BEN, House

POLICY = """\
version = 1

[[classes]]
name = "long"
basis = "the seven-year rule"
term_years = 7
order_types = ["kept-for-long"]

[[classes]]
name = "short"
basis = "nobody needs them"
term_days = 10
order_types = ["kept-for-short"]

[[classes]]
name = "default"
basis = "a year is enough"
term_days = 400
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Twenty months of a hundred events, a policy of three classes; nearly seven months are past their term."""
    house = House(tmp_path / "trail").begin()
    house.pass_months(20)
    with house.retention() as retention:
        retention.change_policy(ANNA, POLICY, "as counsel says", BEN)
    return house


def scope(retention: Retention) -> str:
    """Return a scope that means the events of the first 90 days."""
    return retention.fixed_scope("when:2020-01-01..2020-03-20")


def refile(house: House, target: str, *, shorter: bool = False) -> Refiling:
    """Have the oldest entries re-filed by two people."""
    with house.retention() as retention:
        asked = retention.request_refiling(
            ANNA, "default", scope(retention), target, "a lawsuit is likely", shorter=shorter
        )
        assert asked.state is RefilingState.REQUESTED
        return retention.approve_refiling(BEN, asked.id, "agreed")


def due(house: House) -> int:
    """Return up to where the log is due."""
    with house.retention() as retention:
        return retention.due("default").minimum


def denied(house: House) -> list[str]:
    """Return the attempts on record that a rule was against."""
    with house.retention() as retention:
        events = [read_entry(row.entry).event for row in rows_of(retention.deletions)]
        return [(one.context and one.context.reason) or "" for one in events if one.outcome == "denied"]


def test_the_longer_of_both_terms_counts_from_its_approval_on(house: House) -> None:
    """Asked for, nothing changes; approved by another, what is meant stays as long as the longer class says."""
    assert due(house) == 512
    with house.retention() as retention:
        asked = retention.request_refiling(ANNA, "default", scope(retention), "long", "a lawsuit is likely")
        assert asked.entries == 200
    assert due(house) == 512
    with house.retention() as retention:
        approved = retention.approve_refiling(BEN, asked.id, "agreed")
        assert (approved.state, approved.approver) == (RefilingState.IN_FORCE, "ben")
        due_by = retention.due_by(
            next(one for one in retention.policy().classes if one.name == "default"), "default"
        )
        assert due_by(house.months[0][0]) == datetime(2027, 1, 31, 0, 0, 0, 1, tzinfo=UTC)
        assert due_by(house.months[5][0]) < house.now  # type: ignore[operator]
    assert due(house) == 0
    house.now += timedelta(days=7 * 366)
    assert due(house) > 1_000


def test_a_shorter_class_shortens_nothing_unless_that_is_asked_for(house: House) -> None:
    """Without it the longer term counts; with it the new one, down to the term for which the vault locks the log."""
    house.now = datetime(2021, 2, 12, tzinfo=UTC)
    assert due(house) == 0
    refile(house, "short")
    assert due(house) == 0
    with house.retention() as retention:
        asked = retention.request_refiling(
            ANNA,
            "default",
            retention.fixed_scope("when:2020-01-01..2020-05-20"),
            "short",
            "space",
            shorter=True,
        )
        retention.approve_refiling(BEN, asked.id, "agreed")
        due_by = retention.due_by(
            next(one for one in retention.policy().classes if one.name == "default"), "default"
        )
        assert due_by(house.months[0][0]) == datetime(2020, 2, 10, 0, 0, 0, 1, tzinfo=UTC)
    assert due(house) == 0
    house.now += timedelta(days=65)
    assert due(house) == 256


def test_two_people_and_the_law(house: House) -> None:
    """Nobody approves their own; a duty by law is never shortened; what is refused is on record with its rule."""
    with house.retention() as retention:
        asked = retention.request_refiling(ANNA, "default", scope(retention), "long", "a lawsuit")
        with pytest.raises(RetentionRefusedError, match="nobody approves what they asked for"):
            retention.approve_refiling(ANNA, asked.id, "me too")
        assert retention.register().refilings[asked.id].state is RefilingState.REQUESTED
        retention.approve_refiling(BEN, asked.id, "agreed")
        with pytest.raises(InputError, match="already"):
            retention.approve_refiling(BEN, asked.id, "again")
        duty = POLICY.replace('basis = "a year is enough"', 'basis = "a law"\nduty = true')
        retention.change_policy(ANNA, duty, "it is a duty")
        with pytest.raises(RetentionRefusedError, match="duty by law"):
            retention.request_refiling(ANNA, "default", scope(retention), "short", "space", shorter=True)
    assert [one.partition(":")[0] for one in denied(house)] == [
        "nobody approves what they asked for",
        "a duty by law is not shortened",
    ]


def test_what_makes_no_sense_is_refused(house: House) -> None:
    """A class that is none, the same class, no reason, no entry, everything."""
    with house.retention() as retention:
        for stream, wanted, target, reason in (
            ("default", scope(retention), "nowhere", "x"),
            ("default", scope(retention), "default", "x"),
            ("default", scope(retention), "long", " "),
            ("default", "order:none-such", "long", "x"),
            ("long", scope(retention), "default", "x"),
            ("default", "", "long", "x"),
        ):
            with pytest.raises(InputError):
                retention.request_refiling(ANNA, stream, wanted, target, reason)
        assert retention.register().refilings == {}


def test_what_was_approved_before_is_held_against_it_again(house: House) -> None:
    """A destruction that two people agreed on is refused once what it would take is in a longer term."""
    disposal = house.ask()
    refile(house, "long")
    with house.retention() as retention, pytest.raises(RetentionRefusedError, match="in its term"):
        retention.purge(ANNA, disposal)
    assert len(house.bytes_found([house.months[0][0].id.encode()])) > 0
    house.now += timedelta(days=7 * 366)
    with house.retention() as retention:
        assert retention.purge(ANNA, disposal).minimum == 512
    assert house.problems() == []


def test_a_class_that_is_gone_lets_nothing_go(house: House) -> None:
    """Where the policy no longer has the class, nobody can say when its term ends, and what was re-filed stays."""
    refile(house, "long")
    with house.retention() as retention:
        without = POLICY.replace("long", "longer")
        retention.change_policy(ANNA, without, "renamed", BEN)
    house.now += timedelta(days=20 * 366)
    assert due(house) == 0


def test_what_if_knows_of_it(house: House) -> None:
    """A term that is tried out leaves what was re-filed where it is."""
    with house.retention() as retention:
        (cls,) = [one for one in retention.policy().classes if one.name == "short"]
        assert retention.due_under("default", cls).minimum == 512
    refile(house, "long")
    with house.retention() as retention:
        assert retention.due_under("default", cls).minimum == 0


def test_from_the_command_line(house: House) -> None:
    """Asked, approved, listed."""

    def run(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "--trail", str(house.root), "--json"])
        assert done.exit_code == 0, done.exception
        found: dict[str, Any] = json.loads(done.output)
        return found

    asked = run("refile", "when:2020-01-01..2020-03-20", "--to", "long", "--by", "anna", "--reason", "x")
    assert (asked["state"], asked["entries"]) == ("requested", 200)
    run("approve-refiling", asked["id"], "--by", "ben", "--reason", "y")
    (one,) = run("refilings")["refilings"]
    assert (one["state"], one["requester"], one["approver"]) == ("in-force", "anna", "ben")
    assert run("due")["default"]["entries"] == 0
    done = CliRunner().invoke(app, ["refilings", "--trail", str(house.root)])
    assert "the longer of both terms counts" in done.output


_times = st.none() | st.datetimes(timezones=st.just(UTC))
_people = st.sampled_from(("anna", "ben", "eve"))


@given(_times, _times, st.booleans())
def test_without_the_word_it_never_shortens(
    before: datetime | None,
    target: datetime | None,
    shorter: bool,  # noqa: FBT001 - a law over both
) -> None:
    """The answer is one of the two; without ``shorter`` neither of them is later."""
    one = Refiling("i", "s", "x", "t", shorter, 1, "r", "anna", "")
    found = one.due(before, target)
    assert found in {before, target}
    if not shorter:
        assert found is None or (before is not None and target is not None and found >= max(before, target))


@given(st.lists(st.tuples(st.sampled_from(("request", "approve")), st.sampled_from("ab"), _people)))
def test_a_fold_counts_no_approval_by_who_asked(told: list[tuple[str, str, str]]) -> None:
    """Whatever was recorded: what is in force was asked for by one and approved by another, after that."""
    events = [
        Event(
            id=new_id(),
            time=f"2020-01-01T00:00:{place % 60:02}Z",
            action=f"retention.{what}",
            actor=Actor(by, "person"),
            subject=Subject(SUBJECT, name),
            changes=(Change("/stream", after="default"),),
            context=Context(reason="x"),
        )
        for place, (what, name, by) in enumerate(told)
    ]
    register = fold(events)
    assert register.disposals == {}
    for one in register.refilings.values():
        assert (one.state is RefilingState.IN_FORCE) == (one.approver is not None)
        assert one.approver != one.requester
