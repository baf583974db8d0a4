"""Lanes, gaps and clocks: one order across systems, and how far their times can be trusted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from correlate.test_matching import fact
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.matching.links import Basis, Link, LinkState
from ordertrail.correlate.skew import Sandwich, Skew, estimate
from ordertrail.correlate.view import OURS, Across, Certainty, view_of
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Event, Subject

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _heard(offset: timedelta, seed: int, many: int = 200, late: float = 0.2) -> list[Sandwich]:
    """Facts of a system whose clock is behind ours by an offset; some of them late, none early."""
    random = Random(seed)
    found = []
    for n in range(many):
        real = NOON + timedelta(minutes=5 * n)
        delay = timedelta(seconds=random.uniform(0.2, 4))
        if random.random() < late:
            delay += timedelta(seconds=random.uniform(60, 90_000))
        before = real - timedelta(seconds=random.uniform(0.5, 60))
        found.append(Sandwich(format_time(real - offset), format_time(real + delay), format_time(before)))
    return found


@given(st.integers(-7_200, 7_200), st.integers(0, 50))
def test_the_offset_of_a_clock_is_found(seconds: int, seed: int) -> None:
    """However far a clock is off, the span holds the truth and is seconds wide, late messages or not."""
    offset = timedelta(seconds=seconds)
    skew = estimate("stripe", _heard(offset, seed))
    assert skew is not None
    assert skew.low <= offset <= skew.high
    assert skew.high - skew.low < timedelta(seconds=6)
    assert skew.known
    assert skew.matters == (not skew.low <= timedelta(0) <= skew.high)


@given(st.integers(0, 50))
def test_liars_do_not_move_the_estimate(seed: int) -> None:
    """A fifth of the facts with a time of another zone leaves the estimate where it was."""
    honest = _heard(timedelta(0), seed)
    liars = [
        replace(one, told=format_time(NOON + timedelta(hours=5))) if n % 5 == 0 else one
        for n, one in enumerate(honest)
    ]
    skew = estimate("ups", liars)
    assert skew is not None
    assert skew.low <= timedelta(0) <= skew.high
    assert not skew.matters
    assert skew.agreeing < skew.samples


def test_nothing_is_claimed_of_a_clock_without_facts() -> None:
    """Without facts there is no estimate; with one side bounded it is not called known."""
    assert estimate("stripe", []) is None
    one = estimate("stripe", [Sandwich(format_time(NOON), format_time(NOON + timedelta(seconds=3)))])
    assert one is not None
    assert not one.known
    assert not one.matters
    assert one.corrected(format_time(NOON)) == NOON


def _event(action: str, minutes: float) -> Event:
    time = format_time(NOON + timedelta(minutes=minutes))
    return Event(
        id=new_id(),
        time=time,
        action=action,
        actor=Actor("shop", "service"),
        subject=Subject("order", "o", "o"),
    )


def _across(**more: object) -> Across:
    captured = fact(time=format_time(NOON - timedelta(minutes=8)))
    moved = fact(
        kind=FactKind.IN_TRANSIT, system="ups", thing="1Z", id="s", amount=None, time=format_time(NOON)
    )
    other = fact(system="adyen", thing="x", id="x", time=format_time(NOON))
    links = [
        Link(captured.about, "o", None, LinkState.LINKED, Basis.NAMED, 10_000),
        Link(moved.about, "o", None, LinkState.PROPOSED, Basis.LIKELY, 4_000),
        Link(other.about, "o", None, LinkState.UNDONE, Basis.PERSON, 0),
    ]
    made = Across(
        "o", [_event("order.create", 0), _event("order.complete", 600), _event("external.fact", 1)], links,
        [captured, moved, other], {}, (), NOON + timedelta(days=30),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_lanes_hold_each_systems_word_and_how_sure_it_is() -> None:
    """Ours comes first; what is linked and what may be are told apart; what was undone is not shown."""
    view = view_of(_across())
    assert [lane.name for lane in view.lanes] == [OURS, "stripe", "ups"]
    assert [(one.what, one.certainty) for one in view.lanes[1].entries] == [("captured", Certainty.LINKED)]
    assert [one.certainty for one in view.lanes[2].entries] == [Certainty.POSSIBLE]
    assert [one.what for one in view.lanes[0].entries] == ["order.create", "order.complete"]
    assert sorted(one.by_our_clock for one in view.entries) == [one.by_our_clock for one in view.entries]


def test_a_clock_that_is_behind_is_put_right_and_shown() -> None:
    """A capture that seems to come before its order comes after it by our clock; its own time stays beside."""
    skew = Skew("stripe", timedelta(minutes=10), timedelta(minutes=9), timedelta(minutes=11), 40, 41)
    plain, right = view_of(_across()), view_of(_across(skews={"stripe": skew}))
    assert plain.entries[0].what == "captured"
    assert [one.what for one in right.entries][:2] in (
        ["order.create", "in_transit"],
        ["in_transit", "order.create"],
    )
    (captured,) = right.lanes[1].entries
    assert captured.by_our_clock == NOON + timedelta(minutes=2)
    assert captured.time == format_time(NOON - timedelta(minutes=8))
    assert captured.unordered is False or right.lanes[1].skew is skew


def test_what_is_nearer_than_the_clocks_agree_has_no_sequence() -> None:
    """Two entries of two systems within the doubt of their clocks are marked: nobody knows which came first."""
    skew = Skew("ups", timedelta(0), timedelta(minutes=-2), timedelta(minutes=2), 9, 9)
    view = view_of(_across(skews={"ups": skew}))
    unordered = {one.what for one in view.entries if one.unordered}
    assert unordered == {"order.create", "in_transit"}


def test_gaps_are_told_once_their_time_is_over() -> None:
    """A parcel that left and did not arrive is a gap after ten days, and none before."""
    assert [(gap.lane, gap.missing) for gap in view_of(_across()).gaps] == [
        ("ups", "the parcel left, and did not arrive")
    ]
    assert view_of(_across(now=NOON + timedelta(days=3))).gaps == ()
