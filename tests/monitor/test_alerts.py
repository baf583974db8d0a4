"""An alert's life, what groups alerts, and how grave they are."""

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import InputError
from ordertrail.monitor.alerts.alert import MOST_EVIDENCE, Alert, Deed, Disposition, Status, Transition
from ordertrail.monitor.alerts.incidents import incidents
from ordertrail.monitor.alerts.lifecycle import close, escalate, reopen, snooze, take, wake
from ordertrail.monitor.alerts.raising import alert_id, take_in
from ordertrail.monitor.alerts.severity import LARGE, severity
from ordertrail.monitor.alerts.telling import event_id, told
from ordertrail.monitor.alerts.why import why
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import Control, Level, Rule
from ordertrail.monitor.stream.seen import Finding, Seen
from ordertrail.record.actions import CATALOGUE
from ordertrail.testing.conformance.monitor import alert

NOW = "2026-11-23T12:00:00.000000Z"
LATER = "2026-11-24T12:00:00.000000Z"
TIME = 1_795_392_000_000_000
DAY = 86_400_000_000
RULE: Rule = read_rules(
    "title: Many\nlevel: medium\nlogsource: {product: ordertrail}\n"
    "detection: {a: {action: order.cancel}, condition: a}\ncustom: {control: pricing}\n"
)[0]


def finding(
    number: int, *, order: str = "SO-1", money: int = 0, actor: str = "clerk-1", measure: int = 1
) -> Finding:
    """Return a finding of one event."""
    seen = Seen(
        TIME + number, f"01935f6e-9c1a-7cc2-b0a5-{number:012x}", "default", number, "order.cancel", actor, True,
        order, None, (), (("EUR", money),) if money else (),
    )  # fmt: skip
    return Finding(RULE.about.id, ("clerk-1", order, ""), 0, seen, (seen,), measure, (actor,))


def raised(*findings: Finding) -> Alert:
    """Return the alert of some findings."""
    return take_in(None, findings, RULE, NOW, LARGE)[0]


DEEDS: dict[Deed, Callable[[Alert], Transition]] = {
    Deed.TAKE: lambda one: take(one, "auditor", NOW),
    Deed.SNOOZE: lambda one: snooze(one, "auditor", NOW, LATER, "waits for a paper"),
    Deed.WAKE: lambda one: wake(one, NOW, "auditor"),
    Deed.ESCALATE: lambda one: escalate(one, "auditor", NOW, "beyond me"),
    Deed.CLOSE: lambda one: close(one, "auditor", NOW, Disposition.EXPECTED, "as agreed"),
    Deed.REOPEN: lambda one: reopen(one, "auditor", NOW, "there is more"),
}
LEADS = {
    Status.NEW: {Deed.TAKE, Deed.SNOOZE, Deed.ESCALATE, Deed.CLOSE},
    Status.IN_REVIEW: {Deed.TAKE, Deed.SNOOZE, Deed.ESCALATE, Deed.CLOSE},
    Status.SNOOZED: {Deed.TAKE, Deed.WAKE, Deed.ESCALATE, Deed.CLOSE},
    Status.ESCALATED: {Deed.TAKE, Deed.SNOOZE, Deed.CLOSE},
    Status.REGRESSED: {Deed.TAKE, Deed.SNOOZE, Deed.ESCALATE, Deed.CLOSE},
    Status.CLOSED: {Deed.REOPEN},
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("deed", DEEDS)
def test_each_deed_leads_on_from_just_these_states(status: Status, deed: Deed) -> None:
    """The table of transitions is all there is; what leads nowhere is refused and changes nothing."""
    one = msgspec.structs.replace(alert(1), status=status)
    if deed not in LEADS[status]:
        with pytest.raises(InputError, match="cannot be"):
            DEEDS[deed](one)
        return
    transition = DEEDS[deed](one)
    assert transition.before is status
    assert transition.alert.version == one.version + 1
    assert told(transition).action in CATALOGUE


@given(
    st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from(["x", "y", "clerk-1"])), max_size=12)
)
def test_however_people_go_about_it_a_grave_alert_is_closed_by_two(steps: list[tuple[Deed, str]]) -> None:
    """No sequence of deeds closes an alert of high severity by one person, or by whom it is about."""
    one = alert(1, Level.HIGH)
    for deed, by in steps:
        try:
            one = {
                Deed.CLOSE: lambda alert, by: close(alert, by, NOW, Disposition.MISTAKE, "so it is"),
                Deed.TAKE: lambda alert, by: take(alert, by, NOW),
                Deed.SNOOZE: lambda alert, by: snooze(alert, by, NOW, LATER, "later"),
                Deed.WAKE: lambda alert, by: wake(alert, NOW, by),
                Deed.ESCALATE: lambda alert, by: escalate(alert, by, NOW, "beyond me"),
                Deed.REOPEN: lambda alert, by: reopen(alert, by, NOW, "there is more"),
            }[deed](one, by).alert
        except InputError:
            continue
        assert by != "clerk-1"
        if one.status is Status.CLOSED:
            assert set(one.closed_by) == {"x", "y"}
        assert (one.disposition is not None) == (one.status is Status.CLOSED)


