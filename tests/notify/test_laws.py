"""Laws of routing, of what goes together, and of what a message may say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.clock import format_time
from ordertrail.notify.digest import MINUTE, Waiting, gather
from ordertrail.notify.message import LONGEST, Message, Severity, message_of, one_line
from ordertrail.notify.parcel import SHOWN, parcel_of
from ordertrail.notify.routing import QuietHours, Route
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.event import Actor, Change, Context, Event, Link, Subject

START = datetime(2026, 3, 28, tzinfo=UTC)
"""A day before clocks are put in Europe."""

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]).map(ZoneInfo)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
HOURS = (
    st.tuples(TIMES, TIMES, ZONES)
    .filter(lambda one: one[0] != one[1])
    .map(lambda one: QuietHours(one[0], one[1], one[2]))
)
ROUTES = st.builds(
    Route,
    name=st.just("desk"),
    quiet=st.none() | HOURS,
    digest=st.sampled_from([timedelta(), timedelta(minutes=15), timedelta(hours=2)]),
    most_per_minute=st.integers(1, 5),
)
ARRIVALS = st.lists(
    st.tuples(st.integers(0, 3 * 24 * 60), st.sampled_from(Severity), st.integers(1, 9)), max_size=25
)
"""Minutes after the start, the severity, and how many come at once."""


def waiting_of(arrivals: Sequence[tuple[int, Severity, int]]) -> list[Waiting]:
    """Return messages as they come."""
    told = sorted(
        (START + timedelta(minutes=minute), severity, number, copy)
        for number, (minute, severity, copies) in enumerate(arrivals)
        for copy in range(copies)
    )
    return [Waiting(f"{number}-{copy}", severity, moment) for moment, severity, number, copy in told]


def handed_over(route: Route, arrivals: Sequence[Waiting]) -> list[tuple[datetime, tuple[Waiting, ...]]]:
    """Play a route: look whenever something comes, and when it said to look again; return what went, and when."""
    by_id = {one.id: one for one in arrivals}
    coming, waiting = list(arrivals), dict[str, Waiting]()
    went: list[tuple[datetime, tuple[Waiting, ...]]] = []
    now = START
    for _ in range(10_000):
        while coming and coming[0].since <= now:
            one = coming.pop(0)
            waiting[one.id] = one
        told = gather(
            route, list(waiting.values()), now, [moment for moment, _ in went if moment > now - MINUTE]
        )
        for group in told.groups:
            went.append((now, tuple(by_id[one] for one in group)))
            for name in group:
                del waiting[name]
        if not coming and not waiting:
            return went
        assert told.again is not None or coming, "what waits is looked at again"
        assert told.again is None or told.again > now, "time goes on"
        now = min(
            moment for moment in (told.again, coming[0].since if coming else None) if moment is not None
        )
    raise AssertionError("what waits goes at some time")


@given(ROUTES, ARRIVALS)
def test_every_message_goes_once_and_no_minute_has_too_many(
    route: Route, arrivals: list[tuple[int, Severity, int]]
) -> None:
    """Whatever comes when: each message is in one parcel, and no 60 seconds see more parcels than the route says."""
    messages = waiting_of(arrivals)
    went = handed_over(route, messages)
    assert sorted(one.id for _, group in went for one in group) == sorted(one.id for one in messages)
    for moment, _ in went:
        assert sum(moment - MINUTE < other <= moment for other, _ in went) <= route.most_per_minute


@given(ROUTES, ARRIVALS)
def test_what_is_critical_waits_for_no_hours(route: Route, arrivals: list[tuple[int, Severity, int]]) -> None:
    """A critical message goes within the minute that the bound may take, quiet hours and digests or not."""
    for moment, group in handed_over(route, waiting_of(arrivals)):
        for one in group:
            if one.severity is Severity.CRITICAL:
                assert moment - one.since <= MINUTE


@given(ROUTES, ARRIVALS)
def test_quiet_hours_are_quiet(route: Route, arrivals: list[tuple[int, Severity, int]]) -> None:
    """Within them only parcels go in which something is critical."""
    for moment, group in handed_over(route, waiting_of(arrivals)):
        assert not route.is_quiet(moment) or any(one.severity is Severity.CRITICAL for one in group)


@given(ARRIVALS, st.integers(1, 5))
def test_without_hours_and_digests_nothing_waits_longer_than_a_minute(
    arrivals: list[tuple[int, Severity, int]], most: int
) -> None:
    """The bound alone holds nothing back for longer."""
    for moment, group in handed_over(Route("desk", most_per_minute=most), waiting_of(arrivals)):
        assert all(moment - one.since <= MINUTE for one in group)


@given(HOURS, st.integers(0, 5 * 24 * 60))
def test_quiet_hours_end(hours: QuietHours, minutes: int) -> None:
    """Their end comes after the moment, within a day and the hour by which clocks are put, and they are over then."""
    moment = START + timedelta(minutes=minutes)
    end = hours.end_after(moment)
    assert moment < end <= moment + timedelta(hours=25)
    local = end.astimezone(hours.zone)
    if local.time() == hours.end:  # not where clocks were put over it
        assert not hours.cover(end)


def test_a_night_goes_as_one_in_the_morning() -> None:
    """What comes from ten to six goes together at six; what comes after it, by itself."""
    berlin = ZoneInfo("Europe/Berlin")
    route = Route("desk", quiet=QuietHours(time(22), time(6), berlin))
    at = [datetime(2026, 11, 23, 23, 5, tzinfo=berlin), datetime(2026, 11, 24, 5, 59, tzinfo=berlin)]
    night = [Waiting(str(number), Severity.HIGH, moment) for number, moment in enumerate(at)]
    dawn = datetime(2026, 11, 24, 6, 0, tzinfo=berlin).astimezone(UTC)
    assert gather(route, night, at[1], []).groups == ()
    assert gather(route, night, at[1], []).again == dawn
    morning = Waiting("morning", Severity.HIGH, dawn)
    assert gather(route, [*night, morning], dawn, []).groups == (("0", "1"), ("morning",))


def test_quiet_hours_are_not_all_day() -> None:
    """Hours that begin when they end would hold back for ever."""
    with pytest.raises(ValueError, match="none, or all day"):
        QuietHours(time(6), time(6), UTC)


MESSAGE = Message(
    id="1",
    at=format_time(START),
    severity=Severity.HIGH,
    text="x",
    action="payment.refund",
    tenant="north",
    channel="shop",
)


@pytest.mark.parametrize(
    ("route", "taken"),
    [
        (Route("r"), True),
        (Route("r", least=Severity.CRITICAL), False),
        (Route("r", actions=("payment.*",)), True),
        (Route("r", actions=("order.*",)), False),
        (Route("r", rules=("*",)), False),
        (Route("r", rules=("*",), actions=("payment.refund",)), True),
        (Route("r", channels=frozenset({"shop"})), True),
        (Route("r", channels=frozenset({"edi"})), False),
        (Route("r", tenants=frozenset({"south"})), False),
    ],
)
def test_a_route_takes_what_fits_all_that_it_says(route: Route, *, taken: bool) -> None:
    """Severity, rule or action, channel and tenant."""
    assert route.takes(MESSAGE) is taken
    by_rule = msgspec.structs.replace(MESSAGE, rule="price_lowered")
    assert replace(route, rules=("price_*",), actions=()).takes(by_rule) is (
        replace(route, rules=(), actions=()).takes(MESSAGE)
    )


SECRET = st.text(alphabet="QXZ", min_size=6, max_size=12)
NAMES = sorted(name for name, action in CATALOGUE.items() if action.sensitive)


@given(
    SECRET, st.sampled_from(NAMES), st.sampled_from(["person", "account", "party", "customer", "order_line"])
)
def test_a_message_without_leave_holds_nothing_personal(secret: str, action: str, kind: str) -> None:
    """Not who, not why, not a value that is no amount, not the id of a person; the route that may has all of it."""
    event = Event(
        id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
        time=format_time(START),
        action=action,
        actor=Actor(secret, "person", (secret,), on_behalf_of=secret, session=secret),
        subject=Subject(kind, "SO-1/1" if kind == "order_line" else secret, "SO-1"),
        changes=(
            Change("/unit_price", {"amount": 12000, "currency": "EUR"}, {"amount": 7200, "currency": "EUR"}),
            Change(f"/names/{secret}", secret, {"amount": 1, "currency": "EUR", "note": secret}),
            Change("/phone", 49301234567, None),
        ),
        context=Context(ip=secret, user_agent=secret, reason=secret, ticket=secret),
    )
    told = message_of(event)
    if action.startswith("notify.") and action != "notify.route.change":
        assert told is None
        return
    assert told is not None
    written = msgspec.json.encode(told).decode()
    assert secret not in written
    assert "49301234567" not in written
    assert "SO-1" in told.text
    assert "unit price 120.00 EUR → 72.00 EUR" in told.text
    whole = message_of(event, personal=True)
    assert whole is not None
    assert secret in whole.text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["amount", "currency", "sealed", "blob", "x"]), inner, max_size=3)
        | st.fixed_dictionaries({"amount": inner, "currency": st.sampled_from(["EUR", "JPY", "XXX", "eur"])})
    ),
    max_leaves=6,
)


@given(st.text(max_size=20), VALUES, VALUES, st.lists(st.text(max_size=9), max_size=4), st.booleans())
def test_no_event_stops_the_telling(
    text: str,
    before: object,
    after: object,
    tags: list[str],
    personal: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever an event holds, it makes a message of bounded length or none; who records cannot stop who tells."""
    for action in ("payment.refund", "alert.raise", "alert.change", "order.read", text):
        event = Event(
            id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
            time=format_time(START),
            action=action,
            actor=Actor(text, "service"),
            subject=Subject("alert", text, text),
            changes=(Change(text, before, after), Change("/a", after=after), Change("/b", before=before)),
            context=Context(reason=text, tags=tuple(tags)),
        )
        told = message_of(event, personal=personal)
        assert told is None or len(told.text) <= LONGEST


