"""Settings of what is served over HTTP, and of what works beside it."""

import ipaddress
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ordertrail.settings.section import Section, with_scheme, without_password

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


def _network(text: str) -> str:
    """Refuse what is neither an address nor a network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("is neither an address nor a network such as 10.0.0.0/8") from None
    return text


def _origin(url: str) -> str:
    """Refuse an address with a path: pages stand at the root of their host."""
    parts = urlsplit(url)
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be a scheme and a host such as https://trail.example.com, and no path")
    return url.rstrip("/")


class ServeSettings(Section):
    """What ``ordertrail serve`` does."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8_530
    """The port; 0 is any that is free."""
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    """Processes that answer."""
    public_url: Annotated[str, with_scheme("http", "https"), AfterValidator(_origin)] | None = None
    """Where browsers find it, where that is not the address that it listens on."""
    hosts: list[Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9._-]+$|^\[[0-9A-Fa-f:]+\]$")]] = Field(
        default_factory=list
    )
    """Further names under which it answers; ``*.example.com`` is each name below one."""
    trusted_proxies: list[Annotated[str, AfterValidator(_network)]] = Field(default_factory=list)
    """Addresses and networks of proxies that are believed who called them, and by which scheme."""
    certificate: str | None = None
    """A PEM file of the server's certificate and what leads to its authority."""
    private_key: str | None = None
    """A PEM file of its private key."""
    insecure_cookies: bool = False
    """Sign people in over plain HTTP; on the machine's own loopback address only."""
    connections: Annotated[int, Field(ge=10, le=100_000)] = 500
    """At once, in each worker; further ones are answered 503."""
    body_bytes: Annotated[int, Field(ge=65_536, le=1 << 30)] = 16 << 20
    """Bytes of the largest request; an address may take fewer."""
    grace_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """How long answers that were begun may take when it ends."""
    ready_lag_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """How far the index may be behind the log before ``/readyz`` says no."""
    seal: bool = True
    """Seal what comes."""
    feed: bool = True
    """Feed the index with what is sealed."""
    relay: bool = True
    """Relay the outboxes of [[relays]] and of intake."""
    intake: bool = True
    """Work on what sources sent."""
    watch: bool = True
    """Watch what is sealed by rules."""
    outside: bool = True
    """Read what payment gateways and carriers sent."""
    open_log: bool = False
    """Let everybody have the log's checkpoints and hashes; entries take a key."""
    notify: bool = True
    """Tell people, by the routes of [[routes]]."""
    exports: bool = True
    """Send to the destinations of [[exporters]]."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is written to the log."""
    log_format: Literal["json", "text"] = "json"
    """How: a JSON object a line, or text."""
    traces: Annotated[str, with_scheme("http", "https"), AfterValidator(without_password)] | None = None
    """Where traces go by OTLP over HTTP, such as ``http://localhost:4318/v1/traces``; without it, none are made."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key are needed together")
        if self.insecure_cookies and (self.host not in _LOOPBACK or self.is_secure):
            raise ValueError("insecure_cookies is for a loopback address without TLS only")
        return self

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by TLS: its own, or that of what stands before it."""
        return self.certificate is not None or (self.public_url or "").startswith("https://")

    @property
    def public_host(self) -> str | None:
        """The name in ``public_url``."""
        return None if self.public_url is None else urlsplit(self.public_url).hostname


class RelaySettings(Section):
    """The outbox of an application that captures, to be relayed by ``ordertrail serve``."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """What it is called here."""
    url: Annotated[str, with_scheme("postgresql", "sqlite"), AfterValidator(without_password)]
    """The application's database."""
    password_file: str | None = None
    """A file that holds the role's password."""
    stream: str = "default"
    """The log that its events go to."""