def test_who_agrees_with_another_disposition_proposes_anew() -> None:
    """Two who do not say the same have not closed it."""
    one = close(alert(1, Level.HIGH), "x", NOW, Disposition.MISTAKE, "a slip").alert
    other = close(one, "y", NOW, Disposition.CONFIRMED, "no slip")
    assert other.deed is Deed.PROPOSE
    with pytest.raises(InputError, match="y proposed it"):
        close(other.alert, "y", NOW, Disposition.CONFIRMED, "no slip")
    assert close(other.alert, "x", NOW, Disposition.CONFIRMED, "agreed").alert.closed_by == ("y", "x")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: snooze(alert(1), "auditor", NOW, "2026-11-22T00:00:00Z", "why"),
        lambda: snooze(alert(1), "auditor", NOW, "tomorrow", "why"),
        lambda: close(alert(1), "auditor", NOW, Disposition.FALSE, "  "),
        lambda: close(alert(1), "auditor", NOW, Disposition.FALSE, "x" * 3_000),
        lambda: take(alert(1), " ", NOW),
        lambda: take(take(alert(1), "auditor", NOW).alert, "auditor", NOW),
        lambda: escalate(alert(1), "auditor", NOW, "why", to="clerk-1"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Callable[[], Transition]) -> None:
    """Past times, no reasons, and people who would decide on themselves."""
    with pytest.raises(InputError):
        wrong()


@given(
    numbers=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    cut=st.integers(0, 40),
    seed=st.integers(0, 1_000),
)
def test_an_alert_is_a_function_of_its_findings(numbers: list[int], cut: int, seed: int) -> None:
    """In whatever sequence, in however many steps and however often they come, the alert is the same."""
    findings = [finding(number, money=number * 10_000, measure=number) for number in numbers]
    whole = raised(*findings)
    shuffled = findings * 2
    random.Random(seed).shuffle(shuffled)
    one = raised(*shuffled[: cut + 1])
    for part in (shuffled[cut + 1 :], shuffled):
        if part:
            one = take_in(one, part, RULE, NOW, LARGE)[0]
    assert msgspec.structs.replace(one, version=0) == msgspec.structs.replace(whole, version=0)
    assert one.id == alert_id(findings[0])


def test_a_storm_is_one_alert_of_bounded_size() -> None:
    """It names the earliest events, says that there were more, and what comes later changes nothing."""
    one = raised(*(finding(number) for number in range(MOST_EVIDENCE + 200)))
    assert (len(one.evidence), one.more) == (MOST_EVIDENCE, True)
    assert take_in(one, [finding(5_000)], RULE, NOW, LARGE) == (one, None)


def test_what_comes_again_brings_a_closed_alert_back() -> None:
    """Closed is not forgotten: new evidence is a regression, and the old evidence is not."""
    closed = close(raised(finding(1)), "auditor", NOW, Disposition.EXPECTED, "as agreed").alert
    assert take_in(closed, [finding(1)], RULE, NOW, LARGE) == (closed, None)
    back, transition = take_in(closed, [finding(2)], RULE, LATER, LARGE)
    assert transition is not None
    assert (back.status, transition.deed, back.disposition) == (Status.REGRESSED, Deed.REGRESS, None)