def alert_event(action: str, deed: str, by: Actor | None = None) -> Event:
    """Return an event of an alert's life, as the watch records it."""
    return Event(
        id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
        time=format_time(START),
        action=action,
        actor=by or Actor("ordertrail", "system"),
        subject=Subject("alert", "A-1"),
        context=Context(reason="Price lowered much", tags=("price_lowered_much", "high", deed)),
        links=(Link("ordertrail", "order", "SO-1"),),
    )


def test_alerts_are_told_with_their_severity_and_page() -> None:
    """Raised, risen, escalated; not that somebody took one. A person's words are shown only where they may be."""
    told = message_of(alert_event("alert.raise", "raised"), address=lambda kind, name: f"/{kind}/{name}")
    assert told is not None
    assert (told.severity, told.rule, told.alert, told.order) == (
        Severity.HIGH,
        "price_lowered_much",
        "A-1",
        "SO-1",
    )
    assert (told.text, told.link) == ("High alert A-1: Price lowered much", "/alert/A-1")
    assert message_of(alert_event("alert.change", "taken")) is None
    escalated = alert_event("alert.change", "escalated", Actor("auditor", "person"))
    plain, whole = message_of(escalated), message_of(escalated, personal=True)
    assert plain is not None
    assert plain.text == "High alert was escalated A-1: price_lowered_much"
    assert whole is not None
    assert "Price lowered much" in whole.text


