"""Keys in AWS KMS, or in what speaks its protocol.

A key is ``ECC_NIST_EDWARDS25519`` where the service has it, else ``ECC_NIST_P256``; it may SIGN_VERIFY and nothing
else, and its private half never leaves the service. It is found by an alias, which the log's name and the key's id
give::

    alias/ordertrail/<first 16 hexadecimal digits of SHA-256(log's name)>/<key id in notes>

The log's name itself stands in the key's description and in its tag ``ordertrail-log``, for people. What the
service is asked for: CreateKey, CreateAlias, TagResource, GetPublicKey, Sign. Credentials come as boto3 finds them
(environment, profile, the machine's role), and never from a trail's settings.

Source: AWS KMS API Reference, version 2014-11-01.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from ordertrail.adapters.kms.keyring import ED25519_SPKI, NOT_SEALED
from ordertrail.adapters.kms.remote import RemoteKey
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.ledger.vkey import SignatureType

_SPECS: Final = {
    SignatureType.ED25519: "ECC_NIST_EDWARDS25519",
    SignatureType.ECDSA_P256: "ECC_NIST_P256",
}
#: Codes by which a service says that it does not have this kind of key.
_NOT_OFFERED: Final = frozenset({"ValidationException", "UnsupportedOperationException"})
#: Codes after which another try may succeed.
_PASSING: Final = frozenset(
    {
        "DependencyTimeoutException", "InternalFailure", "KMSInternalException", "KeyUnavailableException",
        "LimitExceededException", "RequestExpired", "ServiceUnavailable", "ThrottlingException",
    }
)  # fmt: skip
_NOT_IN_A_TAG: Final = re.compile(r"[^\w .:/=+@-]")
"""What a tag's value cannot hold."""


@dataclass(frozen=True, slots=True)
class AwsKey:
    """Implements :class:`ordertrail.adapters.kms.remote.RemoteKey`."""

    service: "AwsKms" = field(repr=False)
    arn: str
    spki: bytes
    algorithm: str

    def sign(self, data: bytes) -> bytes:
        """See the port."""
        # RAW: the service makes the digest itself. It takes 4096 bytes then, and what a log signs has hundreds.
        answer = self.service.call(
            "sign", KeyId=self.arn, Message=data, MessageType="RAW", SigningAlgorithm=self.algorithm
        )
        signature: bytes = answer["Signature"]
        return signature


class AwsKms:
    """Implements :class:`ordertrail.adapters.kms.remote.RemoteKeys`.

    ``endpoint`` and ``region`` as boto3 has them where they are None. ``timeout_seconds`` bounds connecting and
    each wait for an answer; there are two tries. Threads and forked processes may share one.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        timeout_seconds: float = 5,
        key_type: SignatureType | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._timeout = timeout_seconds
        self._kinds = (key_type,) if key_type else (SignatureType.ED25519, SignatureType.ECDSA_P256)
        self._client: tuple[int, Any] | None = None

    def create(self, name: str) -> AwsKey:
        """See the port."""
        return self._public(self._made(name))

    def label(self, key: RemoteKey, name: str, key_id: str) -> None:
        """See the port."""
        if not isinstance(key, AwsKey):
            raise TypeError("only a key of this service can be labelled in it")
        self.call("create_alias", AliasName=_alias(name, key_id), TargetKeyId=key.arn)

    def find(self, name: str, key_id: str) -> AwsKey | None:
        """See the port."""
        try:
            return self._public(_alias(name, key_id))
        except _NotFoundError:
            return None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Ask the service for something; its errors become ours."""
        client = self._connected()
        with _translated(self._endpoint):
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        return answer

    def _made(self, name: str) -> str:
        """Make a key of the best kind that the service has, and return its ARN."""
        for kind in self._kinds:
            try:
                answer = self.call(
                    "create_key",
                    KeySpec=_SPECS[kind],
                    KeyUsage="SIGN_VERIFY",
                    Description=f"OrderTrail signs the log {name}",
                    Tags=[{"TagKey": "ordertrail-log", "TagValue": _NOT_IN_A_TAG.sub("_", name)[:256]}],
                )
            except _NotOfferedError:
                continue
            arn: str = answer["KeyMetadata"]["Arn"]
            return arn
        raise ConfigurationError(
            f"the key management service offers none of {', '.join(_SPECS[kind] for kind in self._kinds)}",
            meaning=NOT_SEALED,
            remedy="Correct signer.region or signer.endpoint; these kinds of key are not offered everywhere.",
        )

    def _public(self, key: str) -> AwsKey:
        answer = self.call("get_public_key", KeyId=key)
        spki: bytes = answer["PublicKey"]
        algorithm = "ED25519_SHA_512" if spki.startswith(ED25519_SPKI) else "ECDSA_SHA_256"
        return AwsKey(self, answer["KeyId"], spki, algorithm)

    def _connected(self) -> Any:
        """Return this process's client: sockets are not shared with a parent."""
        if self._client is None or self._client[0] != os.getpid():
            self._client = os.getpid(), self._connect()
        return self._client[1]

    def _connect(self) -> Any:
        try:
            import boto3  # noqa: PLC0415 - an extra: only who has a KMS installs it
            from botocore.config import Config  # noqa: PLC0415
        except ImportError:
            raise ConfigurationError(
                "signer.kind is kms, and the package for it is not installed",
                meaning=NOT_SEALED,
                remedy="Run: pip install 'ordertrail[kms]'",
            ) from None
        settings = Config(
            connect_timeout=self._timeout,
            read_timeout=self._timeout,
            retries={"total_max_attempts": 2, "mode": "standard"},
        )
        with _translated(self._endpoint):
            # A session of its own: the default one is not for several threads.
            return boto3.session.Session().client(
                "kms", endpoint_url=self._endpoint, region_name=self._region, config=settings
            )


