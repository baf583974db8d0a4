"""Settings of who is told at once."""

from datetime import time
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ordertrail.settings.section import Section, known_zone, with_scheme, without_password

_HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"


def _some_hours(text: str) -> str:
    start, _, end = text.partition("-")
    if start == end:
        raise ValueError("begin when they end; leave them out for none, or set least to critical for all day")
    return text


def quiet_times(text: str) -> tuple[time, time]:
    """Return when quiet hours begin and end."""
    start, _, end = text.partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)


class NotifySettings(Section):
    """Where messages wait until they are sent."""

    url: Annotated[str, with_scheme("postgresql"), AfterValidator(without_password)] | None = None
    """A PostgreSQL database for messages and deliveries, as a role that may create a schema; else ``notify.db``."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_NOTIFY_PASSWORD."""


class RouteSettings(Section):
    """Who is told of what, and how."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """What it is called here; what waits on it is kept under this name."""
    to: Literal["webhook", "apprise", "console", "app"]
    """A signed webhook, a service through Apprise, the terminal of ``ordertrail notify run``, or the pages."""
    url: Annotated[str, with_scheme("https", "http"), AfterValidator(without_password)] | None = None
    """Where a webhook goes."""
    secret_files: list[str] = Field(default_factory=list)
    """Files that hold a webhook's secrets (``whsec_…``); each signs, so that one can take another's place."""
    address_file: str | None = None
    """A file that holds the one URL of Apprise; it is a secret as a whole."""
    private: bool = False
    """Let a webhook go to addresses that are not public."""
    ca_file: str | None = None
    """A PEM file of what the webhook's certificate must lead to; without it, the system's authorities."""
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 10
    """Seconds to wait for whoever is told."""
    least: Literal["informational", "low", "medium", "high", "critical"] = "medium"
    """This severity, or graver."""
    rules: list[str] = Field(default_factory=list)
    """Patterns of names of rules, such as ``price_*``: alerts of these."""
    actions: list[str] = Field(default_factory=list)
    """Patterns of actions, such as ``payment.*``: events of these. Without rules and actions, everything."""
    channels: list[str] = Field(default_factory=list)
    """Only what happened through these channels."""
    tenants: list[str] = Field(default_factory=list)
    """Only what is of these tenants."""
    quiet_hours: Annotated[str, Field(pattern=_HOURS), AfterValidator(_some_hours)] | None = None
    """Hours of each day, such as ``20:00-07:00``, in which all but critical messages wait, to go as one then."""
    zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    """The time zone of the quiet hours."""
    digest_minutes: Annotated[int, Field(ge=0, le=1_440)] = 0
    """Gather all but critical messages for so long, to go as one; 0 sends each at once."""
    most_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 10
    """What is more within a minute goes as one, with a count."""
    personal: bool = False
    """Let messages say who, why and all values; without it they hold no personal data."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.to == "webhook") != (self.url is not None) or (self.to == "webhook") != bool(
            self.secret_files
        ):
            raise ValueError("url and secret_files belong to webhooks, which need both")
        if (self.to == "apprise") != (self.address_file is not None):
            raise ValueError("address_file belongs to apprise, which needs it")
        if self.url is not None and urlsplit(self.url).username is not None:
            raise ValueError("url must not hold a user; a webhook is proven by its signature")
        return self
