"""All schemes by name, which of them a channel uses where nothing else is said, and the authenticator over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import Fault
from ordertrail.intake.signatures.enclosed import adyen, braintree
from ordertrail.intake.signatures.hmacs import (
    Hmac,
    Spelling,
    address_and_body,
    as_hex,
    normalized,
)
from ordertrail.intake.signatures.public import ebay, paypal, saleor
from ordertrail.intake.signatures.scheme import Credential, Scheme, refused
from ordertrail.intake.signatures.shared import api_key, basic
from ordertrail.intake.signatures.stamped import standard_webhooks, stripe
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError

SCHEMES: Mapping[str, Scheme] = {
    "adyen": adyen,
    "adyen-platform": Hmac("hmacsignature", Spelling.BASE64, key=as_hex),
    "authorizenet": Hmac("x-anet-signature", Spelling.HEX, "sha512", "sha512="),
    "authorizenet-hex": Hmac("x-anet-signature", Spelling.HEX, "sha512", "sha512=", key=as_hex),
    "basic": basic,
    "braintree": braintree,
    "easypost": Hmac("x-hmac-signature", Spelling.HEX, prefix="hmac-sha256-hex=", key=normalized),
    "ebay": ebay,
    "key": api_key,
    "paypal": paypal,
    "razorpay": Hmac("x-razorpay-signature", Spelling.HEX),
    "saleor": saleor,
    "shopify": Hmac("x-shopify-hmac-sha256", Spelling.BASE64),
    "shopware": Hmac("shopware-shop-signature", Spelling.HEX),
    "square": Hmac("x-square-hmacsha256-signature", Spelling.BASE64, over=address_and_body),
    "standard": standard_webhooks,
    "stripe": stripe,
    "woocommerce": Hmac("x-wc-webhook-signature", Spelling.BASE64),
}
"""What a source's ``signature`` may be."""

_CUSTOMARY = {"ebay", "saleor", "shopify", "shopware", "woocommerce"}


def customary(channel: str) -> str:
    """Return the scheme of a channel's own; of one that has none, an API key."""
    return channel if channel in _CUSTOMARY else "key"


@dataclass(frozen=True, slots=True)
class Lock:
    """How one source proves its deliveries."""

    scheme: Scheme
    credentials: Sequence[Credential]


def lock(source: str, scheme: str, credentials: Sequence[Credential]) -> Lock:
    """Return a source's lock. Raises ConfigurationError for an unknown scheme, and where there is no credential."""
    if scheme not in SCHEMES:
        raise ConfigurationError(
            f"there is no signature scheme {scheme!r}, which {source} is to prove itself by",
            remedy=f"Name one of {', '.join(SCHEMES)}.",
        )
    if not any(one.value for one in credentials):
        raise ConfigurationError(
            f"{source} has no credential: nobody could prove to be it",
            remedy="Name the file or the environment variable that holds its secret.",
        )
    return Lock(SCHEMES[scheme], tuple(one for one in credentials if one.value))


class SignatureAuthenticator:
    """Implements :class:`ordertrail.intake.ports.Authenticator` with a lock for each source (``channel/account``)."""

    def __init__(self, locks: Mapping[str, Lock], clock: Clock = utc_now) -> None:
        self._locks = locks
        self._clock = clock

    def authenticate(self, delivery: Delivery) -> Fault | None:
        """See the port."""
        found = self._locks.get(str(delivery.source))
        if found is None:
            return refused(f"nothing is set up that {delivery.source} could prove itself by")
        return found.scheme(delivery, found.credentials, self._clock())
