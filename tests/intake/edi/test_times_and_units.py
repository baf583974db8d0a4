"""Dates of both standards in every form that is met, and units."""

from zoneinfo import ZoneInfo

import pytest

from ordertrail.intake.edi.times import edifact_period, x12_time
from ordertrail.intake.edi.units import X12_UNITS, edifact_unit, x12_unit
from ordertrail.orders.words import CHECKS

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("date", "clock", "code", "expected"),
    [
        ("20260310", None, None, "2026-03-09T23:00:00.000000Z"),
        ("260310", "1430", None, "2026-03-10T13:30:00.000000Z"),
        ("990310", "143059", None, "1999-03-10T13:30:59.000000Z"),
        ("20260310", "14305925", "UT", "2026-03-10T14:30:59.250000Z"),
        ("20260310", "1430", "ET", "2026-03-10T19:30:00.000000Z"),
        ("20260710", "1430", "PD", "2026-07-10T21:30:00.000000Z"),
        ("20260310", "1430", "01", "2026-03-10T13:30:00.000000Z"),
        ("20260310", "1430", "20", "2026-03-10T19:30:00.000000Z"),
        ("20260310", "1430", "LT", "2026-03-10T13:30:00.000000Z"),
    ],
)
def test_x12_times(date: str, clock: str | None, code: str | None, expected: str) -> None:
    """Elements 373, 337 and 623; without a zone the account's."""
    assert x12_time(date, clock, code, BERLIN) == expected


@pytest.mark.parametrize(
    ("date", "clock"),
    [("20260230", None), ("2026", None), ("2026031x", None), ("20260310", "2561"), ("20260310", "1")],
)
def test_what_is_no_x12_time_is_refused(date: str, clock: str | None) -> None:
    """Nothing is guessed of a day that does not exist."""
    with pytest.raises(ValueError, match=r".+"):
        x12_time(date, clock, None, UTC)


@pytest.mark.parametrize(
    ("text", "form", "start", "end"),
    [
        ("20260310", "102", "2026-03-10T00:00", None),
        ("260310", "101", "2026-03-10T00:00", None),
        ("202603101430", "203", "2026-03-10T14:30", None),
        ("20260310143059", "204", "2026-03-10T14:30:59", None),
        ("2603101430", "201", "2026-03-10T14:30", None),
        ("260310143059", "202", "2026-03-10T14:30:59", None),
        ("100326", "2", "2026-03-10T00:00", None),
        ("10032026", "4", "2026-03-10T00:00", None),
        ("202603101430+0100", "205", "2026-03-10T13:30", None),
        ("202603101430UTC", "303", "2026-03-10T14:30", None),
        ("20260310143000-05", "304", "2026-03-10T19:30", None),
        ("199910060000", "102", "1999-10-06T00:00", None),
        ("20260310", None, "2026-03-10T00:00", None),
        ("20260310-20260312", "718", "2026-03-10T00:00", "2026-03-12T00:00"),
        ("2026031020260312", "718", "2026-03-10T00:00", "2026-03-12T00:00"),
        ("202603101200202603121800", "719", "2026-03-10T12:00", "2026-03-12T18:00"),
        ("202602", "610", "2026-02-01T00:00", "2026-02-28T00:00"),
        ("202612", "610", "2026-12-01T00:00", "2026-12-31T00:00"),
        ("202611", "616", "2026-03-09T00:00", "2026-03-15T00:00"),
        ("2611", "615", "2026-03-09T00:00", "2026-03-15T00:00"),
        ("2026", "602", "2026-01-01T00:00", "2026-12-31T00:00"),
    ],
)
def test_edifact_times(text: str, form: str | None, start: str, end: str | None) -> None:
    """C507 with its formats 2379; the digits count where the format is another."""
    found = edifact_period(text, form, UTC)
    assert [one[: len(start)] for one in found] == [start, end or start]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("20260230", "102"),
        ("", "102"),
        ("x", None),
        ("202654", "616"),
        ("9999", "602"),
        ("13", "804"),
        ("", "718"),
    ],
)
def test_what_is_no_edifact_time_is_refused(text: str, form: str | None) -> None:
    """Neither days that are none nor lengths of time."""
    with pytest.raises((ValueError, OverflowError)):
        edifact_period(text, form, UTC)


def test_every_unit_of_the_table_is_a_code() -> None:
    """What the tables give is what a line can hold."""
    assert all(CHECKS["unit"](unit) is None for unit in X12_UNITS.values())
    assert x12_unit("EA") == "EA"
    assert x12_unit("DZ") == x12_unit("DZN") == "DZN"
    assert x12_unit("CA") == "XCS"
    assert x12_unit("QQ") is None
    assert [edifact_unit(one) for one in ("PCE", "KGM", "XPX", "GBND", "?")] == [
        "H87",
        "KGM",
        "XPX",
        "XPK",
        None,
    ]
