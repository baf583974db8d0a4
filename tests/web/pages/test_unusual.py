"""What is out of the ordinary on the Overview: hours when nobody works, and days unlike the days before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.sync_api import expect

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Sensitive
from ordertrail.query.questions.closing import BusinessHours, closed_stretches, off_hours
from ordertrail.query.questions.usual import DayAsked, comparable_days, movers, usual_range
from ordertrail.query.service import Query
from ordertrail.query.span import Span
from ordertrail.record.event import Actor, Context, Event, Subject
from ordertrail.web.pages.unusual import business_hours
from web.pages.conftest import Open, settled
from web.pages.serving import Served, indexed

UTC_ZONE = ZoneInfo("UTC")
MONDAY = datetime(2026, 10, 26, tzinfo=UTC)
"""The week in which clocks of Europe went back on the day before."""
HOUR = timedelta(hours=1)
_hours = st.builds(
    lambda zone, begin, length, days: BusinessHours(ZoneInfo(zone), begin, min(1_440, begin + length), days),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.integers(0, 1_380),
    st.integers(60, 1_440),
    st.frozensets(st.integers(0, 6)),
)


def is_open(hours: BusinessHours, moment: datetime) -> bool:
    """Say by the clock on the wall whether people work: what stretches are held against."""
    here = moment.astimezone(hours.zone)
    return here.weekday() in hours.days and hours.begin <= here.hour * 60 + here.minute < hours.end


@given(hours=_hours, start=st.integers(0, 400), length=st.integers(1, 240))
@example(hours=BusinessHours(ZoneInfo("Europe/Berlin"), 0, 1_440, frozenset({6})), start=0, length=48)
def test_stretches_are_closed_and_all_that_is_closed(hours: BusinessHours, start: int, length: int) -> None:
    """Promise: no hour of a stretch has a minute of business, and each whole hour without is in one stretch."""
    begin = MONDAY + (start - 200) * HOUR
    span = Span(begin, begin + length * HOUR, UTC_ZONE)
    stretches = closed_stretches(hours, span)
    assert all(one.end <= other.start for one, other in pairwise(stretches))
    for number in range(length):
        hour = begin + number * HOUR
        quarters = [hour + timedelta(minutes=5 * part) for part in range(12)]
        within = any(one.start <= hour < one.end for one in stretches)
        assert within <= (not any(is_open(hours, one) for one in quarters))
        if hours.begin % 5 == 0 and hours.end % 5 == 0:
            assert within == (not any(is_open(hours, one) for one in quarters))


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=30))
def test_what_was_half_of_the_time_is_usual(days: list[int]) -> None:
    """Promise: the range holds the middle half of the days, is never narrower than chance, and never below nothing."""
    usual, ordered = usual_range(days), sorted(days)
    middle = ordered[len(ordered) // 4 : len(ordered) - len(ordered) // 4]
    assert usual.low >= 0
    assert usual.low <= min(middle)
    assert max(middle) <= usual.high
    assert usual.high >= ordered[len(ordered) // 2 - 1] + 3
    assert (usual.most, usual.of) == (max(days), len(days))


def test_days_are_held_against_days_of_their_kind() -> None:
    """Promise: a Monday is held against working days, a Saturday against weekends, none before the trail's first."""
    month = comparable_days(MONDAY, MONDAY - timedelta(days=90))
    assert len(month) == 20
    assert {day.weekday() for day in month} == {0, 1, 2, 3, 4}
    saturday = comparable_days(MONDAY + timedelta(days=5), MONDAY - timedelta(days=90))
    assert {day.weekday() for day in saturday} == {5, 6}
    young = comparable_days(MONDAY, MONDAY - timedelta(days=5, hours=3))
    assert young == [MONDAY - timedelta(days=back) for back in (3, 4, 5)]


def told(at: datetime, actor: str, action: str, channel: str = "web", *, kind: str = "person") -> Event:
    """Return an event."""
    return Event(
        id=new_id(),
        time=format_time(at),
        action=action,
        actor=Actor(actor, "person" if kind == "person" else "service"),
        subject=Subject("order", "SO-1", "SO-1"),
        context=Context(channel=channel),
    )


