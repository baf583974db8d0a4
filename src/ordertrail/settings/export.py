"""Settings of where sealed events are sent on: systems that watch for security (SIEM), files, other services."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ordertrail.settings.section import Section, with_scheme, without_password

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})

SYSLOG = frozenset({"tls", "tcp", "udp"})
"""Schemes by which RFC 5424 goes: RFC 5425, RFC 6587 with octet counting, RFC 5426."""


def _is_private(url: str) -> bool:
    """Say whether nobody on the way can read what is sent over HTTP: by TLS, or within the machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)


class ExporterSettings(Section):
    """A destination, and what is sent there."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """What it is called here; its place in the log is kept under this name."""
    format: Literal["ocsf", "cloudevents", "cef"]
    """How an event is told."""
    to: Annotated[
        str, with_scheme("tls", "tcp", "udp", "https", "http", "file"), AfterValidator(without_password)
    ]
    """``tls://``, ``tcp://`` or ``udp://host:port`` for syslog, ``https://…`` for HTTP, ``file:///…`` for a file."""
    filter: str | None = None
    """Only events that this filter means; without it, all."""
    begin: Literal["start", "now"] = "start"
    """Where it begins at its first start: at the log's beginning, or with what is sealed from then on."""
    ca_file: str | None = None
    """A PEM file of what the destination's certificate must lead to; without it, the system's authorities."""
    certificate: str | None = None
    """A PEM file of our own certificate, for a destination that asks for one."""
    private_key: str | None = None
    """A PEM file of its key."""
    token_file: str | None = None
    """A file that holds what goes into ``Authorization`` over HTTP, such as ``Bearer …`` or ``Splunk …``."""
    batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Events sent together."""
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = 10
    """Seconds to wait for the destination."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        scheme = urlsplit(self.to).scheme
        if scheme in SYSLOG and urlsplit(self.to).port is None:
            raise ValueError("to needs a port, such as tls://siem.example.com:6514")
        if scheme == "file" and not urlsplit(self.to).path:
            raise ValueError("to needs the path of a file, such as file:///var/log/ordertrail.jsonl")
        if self.token_file is not None and not _is_private(self.to):
            raise ValueError("token_file is for https:// only: anybody on the way could read it")
        if scheme == "udp" and self.format != "cef":
            raise ValueError(
                "to needs tcp:// or tls:// for this format: its messages do not fit into datagrams"
            )
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key are needed together")
        return self
