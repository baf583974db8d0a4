"""Settings of where orders come in."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ordertrail.settings.section import Section, known_currency, known_zone, with_scheme, without_password


class IntakeSettings(Section):
    """Where orders come in."""

    url: Annotated[str, with_scheme("postgresql", "sqlite"), AfterValidator(without_password)] | None = None
    """The database of orders, with intake's tables and the outbox; without it, ``orders.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_INTAKE_PASSWORD."""
    personal: Literal["redacted", "sealed"] = "redacted"
    """Personal columns in events: that they changed, or their values under their persons' keys."""
    rules: str | None = None
    """A file of rules of validation, beside those that are shipped."""
    backlog: Annotated[int, Field(ge=1)] = 100_000
    """Deliveries of one source that may wait before it is told to come later."""
    operator_key_file: str | None = None
    """A file that holds the key to health, metrics and the page; without one, ORDERTRAIL_INTAKE_OPERATOR_KEY."""


class BusSettings(Section):
    """A NATS JetStream stream that deliveries come from."""

    url: Annotated[str, with_scheme("nats", "tls", "ws", "wss"), AfterValidator(without_password)] | None = (
        None
    )
    """Where the bus answers; without it, none is asked."""
    stream: str = "orders"
    """The stream; it must be there."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")] = "orders"
    """What subjects begin with: ``orders.shopify.main`` is the source shopify/main."""
    credentials_file: str | None = None
    """A file of NATS credentials (.creds)."""


class PollSettings(Section):
    """How a source is asked for what changed, where it does not send by itself."""

    url: Annotated[str, with_scheme("https", "http"), AfterValidator(without_password)]
    """Where its API is, without the path of its orders."""
    secret_file: str | None = None
    """A file that holds what proves us: a token, or ``user:password``."""
    token_url: Annotated[str, with_scheme("https", "http"), AfterValidator(without_password)] | None = None
    """Where tokens are made (OAuth 2.0); then the secret is ``client:secret``."""
    refresh_file: str | None = None
    """A file that holds a refresh token."""
    scope: str | None = None
    """The scope of the tokens."""
    every_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Seconds between two rounds."""
    overlap_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """Seconds that a round goes back behind the beginning of the one before."""
    first_days: Annotated[int, Field(ge=0, le=3_660)] = 1
    """Days that the first round of all goes back."""
    path: str | None = None
    """The path of its orders; without it, and without the settings below, as the channel's sources are asked."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """What is asked with it."""
    paging: Literal["link", "address", "cursor", "number"] = "link"
    """How an answer goes on to its next page."""
    at: str = ""
    """A JSON pointer at what the paging looks for in the answer."""
    size: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Orders on a page."""
    credential: str | None = None
    """How the secret is said: ``bearer``, ``basic``, or the name of a header."""


class SourceSettings(Section):
    """An account of a channel that orders come from."""

    channel: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """What reads its deliveries."""
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$")]
    """What it is called here; part of the address of its webhooks, and of its orders' ids."""
    zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    """The time zone of times that have none."""
    currency: Annotated[str, AfterValidator(known_currency)] | None = None
    """The currency of amounts that have none."""
    tenant: str | None = None
    """Whose orders, where a trail serves several."""
    signature: str | None = None
    """How it proves its webhooks; without it, the channel's own way, or a key."""
    secret_files: list[str] = Field(default_factory=list)
    """Files that hold its secrets; all of them are good, so that one can take another's place."""
    options: dict[str, str] = Field(default_factory=dict)
    """What the channel lets an account choose."""
    poll: PollSettings | None = None
    """How it is asked, where it does not send by itself."""
