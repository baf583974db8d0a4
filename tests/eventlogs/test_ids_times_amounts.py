"""The laws of ids, times and amounts: exact, deterministic, and nothing guessed."""

import doctest
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.eventlogs import amounts, ids, times
from ordertrail.adapters.eventlogs.amounts import AmountReader
from ordertrail.adapters.eventlogs.events import UntranslatableError
from ordertrail.adapters.eventlogs.ids import EventIds
from ordertrail.adapters.eventlogs.times import TimeReader
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.ids import parse_id
from ordertrail.kernel.money import EXPONENTS

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
EVENTS = st.tuples(TEXTS, TEXTS, st.integers(1, 10**9), TEXTS, TEXTS)


@pytest.mark.parametrize("module", [amounts, ids, times])
def test_worked_examples_hold(module: object) -> None:
    """What a specification shows is what the code does."""
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert tried
    assert not failed


@given(EVENTS, st.integers(-(2**60), 2**60))
def test_an_id_is_a_uuid_of_version_7_that_holds_the_time(
    event: tuple[str, str, int, str, str], ms: int
) -> None:
    """Version, variant and spelling are RFC 9562's; the time is clamped, never wrapped."""
    log, *rest = event
    made = EventIds(log).make(*rest, ms)  # type: ignore[call-arg, arg-type]
    assert parse_id(made) == UUID(made).bytes
    assert UUID(made).version == 7
    assert UUID(made).variant == RFC_4122
    assert UUID(made).int >> 80 == min(max(ms, 0), 2**48 - 1)


@given(EVENTS, EVENTS)
def test_equal_events_have_equal_ids_and_others_have_others(
    one: tuple[str, str, int, str, str], other: tuple[str, str, int, str, str]
) -> None:
    """The digest is over an unambiguous text: moving a character from one part to the next changes it."""
    ids_of = [EventIds(log).make(case, at, what, when, 0) for log, case, at, what, when in (one, other)]
    assert (ids_of[0] == ids_of[1]) == (one == other)


def test_parts_of_an_event_do_not_run_together() -> None:
    """What a naive concatenation would confuse has different ids."""
    parts = [
        ("a", "b", 11, "c", "d"),
        ("a", "b", 1, "1c", "d"),
        ("ab", "", 11, "c", "d"),
        ("a", "b1", 1, "c", "d"),
        ("a", "b", 11, "cd", ""),
    ]
    assert len({EventIds(log).make(case, at, what, when, 0) for log, case, at, what, when in parts}) == len(
        parts
    )


@given(
    st.sampled_from(sorted(EXPONENTS)),
    st.integers(-MAX_INTEGER, MAX_INTEGER),
    st.sampled_from([None, "half-even", "half-up", "down"]),
    st.integers(0, 5),
)
def test_amounts_that_fit_their_currency_are_exact(
    currency: str, minor: int, rounding: amounts.Rounding | None, zeros: int
) -> None:
    """Whatever the rounding, and with however many zeros behind: the decimal is the integer, scaled."""
    text = f"{Decimal(minor).scaleb(-EXPONENTS[currency]):f}"
    text += ("" if "." in text else ".") * bool(zeros) + "0" * zeros
    assert AmountReader(currency, rounding=rounding).money(text) == (minor, currency, None)


@given(st.decimals(-(10**9), 10**9, places=6))
def test_rounding_is_chosen_and_what_it_takes_away_is_kept(amount: Decimal) -> None:
    """The rounded amount is off by at most half a cent, and the source's text stands beside it."""
    text = f"{amount:f}"
    found = AmountReader("EUR", rounding="half-even").money(text)
    assert abs(Decimal(found.minor) - amount * 100) <= Decimal("0.5")
    assert (found.exact is None) == (amount * 100 == found.minor)
    assert found.exact in (None, text)


@pytest.mark.parametrize(
    ("text", "rounding", "minor"),
    [
        ("0.005", "half-even", 0),
        ("0.015", "half-even", 2),
        ("0.005", "half-up", 1),
        ("-0.005", "half-up", -1),
        ("0.019", "down", 1),
        ("-0.019", "down", -1),
        ("1.5e1", None, 1500),
        ("-0.0", None, 0),
    ],
)
def test_roundings_do_what_they_are_called(text: str, rounding: amounts.Rounding | None, minor: int) -> None:
    """Halves go where the mapping sends them, also below zero."""
    assert AmountReader("EUR", rounding=rounding).money(text).minor == minor


@pytest.mark.parametrize(
    "text", ["", "1,5", "1.234,50", "1 000", "0x10", "١٢", "Infinity", "1e400", "--1", ".5", "5.", "1" * 65]
)
def test_what_is_not_plainly_a_number_is_none(text: str) -> None:
    """Thousands separators, other scripts' digits and half-written numbers are refused."""
    with pytest.raises(UntranslatableError, match="is not a number"):
        AmountReader("EUR").decimal(text)


