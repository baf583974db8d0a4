"""A time-stamp authority in memory, whose clock can be any.

Its stamps are lines of text that it alone can make and check::

    ordertrail/memory-stamp/v1
    <name>
    <time, RFC 3339 UTC>
    <HMAC-SHA256 of the lines before and the data, under a key that is gone with it, hexadecimal>
"""

import hmac
from datetime import datetime
from os import urandom

from ordertrail.adapters.memory.availability import Availability
from ordertrail.kernel.clock import Clock, format_time, parse_time
from ordertrail.kernel.errors import EvidenceError, InputError


class MemoryTimestamper:
    """Implements :class:`ordertrail.ledger.ports.Timestamper`."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.availability = Availability()
        self._name = name
        self._clock = clock
        self._key = urandom(32)

    @property
    def name(self) -> str:
        """See the port."""
        return self._name

    def stamp(self, data: bytes) -> bytes:
        """See the port."""
        if not data:
            raise InputError("there is nothing to stamp")
        self.availability.require()
        return self._stamp(format_time(self._clock()), data)

    def check(self, stamp: bytes, data: bytes) -> datetime:
        """See the port."""
        lines = stamp.split(b"\n")
        try:
            time = lines[2].decode("ascii")
            if hmac.compare_digest(self._stamp(time, data), stamp):
                return parse_time(time)
        except (IndexError, ValueError):
            pass
        raise EvidenceError(f"this is no stamp of {self._name!r} over these bytes")

    def _stamp(self, time: str, data: bytes) -> bytes:
        told = f"ordertrail/memory-stamp/v1\n{self._name}\n{time}\n".encode()
        return told + hmac.digest(self._key, told + data, "sha256").hex().encode() + b"\n"
