"""What a signature scheme is: of a delivery, its source's credentials and a moment it says what is wrong, or nothing.

Several credentials of a source are good at a time, so that a secret is rotated without a delivery being refused: the
new one is added here, then at the source, then the old one is taken away.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import Code, Fault

WINDOW = timedelta(minutes=5)
"""By how much a signed time may differ from ours. Standard Webhooks and Stripe use the same."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret, or a public key. ``id`` is the key's name where the scheme tells which one signed."""

    value: str = field(repr=False)
    id: str = ""


Scheme = Callable[[Delivery, Sequence[Credential], datetime], Fault | None]
"""Says what is wrong with a delivery's signature, None where nothing is. Raises nothing."""


def refused(message: str) -> Fault:
    """Return the fault of a delivery that is not proven."""
    return Fault(Code.SIGNATURE, "", message)


def missing(name: str) -> Fault:
    """Return the fault of a delivery without a signature."""
    return refused(f"it is not signed: there is no {name}")


def any_same(given: Iterable[bytes | str], right: Sequence[bytes | str]) -> bool:
    """Say whether one of what was given is right, in a time that does not tell which, or where they differ."""
    found = False
    for one in given:
        for other in right:
            found |= compare_digest(_bytes(one), _bytes(other))
    return found


def outside_window(told: str, now: datetime) -> Fault | None:
    """Say whether signed Unix seconds are too far from now."""
    try:
        moment = datetime.fromtimestamp(int(told), UTC)
    except (ValueError, OverflowError, OSError):
        return refused(f"its time {told[:40]!r} is not one")
    if abs(now - moment) > WINDOW:
        return Fault(
            Code.REPLAYED,
            "",
            f"it was signed at {moment:%Y-%m-%dT%H:%M:%SZ}, over {WINDOW.seconds // 60} minutes from now: sent again "
            "by somebody who kept it, or one of the two clocks is wrong",
        )
    return None


def from_base64(text: str) -> bytes | None:
    """Return the bytes of a base64 text, of either alphabet and with or without its padding; None for any other."""
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _bytes(value: bytes | str) -> bytes:
    return value.encode(errors="surrogateescape") if isinstance(value, str) else value
