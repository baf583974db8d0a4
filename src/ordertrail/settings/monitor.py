"""Settings of the watch over what is sealed."""

from typing import Annotated

from pydantic import AfterValidator, Field

from ordertrail.kernel.money import EXPONENTS
from ordertrail.settings.section import Section, with_scheme, without_password


def _currencies(amounts: dict[str, int]) -> dict[str, int]:
    unknown = sorted(amounts.keys() - EXPONENTS.keys())
    if unknown:
        raise ValueError(f"has amounts of {', '.join(unknown)}, which are no currencies of ISO 4217")
    if any(amount <= 0 for amount in amounts.values()):
        raise ValueError("has an amount that is not more than 0")
    return amounts


class MonitorSettings(Section):
    """The watch over what is sealed."""

    url: Annotated[str, with_scheme("postgresql"), AfterValidator(without_password)] | None = None
    """A PostgreSQL database for its state and alerts, as a role that may create a schema; else ``watch.db``."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_MONITOR_PASSWORD."""
    rules: str = "rules"
    """The folder of the trail's own rules, from the trail's directory on."""
    without: list[str] = Field(default_factory=list)
    """Names of shipped rules that are not in force."""
    large: Annotated[dict[str, int], AfterValidator(_currencies)] = Field(default_factory=dict)
    """Amounts that lift an alert's severity, in minor units by currency; without any, 1,000 EUR, USD, GBP or CHF."""
