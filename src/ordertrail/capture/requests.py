"""What a request says about who sends it and from where: believed only as far as configured proxies vouch for it.

A client can write what it likes into ``X-Forwarded-For`` and ``Forwarded`` (RFC 7239). Each proxy adds the address that
it was called from at the right. So the list is read from the right: the address that called us, then what each trusted
proxy says called it. The first one that is not a trusted proxy is the client, and whatever stands left of it is its own
talk. Where nothing trusted called us, no header is read at all.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ordertrail.capture.context import MAX_TEXT, acting
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import ActorKind

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII
)
_FORWARDED_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;,"\s]+))', re.IGNORECASE)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies whose word is believed: addresses and networks (``10.0.0.0/8``, ``2001:db8::1``)."""

    networks: tuple[Network, ...] = field(default=())

    @classmethod
    def of(cls, trusted: Iterable[str]) -> "Proxies":
        """Read addresses and networks. Raises ConfigurationError naming one that is none."""
        networks = []
        for one in trusted:
            try:
                networks.append(ipaddress.ip_network(one, strict=False))
            except ValueError as error:
                raise ConfigurationError(
                    f"the trusted proxy {one!r} is neither an address nor a network: {error}",
                    remedy="Write it as 10.0.0.1 or 10.0.0.0/8.",
                ) from None
        return cls(tuple(networks))

    def trusts(self, address: Address) -> bool:
        """Say whether an address is a trusted proxy's."""
        return any(address in network for network in self.networks if network.version == address.version)

    def client(
        self, peer: str | None, forwarded_for: Sequence[str], forwarded: Sequence[str] = ()
    ) -> str | None:
        """Return the client's address: ``peer`` called us, and the headers' values stand in the order they came."""
        here = parse_address(peer)
        if here is None:
            return None
        told = list(_standard_hops(forwarded)) if forwarded else [
            hop.strip() for value in forwarded_for for hop in value.split(",")
        ]  # fmt: skip
        for hop in reversed(told):
            if not self.trusts(here):
                break
            before = parse_address(hop)
            if before is None:
                break  # the proxy says that it does not know, or says nothing that can be read
            here = before
        return str(here)


def parse_address(text: str | None) -> Address | None:
    """Read an IP address, with or without brackets and a port; None for anything else."""
    if not text:
        return None
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _standard_hops(values: Sequence[str]) -> Iterable[str]:
    """Yield the ``for`` of each element of ``Forwarded`` (RFC 7239 section 4); empty where there is none."""
    for value in values:
        for element in _split_elements(value):
            found = _FORWARDED_FOR.search(element)
            yield (found[1] if found[1] is not None else found[2]) if found else ""


def _split_elements(value: str) -> list[str]:
    """Split at commas outside quotes."""
    return re.findall(r'(?:[^,"]|"[^"]*")+', value)


def parse_traceparent(text: str | None) -> str | None:
    """Return a W3C ``traceparent`` if it is one (Trace Context section 3.2), None otherwise.

    A version that is not known yet may have more fields, which are kept away; of version 00 nothing else is taken.
    """
    if text is None:
        return None
    if _TRACEPARENT.fullmatch(text):
        return text
    if text[:2] != "00" and text[55:56] == "-" and _TRACEPARENT.fullmatch(text[:55]):
        return text[:55]
    return None


def request_id(text: str | None) -> str:
    """Return the request's id as a proxy gave it, if it is a word of at most 128 characters, else a new one."""
    return text if text is not None and _REQUEST_ID.fullmatch(text) else new_id()


def user_agent(text: str | None) -> str | None:
    """Return the user agent, cut to what a context holds."""
    return text[:MAX_TEXT] if text else None


User = str | tuple[str, Iterable[str]] | None
"""A user's id, or id and roles; None where nobody is signed in."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Makes the ``acting`` block of a request, of what a middleware finds in it and is configured with."""

    kind: ActorKind
    channel: str | None
    proxies: Proxies

    def block(self, user: User, address: str | None, header: Callable[[str], Sequence[str]]) -> acting:
        """Return who acts and from where. ``header`` returns a header's values by its name in small letters.

        A header that must stand once and stands twice says nothing.
        """
        name, roles = user if isinstance(user, tuple) else (user, None)

        def once(wanted: str) -> str | None:
            values = header(wanted)
            return values[0] if len(values) == 1 else None

        return acting(
            name,
            roles=roles,
            kind=self.kind if name is not None else None,
            ip=self.proxies.client(address, header("x-forwarded-for"), header("forwarded")),
            user_agent=user_agent(once("user-agent")),
            request=request_id(once("x-request-id")),
            trace=parse_traceparent(once("traceparent")),
            channel=self.channel,
        )
