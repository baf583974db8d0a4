"""Secrets: random tokens, their hashes, and a box for what must be read again.

::

    token    256 random bits, base64url, 43 characters
    digest   SHA-256 of the token, in hex: what is kept
    box      12 random bytes, then AES-256-GCM(key, plain), bound to the name of what it belongs to

A thief of the store has hashes, of which nothing can be guessed, and boxes, whose key stands in a file elsewhere.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ordertrail.kernel.errors import ConfigurationError

_NONCE: Final = 12


def new_token() -> str:
    """Return a new secret of 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def derived(token: str, purpose: str) -> str:
    """Return another secret of the same holder, of which the token cannot be told: HMAC-SHA256, in hex."""
    return hmac.new(token.encode("utf-8", "surrogatepass"), purpose.encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Say whether two secrets are the same, in a time that tells nothing of them."""
    return hmac.compare_digest(
        hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(other.encode("utf-8", "surrogatepass")).digest(),
    )


@dataclass(frozen=True, slots=True)
class Box:
    """Seals what must be read again: hashes of passwords, and the secrets of second factors.

    It also marks what must not be changed by others: whoever has no key can neither make a mark nor move one.
    """

    key: bytes = field(repr=False)

    def mark(self, data: bytes) -> bytes:
        """Return the mark of data: HMAC-SHA256 under a key of its own (HKDF, RFC 5869, expanding)."""
        own = hmac.digest(self.key, b"ordertrail/access/rows/v1\x01", "sha256")
        return hmac.digest(own, data, "sha256")

    def seal(self, plain: bytes, owner: str) -> bytes:
        """Return it sealed; it opens for the same owner only."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """Return what was sealed. Raises ConfigurationError under another key, for another owner, or if changed."""
        try:
            return AESGCM(self.key).decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
        except (InvalidTag, ValueError):
            raise ConfigurationError(
                "what an account proves itself by cannot be opened",
                meaning="Its person cannot sign in with a password; evidence is untouched.",
                remedy="Put the key file of access that the accounts were made with back in keys/.",
            ) from None
