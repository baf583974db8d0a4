"""What arrives at the door, byte for byte, and what is known of how it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from ordertrail.kernel.money import exponent_of


class Way(StrEnum):
    """How a delivery came in."""

    WEBHOOK = "webhook"
    """An HTTP request of the source's."""
    POLL = "poll"
    """We asked, and this was the answer."""
    FILE = "file"
    """A file that was dropped or named."""
    BUS = "bus"
    """A message of a bus."""


@dataclass(frozen=True, slots=True)
class Source:
    """One account of one channel: a shop, a marketplace seller, a trading partner.

    ``zone`` and ``currency`` are for documents that leave them out. ``options`` are the channel's own settings of this
    account, texts by name, documented where the channel is.
    """

    channel: str
    account: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    currency: str | None = None
    tenant: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.currency is not None:
            exponent_of(self.currency)

    def __str__(self) -> str:
        return f"{self.channel}/{self.account}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request, file or message, before anybody has looked into it.

    ``headers`` have lower-case names. ``name`` is the file's name, the bus's subject or the request's path.
    ``received`` is RFC 3339 in UTC with microseconds.
    """

    source: Source
    body: bytes
    received: str
    way: Way
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
