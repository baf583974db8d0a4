"""A shared secret over a time and the body: what was sent once cannot be sent again a day later.

Standard Webhooks (standardwebhooks.com, specification 1.0)::

    webhook-id: msg_p5jX…      webhook-timestamp: 1614265330
    webhook-signature: v1,g0hM9SsE…= v1,…            base64 HMAC-SHA256 over id.timestamp.body; several while rotated

Stripe (docs.stripe.com/webhooks, "Verify webhook signatures manually")::

    stripe-signature: t=1492774577,v1=5257a869…,v1=…   hex HMAC-SHA256 over t.body
"""

import base64
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import Fault
from ordertrail.intake.signatures.scheme import (
    Credential,
    any_same,
    from_base64,
    missing,
    outside_window,
    refused,
)

_MOST = 16
"""Signatures of one delivery that are looked at."""


def standard_webhooks(delivery: Delivery, credentials: Sequence[Credential], now: datetime) -> Fault | None:
    """Check by Standard Webhooks; a secret is ``whsec_`` and base64."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    told = [delivery.headers.get(name, "") for name in names]
    for name, value in zip(names, told, strict=True):
        if not value:
            return missing(name)
    identifier, stamp, signatures = told
    text = f"{identifier}.{stamp}.".encode() + delivery.body
    given = [one.removeprefix("v1,") for one in signatures.split()[:_MOST] if one.startswith("v1,")]
    keys = (from_base64(credential.value.removeprefix("whsec_")) for credential in credentials)
    signed = [base64.b64encode(hmac.digest(key, text, "sha256")).decode() for key in keys if key]
    return _unless(given, signed, delivery, "webhook-signature") or outside_window(stamp, now)


def stripe(delivery: Delivery, credentials: Sequence[Credential], now: datetime) -> Fault | None:
    """Check by Stripe's scheme."""
    told = delivery.headers.get("stripe-signature", "")
    if not told:
        return missing("stripe-signature")
    parts = [part.strip().partition("=") for part in told.split(",")[:_MOST]]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    text = f"{stamp}.".encode() + delivery.body
    given = [value for name, _, value in parts if name == "v1"]
    signed = [hmac.digest(credential.value.encode(), text, "sha256").hex() for credential in credentials]
    return _unless(given, signed, delivery, "stripe-signature") or outside_window(stamp, now)


def _unless(given: Iterable[str], signed: Sequence[str], delivery: Delivery, header: str) -> Fault | None:
    if any_same(given, signed):
        return None
    return refused(f"{header} is not the signature of these bytes under any secret of {delivery.source}")
