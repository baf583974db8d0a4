"""What a store answers, said so that a person can act: what failed, which setting, what it means, what to do.

The codes are those of the "Error responses" of the Amazon S3 API reference; other stores use the same ones. Two
families come out. What the store, the network or the clock may get over by itself is UnavailableError: the
caller tries again and nothing is lost meanwhile. What only a changed setting mends is ConfigurationError.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ordertrail.adapters.s3.place import S3Place
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError

_WAITS = (
    "Nothing is lost: events stay recorded and are sealed; their write-once copies are made when it works again. "
    "Until then the newest events stand in the database alone."
)
_CREDENTIALS = (
    "Correct the credentials that the AWS chain finds: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
    "environment, or the profile in ~/.aws."
)
_RIGHTS = (
    "Allow these credentials s3:PutObject, s3:GetObject, s3:GetObjectVersion, s3:ListBucketVersions, "
    "s3:PutObjectRetention, s3:GetObjectRetention and s3:GetObjectLegalHold on url of [vault]. "
    "Wrong credentials are refused in the same way."
)
_CLOCK = "Set this machine's clock right (timedatectl, chrony); S3 refuses requests that are 15 minutes off."
_ROOM = "Give the store more room or raise its quota; locked objects cannot be deleted to make room."
_CERTIFICATE = (
    "Renew the endpoint's certificate, or name the authority that signed it with ca_bundle of [vault]; "
    "never switch the check off."
)
_SETTINGS = "Correct url, endpoint and ca_bundle of [vault]."
_ENDPOINT = "Check endpoint of [vault], the network and that the store is up; then try again."
_REGION = "Set region of [vault] to the bucket's own region."
_BUCKET = "Create the bucket with versioning and Object Lock, or correct url of [vault]."
_LOCK = "Use a bucket that was created with Object Lock; name it with url of [vault]."


@dataclass(frozen=True, slots=True)
class _Answer:
    """What to make of an answer: the family of the error, the sentence, and the remedy."""

    family: type[OrderTrailError]
    happened: str
    remedy: str


_ANSWERS = {
    code: answer
    for codes, answer in (
        (
            ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId"),
            _Answer(ConfigurationError, "the store does not accept the credentials", _CREDENTIALS),
        ),
        (
            ("ExpiredToken", "TokenRefreshRequired", "RequestExpired"),
            _Answer(UnavailableError, "the credentials have expired", _CREDENTIALS),
        ),
        (
            ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403"),
            _Answer(ConfigurationError, "the store refuses it to these credentials", _RIGHTS),
        ),
        (
            ("RequestTimeTooSkewed",),
            _Answer(UnavailableError, "this machine's clock and the store's differ too much", _CLOCK),
        ),
        (("NoSuchBucket",), _Answer(ConfigurationError, "there is no such bucket", _BUCKET)),
        (
            (
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraintException",
                "301",
            ),
            _Answer(ConfigurationError, "the bucket is in another region", _REGION),
        ),
        (
            ("QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "EntityTooLarge", "507"),
            _Answer(UnavailableError, "the store is full", _ROOM),
        ),
        (
            ("NotImplemented", "MethodNotAllowed"),
            _Answer(ConfigurationError, "the store does not know this request", _LOCK),
        ),
        (
            ("InvalidRequest", "ObjectLockConfigurationNotFoundError", "InvalidBucketState"),
            _Answer(ConfigurationError, "the bucket cannot lock objects as asked", _LOCK),
        ),
    )
    for code in codes
}


@contextmanager
def translated(place: S3Place, doing: str) -> Iterator[None]:
    """Turn what boto3 raises into our errors; ``doing`` says what was tried (``"writing tile/0/000 to"``)."""
    try:
        yield
    except OrderTrailError:
        raise
    except Exception as error:
        told = explain(error, place, doing)
        if told is None:
            raise
        raise told from error


def code_of(error: Exception) -> str:
    """Return the store's own code for an error (``AccessDenied``); empty where it gave none."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def code_of_cause(error: OrderTrailError) -> str:
    """Return the store's own code behind one of our errors; empty where it gave none."""
    cause = error.__cause__
    return code_of(cause) if isinstance(cause, Exception) else ""


def explain(error: Exception, place: S3Place, doing: str) -> OrderTrailError | None:
    """Return our error for one of boto3's; None for what is not its own."""
    from botocore import exceptions as boto  # noqa: PLC0415 - there is an error of it, so it is installed

    if isinstance(error, boto.ClientError):
        return _answered(error, place, doing)
    for kinds, family, happened, remedy in (
        (
            (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError),
            ConfigurationError,
            "there are no credentials, or only half of them",
            _CREDENTIALS,
        ),
        ((boto.ProfileNotFound, boto.ConfigParseError), ConfigurationError, str(error), _CREDENTIALS),
        (
            (boto.SSLError,),
            UnavailableError,
            f"the endpoint's certificate was not accepted ({_root(error)})",
            _CERTIFICATE,
        ),
        ((boto.NoRegionError, boto.InvalidRegionError), ConfigurationError, str(error), _REGION),
        ((boto.ParamValidationError, boto.UnknownEndpointError), ConfigurationError, str(error), _SETTINGS),
        (
            (boto.BotoCoreError,),
            UnavailableError,
            f"the store does not answer ({type(error).__name__})",
            _ENDPOINT,
        ),
        ((OSError,), ConfigurationError, str(error), _SETTINGS),  # a ca_bundle that is not there
    ):
        if isinstance(error, kinds):
            return family(f"{doing} {place.where} failed: {happened}", meaning=_WAITS, remedy=remedy)
    return None


def _answered(error: Exception, place: S3Place, doing: str) -> OrderTrailError:
    """Say what an answer of the store means; what it said itself stands in brackets."""
    response: dict[str, Any] = getattr(error, "response", {})
    code, status = code_of(error), response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = ": ".join(part for part in (code, str(response.get("Error", {}).get("Message") or "")) if part)
    answer = _ANSWERS.get(code) or _ANSWERS.get(str(status))
    if answer is None and (status == 0 or status >= 500 or status in {408, 429} or code == "BadDigest"):
        answer = _Answer(UnavailableError, "the store could not do it now", _ENDPOINT)
    if answer is None:
        answer = _Answer(ConfigurationError, "the store refused it", "Read what it said; check [vault].")
    return answer.family(
        f"{doing} {place.where} failed: {answer.happened} ({said})", meaning=_WAITS, remedy=answer.remedy
    )


def _root(error: BaseException) -> str:
    """Return the innermost cause's own words: those of OpenSSL, not of the layers above it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(getattr(error, "verify_message", "") or error)
