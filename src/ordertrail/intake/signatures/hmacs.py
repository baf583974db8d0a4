"""A shared secret over the raw body: one HMAC (RFC 2104) in a header, spelled one way or another."""

import base64
import binascii
import hmac
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import Fault
from ordertrail.intake.signatures.scheme import Credential, any_same, missing, refused


class Spelling(Enum):
    """How the bytes of a signature are written."""

    BASE64 = "base64"
    HEX = "hex"

    def of(self, digest: bytes) -> str:
        """Write a signature."""
        return base64.b64encode(digest).decode() if self is Spelling.BASE64 else digest.hex()


def as_text(secret: str) -> bytes:
    """Return a secret's UTF-8."""
    return secret.encode()


def as_hex(secret: str) -> bytes:
    """Return the bytes that a secret spells in hex; of any other text none, which no signature fits."""
    try:
        return binascii.unhexlify(secret)
    except (binascii.Error, ValueError):
        return b""


def normalized(secret: str) -> bytes:
    """Return a secret's UTF-8 after compatibility decomposition, as EasyPost's libraries take it."""
    return unicodedata.normalize("NFKD", secret).encode()


def body_of(delivery: Delivery) -> bytes:
    """Return what most sources sign."""
    return delivery.body


def address_and_body(delivery: Delivery) -> bytes:
    """Return what Square signs: the notification's address as it is set there (option ``url``), and the body."""
    return delivery.source.options.get("url", "").encode() + delivery.body


@dataclass(frozen=True, slots=True)
class Hmac:
    """One scheme. ``header`` is in lower case; ``key`` makes bytes of a secret; ``over`` is what is signed."""

    header: str
    spelling: Spelling
    digest: str = "sha256"
    prefix: str = ""
    key: Callable[[str], bytes] = as_text
    over: Callable[[Delivery], bytes] = body_of

    def __call__(self, delivery: Delivery, credentials: Sequence[Credential], _now: datetime) -> Fault | None:
        """See :data:`~ordertrail.intake.signatures.scheme.Scheme`."""
        told = delivery.headers.get(self.header, "").strip()
        if not told:
            return missing(self.header)
        if not told.startswith(self.prefix):
            return refused(f"{self.header} does not begin with {self.prefix}")
        given = told.removeprefix(self.prefix)
        if self.spelling is Spelling.HEX:
            given = given.lower()
        text = self.over(delivery)
        keys = [key for credential in credentials if (key := self.key(credential.value))]
        signed = [self.spelling.of(hmac.digest(key, text, self.digest)) for key in keys]
        if any_same([given], signed):
            return None
        return refused(
            f"{self.header} is not the signature of these bytes under any secret of {delivery.source}"
        )