def test_what_becomes_graver_is_told_and_wakes() -> None:
    """Money that comes in later lifts the severity, shortens the time, and ends a snooze."""
    one = raised(finding(1))
    assert one.severity is Level.MEDIUM
    grown, transition = take_in(one, [finding(2, money=2_000_000)], RULE, NOW, LARGE)
    assert transition is not None
    assert (grown.severity, transition.deed) == (Level.CRITICAL, Deed.RISE)
    assert grown.due < one.due
    asleep = snooze(one, "auditor", NOW, LATER, "waits").alert
    woken, transition = take_in(asleep, [finding(2, money=2_000_000)], RULE, NOW, LARGE)
    assert transition is not None
    assert (woken.status, transition.deed) == (Status.IN_REVIEW, Deed.WAKE)


def test_severity_comes_of_level_control_and_money() -> None:
    """A control sets a least, large money lifts by a step, ten times that by two; no currency stands for another."""
    assert severity(Level.LOW, None, (), LARGE) is Level.LOW
    assert severity(Level.LOW, Control.EVIDENCE, (), LARGE) is Level.HIGH
    assert severity(Level.LOW, None, (("EUR", 99_999),), LARGE) is Level.LOW
    assert severity(Level.LOW, None, (("EUR", 100_000),), LARGE) is Level.MEDIUM
    assert severity(Level.LOW, None, (("EUR", 1_000_000),), LARGE) is Level.HIGH
    assert severity(Level.HIGH, None, (("EUR", 1_000_000_000),), LARGE) is Level.CRITICAL
    assert severity(Level.LOW, None, (("JPY", 1_000_000),), LARGE) is Level.LOW
    assert severity(Level.LOW, None, (("TND", 10**12),), LARGE) is Level.LOW


def test_incidents_are_what_is_linked_in_whatever_sequence() -> None:
    """One person, then one order: three alerts in a row are one incident; a day later nothing is linked."""
    first = raised(finding(0, order="SO-1", actor="a"))
    second = raised(finding(1, order="SO-2", actor="a"))
    third = raised(finding(2, order="SO-2", actor="b"))
    apart = raised(finding(3 * DAY, order="SO-2", actor="b"))
    other = raised(finding(4, order="SO-9", actor="c"))
    alerts = [
        msgspec.structs.replace(one, id=f"A-{place}")
        for place, one in enumerate([first, second, third, apart, other])
    ]
    found = incidents(alerts)
    assert sorted(tuple(one.id for one in incident.alerts) for incident in found) == [
        ("A-0", "A-1", "A-2"), ("A-3",), ("A-4",)
    ]  # fmt: skip
    assert incidents(reversed(alerts)) == found


def test_a_transition_is_an_event_under_an_id_of_its_own() -> None:
    """The event names alert, rule, person and orders; told again it is the same event, and the next step is another."""
    one = raised(finding(1, money=500))
    event = told(Transition(alert=one, deed=Deed.RAISE, at=NOW))
    assert (event.action, event.subject.id, event.actor.kind) == ("alert.raise", one.id, "system")
    assert {change.path: change.after for change in event.changes}["/actor"] == "clerk-1"
    assert [link.id for link in event.links] == ["SO-1"]
    raised_again = Transition(alert=one, deed=Deed.RAISE, at=NOW)
    assert event.id == event_id(raised_again) != event_id(take(one, "auditor", NOW))


def test_why_tells_the_rule_with_live_numbers() -> None:
    """Rule, count, time, person, order and money, in English."""
    one = raised(finding(1, money=1_250), finding(2, money=1_250))
    assert why(one) == (
        "The rule looks for an event of which action is “order.cancel”. It found 2 events, from "
        "2026-11-23T00:00:00.000001Z to 2026-11-23T00:00:00.000002Z. By clerk-1. About order SO-1. "
        "Money moved: 25.00 EUR."
    )
