"""How times, money and events are told; and where addresses lead."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.money import EXPONENTS
from ordertrail.query.questions.histogram import Bar, Step
from ordertrail.query.span import Span
from ordertrail.record.event import Change, Subject
from ordertrail.web.pages.addresses import Address
from ordertrail.web.pages.charts import draw, step_for
from ordertrail.web.pages.reading import Reading, ago, duration, locale_of, reading_of
from ordertrail.web.pages.shell import initials
from ordertrail.web.pages.telling import label_of, row_of, shown

NOW = datetime(2026, 11, 22, 14, 2, 10, tzinfo=UTC)
BERLIN = Reading(ZoneInfo("Europe/Berlin"), Locale.parse("en_GB"), NOW)


def test_a_time_is_absolute_with_its_zone_first() -> None:
    """Promise: summer and winter are the zone's own, and what is said for machines is UTC."""
    assert BERLIN.moment("2026-11-22T14:02:10.120000Z").whole == "22 Nov 2026, 15:02:10 CET"
    assert BERLIN.moment("2026-07-01T12:00:00.000000Z").whole == "1 Jul 2026, 14:00:00 CEST"
    assert BERLIN.moment(NOW).iso == "2026-11-22T14:02:10.000000Z"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "now"), (37, "37 s ago"), (3_700, "1 h ago"), (-90_000, "in 1 d"), (400 * 86_400, "1 y ago")],
)
def test_how_long_ago(seconds: int, told: str) -> None:
    """Promise: the largest unit alone, before and after."""
    assert ago(timedelta(seconds=seconds)) == told


def test_how_long_it_took() -> None:
    """Promise: the two largest units."""
    assert duration(timedelta(hours=50, minutes=3)) == "2 d 2 h"
    assert duration(timedelta(microseconds=5)) == "under a second"


@given(
    st.integers(-(10**15), 10**15),
    st.sampled_from(sorted(EXPONENTS)),
    st.sampled_from(["en_GB", "de_DE", "fr_CH", "ja_JP"]),
)
def test_no_digit_of_money_is_lost(amount: int, currency: str, locale: str) -> None:
    """Promise: however an amount is written, its digits are those of its minor units."""
    told = Reading(ZoneInfo("UTC"), Locale.parse(locale), NOW).money(amount, currency)
    digits = "".join(one for one in told if one.isdecimal())
    assert int(digits) == abs(amount)
    assert len(digits) >= EXPONENTS[currency] + 1


@pytest.mark.parametrize(
    ("locale", "told"), [("en_GB", "€1,204.50"), ("de_DE", "1.204,50\xa0€"), ("en_US", "€1,204.50")]
)
def test_money_is_written_as_its_reader_writes_it(locale: str, told: str) -> None:
    """Promise: separators and the place of the sign are the locale's."""
    assert Reading(ZoneInfo("UTC"), Locale.parse(locale), NOW).money(120_450, "EUR") == told


def test_a_currency_without_a_sign_has_a_space() -> None:
    """Promise: KWD 39.600, with its three digits."""
    assert BERLIN.money(39_600, "KWD") == "KWD\xa039.600"


@given(st.text(max_size=60))
def test_any_accept_language_gives_a_locale(header: str) -> None:
    """Promise: what a browser sends never breaks a page."""
    assert locale_of(header).language


def test_the_best_language_counts() -> None:
    """Promise: by weight, then by place; unknown ones are passed over."""
    assert str(locale_of("tlh,en;q=0.2,de-AT;q=0.9")) == "de_AT"
    assert str(locale_of("pt")) == "pt_PT"
    assert str(locale_of("")) == "en_GB"


def test_a_zone_that_is_none_is_passed_over() -> None:
    """Promise: an old cookie does not close the pages."""
    assert str(reading_of({}, {"zone": "Mars/Olympus", "theme": "neon"}, None, NOW).zone) == "UTC"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/lines/2/unit_price", "unit price of line 2"),
        ("/payment/authorized", "authorized (payment)"),
        ("/status", "status"),
        ("", ""),
        ("/a~1b", "a/b"),
    ],
)
def test_a_field_is_called_as_people_call_it(path: str, told: str) -> None:
    """Promise: a place becomes words."""
    assert label_of(path) == told


def test_a_line_s_own_field_does_not_say_the_line_again() -> None:
    """Promise: "unit price", where the sentence names the line."""
    assert label_of("/lines/1/unit_price", Subject("order_line", "SO-1/1", "SO-1")) == "unit price"


def _euro(amount: int) -> dict[str, int | str]:
    return {"amount": amount, "currency": "EUR"}


def test_a_difference_is_worked_out_exactly() -> None:
    """Promise: difference and part of it, with a true minus; from zero there is no part; two units are not compared."""
    assert row_of(Change("/p", _euro(12_000), _euro(7_200)), None, BERLIN).delta == "−€48.00, −40.0 %"  # noqa: RUF001
    assert row_of(Change("/p", _euro(0), _euro(-5)), None, BERLIN).delta == "−€0.05"  # noqa: RUF001
    assert not row_of(Change("/p", _euro(1), {"amount": 1, "currency": "USD"}), None, BERLIN).delta
    assert row_of(Change("/q", 3, 4), None, BERLIN).delta == "+1, +33.3 %"
    assert not row_of(Change("/q", True, False), None, BERLIN).delta


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_any_value_is_shown(value: object) -> None:
    """Promise: no value that an event may hold breaks a page."""
    assert isinstance(shown(value, BERLIN).text, str)


@given(st.lists(st.tuples(st.sampled_from(["q", "open", "zone"]), st.text(max_size=20)), max_size=6))
def test_an_address_keeps_what_is_not_changed(parameters: list[tuple[str, str]]) -> None:
    """Promise: setting and taking away leaves the rest as it was."""
    address = Address("/explore", tuple(parameters))
    assert address.with_(before="1.2").with_(before=None) == address
    assert address.with_(open=None).get("open") == ""


def test_initials() -> None:
    """Promise: letters stand for a name, whatever it is made of."""
    assert [initials(one) for one in ("t.varga", "Zoë Ångström", "clerk-17", "42", "")] == [
        "TV",
        "ZÅ",
        "C",
        "?",
        "?",
    ]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_bars_stay_in_their_box(counts: list[int]) -> None:
    """Promise: no bar is outside the box, and a bar with events is seen beside millions."""
    hour = timedelta(hours=1)
    bars = tuple(
        Bar(NOW + place * hour, NOW + (place + 1) * hour, events) for place, events in enumerate(counts)
    )
    span = Span(NOW, NOW + len(counts) * hour, ZoneInfo("UTC"))
    chart = draw(bars, span, Step.HOUR, BERLIN, lambda term: term)
    for bar in chart.bars:
        assert 0 <= float(bar.x) <= float(bar.x) + float(bar.inner) <= 1_000.01
        assert 0 <= float(bar.y) <= 100
        assert (float(bar.height) >= 2) == (bar.events > 0)


@pytest.mark.parametrize(
    ("days", "step"),
    [(0.1, Step.MINUTE), (1, Step.QUARTER), (7, Step.HOUR), (90, Step.DAY), (4_000, Step.MONTH)],
)
def test_steps_fit_the_span(days: float, step: Step) -> None:
    """Promise: no more bars than can be told apart."""
    assert step_for(Span(NOW, NOW + timedelta(days=days), ZoneInfo("UTC"))) is step
