"""API keys: ``ot_<id>_<secret>``, for programs.

::

    ot_4f1c09ab22d7_8JcQ0m…          id: 12 hex digits, public; secret: 256 random bits, base64url, 43 characters

What is kept is the SHA-256 of the whole key. A slow hash such as Argon2 protects secrets that people choose, by making
each guess dear; of 256 random bits there is nothing to guess, and a key is checked with every request.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ordertrail.access.principal import Scope
from ordertrail.access.verbs import Verb

_KEY: Final = re.compile(r"ot_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. It may do what it was given and its account still may; it looks where both may."""

    id: str
    account: str
    label: str
    digest: bytes = field(repr=False)
    verbs: frozenset[Verb]
    scope: Scope
    created: datetime
    ends: datetime
    used: datetime | None = None
    withdrawn: datetime | None = None

    def alive(self, now: datetime) -> bool:
        """Say whether it has not ended and was not withdrawn."""
        return self.withdrawn is None and now < self.ends

    def opens(self, text: str) -> bool:
        """Say whether a text is this key, in a time that tells nothing of it."""
        return hmac.compare_digest(self.digest, key_digest(text))


def new_key() -> tuple[str, str]:
    """Return a new key's id, and the key itself: its text is shown once and kept nowhere."""
    name = secrets.token_hex(6)
    return name, f"ot_{name}_{secrets.token_urlsafe(32)}"


def key_digest(text: str) -> bytes:
    """Return what is kept of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def parse_key(text: str) -> str | None:
    """Return the id of what is spelled like a key, None for any other text."""
    found = _KEY.fullmatch(text) if text.isascii() else None
    return found[1] if found else None