def month() -> Iterator[Event]:
    """Yield four weeks in which ann does four things a day, and bob ten on the last, of them eight at night."""
    for back in range(1, 29):
        day = MONDAY - timedelta(days=back)
        if day.weekday() < 5:
            for hour in (8, 10, 12, 14):
                yield told(day + hour * HOUR, "ann", "order.update")
    for minute in range(8):
        at = MONDAY + 2 * HOUR + timedelta(minutes=minute)
        yield told(at, "bob", "order.cancel", "backoffice")
        yield told(at, "night-job", "order.price.change", "backoffice", kind="service")
    yield told(MONDAY + 9 * HOUR, "bob", "order.cancel", "backoffice")
    yield told(MONDAY + 10 * HOUR, "bob", "order.cancel", "backoffice")


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    """The month, indexed."""
    root = tmp_path_factory.mktemp("month") / "trail"
    with indexed(root, month()) as query:
        yield query


def test_a_day_unlike_the_others_is_told(query: Query) -> None:
    """Promise: who did more than ever, who did nothing on a day that is over, each with number and usual range."""
    first = MONDAY - timedelta(days=28)
    found = {
        (one.column, one.value): one for one in movers(query.counts, [DayAsked(MONDAY, over=True)], first)
    }
    bob = found["actor", "bob"]
    assert (bob.events, bob.usual.most, bob.above) == (10, 0, True)
    assert found["channel", "backoffice"].events == 18
    assert found["action", "order.cancel"].events == 10
    assert ("actor", "ann") not in found, "from 4 a day to none is within chance"
    assert not any(one.value == "ann" for one in movers(query.counts, [DayAsked(MONDAY, over=False)], first))
    assert movers(query.counts, [DayAsked(MONDAY, over=True)], MONDAY - timedelta(days=3)) == ()


def test_each_number_is_of_the_events_that_it_names(query: Query) -> None:
    """Promise: what a stretch counts is what a search of that stretch finds."""
    hours = BusinessHours(UTC_ZONE, 360, 1_200, frozenset(range(6)))
    span = Span(MONDAY - timedelta(days=28), MONDAY + timedelta(days=1), UTC_ZONE)
    sensitive = Filter((Sensitive(),))
    found = off_hours(query.counts, sensitive, span, hours)
    assert sum(one.events for one in found) == 16
    for one in found:
        assert one.events == query.searches.count(sensitive.with_(one.span.term()), 1_000)
    assert [one.above for one in found if one.events] == [True]


def test_business_hours_are_those_of_the_rules(running: Served) -> None:
    """Promise: the hours are the ones that a rule in force names, and the rule is named."""
    hours, basis = business_hours(running.house.services.monitor)
    assert (hours.zone, hours.begin, hours.end) == ("UTC", 360, 1_200)
    assert "Sensitive change outside working hours" in basis
    assert "No rule" in business_hours(None)[1]


def test_the_overview_says_what_was_done_at_night(opened: Open) -> None:
    """Promise: the run of cancellations past two in the morning is on the first page, with who and its events."""
    page = settled(opened())
    region = page.locator("#offhours")
    expect(region).to_contain_text("outside 06:00 to 20:00 (UTC)")
    row = region.locator("tbody tr", has_text="p.novak").first
    events = row.locator("[data-peek]")
    shown = events.inner_text().split()[0]
    events.click()
    page.wait_for_url("**/explore?**")
    expect(settled(page).locator("#summary")).to_contain_text(f"{shown} events")
    expect(page.locator("#event-table")).to_contain_text("p.novak")


def test_without_scripts_what_is_unusual_is_a_link_away(opened: Open) -> None:
    """Promise: the parts that load later are read without scripts, and say so where it is too early to judge."""
    page = opened("/?show=unusual", scripts=False)
    expect(page.locator("#unusual")).to_contain_text("Too early to say what is usual")
    expect(page.locator("#offhours")).to_contain_text("p.novak")
