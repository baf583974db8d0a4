"""A time-stamp authority (RFC 3161): it signs that a digest existed at its time.

**What a stamp proves.** That these bytes existed at the stamp's time, as far as the authority is to be believed
about its clock and its key, whoever holds the trail. Over a checkpoint, that is every entry up to its size.

**For how long.** A kept stamp is verified at its own time: a certificate that has expired since is as good as it
was then. That rests on the authority's key not having leaked and its algorithms not having fallen since; whoever
fears that over decades renews stamps while they are good (archive time-stamps, RFC 4998), which is not built.

**What is sent** is a SHA-256 and a nonce; the authority learns nothing of what it stamps but when.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from os import urandom
from typing import TYPE_CHECKING, Final

from ordertrail.adapters.timestamps.failures import NO_STAMP, Judge, require
from ordertrail.adapters.timestamps.line import Line
from ordertrail.adapters.timestamps.verification import (
    Stamped,
    parse_response,
    parse_trust,
    verify_response,
)
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError, UnavailableError
from ordertrail.ledger.clock_offset import ClockOffset

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS: Final = 5.0

#: PKIStatus (RFC 3161 section 2.4.2) of an answer that holds a stamp.
_STAMPED: Final = frozenset({0, 1})
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_HALF_SECOND: Final = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Authority:
    """What the settings say of an authority.

    ``url`` may hold a name and a password; they are never shown. ``roots`` is PEM: the certificates that the
    authority's must lead to. ``policy`` is the object identifier that it must stamp under, if it matters.
    ``timeout_seconds`` bounds ``stamp`` as a whole.
    """

    name: str
    url: str = field(repr=False)
    roots: bytes = field(repr=False)
    policy: str | None = None
    timeout_seconds: float = TIMEOUT_SECONDS


class Rfc3161Timestamper:
    """Implements :class:`ordertrail.ledger.ports.Timestamper`. Threads may share one.

    ``clock`` is this machine's, for :meth:`offset`; ``transport`` is httpx's, where it is not the network's.

    :raises ConfigurationError: if the settings cannot be meant.
    """

    def __init__(
        self, authority: Authority, *, clock: Clock = utc_now, transport: "httpx.BaseTransport | None" = None
    ) -> None:
        name, url = authority.name, authority.url
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"timestamps: {name!r} cannot name an authority",
                meaning=NO_STAMP,
                remedy="Use lower case letters, digits and hyphens, at most 63.",
            )
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"timestamps.{name}.url: is no address that begins with http:// or https://",
                meaning=NO_STAMP,
                remedy=f"Correct timestamps.{name}.url.",
            )
        self._name = name
        self._trust = parse_trust(name, authority.roots, authority.policy)
        self._line = Line(name, url, authority.timeout_seconds, transport)
        self._clock = clock
        self._last_offset: ClockOffset | None = None

    @property
    def name(self) -> str:
        """See the port."""
        return self._name

    @property
    def last_offset(self) -> ClockOffset | None:
        """How far this machine's clock was from the authority's at the last stamp; None before the first."""
        return self._last_offset

    def stamp(self, data: bytes) -> bytes:
        """See the port."""
        answer, self._last_offset = self._stamp(data)
        return answer

    def check(self, stamp: bytes, data: bytes) -> datetime:
        """See the port. It needs no network, and no certificate that is still valid."""
        judge = Judge(self._name, fresh=False)
        return verify_response(parse_response(stamp, judge), data, self._trust, judge, None).time

    def offset(self) -> ClockOffset:
        """Ask the authority for a stamp over random bytes, and compare its clock with this machine's.

        :raises UnavailableError: if it does not answer.
        :raises EvidenceError: if its answer is not a good one.
        """
        _, self._last_offset = self._stamp(urandom(32))
        return self._last_offset

    def _stamp(self, data: bytes) -> tuple[bytes, ClockOffset]:
        if not data:
            raise InputError("there is nothing to stamp")
        client = require("rfc3161_client")
        request = (
            client.TimestampRequestBuilder()
            .data(data)
            .hash_algorithm(client.HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .cert_request(cert_request=True)
            .build()
        )
        asked = self._clock()
        answer = self._line.ask(request.as_bytes())
        answered = self._clock()
        judge = Judge(self._name, fresh=True)
        response = parse_response(answer, judge)
        if response.status not in _STAMPED:
            raise self._refused(response.status, response.status_string)
        stamped = verify_response(response, data, self._trust, judge, request.nonce)
        return answer, _offset(self._name, stamped, asked, answered)

    def _refused(self, status: int, told: list[str]) -> UnavailableError:
        return UnavailableError(
            f"timestamps.{self._name}.url: the authority refused to stamp (status {status}): "
            f"{'; '.join(told)[:200] or 'it does not say why'}",
            meaning=NO_STAMP,
            remedy="It is asked again at the next anchor. If this lasts, ask the authority, or use another.",
        )


def _offset(name: str, stamped: Stamped, asked: datetime, answered: datetime) -> ClockOffset:
    """Compare the middle of the wait with the stamp's time, which most authorities cut down to whole seconds."""
    waited = max(answered - asked, timedelta())
    time, uncertainty = stamped.time, waited / 2 + timedelta(seconds=stamped.accuracy)
    if time.microsecond == 0:
        time, uncertainty = time + _HALF_SECOND, uncertainty + _HALF_SECOND
    return ClockOffset(name, (asked + waited / 2).astimezone(UTC) - time, uncertainty)
