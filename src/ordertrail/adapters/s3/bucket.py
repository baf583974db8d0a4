"""The few requests that we make of a bucket, with what boto3 raises translated.

Every object that is written goes with two checksums. SHA-256 is what AWS checks and keeps; MD5 is what Ceph
checks, which passes the other by. A version is written once and never changes; the lock on it can.

A bucket may be shared by threads: boto3's clients may be.
"""

import base64
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from ordertrail.adapters.s3.errors import code_of, translated
from ordertrail.adapters.s3.place import PART_SIZE, S3Place
from ordertrail.adapters.s3.versions import History, histories
from ordertrail.kernel.errors import ConfigurationError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_ABSENT = {"404", "NoSuchKey", "NoSuchVersion"}
_TAKEN = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_PARTS_AT_ONCE = 4
_PAGE = 1_000
"""Versions asked for at a time; no store gives more (ListObjectVersions, ``MaxKeys``)."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A retention: its mode and its end, a whole second, for a header holds no fraction of one."""

    mode: str
    until: datetime


@dataclass(frozen=True, slots=True)
class State:
    """How a version is kept, as the store says now; no lock where it has none, or may not tell us."""

    version: str
    length: int
    lock: Lock | None
    legal_hold: bool


@dataclass(frozen=True, slots=True)
class Body:
    """A version's bytes and its entity tag, by which it can be replaced on condition."""

    data: bytes
    version: str
    etag: str


def whole_second(moment: datetime) -> datetime:
    """Return the next whole second at or after a moment: a term is never rounded down."""
    moment = moment.astimezone(UTC)
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + timedelta(seconds=1)


