"""Tickets: secrets that are good once, for a time. Only their hash is kept, so that who reads the store has none.

Invitations and resets let their account choose a password; recovery codes stand for a second factor that is lost; a
journey brings a browser back from another house.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ordertrail.access.secrets import digest


class Purpose(StrEnum):
    """What a ticket is good for."""

    PASSWORD = "password"  # noqa: S105 - a purpose
    RECOVERY = "recovery"
    JOURNEY = "journey"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it is kept: the hash of its secret, and what comes with it."""

    digest: str
    purpose: Purpose
    account: str | None
    ends: datetime
    luggage: str = ""


RECOVERY_CODES: Final = 10
"""Codes that are made at once."""

_GROUP: Final = 4


def new_recovery_code() -> str:
    """Return 80 random bits as people type them: ``k3f7-9m2p-x4aa-b7cd``."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[place : place + _GROUP] for place in range(0, len(text), _GROUP))


def recovery_digest(account: str, typed: str) -> str:
    """Return what is kept of a recovery code, however it was typed. Of 80 random bits there is nothing to guess."""
    plain = "".join(one for one in typed.lower() if one.isalnum())
    return digest(f"{account}:{plain}")