def test_the_trail_in_doubt_is_critical() -> None:
    """A loss, a bypass, an incident of the log: they pass quiet hours."""
    event = msgspec.structs.replace(
        alert_event("x", "x"), action="capture.loss", subject=Subject("source", "shop")
    )
    told = message_of(event)
    assert told is not None
    assert told.severity is Severity.CRITICAL


@given(st.text(max_size=600))
def test_a_text_is_one_plain_line(text: str) -> None:
    """Nothing that steers a terminal, ends a header or turns the writing around."""
    plain = one_line(text)
    assert plain.isprintable()
    assert len(plain) <= LONGEST
    assert one_line(plain) == plain


@given(st.lists(st.sampled_from(Severity), min_size=1, max_size=200))
def test_a_parcel_counts_all_and_shows_the_gravest(severities: list[Severity]) -> None:
    """The count is of all, what is shown is no less grave than what is not, and its size is bounded."""
    made = [
        msgspec.structs.replace(MESSAGE, id=str(number), severity=severity)
        for number, severity in enumerate(severities)
    ]
    parcel = parcel_of("p", "desk", format_time(START), made)
    assert parcel.count == len(made)
    assert parcel.severity == max(severities)
    assert len(parcel.messages) == min(SHOWN, len(made))
    shown = sorted((one.severity for one in parcel.messages), reverse=True)
    assert shown == sorted(severities, reverse=True)[: len(shown)]
    assert len(parcel.text) < (SHOWN + 3) * (LONGEST + 200)
