"""Settings of the bus that carries events from applications to the ledger."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ordertrail.settings.section import Section, with_scheme, without_password

Application = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""The name of an application on the bus, and so of its stream."""


class TransportSettings(Section):
    """A NATS JetStream bus between applications' relays and the ledger."""

    urls: list[Annotated[str, with_scheme("nats", "tls", "ws", "wss"), AfterValidator(without_password)]] = (
        Field(default_factory=list)
    )
    """The bus's servers; without any, nothing is taken from one."""
    applications: list[Application] = Field(default_factory=list)
    """Whose events are taken from it, and recorded."""
    user: str | None = None
    """As whom we come, where the bus knows users."""
    password_file: str | None = None
    """A file that holds the user's password; without it, ORDERTRAIL_TRANSPORT_PASSWORD."""
    credentials_file: str | None = None
    """A file of NATS credentials (.creds), where the bus wants those."""
    replicas: Annotated[int, Field(ge=1, le=5)] = 3
    """Servers that must keep each stream, at least; a stream with fewer is refused."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.applications and not self.urls:
            raise ValueError("applications are named, and urls are not")
        if self.user is not None and self.credentials_file is not None:
            raise ValueError("user and credentials_file are two ways to say the same; one is enough")
        return self
