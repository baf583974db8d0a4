"""Signatures: the sources' own vectors, and what no scheme may let through."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code
from ordertrail.intake.signatures.catalogue import SCHEMES, SignatureAuthenticator, customary, lock
from ordertrail.intake.signatures.scheme import WINDOW, Credential
from ordertrail.kernel.errors import ConfigurationError
from shared_data import shared_json

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
VECTORS: list[dict[str, Any]] = shared_json("samples/signatures/vectors.json")


def delivery(body: bytes, headers: dict[str, str] | None = None, **options: str) -> Delivery:
    """Return a webhook."""
    return Delivery(
        Source("shop", "main", options=options),
        body,
        "2026-11-23T12:00:00.000000Z",
        Way.WEBHOOK,
        headers or {},
    )


def of_vector(vector: dict[str, Any]) -> tuple[str, Delivery, list[Credential], datetime]:
    """Return the scheme, delivery and credentials of a vector, and the time at which it was signed."""
    provider, body = vector["provider"], vector["body"].encode()
    secret = Credential(vector.get("secret", ""))
    header = {vector["header"].lower(): vector["signature"]} if "signature" in vector else {}
    match provider:
        case "standard-webhooks":
            moment = datetime.fromtimestamp(int(vector["headers"]["webhook-timestamp"]), UTC)
            return "standard", delivery(body, vector["headers"]), [secret], moment
        case "braintree":
            form = urlencode({"bt_signature": vector["signature"], "bt_payload": vector["body"]})
            return (
                provider,
                delivery(form.encode()),
                [Credential(vector["secret"], vector["public_key"])],
                NOW,
            )
        case "ebay":
            return provider, delivery(body, header), [Credential(vector["public_key"], vector["kid"])], NOW
        case "adyen":
            return provider, delivery(body), [secret], NOW
        case "square":
            return provider, delivery(body, header, url=vector["url"]), [secret], NOW
        case _:
            return provider, delivery(body, header), [secret], NOW


CHECKED = [vector for vector in VECTORS if vector["provider"] != "paypal"]


@pytest.mark.parametrize("vector", CHECKED, ids=[f"{v['provider']}-{n}" for n, v in enumerate(CHECKED)])
def test_vectors(vector: dict[str, Any]) -> None:
    """Every vector of the sources' own libraries is judged as they judge it."""
    scheme, told, credentials, now = of_vector(vector)
    fault = SCHEMES[scheme](told, credentials, now)
    if vector.get("expect", "valid") == "valid":
        assert fault is None
    else:
        assert fault is not None
        assert fault.code is Code.SIGNATURE


GOOD = [vector for vector in CHECKED if vector.get("expect", "valid") == "valid"]


@pytest.mark.parametrize("vector", GOOD, ids=[f"{v['provider']}-{n}" for n, v in enumerate(GOOD)])
def test_another_secret_is_refused_and_rotation_is_not(vector: dict[str, Any]) -> None:
    """Of several credentials one is enough, whichever; without it nothing passes, and without any nothing does."""
    scheme, told, credentials, now = of_vector(vector)
    other = Credential("00" * 32, credentials[0].id)
    assert SCHEMES[scheme](told, [other], now) is not None
    assert SCHEMES[scheme](told, [], now) is not None
    assert SCHEMES[scheme](told, [other, *credentials], now) is None
    assert SCHEMES[scheme](told, [*credentials, other], now) is None


@pytest.mark.parametrize("vector", GOOD, ids=[f"{v['provider']}-{n}" for n, v in enumerate(GOOD)])
def test_a_changed_byte_is_refused(vector: dict[str, Any]) -> None:
    """No byte of what is signed can change; of Adyen's items that is some fields, and the amount among them."""
    scheme, told, credentials, now = of_vector(vector)
    bodies = (
        [told.body.replace(b'"EUR"', b'"USD"')]
        if scheme == "adyen"
        else [
            told.body[:at] + bytes([told.body[at] ^ 1]) + told.body[at + 1 :]
            for at in range(0, len(told.body), 37)
        ]
    )
    for body in bodies:
        changed = delivery(body, dict(told.headers), **told.source.options)
        assert SCHEMES[scheme](changed, credentials, now) is not None


