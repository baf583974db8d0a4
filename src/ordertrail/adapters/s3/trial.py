"""Whether a store is write-once: found out by trying to break it.

A tiny object is locked in COMPLIANCE mode for five minutes, and then everything is tried that an operator
with all rights would try: to delete it, to shorten, weaken or take off its lock, to suspend the bucket's
versions, to write over it. After each attempt the object is looked at again; what counts is how it is then,
and not what the store answered.

A refusal may also be the credentials' and not the lock's. So two things are tried that must succeed: to
lengthen the lock, and to remove a delete marker, which takes the same right as deleting a version. Where they
do not, the store withstood these credentials, and that is all that was shown.

What is left behind is swept away by the next trial, when the locks have ended.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import uuid4

from ordertrail.adapters.s3.bucket import Bucket, Lock, State, whole_second
from ordertrail.adapters.s3.errors import code_of_cause
from ordertrail.adapters.s3.setup import store_time
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError

FOLDER = ".write-once"
"""Where the trial's objects lie, below the place's prefix; no vault's folder begins with a dot."""

_TERM = timedelta(minutes=5)
_LEFT = timedelta(minutes=1)
"""What must be left of the lock for an attempt to mean anything: a slow store gets a fresh object."""

_DATA = b"Locked for five minutes, to see whether this store keeps its word.\n"


