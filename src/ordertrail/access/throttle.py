"""How often somebody may guess: after some free tries each further one must wait longer, twice as long as the last.

::

    bucket          free tries   longest wait
    place           3            15 min         this name from this address
    address         20           15 min         any name from this address
    name            50           15 min         this name from anywhere

A try is counted *before* the password is looked at, and given back if it was right: a thousand tries at once are a
thousand tries. Names that nobody has are counted like those that somebody has, so that a wait tells nothing. Signing in
clears what was held against the name from there; of the address only the one try is given back, so that who has an
account of their own cannot guess at others' without end. Nothing is held against anybody after a day of quiet.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

FORGOTTEN: Final = timedelta(days=1)
_FIRST: Final = timedelta(seconds=1)
_MOST_DOUBLINGS: Final = 20


@dataclass(frozen=True, slots=True)
class Bucket:
    """What tries are counted in. ``key`` is a hash: the store holds no names that somebody typed."""

    key: str
    free: int
    longest: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held against a bucket: failures, when the last one was, and until when to wait."""

    failures: int
    last: datetime
    until: datetime


def wait_after(bucket: Bucket, failures: int) -> timedelta:
    """Return how long to wait after so many failures."""
    over = failures - bucket.free
    return timedelta(0) if over <= 0 else min(_FIRST * 2 ** min(over - 1, _MOST_DOUBLINGS), bucket.longest)


def tried(bucket: Bucket, held: Held | None, now: datetime) -> Held | None:
    """Return what is held once another try is counted; None where it must wait, and is not counted."""
    if held is not None and now - held.last >= FORGOTTEN:
        held = None
    if held is not None and now < held.until:
        return None
    failures = (held.failures if held else 0) + 1
    return Held(failures, now, now + wait_after(bucket, failures))


@dataclass(frozen=True, slots=True)
class Buckets:
    """The three buckets of a try to sign in."""

    place: Bucket
    address: Bucket
    name: Bucket

    @property
    def all(self) -> tuple[Bucket, ...]:
        """In the order in which they are counted."""
        return self.place, self.address, self.name


def buckets(name: str, address: str | None) -> Buckets:
    """Return the buckets of a folded name from an address."""
    network = _network(address)
    return Buckets(
        Bucket(_key("place", name, network), 3),
        Bucket(_key("address", network), 20),
        Bucket(_key("name", name), 50),
    )


def _network(address: str | None) -> str:
    """Return whose address it is: of IPv6 a customer has at least a /64."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((int(found), 64), strict=False))
    return str(found)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
