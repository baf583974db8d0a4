"""Settings of what is done about forecasts, who carries it out, and what takes two people."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ordertrail.settings.section import Section, with_scheme, without_password


class CorrectiveSettings(Section):
    """What is done about forecasts."""

    file: str = "corrective.toml"
    """The file that says what corrective actions cost and bring, from the trail's directory on."""


class GovernanceSettings(Section):
    """What takes two people."""

    rules: Literal["auto", "required", "off"] = "auto"
    """Whether the trail's own rules need another person's approval; auto: where more than one account may approve."""


class WebhookSettings(Section):
    """A system of the organisation that carries actions out."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """What corrective actions call it."""
    url: Annotated[str, with_scheme("https", "http"), AfterValidator(without_password)]
    """Where it is asked: https, or http within the machine."""
    secret_files: Annotated[list[str], Field(min_length=1)]
    """Files that hold its secrets (``whsec_…``); each signs, so that one can take another's place."""
    private: bool = False
    """Let it be at an address that is not public."""
    ca_file: str | None = None
    """A PEM file of what its certificate must lead to; without it, the system's authorities."""
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 10
    """Seconds to wait for it."""
