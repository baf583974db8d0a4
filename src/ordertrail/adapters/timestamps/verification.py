"""Whether a time-stamp response is good: of these bytes, by this authority, at this time.

The steps, in the order in which they are told:

1. **Form**: strict DER of a granted TimeStampResp with one signer, whose certificate is in it, once.
2. **Question**: the nonce, of a fresh one (RFC 3161 section 2.4.2).
3. **Digest**: SHA-256, -384 or -512 of exactly the data.
4. **Policy**: the one that the settings name, if they name one.
5. **Purpose**: the certificate has a critical extended key usage, id-kp-timeStamping alone (section 2.3).
6. **Validity**: the certificate was valid at the stamp's own time.
7. **Signature and chain**: by OpenSSL, through rfc3161-client, up to a root in the settings, at the stamp's time.

The first six exist so that each failure has its own message, and because step 7 alone leaves gaps: it looks up the
purpose in whichever of the embedded certificates bears the signer's name and number, which need not be the one that
OpenSSL verified. Here there must be exactly one, and if the settings hold it too, the same.

**What is not checked**: revocation (a stamp is kept for years, and lists are not), and the ESSCertID attribute
(RFC 5816), which would tell two certificates of one key apart.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ordertrail.adapters.timestamps.failures import NO_STAMP, Judge, require
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

_GRANTED: Final = 0
_DIGESTS: Final = {
    "2.16.840.1.101.3.4.2.1": hashlib.sha256,
    "2.16.840.1.101.3.4.2.2": hashlib.sha384,
    "2.16.840.1.101.3.4.2.3": hashlib.sha512,
}


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom an authority's certificate must lead to, and the policy that it must stamp under, if any."""

    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    policy: x509.ObjectIdentifier | None


@dataclass(frozen=True, slots=True)
class Stamped:
    """What a good stamp says: its time, aware and UTC, and how exact the authority says that it is, in seconds."""

    time: datetime
    accuracy: float


def parse_trust(name: str, roots: bytes, policy: str | None) -> Trust:
    """Read what the settings say.

    :raises ConfigurationError: if the roots are no certificates in PEM, none of them is a root, or the policy is
        no object identifier.
    """
    try:
        certificates = x509.load_pem_x509_certificates(roots)
    except ValueError as error:
        raise _setting(name, "roots", f"holds no certificates in PEM: {error}") from None
    own = tuple(one for one in certificates if one.issuer == one.subject)
    if not own:
        raise _setting(name, "roots", "holds no root: no certificate in it is its own issuer")
    try:
        oid = None if policy is None else x509.ObjectIdentifier(policy)
    except ValueError:
        raise _setting(name, "policy", f"{policy!r} is no object identifier such as 1.2.3.4") from None
    return Trust(own, tuple(one for one in certificates if one not in own), oid)


def parse_response(data: bytes, judge: Judge) -> "TimeStampResponse":
    """Read a response that ends where it ends.

    :raises EvidenceError: if it is none.
    """
    client = require("rfc3161_client")
    with _reading(judge):
        response: TimeStampResponse = client.decode_timestamp_response(data)
        if response.as_bytes() != data:
            raise judge.malformed("it is not DER")
    return response


def verify_response(
    response: "TimeStampResponse", data: bytes, trust: Trust, judge: Judge, nonce: int | None
) -> Stamped:
    """Go through the steps of the module's docstring; a kept stamp has no ``nonce`` to be compared.

    :raises EvidenceError: at the first that fails.
    """
    if response.status != _GRANTED:
        raise judge.not_granted(response.status)
    with _reading(judge):
        told = response.tst_info
        leaf = _signer(response, trust, judge)
        if nonce is not None and told.nonce != nonce:
            raise judge.other_nonce()
        digest = _DIGESTS.get(told.message_imprint.hash_algorithm.dotted_string)
        if digest is None or digest(data).digest() != told.message_imprint.message:
            raise judge.other_data()
        if trust.policy is not None and told.policy != trust.policy:
            raise judge.other_policy(told.policy.dotted_string, trust.policy.dotted_string)
        _require_purpose(leaf, judge)
        time = told.gen_time.astimezone(UTC)
        _require_valid(leaf, time, judge)
        _require_signed(response, data, trust, judge)
        return Stamped(time, _seconds(told.accuracy))


@contextmanager
def _reading(judge: Judge) -> Iterator[None]:
    """Refuse what cannot be read. Over hostile bytes the libraries raise errors of a dozen kinds, KeyError too."""
    try:
        yield
    except OrderTrailError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        raise judge.malformed(f"{type(error).__name__}: {error}"[:200]) from None


def _signer(response: "TimeStampResponse", trust: Trust, judge: Judge) -> x509.Certificate:
    """Return the one certificate of the one signer."""
    signers = list(response.signed_data.signer_infos)
    if len(signers) != 1:
        raise judge.malformed(f"it has {len(signers)} signers")
    embedded = [x509.load_der_x509_certificate(one) for one in response.signed_data.certificates]
    named = (signers[0].issuer, signers[0].serial_number)
    found = [one for one in embedded if (one.issuer, one.serial_number) == named]
    if len(found) != 1:
        raise judge.malformed(f"it holds {len(found)} certificates of its signer")
    for known in (*trust.roots, *trust.intermediates):
        if (known.issuer, known.serial_number) == named and known != found[0]:
            raise judge.untrusted("it holds another certificate of the same name and number")
    return found[0]


def _require_purpose(leaf: x509.Certificate, judge: Judge) -> None:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise judge.other_purpose(
            "does not say that it is for time-stamping (no extended key usage)"
        ) from None
    if list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise judge.other_purpose("is not for time-stamping alone (extended key usage)")
    if not usage.critical:
        raise judge.other_purpose("does not say critically that it is for time-stamping alone")


def _require_valid(leaf: x509.Certificate, time: datetime, judge: Judge) -> None:
    first, last = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if not first <= time <= last:
        raise judge.expired(
            f"it is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}, and the stamp is of {time:%Y-%m-%d}"
        )


def _require_signed(response: "TimeStampResponse", data: bytes, trust: Trust, judge: Judge) -> None:
    client: Any = require("rfc3161_client")
    verifier = client.VerifierBuilder(
        roots=list(trust.roots), intermediates=list(trust.intermediates), policy_id=trust.policy
    ).build()
    try:
        verifier.verify_message(response, data)
    except client.VerificationError as error:
        raise judge.untrusted(_reason(str(error))) from None


def _reason(told: str) -> str:
    """Cut OpenSSL's own words out of an error's."""
    for known in ("unable to get local issuer certificate", "self-signed certificate in certificate chain"):
        if known in told:
            return known
    if "expired" in told:
        return "a certificate between it and the root was not valid then"
    if "signature" in told.partition("reason:")[2]:
        return "its signature is not the certificate's over this stamp"
    return told[:200]


def _seconds(accuracy: Any) -> float:
    if accuracy is None:
        return 0.0
    parts = (accuracy.seconds, accuracy.millis, accuracy.micros)
    return sum((part or 0) / unit for part, unit in zip(parts, (1, 1_000, 1_000_000), strict=True))


def _setting(name: str, setting: str, told: str) -> ConfigurationError:
    return ConfigurationError(
        f"timestamps.{name}.{setting}: {told}",
        meaning=NO_STAMP,
        remedy=f"Correct timestamps.{name}.{setting} in trail.toml; the authority publishes its root and its policy.",
    )