class _NotFoundError(UnavailableError):
    """There is no such key."""


class _NotOfferedError(ConfigurationError):
    """The service does not have this kind of key."""


@contextmanager
def _translated(endpoint: str | None) -> Iterator[None]:
    """Turn boto3's errors into ours. What they quote holds no secret: requests are signed, not keyed."""
    from botocore import exceptions  # noqa: PLC0415 - as above

    where = endpoint or "AWS KMS"
    try:
        yield
    except exceptions.ClientError as error:
        raise _refusal(where, error.response) from None
    except (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.ProfileNotFound,
    ) as error:
        raise ConfigurationError(
            f"{where}: there are no credentials for it: {error}",
            meaning=NOT_SEALED,
            remedy="Give the service a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment.",
        ) from None
    except exceptions.NoRegionError:
        raise ConfigurationError(
            "signer.region: no region is set",
            meaning=NOT_SEALED,
            remedy="Set signer.region, or AWS_DEFAULT_REGION in the service's environment.",
        ) from None
    except exceptions.BotoCoreError as error:
        raise UnavailableError(
            f"{where} does not answer: {error}",
            meaning=NOT_SEALED,
            remedy="Sealing goes on by itself when it answers; else check signer.endpoint and signer.region.",
        ) from None
    except ValueError as error:
        raise ConfigurationError(f"signer.endpoint: {error}", meaning=NOT_SEALED) from None


def _refusal(where: str, response: dict[str, Any]) -> UnavailableError | ConfigurationError:
    """Say what a service's answer means."""
    code, told = response["Error"]["Code"], response["Error"].get("Message", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    message = f"{where} refused: {code}: {told}"
    if code == "NotFoundException":
        return _NotFoundError(
            message,
            meaning=NOT_SEALED,
            remedy="Cancel the key's deletion; correct signer.region or the account.",
        )
    if code in _NOT_OFFERED:
        return _NotOfferedError(message, meaning=NOT_SEALED)
    if code in _PASSING or status >= 500:
        return UnavailableError(
            message, meaning=NOT_SEALED, remedy="Sealing goes on by itself when it answers."
        )
    return ConfigurationError(
        message,
        meaning=NOT_SEALED,
        remedy="Allow CreateKey, CreateAlias, TagResource, GetPublicKey and Sign to this role; enable the key.",
    )


def _alias(name: str, key_id: str) -> str:
    return f"alias/ordertrail/{sha256(name.encode()).hexdigest()[:16]}/{key_id}"
