"""Retention policies: terms by the calendar, classes in their order, nothing shortened unseen, every mistake named."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Context, Event, Subject
from ordertrail.retention.policy import (
    Policy,
    RetentionClass,
    Span,
    Trigger,
    fiscal_year_end,
    parse_policy,
    presets,
    shortened,
)

moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - a strategy's bounds
spans = st.builds(Span, st.integers(0, 30), st.integers(0, 4_000))


def an_event(
    time: datetime, action: str = "order.update", channel: str | None = None, tenant: str | None = None
) -> Event:
    """Make an event."""
    subject = Subject("order", "SO-1", "SO-1", tenant)
    actor, context = Actor("clerk-1", "person"), Context(channel=channel)
    return Event(
        id=new_id(), time=format_time(time), action=action, actor=actor, subject=subject, context=context
    )


@given(moments, spans, st.integers(0, 10_000))
def test_a_term_is_monotonous(moment: datetime, span: Span, later: int) -> None:
    """What happened later is never due earlier, and a longer term never ends earlier."""
    after = moment + timedelta(hours=later)
    assert span.after(moment) <= span.after(after)
    assert span.after(moment) <= Span(span.years + 1, span.days).after(moment)
    assert span.after(moment) - moment >= timedelta(days=span.years * 365 + span.days)


def test_a_term_of_years_is_by_the_calendar() -> None:
    """Seven years after a day are the same day seven years later; a leap day has its 28th."""
    assert Span(7).after(datetime(2019, 11, 23, tzinfo=UTC)) == datetime(2026, 11, 23, tzinfo=UTC)
    assert Span(1).after(datetime(2024, 2, 29, tzinfo=UTC)) == datetime(2025, 2, 28, tzinfo=UTC)


@given(moments, st.dates(date(2023, 1, 1), date(2023, 12, 31)))
def test_a_fiscal_year_ends_after_what_is_in_it(moment: datetime, last: date) -> None:
    """Within a year and a day, at midnight after its last day."""
    end = fiscal_year_end(moment, f"{last:%m-%d}")
    assert moment < end <= moment + timedelta(days=367)
    assert (end - timedelta(days=1)).month == last.month


@given(moments, moments | st.none())
def test_each_trigger_begins_where_it_says(moment: datetime, closed: datetime | None) -> None:
    """With the event, at the end of the fiscal year, or when the order is closed; an open order is never due."""
    event, term = an_event(moment), Span(1)

    def due(trigger: Trigger) -> datetime | None:
        return RetentionClass("default", "x", term, trigger).due(event, closed)

    assert due(Trigger.EVENT) == term.after(moment)
    assert due(Trigger.FISCAL_YEAR) == term.after(fiscal_year_end(moment, "12-31"))
    assert due(Trigger.ORDER_CLOSED) == (None if closed is None else term.after(max(moment, closed)))


POLICY = """\
version = 1

[[classes]]
name = "browsing"
basis = "A year is enough to look into complaints"
term_days = 365
actions = ["*.read"]
channels = ["web"]

[[classes]]
name = "default"
preset = "seven-years"
"""


def test_an_event_is_of_the_first_class_that_it_fits() -> None:
    """All that a class asks for must be so; the last class takes everything else."""
    policy, now = parse_policy(POLICY), datetime(2026, 1, 1, tzinfo=UTC)
    assert policy.class_of(an_event(now, "order.read", "web")).name == "browsing"
    for event in (an_event(now, "order.read", "erp"), an_event(now, "order.update", "web"), an_event(now)):
        assert policy.class_of(event).name == "default"
    assert [one.duty for one in policy.classes] == [False, True]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("version = 2", "version"),
        ("version = 1", "classes"),
        (POLICY.replace("version = 1", "version = 1\ncolour = 1"), "colour"),
        (POLICY.replace("seven-years", "eternal"), "classes.1.preset"),
        (POLICY.replace("term_days = 365", ""), "classes.0.term_days"),
        (POLICY.replace("term_days = 365", "term_days = -1"), "classes.0.term_days"),
        (POLICY.replace("term_days = 365", "term_days = 365\ntrigger = 'never'"), "classes.0.trigger"),
        (
            POLICY.replace("term_days = 365", "term_days = 365\nfiscal_year_ends = '13-40'"),
            "fiscal_year_ends",
        ),
        (POLICY.replace('basis = "A year is enough to look into complaints"', ""), "classes.0.basis"),
        (POLICY.replace('name = "default"', 'name = "browsing"'), "classes"),
        (POLICY.replace('["*.read"]', '"*.read"'), "classes.0.actions"),
        (
            POLICY.replace('preset = "seven-years"', 'preset = "seven-years"\nterm_years = 2'),
            "classes.1.term_years",
        ),
        (POLICY.replace('preset = "seven-years"', 'preset = "seven-years"\nchannels = ["erp"]'), "classes.1"),
        (POLICY.replace('actions = ["*.read"]\nchannels = ["web"]', ""), "classes.0"),
        ("version = ", "TOML"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_with_the_place(text: str, path: str) -> None:
    """Every mistake has its path, and nothing of the policy is used."""
    with pytest.raises(InputError) as caught:
        parse_policy(text)
    assert path in str(caught.value)


def test_every_preset_says_why_and_where() -> None:
    """Each has a basis, a source that can be opened, and a term."""
    found = presets()
    assert {"seven-years", "pci-dss", "sec-17a-4", "hgb-books", "hipaa"} <= set(found)
    for one in found.values():
        assert one.basis
        assert one.source.startswith("https://")
        assert one.term > Span()


classes = st.builds(
    RetentionClass, name=st.just("default"), basis=st.just("x"), term=spans, trigger=st.sampled_from(Trigger)
)


@given(classes, classes, moments, moments)
def test_what_is_not_called_shorter_is_never_due_earlier(
    old: RetentionClass, new: RetentionClass, moment: datetime, closed: datetime
) -> None:
    """A change that needs no second person brings no event's end nearer."""
    if shortened(Policy((old,)), Policy((new,))):
        return
    before, after = old.due(an_event(moment), closed), new.due(an_event(moment), closed)
    assert before is not None
    assert after is not None
    assert after >= before


def test_a_class_that_is_gone_is_shorter() -> None:
    """Its events would belong to another class."""
    assert shortened(parse_policy(POLICY), Policy(parse_policy(POLICY).classes[1:])) == [
        "the class browsing is gone"
    ]
