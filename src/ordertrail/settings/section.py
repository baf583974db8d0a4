"""What every section of the settings is made of, and rules that several share."""

from urllib.parse import parse_qsl, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict

from ordertrail.kernel.money import exponent_of


class Section(BaseModel):
    """A section: read strictly, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def without_password(url: str) -> str:
    """Refuse an address that holds a password."""
    parts = urlsplit(url)
    if parts.password is not None or any(name == "password" for name, _ in parse_qsl(parts.query)):
        raise ValueError("must not hold a password; put it into a file and name that in password_file")
    return url


def known_zone(name: str) -> str:
    """Refuse what is no time zone."""
    if name not in available_timezones():
        raise ValueError("is not a time zone of the IANA database such as Europe/Berlin")
    return name


def known_currency(code: str) -> str:
    """Refuse what is no currency of ISO 4217."""
    exponent_of(code)
    return code


def with_scheme(*schemes: str) -> AfterValidator:
    """Return a rule that an address begins with one of these schemes."""

    def check(url: str) -> str:
        if urlsplit(url).scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{one}://' for one in schemes)}")
        return url

    return AfterValidator(check)
