"""Signatures that stand in the body, beside what they sign."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import Fault
from ordertrail.intake.signatures.hmacs import as_hex
from ordertrail.intake.signatures.scheme import Credential, any_same, missing, refused

_MOST = 1_000
"""Items of one notification that are looked at."""


def adyen(delivery: Delivery, credentials: Sequence[Credential], _now: datetime) -> Fault | None:
    """Check Adyen's payment notifications: each item is signed, over eight of its fields; all must be right.

    docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures: base64 HMAC-SHA256 under a key
    in hex over pspReference, originalReference, merchantAccountCode, merchantReference, the amount's value and its
    currency, eventCode and success, joined by colons, with nothing escaped.
    """
    items = _items(delivery.body)
    if not items:
        return refused("it is not a notification with items")
    keys = [key for credential in credentials if (key := as_hex(credential.value))]
    for place, item in enumerate(items):
        additional = item.get("additionalData")
        told = additional.get("hmacSignature") if isinstance(additional, dict) else None
        if not isinstance(told, str):
            return missing(f"additionalData.hmacSignature in item {place}")
        text = ":".join(_signed_fields(item)).encode()
        signed = [base64.b64encode(hmac.digest(key, text, "sha256")) for key in keys]
        if not any_same([told], signed):
            return refused(f"item {place} is not signed under any key of {delivery.source}")
    return None


def braintree(delivery: Delivery, credentials: Sequence[Credential], _now: datetime) -> Fault | None:
    """Check Braintree's webhooks: a form of ``bt_signature`` and ``bt_payload``; a credential is a pair of keys.

    developer.paypal.com/braintree/docs/guides/webhooks/parse: ``public key|hex HMAC-SHA1`` under SHA-1 of the private
    key, pairs joined by ``&``. The credential's id is the public key.
    """
    try:
        form = parse_qs(delivery.body.decode("ascii"), max_num_fields=10)
    except (UnicodeDecodeError, ValueError):
        return refused("it is not a form")
    signatures, payloads = form.get("bt_signature", []), form.get("bt_payload", [])
    if len(signatures) != 1 or len(payloads) != 1:
        return missing("one bt_signature with one bt_payload")
    pairs = dict(pair.split("|", 1) for pair in signatures[0].split("&")[:_MOST] if "|" in pair)
    for credential in credentials:
        key = hashlib.sha1(credential.value.encode(), usedforsecurity=False).digest()
        told = pairs.get(credential.id)
        # Their libraries sign the payload with and without the newline at its end.
        texts = [payloads[0].encode(), payloads[0].encode() + b"\n"]
        if told is not None and any_same([told], [hmac.digest(key, text, "sha1").hex() for text in texts]):
            return None
    return refused(f"bt_signature is not of this payload under any key of {delivery.source}")


def _items(body: bytes) -> list[dict[str, Any]]:
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return []
    if not isinstance(tree, dict):
        return []
    found = tree.get("notificationItems", [tree])
    items = [one.get("NotificationRequestItem", one) for one in found[:_MOST] if isinstance(one, dict)]
    whole = isinstance(found, list) and len(items) == len(found)
    return [one for one in items if isinstance(one, dict)] if whole else []


def _signed_fields(item: dict[str, Any]) -> list[str]:
    amount = item.get("amount")
    money = amount if isinstance(amount, dict) else {}
    names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
    fields = [item.get(name) for name in names]
    fields += [money.get("value"), money.get("currency"), item.get("eventCode"), item.get("success")]
    return ["" if one is None else str(one).lower() if isinstance(one, bool) else str(one) for one in fields]