@pytest.mark.parametrize("scheme", SCHEMES)
@given(
    body=st.binary(max_size=80) | st.text(max_size=80).map(str.encode),
    header=st.text(max_size=120),
    secret=st.text(max_size=40),
)
def test_no_scheme_raises_or_accepts_noise(scheme: str, body: bytes, header: str, secret: str) -> None:
    """Whatever stands in body, headers and secrets, a scheme answers, and it does not answer yes."""
    names = [
        "authorization", "hmacsignature", "x-anet-signature", "x-hmac-signature", "x-ebay-signature", "x-api-key",
        "x-razorpay-signature", "saleor-signature", "x-shopify-hmac-sha256", "shopware-shop-signature",
        "x-square-hmacsha256-signature", "webhook-id", "webhook-timestamp", "webhook-signature", "stripe-signature",
        "x-wc-webhook-signature", "paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig",
    ]  # fmt: skip
    told = delivery(body, dict.fromkeys(names, header))
    if scheme == "key" and header.strip() == secret:
        return
    assert SCHEMES[scheme](told, [Credential(secret)], NOW) is not None


def test_a_delivery_sent_again_later_is_told_as_such() -> None:
    """A right signature outside the window is refused for its time, and not as a forgery."""
    (vector,) = (one for one in VECTORS if one["provider"] == "standard-webhooks")
    scheme, told, credentials, now = of_vector(vector)
    for moment in (now + WINDOW + timedelta(seconds=1), now - WINDOW - timedelta(seconds=1)):
        fault = SCHEMES[scheme](told, credentials, moment)
        assert fault is not None
        assert fault.code is Code.REPLAYED


@pytest.mark.parametrize("offset", [0, 299, 301, -301])
def test_stripe(offset: int) -> None:
    """Stripe's header: a time and signatures, of which one must be right, within the window."""
    stamp = int(NOW.timestamp()) + offset
    signature = hmac.digest(b"whsec_1", f"{stamp}.{{}}".encode(), "sha256").hex()
    told = delivery(b"{}", {"stripe-signature": f"t={stamp},v1={'0' * 64},v1={signature},v0=x"})
    fault = SCHEMES["stripe"](told, [Credential("whsec_1")], NOW)
    assert (fault is None) is (abs(offset) <= WINDOW.seconds)


RSA_KEY = rsa.generate_private_key(65537, 2048)


def jwk(kid: str) -> str:
    """Return the key's public half as a set of JWKs."""
    numbers = RSA_KEY.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    modulus = base64.urlsafe_b64encode(numbers.n.to_bytes(size, "big")).decode().rstrip("=")
    return json.dumps({"keys": [{"kty": "RSA", "kid": kid, "n": modulus, "e": "AQAB"}]})


@pytest.mark.parametrize("plain", [True, False], ids=["b64=false", "b64"])
def test_saleor(*, plain: bool) -> None:
    """A detached JWS by RS256 over the raw body (RFC 7797) or over its base64url; by no other algorithm."""
    body = b'{"order": 1}'

    def signed(head: dict[str, Any]) -> str:
        header = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=")
        text = body if plain else base64.urlsafe_b64encode(body).rstrip(b"=")
        signature = RSA_KEY.sign(header + b"." + text, padding.PKCS1v15(), SHA256())
        return f"{header.decode()}..{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    head = {"alg": "RS256", "kid": "1", **({"b64": False, "crit": ["b64"]} if plain else {})}
    right = delivery(body, {"saleor-signature": signed(head)})
    assert SCHEMES["saleor"](right, [Credential(jwk("1"))], NOW) is None
    assert SCHEMES["saleor"](right, [Credential(jwk("2"))], NOW) is not None
    for algorithm in ("none", "HS256", "RS512"):
        wrong = delivery(body, {"saleor-signature": signed(head | {"alg": algorithm})})
        assert SCHEMES["saleor"](wrong, [Credential(jwk("1"))], NOW) is not None


