"""Settings of who may come in, and how."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ordertrail.settings.section import Section, with_scheme, without_password

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def _safe(url: str) -> str:
    """Refuse an address of another house that anybody on the way could read or change."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _HERE:
        raise ValueError("must begin with https://")
    return url


class AccessSettings(Section):
    """Who may come in, and how: accounts, sessions, and another house that people sign in with."""

    url: Annotated[str, with_scheme("postgresql"), AfterValidator(without_password)] | None = None
    """A PostgreSQL database that keeps accounts, as a role that may create tables; without it, ``access.db``."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_ACCESS_PASSWORD."""
    idle_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30
    """Minutes without a request after which a session ends."""
    longest_hours: Annotated[int, Field(ge=1, le=168)] = 12
    """Hours after signing in at which a session ends."""
    glass_minutes: Annotated[int, Field(ge=1, le=480)] = 60
    """Minutes for which a broken glass gives further rights."""
    invitation_hours: Annotated[int, Field(ge=1, le=336)] = 48
    """Hours for which an invitation to choose a password is good."""
    second_factor: Literal["optional", "required"] = "optional"
    """Whether everybody who has a password must have a second factor."""
    issuer: Annotated[str, with_scheme("http", "https"), AfterValidator(_safe)] | None = None
    """The OpenID Connect provider that people sign in with; without it, there is none."""
    issuer_name: str = "single sign-on"
    """What people call it, on the button."""
    client_id: str | None = None
    """What the provider knows this trail as."""
    client_secret_file: str | None = None
    """A file that holds the secret that it gave; without one, ORDERTRAIL_ACCESS_CLIENT_SECRET, or none (PKCE alone)."""
    scopes: list[str] = Field(default_factory=lambda: ["openid", "profile"])
    """What is asked of it."""
    roles: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    """What its claims give: ``{ groups = { "audit-team" = ["auditor"] } }``."""
    tenants_claim: str | None = None
    """The claim whose values are the tenants that somebody may look at; without it, all."""
    channels_claim: str | None = None
    """The claim whose values are the channels; without it, all."""
    regions_claim: str | None = None
    """The claim whose values are the regions; without it, all."""
    identities: dict[str, list[str]] = Field(default_factory=dict)
    """Values of claims of those who see names where others see pseudonyms: ``{ groups = ["audit-leads"] }``."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.issuer is not None and (self.client_id is None or not self.roles):
            raise ValueError("issuer needs client_id, and roles: what its claims give")
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid")
        return self