def connect(place: S3Place) -> Any:
    """Return boto3's client for a place. Raises ConfigurationError where boto3 is missing, or a setting is wrong."""
    try:
        import boto3.session  # noqa: PLC0415 - an extra: whoever keeps no trail in S3 needs none of it
        from botocore.config import Config  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "a vault in S3 needs boto3, which is not installed", remedy="pip install 'ordertrail[s3]'"
        ) from error
    if place.ca_bundle is not None and not Path(place.ca_bundle).is_file():
        raise ConfigurationError(
            f"there is no file {place.ca_bundle}",
            remedy="Set ca_bundle of [vault] to a file of certificates (PEM), or leave it out.",
        )
    # At DEBUG boto3 logs requests with their headers, session tokens among them: only for who asks for just that.
    for name in ("boto3", "botocore", "urllib3"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
    settings = Config(
        signature_version="s3v4",
        connect_timeout=place.connect_seconds,
        read_timeout=place.read_seconds,
        retries={"mode": "standard", "total_max_attempts": place.attempts},
        max_pool_connections=place.connections * 2,
        tcp_keepalive=True,
        s3={"addressing_style": "path" if place.endpoint else "auto"},
        # We bring our own; what boto3 adds by itself comes in chunks that Ceph and others do not read.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with translated(place, "connecting to"):
        try:
            return boto3.session.Session().client(
                "s3",
                endpoint_url=place.endpoint,
                region_name=place.region or ("us-east-1" if place.endpoint else None),
                verify=place.ca_bundle,
                config=settings,
            )
        except ValueError as error:
            raise ConfigurationError(
                f"{place.endpoint!r} is no endpoint: {error}",
                remedy="Set endpoint of [vault] to https:// and a host.",
            ) from error


class Bucket:
    """A bucket at a place. Keys are whole: the place's prefix is in them."""

    def __init__(self, place: S3Place) -> None:
        self.place = place
        self._client = connect(place)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, operation: str, doing: str, **arguments: Any) -> dict[str, Any]:
        """Make one request (``put_bucket_versioning``) and return the answer."""
        with translated(self.place, doing):
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self.place.bucket, **arguments)
            return answer

    def put(
        self,
        key: str,
        data: bytes,
        lock: Lock | None = None,
        *,
        replacing: str | None = None,
        anyway: bool = False,
    ) -> str | None:
        """Write a version and return its id ("null" where the bucket has no versions).

        None where the store sees that the key is taken already or, with ``replacing``, that its entity tag is
        another: nothing was written. Not every store looks; the caller compares afterwards. ``anyway`` asks
        for no condition at all.
        """
        condition = {} if anyway else {"IfMatch": replacing} if replacing else {"IfNoneMatch": "*"}
        arguments = {"Key": key, **condition, **_locked(lock)}
        with translated(self.place, f"writing {key} to"):
            try:
                if len(data) > PART_SIZE and not replacing:
                    answer = self._upload(key, data, arguments)
                else:
                    answer = self._client.put_object(
                        Bucket=self.place.bucket, Body=data, **_checksums(data), **arguments
                    )
            except Exception as error:
                if code_of(error) in _TAKEN:
                    return None
                raise
        return str(answer.get("VersionId") or "null")

    def get(self, key: str, version: str | None = None) -> Body | None:
        """Read a version, the newest by default; None where there is none."""
        which = {"VersionId": version} if version else {}
        with translated(self.place, f"reading {key} from"):
            try:
                answer = self._client.get_object(Bucket=self.place.bucket, Key=key, **which)
            except Exception as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
            with answer["Body"] as stream:
                return Body(stream.read(), str(answer.get("VersionId") or "null"), answer["ETag"])

    def state(self, key: str, version: str) -> State | None:
        """Ask how a version is kept; None where there is none."""
        with translated(self.place, f"looking at {key} in"):
            try:
                answer = self._client.head_object(Bucket=self.place.bucket, Key=key, VersionId=version)
            except Exception as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
        mode, until = answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")
        lock = Lock(mode, until.astimezone(UTC)) if mode and until else None
        return State(
            str(answer.get("VersionId") or "null"),
            answer["ContentLength"],
            lock,
            answer.get("ObjectLockLegalHoldStatus") == "ON",
        )

    def retain(self, key: str, version: str, lock: Lock) -> None:
        """Set a version's lock; the store refuses what would weaken it."""
        self.ask(
            "put_object_retention",
            f"locking {key} in",
            Key=key,
            VersionId=version,
            Retention={"Mode": lock.mode, "RetainUntilDate": lock.until},
        )

    def hold(self, key: str, version: str, *, on: bool) -> None:
        """Put a legal hold on a version, or lift it."""
        self.ask(
            "put_object_legal_hold",
            f"holding {key} in",
            Key=key,
            VersionId=version,
            LegalHold={"Status": "ON" if on else "OFF"},
        )

    def erase(self, key: str, version: str) -> None:
        """Delete a version, or a delete marker, for good; the store refuses what is locked."""
        self.ask("delete_object", f"deleting {key} from", Key=key, VersionId=version)

    def histories(self, prefix: str, page: int = _PAGE) -> Iterator[History]:
        """Yield every key below a prefix with its versions and delete markers, in the order of the keys."""

        def ask(**place: Any) -> dict[str, Any]:
            return self.ask(
                "list_object_versions", f"listing {prefix} in", Prefix=prefix, MaxKeys=page, **place
            )

        return histories(ask)

    def folders(self, below: str) -> set[str]:
        """Return the names of the folders right below one in the place (``streams/``), of whatever is there now."""
        prefix = self.place.prefix + below
        found: set[str] = set()
        place: dict[str, str] = {}
        while True:
            answer = self.ask(
                "list_objects_v2", f"listing {prefix} in", Prefix=prefix, Delimiter="/", **place
            )
            found |= {
                one["Prefix"].removeprefix(prefix).rstrip("/") for one in answer.get("CommonPrefixes", ())
            }
            if not answer.get("IsTruncated"):
                return found
            place = {"ContinuationToken": answer["NextContinuationToken"]}

    def history(self, key: str) -> History | None:
        """Return one key's versions; None where there is neither a version nor a delete marker."""
        # A key is the first of all that begin with it.
        found = next(self.histories(key, 10), None)
        return found if found is not None and found.key == key else None

    def side_by_side(self, job: Callable[[Item], Outcome], items: Iterable[Item]) -> list[Outcome]:
        """Run a job for each item, as many at once as there are connections; return the outcomes in order.

        When it raises, nothing is under way any more. Of several errors, the first in order is raised.
        """
        todo: Sequence[Item] = list(items)
        if len(todo) <= 1:
            return [job(item) for item in todo]
        with ThreadPoolExecutor(min(len(todo), self.place.connections)) as threads:
            under_way = [threads.submit(job, item) for item in todo]
        return [one.result() for one in under_way]

    def _upload(self, key: str, data: bytes, arguments: dict[str, Any]) -> dict[str, Any]:
        """Write a large version in parts, each with its checksum ("Uploading an object using multipart upload").

        *If we stop here*: parts without an object are left; no reader sees them, and the bucket's rule for
        incomplete uploads removes them.
        """
        condition = {name: arguments.pop(name) for name in ("IfNoneMatch",) if name in arguments}
        upload = self._client.create_multipart_upload(
            Bucket=self.place.bucket, ChecksumAlgorithm="SHA256", **arguments
        )
        which = {"Bucket": self.place.bucket, "Key": key, "UploadId": upload["UploadId"]}

        def send(start: int) -> dict[str, Any]:
            part, number = data[start : start + PART_SIZE], start // PART_SIZE + 1
            sums = _checksums(part)
            sent = self._client.upload_part(PartNumber=number, Body=part, **sums, **which)
            return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": sums["ChecksumSHA256"]}

        try:
            with ThreadPoolExecutor(_PARTS_AT_ONCE) as threads:
                parts = list(threads.map(send, range(0, len(data), PART_SIZE)))
            done: dict[str, Any] = self._client.complete_multipart_upload(
                MultipartUpload={"Parts": parts}, **condition, **which
            )
        except Exception:
            self._client.abort_multipart_upload(**which)
            raise
        return done


def _checksums(data: bytes) -> dict[str, str]:
    return {
        "ChecksumAlgorithm": "SHA256",
        "ChecksumSHA256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        "ContentMD5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
    }


def _locked(lock: Lock | None) -> dict[str, Any]:
    if lock is None:
        return {}
    return {"ObjectLockMode": lock.mode, "ObjectLockRetainUntilDate": lock.until}