def test_a_public_key_is_no_secret() -> None:
    """Whoever knows the shop's public keys cannot sign with them: the older HMAC takes secrets alone."""
    forged = hmac.digest(jwk("1").encode(), b"{}", "sha256").hex()
    told = delivery(b"{}", {"saleor-signature": forged})
    assert SCHEMES["saleor"](told, [Credential(jwk("1"))], NOW) is not None
    right = delivery(b"{}", {"saleor-signature": hmac.digest(b"secret", b"{}", "sha256").hex()})
    assert SCHEMES["saleor"](right, [Credential("secret")], NOW) is None


def test_paypal() -> None:
    """The text that PayPal signs is the one of its own sample, and a key of ours that signs it is believed."""
    (vector,) = (one for one in VECTORS if one["provider"] == "paypal")
    transmission, moment, webhook, _ = vector["string_to_sign"].split("|")
    signature = RSA_KEY.sign(vector["string_to_sign"].encode(), padding.PKCS1v15(), SHA256())
    pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    headers = {
        "paypal-transmission-id": transmission,
        "paypal-transmission-time": moment,
        "paypal-transmission-sig": base64.b64encode(signature).decode(),
    }
    told = delivery(vector["body"].encode(), headers, webhook_id=webhook)
    assert SCHEMES["paypal"](told, [Credential(pem)], NOW) is None
    other = delivery(vector["body"].encode(), headers, webhook_id="another")
    assert SCHEMES["paypal"](other, [Credential(pem)], NOW) is not None


@pytest.mark.parametrize(
    ("scheme", "spelled"),
    [("shopify", "base64"), ("woocommerce", "base64"), ("shopware", "hex")],
)
def test_shops(scheme: str, spelled: str) -> None:
    """The three shops' HMACs over the raw body."""
    digest = hmac.digest(b"secret", b"{}", "sha256")
    text = base64.b64encode(digest).decode() if spelled == "base64" else digest.hex()
    header = {
        "shopify": "x-shopify-hmac-sha256",
        "woocommerce": "x-wc-webhook-signature",
        "shopware": "shopware-shop-signature",
    }[scheme]
    assert SCHEMES[scheme](delivery(b"{}", {header: text}), [Credential("secret")], NOW) is None
    assert SCHEMES[scheme](delivery(b"{} ", {header: text}), [Credential("secret")], NOW) is not None


@pytest.mark.parametrize("value", ["k-123", "sha256:" + hashlib.sha256(b"k-123").hexdigest()])
def test_keys(value: str) -> None:
    """A key is known by itself or by its hash, in any of three headers; a password by its name too."""
    keys = [Credential(value, "erp")]
    for told in (
        delivery(b"", {"authorization": "Bearer k-123"}),
        delivery(b"", {"x-api-key": "k-123"}),
        delivery(b"", {"x-shop": "k-123"}, key_header="X-Shop"),
    ):
        assert SCHEMES["key"](told, keys, NOW) is None
    pair = base64.b64encode(b"erp:k-123").decode()
    assert SCHEMES["basic"](delivery(b"", {"authorization": f"Basic {pair}"}), keys, NOW) is None
    other = base64.b64encode(b"other:k-123").decode()
    assert SCHEMES["basic"](delivery(b"", {"authorization": f"Basic {other}"}), keys, NOW) is not None


def test_a_source_without_a_lock_is_shut() -> None:
    """Nothing comes in from a source that nobody set up, and a lock without a credential or a scheme is refused."""
    assert SignatureAuthenticator({}).authenticate(delivery(b"")) is not None
    with pytest.raises(ConfigurationError, match="no credential"):
        lock("shop/main", "shopify", [Credential("")])
    with pytest.raises(ConfigurationError, match="no signature scheme"):
        lock("shop/main", "rot13", [Credential("x")])
    locks = {"shop/main": lock("shop/main", customary("unheard-of"), [Credential("k")])}
    told = delivery(b"", {"x-api-key": "k"})
    assert SignatureAuthenticator(locks, lambda: NOW).authenticate(told) is None


def test_secrets_are_not_shown() -> None:
    """A credential's representation, which may end up in a log, does not hold its secret."""
    assert "hunter2" not in repr(Credential("hunter2", "id"))
