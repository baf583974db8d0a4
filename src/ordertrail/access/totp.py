"""The second factor: time-based one-time codes (RFC 6238), six digits, 30 seconds, SHA-1 as all authenticators have it.

A code of the step before or after is good too, for clocks that disagree. A step is used once: a code that was seen over
a shoulder or taken by a false site is no good any more.
"""

import base64
import hmac
import os
from datetime import datetime
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

PERIOD: Final = 30
"""Seconds of a step."""
DIGITS: Final = 6
SECRET: Final = 20
"""Bytes of a secret: as long as the hash (RFC 4226 section 4, R6)."""
_AROUND: Final = (0, -1, 1)


def new_secret() -> bytes:
    """Return a new secret."""
    return os.urandom(SECRET)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step."""
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()  # noqa: S303 - RFC 6238's own, under a key


def step_of(moment: datetime) -> int:
    """Return the time step of a moment."""
    return int(moment.timestamp()) // PERIOD


def used_step(secret: bytes, typed: str, moment: datetime, last: int) -> int | None:
    """Return the step whose code this is, None where it is none after ``last``. All steps are always compared."""
    code = "".join(typed.split())
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    now, found = step_of(moment), None
    for distance in _AROUND:
        step = now + distance
        if hmac.compare_digest(code_at(secret, step), code) and step > last and found is None:
            found = step
    return found


def spelled(secret: bytes) -> str:
    """Return a secret as people type it into an authenticator: base32 in groups of four."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def address(secret: bytes, account: str, issuer: str = "OrderTrail") -> str:
    """Return the ``otpauth:`` address that authenticators read from a QR code (Google Authenticator's key URI)."""
    text = base64.b32encode(secret).decode()
    label = f"{quote(issuer)}:{quote(account)}"
    return f"otpauth://totp/{label}?secret={text}&issuer={quote(issuer)}&period={PERIOD}&digits={DIGITS}"
