"""Ids, times and money: one spelling each, and exact."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.clock import canonical_time, format_time, parse_time
from ordertrail.kernel.errors import Diagnostics, EvidenceError, InputError, OrderTrailError, Problem
from ordertrail.kernel.ids import format_id, new_id, parse_id
from ordertrail.kernel.money import EXPONENTS, Money, format_money, parse_money

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the zone is drawn


@given(MOMENTS)
def test_a_time_has_one_spelling(moment: datetime) -> None:
    """Every aware time is written in UTC with six digits, and reads back as the same moment."""
    text = format_time(moment)
    assert len(text) == 27
    assert text.endswith("Z")
    assert parse_time(text) == moment
    assert canonical_time(moment.isoformat()) == canonical_time(text) == text


@given(MOMENTS, MOMENTS)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    """Sorting times as text sorts them as times."""
    assert (format_time(one) < format_time(other)) == (one < other)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-22T14:02:10", "no zone"),
        ("2026-11-22", "not an RFC 3339 time"),
        ("2026-11-22T14:02:10.1234567Z", "finer than microseconds"),
        ("2026-02-30T14:02:10Z", "not a time that exists"),
        ("2026-11-22T25:02:10Z", "not a time that exists"),
        ("0001-01-01T00:00:00+14:00", "not a time that exists"),
        ("2026-11-22 14:02:10Z", "not an RFC 3339 time"),
        ("٢٠٢٦-11-22T14:02:10Z", "not an RFC 3339 time"),
        ("", "not an RFC 3339 time"),
    ],
)
def test_what_is_not_a_time_is_told_why(text: str, why: str) -> None:
    """A bad time is refused with a reason a person can act on."""
    with pytest.raises(ValueError, match=why):
        parse_time(text)


def test_naive_times_are_a_programming_error() -> None:
    """A time without a zone is never written."""
    with pytest.raises(ValueError, match="naive"):
        format_time(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_new_ids_are_uuid7_and_sort_by_when_they_were_made() -> None:
    """Ids are RFC 9562 version 7 of now, all different, and practically in order."""
    ids = [new_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert all(UUID(one).version == 7 and UUID(one).variant == "specified in RFC 4122" for one in ids)
    first = datetime.fromtimestamp((UUID(ids[0]).int >> 80) / 1000, UTC)
    assert abs((datetime.now(UTC) - first).total_seconds()) < 60
    assert ids[0] < ids[-1]


@given(st.uuids())
def test_an_id_has_one_spelling(value: UUID) -> None:
    """Reading an id and writing it gives the same text; no other spelling is read."""
    text = str(value)
    assert format_id(parse_id(text)) == text
    for other in (text.upper(), value.hex, "{" + text + "}", text + "0", text[:-1] + "g", ""):
        if other != text:
            with pytest.raises(ValueError, match="UUID"):
                parse_id(other)


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(-(10**15), 10**15))
def test_money_is_exact(currency: str, amount: int) -> None:
    """Minor units survive being written and read in every currency."""
    money = Money(amount, currency)
    text, code = format_money(money).split()
    assert code == currency
    assert parse_money(text, currency) == money
    assert Decimal(text).scaleb(EXPONENTS[currency]) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [("0.001", "EUR"), ("1.5", "JPY"), ("1.2345", "KWD"), ("NaN", "EUR"), ("Infinity", "EUR"), ("1,50", "EUR"),
     ("", "EUR"), ("1", "EUX"), ("1", "eur"), ("1." + "0" * 40 + "1", "EUR"), ("1." + "0" * 30 + "1", "EUR"),
     ("1e999998", "EUR"), ("1e-999998", "EUR"), ("9e99999999999", "JPY")],
)  # fmt: skip
def test_money_is_never_rounded(text: str, currency: str) -> None:
    """More digits than the currency has, or no currency, is refused."""
    with pytest.raises(ValueError):  # noqa: PT011 - the reasons differ; refusing is the promise
        parse_money(text, currency)


def test_errors_answer_three_questions() -> None:
    """Every error says what happened, what it means for the evidence, and what to do."""
    error: OrderTrailError = EvidenceError("a hash differs")
    told = error.diagnostics()
    assert isinstance(told, Diagnostics)
    assert all((told.happened, told.meaning, told.remedy))
    both = InputError([Problem("a.b", "is wrong"), Problem("", "is odd")])
    assert str(both) == "a.b: is wrong; is odd"
    assert len(both.problems) == 2
