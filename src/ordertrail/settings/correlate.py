"""Settings of what is said of orders elsewhere: payment gateways and carriers, and how long their words may take."""

from typing import Annotated

from pydantic import AfterValidator, Field

from ordertrail.settings.section import Section, known_currency, known_zone, with_scheme, without_password


class ProviderPollSettings(Section):
    """How an account is asked for what happened there. What is not said is as the provider's documentation has it."""

    secret_file: str | None = None
    """A file that holds what proves us: a key, ``user:password``, or ``client:secret`` where tokens are made of it."""
    url: Annotated[str, with_scheme("https", "http"), AfterValidator(without_password)] | None = None
    """Where its API is, without a path: a sandbox, a region."""
    every_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Seconds between two rounds."""
    overlap_seconds: Annotated[int, Field(ge=0, le=7_776_000)] | None = None
    """Seconds that a round goes back behind the beginning of the one before."""
    first_days: Annotated[int, Field(ge=0, le=3_660)] = 30
    """Days that the first round of all goes back; a provider may know less."""


class ProviderSettings(Section):
    """An account of a payment gateway or a carrier."""

    provider: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """What reads its deliveries: ``stripe``, ``ups``, ``mapped``."""
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$")]
    """What it is called here; part of the address of its webhooks."""
    zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    """The time zone of times that have none."""
    currency: Annotated[str, AfterValidator(known_currency)] | None = None
    """The currency of amounts that have none."""
    tenant: str | None = None
    """Whose account, where a trail serves several; its payments meet orders of that tenant alone."""
    signature: str | None = None
    """How it proves its webhooks; without it, the provider's own way."""
    secret_files: list[str] = Field(default_factory=list)
    """Files that hold its secrets; all of them are good, so that one can take another's place."""
    poll: ProviderPollSettings | None = None
    """How it is asked for what happened there; without it, it is not asked."""
    options: dict[str, str] = Field(default_factory=dict)
    """What the provider lets an account choose: ``order_key``, ``mapping_file``."""


class CorrelateSettings(Section):
    """Where payments and parcels are told of, and how long that may take."""

    url: Annotated[str, with_scheme("postgresql", "sqlite"), AfterValidator(without_password)] | None = None
    """The database of what providers deliver; without it, ``outside.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_CORRELATE_PASSWORD."""
    providers: list[ProviderSettings] = Field(default_factory=list)
    """The accounts."""
    backlog: Annotated[int, Field(ge=1)] = 100_000
    """Deliveries of one account that may wait before it is told to come later."""
    facts_days: Annotated[int, Field(ge=0, le=365)] = 4
    """Days for a gateway's or carrier's word to come before it counts as missing."""
    refund_days: Annotated[int, Field(ge=0, le=365)] = 14
    """Days for the money of a cancelled order to be given back."""
    silence_days: Annotated[int, Field(ge=1, le=365)] = 10
    """Days after which a parcel that is not heard of counts as silent."""
    shipping_days: Annotated[int, Field(ge=1, le=365)] = 21
    """Days after which a paid order of which nothing left counts as not shipped."""