def test_a_long_decimal_is_not_rounded_by_arithmetic() -> None:
    """The thirtieth digit counts as the first does: it makes the amount inexact."""
    with pytest.raises(UntranslatableError, match="more than the 2 digits"):
        AmountReader("EUR").money("1." + "0" * 40 + "1")


def test_a_decimal_comma_is_the_mappings_choice() -> None:
    """One mark is the decimal mark; the other is refused."""
    reader = AmountReader("EUR", decimal_mark=",")
    assert reader.money("12,34").minor == 1234
    with pytest.raises(UntranslatableError):
        reader.money("12.34")


def test_whole_numbers_may_be_written_as_decimals() -> None:
    """Spreadsheets write 6 as 6.0; 6.5 is no whole number."""
    assert AmountReader().integer("-6.0") == -6
    with pytest.raises(UntranslatableError, match="not a whole number"):
        AmountReader().integer("6.5")
    with pytest.raises(UntranslatableError, match="names no currency"):
        AmountReader().money("6")


@given(
    st.datetimes().filter(lambda moment: 1 < moment.year < 9999),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from("T "),
)
def test_a_time_with_an_offset_is_the_moment_it_names(naive: datetime, offset: int, between: str) -> None:
    """Every spelling of a moment becomes the one that the kernel reads back to that moment."""
    sign = "-" if offset < 0 else "+"
    spelled = naive.isoformat(between, "microseconds") + f"{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    moment = TimeReader().read(spelled)
    expected = (naive - timedelta(minutes=offset)).replace(tzinfo=UTC)
    assert parse_time(moment.text) == expected
    assert moment.milliseconds == (expected - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1948-01-26T23:59:00+00:00", "1948-01-26T23:59:00.000000Z"),
        ("2026-11-22T14:02Z", "2026-11-22T14:02:00.000000Z"),
        ("2026-11-22 14:02:10.5+0100", "2026-11-22T13:02:10.500000Z"),
        ("2026-11-22T14:02:10,123456000z", "2026-11-22T14:02:10.123456Z"),
    ],
)
def test_common_spellings_are_read(text: str, expected: str) -> None:
    """Old years, missing seconds, short and long fractions."""
    assert TimeReader().read(text).text == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-11-22T14:02:10", "has no zone, and the mapping names none"),
        ("2026-11-22T14:02:10.1234567Z", "is finer than microseconds"),
        ("2026-11-22T14:02:60Z", "is not a time that exists"),
        ("2026-11-22T24:00:00Z", "is not a time that exists"),
        ("0001-01-01T00:00:00+01:00", "is outside the years 1 to 9999"),
        ("2026-11-22", "is not an ISO 8601 date and time"),
        ("2026-W47-7T14:02:10Z", "is not an ISO 8601 date and time"),
        ("1700000000", "is not an ISO 8601 date and time"),
    ],
)
def test_what_is_not_plainly_a_time_is_none(text: str, sentence: str) -> None:
    """Nothing is cut off, completed or guessed."""
    with pytest.raises(UntranslatableError, match=sentence):
        TimeReader().read(text)


def test_a_finer_fraction_is_cut_where_the_mapping_says_so() -> None:
    """Cut, not rounded: an event never moves into the next second."""
    assert TimeReader(finer="cut").read("2026-11-22T14:02:10.9999999Z").text == "2026-11-22T14:02:10.999999Z"


def test_a_named_zone_follows_its_clocks() -> None:
    """Summer and winter have their own offsets; skipped and doubled hours are not guessed."""
    london = TimeReader(zone="Europe/London")
    assert london.read("2011-01-05 14:44:00").text == "2011-01-05T14:44:00.000000Z"
    assert london.read("2011-07-05 14:44:00").text == "2011-07-05T13:44:00.000000Z"
    assert london.read("2011-07-05T14:44:00+02:00").text == "2011-07-05T12:44:00.000000Z"
    with pytest.raises(UntranslatableError, match="does not exist in Europe/London"):
        london.read("2011-03-27 01:30:00")
    with pytest.raises(UntranslatableError, match="happened twice in Europe/London"):
        london.read("2011-10-30 01:30:00")
    for ambiguous, hour in (("earlier", "00"), ("later", "01")):
        reader = TimeReader(zone="Europe/London", ambiguous=ambiguous)  # type: ignore[arg-type]
        assert reader.read("2011-10-30 01:30:00").text == f"2011-10-30T{hour}:30:00.000000Z"
        with pytest.raises(UntranslatableError, match="does not exist"):
            reader.read("2011-03-27 01:30:00")


def test_a_pattern_reads_other_spellings() -> None:
    """What strptime can read, a mapping can name."""
    reader = TimeReader(zone="Europe/Berlin", pattern="%d.%m.%Y %H:%M")
    assert reader.read("22.11.2026 15:02").text == "2026-11-22T14:02:00.000000Z"
    with pytest.raises(UntranslatableError, match="is not a time written as"):
        reader.read("2026-11-22T14:02:10Z")
