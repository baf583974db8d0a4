"""Signatures by a key pair: here is only the public key, which a thief of this machine cannot sign with.

Keys are configured, never fetched: an address in a request is an attacker's to choose. Needs ``cryptography``.
"""

import json
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import Fault
from ordertrail.intake.signatures.hmacs import Hmac, Spelling
from ordertrail.intake.signatures.scheme import Credential, from_base64, missing, refused

_LARGEST = 16_384
"""Characters of the longest signature that is looked at."""
_SMALLEST_RSA = 2048


def ebay(delivery: Delivery, credentials: Sequence[Credential], _now: datetime) -> Fault | None:
    """Check eBay's notifications: ECDSA on P-256 over SHA-1 of the body; a credential is a key id and its PEM.

    developer.ebay.com/api-docs/commerce/notification/overview.html, "Verify the notification"::

        x-ebay-signature: base64 of {"alg": "ecdsa", "kid": "9936261a-…", "signature": base64 of DER, "digest": "SHA1"}
    """
    told = delivery.headers.get("x-ebay-signature", "")
    if not told:
        return missing("x-ebay-signature")
    named = _json(from_base64(told[:_LARGEST]))
    signature = from_base64(str(named.get("signature", "")))
    if signature is None or named.get("digest", "SHA1") != "SHA1":
        return refused("x-ebay-signature cannot be read")
    for credential in credentials:
        key = _public_key(credential.value) if credential.id == named.get("kid") else None
        if isinstance(key, ec.EllipticCurvePublicKey):
            try:
                key.verify(signature, delivery.body, ec.ECDSA(SHA1()))  # noqa: S303 - eBay's choice
            except InvalidSignature:
                continue
            return None
    return refused(f"x-ebay-signature is not of these bytes by a key that {delivery.source} is known by")


def saleor(delivery: Delivery, credentials: Sequence[Credential], now: datetime) -> Fault | None:
    """Check Saleor's webhooks: a detached JWS (RFC 7515, RFC 7797) by RS256, or the older HMAC where a secret is set.

    docs.saleor.io/developer/extending/webhooks/payload-signature. A credential is a JWK or a set of them as the shop
    publishes it under ``/.well-known/jwks.json``, or a secret.
    """
    told = delivery.headers.get("saleor-signature", "")
    if told.count(".") != _DOTS:
        secrets = [one for one in credentials if not one.value.lstrip().startswith("{")]
        return Hmac("saleor-signature", Spelling.HEX)(delivery, secrets, now)
    header, payload, signature = (part.encode() for part in told[:_LARGEST].split("."))
    named, signed = _json(from_base64(header.decode())), from_base64(signature.decode())
    if payload or signed is None or named.get("alg") != "RS256":
        return refused("saleor-signature is not a detached JWS by RS256")
    text = header + b"." + (delivery.body if named.get("b64") is False else _base64url(delivery.body))
    for key in (one for credential in credentials for one in _jwks(credential.value, named.get("kid"))):
        if _is_signed(key, signed, text):
            return None
    return refused(f"saleor-signature is not of these bytes by a key that {delivery.source} is known by")


def paypal(delivery: Delivery, credentials: Sequence[Credential], _now: datetime) -> Fault | None:
    """Check PayPal's webhooks: RSA-SHA256 over ``id|time|webhook id|crc32 of the body``.

    developer.paypal.com/api/rest/webhooks/rest, "Self verification method". A credential is the certificate in PEM, as
    downloaded from PayPal; the option ``webhook_id`` names the webhook. PayPal sends a delivery again for three days
    under the time at which it was first sent: a second one is known by its id, and not by its time.
    """
    names = ("paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig")
    told = [delivery.headers.get(name, "") for name in names]
    for name, value in zip(names, told, strict=True):
        if not value:
            return missing(name)
    webhook = delivery.source.options.get("webhook_id", "")
    text = f"{told[0]}|{told[1]}|{webhook}|{zlib.crc32(delivery.body)}".encode()
    signature = from_base64(told[2][:_LARGEST])
    if signature is not None and any(
        _is_signed(key, signature, text)
        for credential in credentials
        if (key := _public_key(credential.value)) is not None
    ):
        return None
    return refused(
        f"paypal-transmission-sig is not of these bytes by a key that {delivery.source} is known by"
    )


_DOTS = 2


def _is_signed(key: object, signature: bytes, text: bytes) -> bool:
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _SMALLEST_RSA:
        return False
    try:
        key.verify(signature, text, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _public_key(pem: str) -> object:
    """Return the key of a PEM or of a certificate; None for any other text. eBay writes a PEM in one line."""
    begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    text = pem.replace(begin, f"{begin}\n").replace(end, f"\n{end}\n").replace("\n\n", "\n").encode()
    try:
        if b"BEGIN CERTIFICATE" in text:
            return load_pem_x509_certificate(text).public_key()
        return load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _jwks(text: str, kid: object) -> list[rsa.RSAPublicKey]:
    """Return the RSA keys of a JWK or a set of them (RFC 7517), of this id if it is given."""
    tree = _json(text.encode())
    found = tree.get("keys", [tree])
    keys = []
    for one in found if isinstance(found, list) else []:
        if (
            not isinstance(one, dict)
            or one.get("kty") != "RSA"
            or (kid is not None and one.get("kid") != kid)
        ):
            continue
        modulus, exponent = (from_base64(str(one.get(name, ""))) for name in ("n", "e"))
        try:
            numbers = rsa.RSAPublicNumbers(
                int.from_bytes(exponent or b"", "big"), int.from_bytes(modulus or b"", "big")
            )
            keys.append(numbers.public_key())
        except ValueError:
            continue
    return keys


def _json(data: bytes | None) -> dict[str, Any]:
    try:
        tree = json.loads(data or b"")
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
