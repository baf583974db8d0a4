"""Signed webhooks: one POST a parcel, by Standard Webhooks 1.0 (https://www.standardwebhooks.com).

::

    webhook-id: 0193…                    the parcel's id: the same at every attempt
    webhook-timestamp: 1795424400        seconds since 1970, of this attempt
    webhook-signature: v1,K5oZfzN95Z9…   base64 of HMAC-SHA256 over id.timestamp.body; one for each secret

    {"type": "ordertrail.notification", "timestamp": "2026-11-23T09:00:00.000000Z",
     "data": {"id": …, "route": …, "severity": "high", "count": 2, "title": …, "text": …, "messages": [{…}, {…}]}}

An address is https, or http within the machine. A name is resolved once, every address that it has must be a public one
unless the route says that private ones are meant, and the connection goes to the address that was looked at: a name
that means another address a moment later leads nowhere else. No redirect is followed, no proxy asked, and of the answer
nothing is read but its status, and how long it asks us to wait (``Retry-After``).
"""

import base64
import binascii
import hmac
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

import httpx
import msgspec

from ordertrail.kernel.backoff import asked_wait
from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import ConfigurationError, LaterError, UnavailableError
from ordertrail.notify.parcel import Parcel

TYPE: Final = "ordertrail.notification"

_PREFIX: Final = "whsec_"
_SHORTEST: Final = 24
_LONGEST: Final = 64
"""Bytes of a secret (Standard Webhooks, "Signature scheme")."""

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv4 addresses within IPv6 (RFC 6052)."""

_AGAIN: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT}
)
"""Answers of 4xx that another attempt may change; the others say that the request itself is not wanted."""

_MEANING: Final = "Nothing is lost: the message is handed over again."
_GIVEN_UP: Final = "The message was not delivered; the event that it is about is sealed, and stays."

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a name. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to, and what proves us. ``private`` allows addresses that are not public."""

    url: str
    secrets: Sequence[bytes] = field(repr=False)
    private: bool = False
    timeout: float = 10.0
    tls: ssl.SSLContext | bool = True


def parse_secret(text: str) -> bytes:
    """Read a secret: ``whsec_`` and base64 of 24 to 64 bytes. Raises ValueError, which does not show it."""
    try:
        key = base64.b64decode(text.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"is not {_PREFIX} and base64 of {_SHORTEST} to {_LONGEST} bytes")
    return key


def sign(secrets: Sequence[bytes], id_: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    text = f"{id_}.{timestamp}.".encode() + body
    digests = (base64.b64encode(hmac.digest(secret, text, "sha256")).decode() for secret in secrets)
    return " ".join(f"v1,{digest}" for digest in digests)


def is_public(address: str) -> bool:
    """Say whether an address is one of the Internet's, and not of this machine, this network, or nobody's."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _TRANSLATED:
            inner = IPv4Address(int(found) & 0xFFFF_FFFF)
        found = inner or found
    return found.is_global and not found.is_multicast and not found.is_reserved


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Webhook:
    """Implements :class:`ordertrail.notify.ports.Channel`."""

    def __init__(self, endpoint: Endpoint, clock: Clock, resolving: Resolve = resolve) -> None:
        """Raise ConfigurationError for an address that will not do."""
        try:
            url = httpx.URL(endpoint.url).copy_with(fragment=None, userinfo=b"")
        except httpx.InvalidURL as error:
            raise ConfigurationError(f"the url of a webhook is none: {error}") from None
        self._url, self._host = url, url.raw_host.decode()
        here = self._host == "localhost" or _is_loopback(self._host)
        if url.scheme != "https" and not (url.scheme == "http" and here):
            raise ConfigurationError(
                f"a webhook goes to https://, or to http:// within the machine, not to {url.scheme}://{self._host}",
                meaning="Nothing was sent.",
                remedy="Correct url of the route.",
            )
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._private = endpoint.private or here
        self._endpoint = endpoint
        self._clock = clock
        self._resolve = resolving
        self._client = httpx.Client(
            timeout=endpoint.timeout, verify=endpoint.tls, follow_redirects=False, trust_env=False
        )

    def send(self, parcel: Parcel) -> None:
        """See the port."""
        self.post(parcel.id, payload(parcel))

    def post(self, id_: str, body: bytes) -> None:
        """Hand a signed body over, under an id by which whoever gets it twice knows it. Raises as ``send``."""
        stamp = int(self._clock().timestamp())
        headers = {
            "Host": self._url.netloc.decode(),
            "Content-Type": "application/json",
            "User-Agent": "ordertrail",
            "webhook-id": id_,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(self._endpoint.secrets, id_, stamp, body),
        }
        address = self._address()
        try:
            url = self._url.copy_with(host=address)
            request = self._client.build_request(
                "POST", url, content=body, headers=headers, extensions={"sni_hostname": self._host}
            )
            answer = self._client.send(request, stream=True)
            answer.close()
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise UnavailableError(
                f"{self._host} cannot be reached: {type(error).__name__}", meaning=_MEANING
            ) from error
        self._judge(answer.status_code, answer.headers.get("retry-after", ""))

    def close(self) -> None:
        """See the port."""
        self._client.close()

    def _address(self) -> str:
        """Return the address to connect to: the first of the name's, all of which were looked at."""
        try:
            found = self._resolve(self._host, self._port)
        except OSError as error:
            raise UnavailableError(
                f"{self._host} has no address now: {error.strerror}", meaning=_MEANING
            ) from None
        if not found:
            raise UnavailableError(f"{self._host} has no address now", meaning=_MEANING)
        if not self._private and not all(map(is_public, found)):
            raise ConfigurationError(
                f"{self._host} is an address of this network, and the route does not allow those",
                meaning=_GIVEN_UP,
                remedy="If it is meant, set private = true for the route.",
            )
        return found[0]

    def _judge(self, status: int, later: str) -> None:
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        told = f"{self._host} answered {status}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _AGAIN:
            wait = asked_wait(later, self._clock())
            if wait is not None:
                raise LaterError(told, wait, meaning=_MEANING)
            raise UnavailableError(told, meaning=_MEANING)
        raise ConfigurationError(
            told,
            meaning=_GIVEN_UP,
            remedy="Correct the route, try it with 'ordertrail notify test', then run 'ordertrail notify retry'.",
        )


def payload(parcel: Parcel) -> bytes:
    """Return the body of a parcel, the same bytes whenever it is made."""
    data: dict[str, Any] = msgspec.to_builtins(parcel)
    data["severity"] = parcel.severity.word
    for shown, message in zip(data["messages"], parcel.messages, strict=True):
        shown["severity"] = message.severity.word
    return msgspec.json.encode({"type": TYPE, "timestamp": parcel.made, "data": data})


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
