"""Whether a bucket can hold evidence: what it must have, before anything is kept in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.errors import code_of_cause
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, Diagnostics

#: The difference of clocks that is worth telling; S3 refuses requests at fifteen minutes.
SKEW: Final = timedelta(minutes=1)

_NO_LOCK = {"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"}
_CREATE = (
    "Create a bucket with Object Lock (aws s3api create-bucket --object-lock-enabled-for-bucket …) and name it "
    "with url of [vault]."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a bucket; one that is ``blocking`` must be mended before a trail is kept there."""

    blocking: bool
    diagnostics: Diagnostics


def check_bucket(bucket: Bucket, clock: Clock = utc_now) -> list[Finding]:
    """Return what is wrong with a bucket's settings, and with this machine's clock; nothing where all is well.

    Raises ConfigurationError where the bucket is not there or the credentials do not open it, UnavailableError
    where the store does not answer.
    """
    answer = bucket.ask("get_bucket_versioning", "looking at")
    return [*_clock_findings(answer, clock()), *_versioning_findings(bucket, answer), *_lock_findings(bucket)]


def store_time(answer: dict[str, Any]) -> datetime | None:
    """Return the store's own time, from the ``Date`` of an answer (RFC 9110 section 6.6.1)."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date).astimezone(UTC) if date else None


def _clock_findings(answer: dict[str, Any], now: datetime) -> Iterator[Finding]:
    theirs = store_time(answer)
    if theirs is None or abs(theirs - now) < SKEW:
        return
    seconds = abs(round((theirs - now).total_seconds()))
    yield Finding(
        blocking=False,
        diagnostics=Diagnostics(
            f"this machine's clock and the store's differ by {seconds:,} seconds",
            "Recorded times are this machine's; at fifteen minutes the store refuses everything.",
            "Set this machine's clock right (timedatectl, chrony).",
        ),
    )


def _versioning_findings(bucket: Bucket, answer: dict[str, Any]) -> Iterator[Finding]:
    if answer.get("Status") != "Enabled":
        yield Finding(
            blocking=True,
            diagnostics=Diagnostics(
                f"{bucket.place.where} keeps no versions",
                "Whoever may write to it can replace an object, and nothing of the old one is left.",
                _CREATE,
            ),
        )


def _lock_findings(bucket: Bucket) -> Iterator[Finding]:
    try:
        answer = bucket.ask("get_object_lock_configuration", "looking at the lock of")
        enabled = answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"
    except ConfigurationError as error:
        if code_of_cause(error) not in _NO_LOCK:
            raise
        enabled = False
    if not enabled:
        yield Finding(
            blocking=True,
            diagnostics=Diagnostics(
                f"{bucket.place.where} has no Object Lock",
                "Whoever may delete in it can delete every copy of the evidence.",
                _CREATE,
            ),
        )