class Verdict(Enum):
    """What a trial shows."""

    WRITE_ONCE = "write-once"
    UNPROVEN = "not shown to be write-once"
    NOT_WRITE_ONCE = "not write-once"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: what was tried, whether the object withstood it, and the store's own answer."""

    name: str
    withstood: bool
    answer: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What a store was put through, and what it means in whole sentences."""

    verdict: Verdict
    attempts: tuple[Attempt, ...]
    findings: tuple[str, ...]

    @property
    def is_worm(self) -> bool:
        """Whether the store may be called write-once (WORM)."""
        return self.verdict is Verdict.WRITE_ONCE


def prove_write_once(bucket: Bucket, clock: Clock = utc_now) -> Trial:
    """Try to break a lock in a bucket that has Object Lock and versions. Takes some 30 small requests.

    Raises ConfigurationError where not even the object can be put, UnavailableError where the store fails.
    """
    return _Trial(bucket, clock).run()


@dataclass(frozen=True, slots=True)
class _Probe:
    """An object to be broken: its key, its version, and how it must stay."""

    key: str
    state: State
    until: datetime


class _Trial:
    def __init__(self, bucket: Bucket, clock: Clock) -> None:
        self._bucket = bucket
        self._clock = clock
        self._folder = f"{bucket.place.prefix}{FOLDER}/"
        self._probe: _Probe | None = None
        self._attempts: list[Attempt] = []

    def run(self) -> Trial:
        self._sweep()
        may_lock = self._may_lengthen()
        may_delete = self._may_delete()
        for name, attempt in (
            ("delete the version", self._delete),
            ("delete the version, bypassing GOVERNANCE", self._delete_bypassing),
            ("delete the version in a batch", self._delete_in_batch),
            ("shorten its retention", self._shorten),
            ("shorten its retention, bypassing GOVERNANCE", self._shorten_bypassing),
            ("downgrade it to GOVERNANCE", self._downgrade),
            ("take its retention off", self._take_off),
            ("write over it and delete it by name", self._write_over),
        ):
            self._try(name, attempt)
        self._try_suspending()
        return self._judged(may_lock=may_lock, may_delete=may_delete)

    def _judged(self, *, may_lock: bool, may_delete: bool) -> Trial:
        where = self._bucket.place.where
        broken = [attempt.name for attempt in self._attempts if not attempt.withstood]
        if broken:
            finding = (
                f"{where} locks objects in COMPLIANCE mode and lets one {', '.join(broken)}: it is not write-once, "
                "and its copies are as safe as the rights to it."
            )
            return Trial(Verdict.NOT_WRITE_ONCE, tuple(self._attempts), (finding,))
        lacking = [
            right
            for right, has in (("lengthen a lock", may_lock), ("delete a version", may_delete))
            if not has
        ]
        if lacking:
            finding = (
                f"{where} withstood {len(self._attempts)} attempts, but these credentials may not "
                f"{' or '.join(lacking)}: the refusals may be theirs. Run the trial with credentials that may."
            )
            return Trial(Verdict.UNPROVEN, tuple(self._attempts), (finding,))
        finding = f"{where} is write-once over S3: a lock in COMPLIANCE mode withstood {len(self._attempts)} attempts."
        return Trial(Verdict.WRITE_ONCE, tuple(self._attempts), (finding,))

    def _try(self, name: str, attempt: Callable[[_Probe], object]) -> None:
        """Make an attempt and look at the object afterwards; one that was harmed is not used again."""
        probe = self._fresh() if self._probe is None else self._probe
        if probe.until - self._clock() < _LEFT:
            probe = self._fresh()
        answer = _answer(lambda: attempt(probe))
        withstood = self._is_whole(probe)
        self._probe = probe if withstood else None
        self._attempts.append(Attempt(name, withstood, answer))

    def _fresh(self) -> _Probe:
        now = self._clock()
        theirs = store_time(self._bucket.ask("get_bucket_versioning", "looking at")) or now
        until = whole_second(max(now, theirs) + _TERM)
        key = f"{self._folder}{uuid4()}"
        version = self._bucket.put(key, _DATA, Lock("COMPLIANCE", until))
        state = self._bucket.state(key, version) if version else None
        if state is None or state.lock != Lock("COMPLIANCE", until):
            raise ConfigurationError(
                f"{self._bucket.place.where} took an object and did not lock it as asked",
                meaning="The store does not know Object Lock; what is kept there can be deleted.",
                remedy="Use a bucket with Object Lock, on a store that has it.",
            )
        return _Probe(key, state, until)

    def _is_whole(self, probe: _Probe) -> bool:
        """Say whether the object is there, with its bytes, and locked as it was."""
        body = self._bucket.get(probe.key, probe.state.version)
        now = self._bucket.state(probe.key, probe.state.version)
        return body is not None and body.data == _DATA and now == probe.state

    def _may_lengthen(self) -> bool:
        probe = self._fresh()
        longer = Lock("COMPLIANCE", probe.until + timedelta(seconds=1))
        answer = _answer(lambda: self._bucket.retain(probe.key, probe.state.version, longer))
        return answer == _DONE

    def _may_delete(self) -> bool:
        """Say whether these credentials may delete a version that nothing locks: a delete marker is one."""
        key = f"{self._folder}{uuid4()}"
        try:
            marker = self._bucket.ask("delete_object", "deleting in", Key=key).get("VersionId")
            self._bucket.ask("delete_object", "deleting in", Key=key, VersionId=marker)
        except ConfigurationError:
            return False
        return True

    def _delete(self, probe: _Probe) -> None:
        self._bucket.ask("delete_object", "deleting in", Key=probe.key, VersionId=probe.state.version)

    def _delete_bypassing(self, probe: _Probe) -> None:
        self._bucket.ask(
            "delete_object",
            "deleting in",
            Key=probe.key,
            VersionId=probe.state.version,
            BypassGovernanceRetention=True,
        )

    def _delete_in_batch(self, probe: _Probe) -> str:
        answer = self._bucket.ask(
            "delete_objects",
            "deleting in",
            Delete={"Objects": [{"Key": probe.key, "VersionId": probe.state.version}]},
            BypassGovernanceRetention=True,
        )
        return ", ".join(error["Code"] for error in answer.get("Errors", ())) or _DONE

    def _shorten(self, probe: _Probe) -> None:
        earlier = probe.until - timedelta(minutes=1)
        self._bucket.retain(probe.key, probe.state.version, Lock("COMPLIANCE", earlier))

    def _shorten_bypassing(self, probe: _Probe) -> None:
        self._retain_bypassing(
            probe, {"Mode": "COMPLIANCE", "RetainUntilDate": probe.until - timedelta(minutes=1)}
        )

    def _downgrade(self, probe: _Probe) -> None:
        self._retain_bypassing(probe, {"Mode": "GOVERNANCE", "RetainUntilDate": probe.until})

    def _take_off(self, probe: _Probe) -> None:
        self._retain_bypassing(probe, {})

    def _retain_bypassing(self, probe: _Probe, retention: dict[str, object]) -> None:
        self._bucket.ask(
            "put_object_retention",
            "locking in",
            Key=probe.key,
            VersionId=probe.state.version,
            Retention=retention,
            BypassGovernanceRetention=True,
        )

    def _write_over(self, probe: _Probe) -> None:
        """Put other bytes and a delete marker over it; both are taken away again."""
        over = self._bucket.put(probe.key, b"other bytes\n", anyway=True)
        marker = self._bucket.ask("delete_object", "deleting in", Key=probe.key).get("VersionId")
        for version in (marker, over):
            with contextlib.suppress(ConfigurationError):  # the bucket's own rule may have locked it
                self._bucket.ask("delete_object", "deleting in", Key=probe.key, VersionId=version)

    def _try_suspending(self) -> None:
        """Suspend the bucket's versions; if the store lets that be, they are enabled again at once."""

        def set_to(status: str) -> None:
            self._bucket.ask(
                "put_bucket_versioning", "setting the versions of", VersioningConfiguration={"Status": status}
            )

        answer = _answer(lambda: set_to("Suspended"))
        enabled = self._bucket.ask("get_bucket_versioning", "looking at").get("Status") == "Enabled"
        if not enabled:
            set_to("Enabled")
        self._attempts.append(Attempt("suspend the bucket's versions", enabled, answer))

    def _sweep(self) -> None:
        """Delete what earlier trials left, as far as their locks have ended."""
        for history in self._bucket.histories(self._folder):
            for version in history.versions:
                with contextlib.suppress(ConfigurationError):
                    self._bucket.ask("delete_object", "deleting in", Key=history.key, VersionId=version.id)


_DONE = "done"


def _answer(attempt: Callable[[], object]) -> str:
    """Make an attempt; return the store's code for refusing it, or that it was done."""
    try:
        told = attempt()
    except ConfigurationError as error:
        return code_of_cause(error) or str(error)
    return told if isinstance(told, str) else _DONE
