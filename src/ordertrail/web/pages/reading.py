"""How a reader sees times, money and numbers: by a zone and a locale that are theirs, and said.

Times are absolute with their zone first, and relative second. The words of pages are English; how a number, an amount
and a date are written follows the reader's browser (RFC 9110, ``Accept-Language``) among the locales that are offered.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal

from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import EXPONENTS, Money
from ordertrail.query.service import zone_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OFFERED: Final = {
    one.replace("_", "-").lower(): one
    for one in [
        "en_GB",
        "en_US",
        "en_AU",
        "en_CA",
        "en_IE",
        "en_IN",
        "en_ZA",
        "de_DE",
        "de_AT",
        "de_CH",
        "fr_FR",
        "fr_BE",
        "fr_CH",
        "fr_CA",
        "nl_NL",
        "nl_BE",
        "es_ES",
        "es_MX",
        "it_IT",
        "pt_PT",
        "pt_BR",
        "pl_PL",
        "cs_CZ",
        "sk_SK",
        "hu_HU",
        "ro_RO",
        "sv_SE",
        "da_DK",
        "nb_NO",
        "fi_FI",
        "et_EE",
        "lv_LV",
        "lt_LT",
        "el_GR",
        "tr_TR",
        "ja_JP",
    ]
}
_CODE: Final = re.compile(r"[A-Z]{3}(?=\d)")
"""A currency that has no sign of its own: CLDR sets a space after its code, and Babel does not."""
_LANGUAGE: Final = re.compile(
    r"([A-Za-z]{2})(?:-([A-Za-z]{2}))?(?:-[A-Za-z0-9]+)*(?:;q=([01](?:\.\d{1,3})?))?", re.ASCII
)
_AGES: Final = ((86_400 * 365, "y"), (86_400 * 30, "mo"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Theme(StrEnum):
    """Which colours: the system's, or the reader's own choice."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it is shown. ``iso`` is for machines, ``ago`` is relative, ``zone`` the abbreviation that it is of."""

    iso: str
    day: str
    clock: str
    zone: str
    ago: str

    @property
    def whole(self) -> str:
        """Day, clock and zone."""
        return f"{self.day}, {self.clock} {self.zone}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reader's zone and locale, and the moment of the reading."""

    zone: ZoneInfo
    locale: Locale
    now: datetime
    theme: Theme = Theme.AUTO

    def moment(self, time: str | int | datetime) -> Moment:
        """Return a time: RFC 3339, microseconds since 1970, or aware."""
        if isinstance(time, str):
            at = parse_time(time)
        elif isinstance(time, int):
            at = read_time(time)
        else:
            at = time
        here = at.astimezone(self.zone)
        iso = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return Moment(iso, self.day(here), f"{here:%H:%M:%S}", here.tzname() or "", ago(self.now - at))

    def day(self, here: datetime) -> str:
        """Return a day of a moment that is in the reader's zone."""
        return str(format_date(here, "d MMM y", locale=_english(self.locale)))

    def span(self, start: datetime, end: datetime) -> str:
        """Return an interval of time, both ends said, with its zone."""
        one, other = self.moment(start), self.moment(end)
        last = f"{other.clock}" if one.day == other.day else f"{other.day}, {other.clock}"
        return f"{one.day}, {one.clock} – {last} {other.zone}"  # noqa: RUF001 - a dash between two times

    def month(self, here: datetime) -> str:
        """Return the short name of a month with its year."""
        return str(format_skeleton("yMMM", here, locale=_english(self.locale)))

    def money(self, amount: int, currency: str) -> str:
        """Return minor units as an amount: ``€72.00``; a currency that nobody knows as it stands."""
        if currency not in EXPONENTS:
            return f"{amount} {currency}"
        value = Decimal(amount).scaleb(-EXPONENTS[currency])
        told = str(
            format_currency(
                value, currency, locale=self.locale, currency_digits=False, format=self._money(currency)
            )
        )
        return _CODE.sub("\\g<0>\N{NO-BREAK SPACE}", told)

    def change(self, amount: int, currency: str) -> str:
        """Return a difference of money with its sign."""
        return f"{sign(amount)}{self.money(abs(amount), currency)}"

    def worth(self, money: Money) -> str:
        """Return an amount of money."""
        return self.money(money.amount, money.currency)

    def number(self, value: int | Decimal) -> str:
        """Return a number with the separators of the locale."""
        return str(format_decimal(value, locale=self.locale))

    def _money(self, currency: str) -> str:
        digits = EXPONENTS[currency]
        pattern = self.locale.currency_formats["standard"].pattern
        return re.sub(r"0\.00", "0" if not digits else "0." + "0" * digits, pattern)


def read_time(time: int) -> datetime:
    """Return microseconds since 1970 as an aware moment."""
    return _EPOCH + timedelta(microseconds=time)


def ago(past: timedelta) -> str:
    """Return how long ago something was: ``37 s ago``, ``in 2 d``."""
    seconds = int(abs(past.total_seconds()))
    told = next((f"{seconds // size:,} {unit}" for size, unit in _AGES if seconds >= size), None)
    if told is None:
        return "now"
    return f"{told} ago" if past >= timedelta(0) else f"in {told}"


def duration(time: timedelta) -> str:
    """Return how long something took, in its two largest units: ``2 d 4 h``, ``3 min``, ``under a second``."""
    seconds = int(time.total_seconds())
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number:,} {unit}")
    return " ".join(parts[:2]) or "under a second"


def sign(number: int) -> str:
    """Return a number's sign, a true minus."""
    return "+" if number > 0 else "−" if number < 0 else "±"  # noqa: RUF001 - as numbers are set


def reading_of(
    headers: Mapping[str, str], cookies: Mapping[str, str], zone: str | None, now: datetime
) -> Reading:
    """Return how a request's reader reads; a zone or a theme that is none is passed over for the default."""
    try:
        place = zone_of(zone or cookies.get("zone", "UTC"))
    except InputError:
        place = zone_of("UTC")
    theme = cookies.get("theme", "")
    return Reading(
        place,
        locale_of(headers.get("accept-language", "")),
        now,
        Theme(theme) if theme in set(Theme) else Theme.AUTO,
    )


@lru_cache(maxsize=256)
def locale_of(accepted: str) -> Locale:
    """Return the best locale of an ``Accept-Language`` header; British English where none is known."""
    ranked = []
    for place, piece in enumerate(accepted[:200].split(",")):
        found = _LANGUAGE.fullmatch(piece.strip())
        if found is not None:
            ranked.append((-float(found[3] or 1), place, found[1].lower(), (found[2] or "").lower()))
    for weight, _, language, region in sorted(ranked):
        if not weight:
            continue
        named = _OFFERED.get(f"{language}-{region}")
        named = named or next((one for tag, one in _OFFERED.items() if tag.startswith(f"{language}-")), None)
        if named is not None:
            return Locale.parse(named)
    return Locale.parse("en_GB")


def _english(locale: Locale) -> Locale:
    """Return the locale in which dates are written: names of months are English, as all words are."""
    return locale if locale.language == "en" else Locale.parse("en_GB")
