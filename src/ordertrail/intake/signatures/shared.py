"""A secret that is only shown: API keys and passwords. It proves who sent, and nothing about what was sent.

A credential is the secret, or ``sha256:`` and the hash of it in hex, which is enough to recognise it: keys are long and
random, and need no slow hash.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import Fault
from ordertrail.intake.signatures.scheme import Credential, any_same, from_base64, missing, refused

_HASHED = "sha256:"


def api_key(delivery: Delivery, credentials: Sequence[Credential], _now: datetime) -> Fault | None:
    """Check ``Authorization: Bearer …`` (RFC 6750), or the header of the option ``key_header`` (X-API-Key)."""
    header = delivery.source.options.get("key_header", "x-api-key").lower()
    scheme, _, bearer = delivery.headers.get("authorization", "").partition(" ")
    told = bearer.strip() if scheme.lower() == "bearer" else delivery.headers.get(header, "").strip()
    if not told:
        return missing(f"Authorization: Bearer, and no {header}")
    return _known(told, credentials, delivery)


def basic(delivery: Delivery, credentials: Sequence[Credential], _now: datetime) -> Fault | None:
    """Check ``Authorization: Basic …`` (RFC 7617); a credential is a name and a password."""
    scheme, _, told = delivery.headers.get("authorization", "").partition(" ")
    pair = from_base64(told) if scheme.lower() == "basic" else None
    if pair is None:
        return missing("Authorization: Basic")
    name, _, password = pair.decode(errors="replace").partition(":")
    return _known(password, [one for one in credentials if any_same([one.id], [name])], delivery)


def _known(told: str, credentials: Sequence[Credential], delivery: Delivery) -> Fault | None:
    hashed = hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()
    if any_same([hashed], [_hash(credential.value) for credential in credentials]):
        return None
    return refused(f"its key is none of {delivery.source}")


def _hash(secret: str) -> str:
    if secret.startswith(_HASHED):
        return secret.removeprefix(_HASHED).lower()
    return hashlib.sha256(secret.encode()).hexdigest()
