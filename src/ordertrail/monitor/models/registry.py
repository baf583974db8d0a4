"""The registry as programs are handed it: models come in, are judged by people, and are handed out unaltered.

Every step is an event of the governance log, sealed before it counts; the attempts that were refused are, too. A
model's file is a payload of the log like any other, kept write-once under its SHA-256, and is read back through it: one
that was altered by a byte is refused, and so is one whose features the code that is installed would make differently.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import EvidenceError, InputError, Problem
from ordertrail.kernel.numbers import count
from ordertrail.monitor.governance import GovernanceLog, GovernanceRefusedError, Told, given_reason
from ordertrail.monitor.models.record import LEADS, DataRange, Deed, Metric, ModelRecord, Stage, Training
from ordertrail.monitor.models.register import allowed, fold, metric_changes, trained_changes
from ordertrail.record.event import Actor, Change, Subject
from ordertrail.record.ports import Blobs

LARGEST: Final = 256 << 20
"""Bytes of the largest model file."""

MOST: Final = 100
"""Ranges of data, and figures, of one model: an entry of the log holds them all."""

_WORD: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SHORTEST: Final = 8
"""Digits of a version that tell it from others for a person."""


@dataclass(frozen=True, slots=True)
class Models:
    """The registry of a trail's models, by its parts.

    ::

        model = models.train(training, data, by=Actor("ordertrail", "system"), reason="weekly fit")
        models.validate(model.version, measured({"auc": 0.81}), by=analyst, reason="on June")
        models.approve(model.version, by=somebody_else, reason="as good as the last")
        models.deploy(model.version, by=analyst, reason="from Monday on")
        models.deployed("forecast", "cancellation")       # the record of what is in use, or None
        models.load(model.version, code=code_hash(…))     # its file's bytes, checked
    """

    log: GovernanceLog
    files: Blobs
    clock: Clock

    def records(self) -> list[ModelRecord]:
        """Return all models, the newest trained first."""
        return list(reversed(fold(self.log.events()).values()))

    def record(self, version: str) -> ModelRecord:
        """Return a model by its version or the first eight digits of it or more. Raises InputError where none is."""
        found = [one for one in self.records() if one.version.startswith(version)]
        if len(version) < _SHORTEST or len(found) != 1:
            many = "several models have" if len(found) > 1 else "no model has"
            raise InputError(
                f"{many} the version {version[:64]!r}",
                remedy="See which there are with 'ordertrail models list'.",
            )
        return found[0]

    def deployed(self, kind: str, purpose: str) -> ModelRecord | None:
        """Return the model that is in use for a purpose; None where none is."""
        return next(
            (one for one in self.records() if one.stage is Stage.DEPLOYED and one.serves(kind, purpose)), None
        )

    def train(self, training: Training, data: bytes, by: Actor, reason: str) -> ModelRecord:
        """Take a model in that was just trained. The same bytes again are the same model, and nothing is added.

        *If we stop here* before the event is sealed, a file is kept that no event names, and nothing else.
        """
        reason = given_reason(reason)
        _check(training, data)
        version = hashlib.sha256(data).hexdigest()
        known = fold(self.log.events()).get(version)
        if known is not None:
            return known
        self.files.put(data)
        told = trained_changes(training, version, len(data))
        self._told.tell(Deed.TRAIN.action, by, _subject(version), reason, told)
        return self.record(version)

    def validate(self, version: str, metrics: Sequence[Metric], by: Actor, reason: str) -> ModelRecord:
        """Say how well a model does on data that it has not learned from; again and again, until it is approved."""
        if not 0 < len(metrics) <= MOST:
            raise InputError(f"a validation has figures; name at least one, and at most {MOST}")
        return self._do(version, Deed.VALIDATE, by, reason, metric_changes(metrics))

    def approve(self, version: str, by: Actor, reason: str) -> ModelRecord:
        """Say that a model may be used: a person who neither trained nor validated it."""
        return self._do(version, Deed.APPROVE, by, reason)

    def deploy(self, version: str, by: Actor, reason: str) -> ModelRecord:
        """Put a model in use, once its file was read back and is what was approved; the one before it steps back."""
        self.load(version)
        return self._do(version, Deed.DEPLOY, by, reason)

    def retire(self, version: str, by: Actor, reason: str) -> ModelRecord:
        """Take a model out of use, for good."""
        return self._do(version, Deed.RETIRE, by, reason)

    def note_drift(self, version: str, metrics: Sequence[Metric], by: Actor, reason: str) -> ModelRecord:
        """Put on record that a model was found wanting."""
        return self._do(version, Deed.DRIFT, by, reason, metric_changes(metrics))

    def load(self, version: str, *, code: str | None = None) -> bytes:
        """Return a model's file. ``code`` is the hash of the feature code that is installed, where it is asked with it.

        Raises EvidenceError where the file is gone or was altered, or the code is another than it was trained with;
        InputError where there is no such model, or it was retired.
        """
        model = self.record(version)
        if model.stage is Stage.RETIRED:
            raise InputError(f"{model.name} is retired", remedy="Deploy another model of its purpose.")
        if code is not None and not hmac.compare_digest(code, model.training.code):
            raise EvidenceError(
                f"{model.name} was trained with code {model.training.code[:12]}, and {code[:12]} is installed",
                meaning="What it would say of an order is not what was validated; it is not asked.",
                remedy="Train it again with this release, or install the one that it was trained with.",
            )
        return self.file(model)

    def file(self, model: ModelRecord) -> bytes:
        """Return a model's bytes, retired or not, to replay what it once said. Raises EvidenceError as ``load``."""
        data = self.files.get(model.version)
        if data is None:
            raise EvidenceError(
                f"the file of {model.name} is gone",
                meaning="It cannot be asked, and what it said cannot be replayed; the record of it stands.",
                remedy="Put it back from a backup under its name; its SHA-256 proves it.",
            )
        if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), model.version):
            raise EvidenceError(
                f"the file of {model.name} was altered",
                meaning="It is not the model that was approved, and is not asked.",
                remedy="Put the file back from a backup under its name, and find out who altered it.",
            )
        return data

    @property
    def _told(self) -> Told:
        return Told(self.log, self.clock)

    def _do(
        self, version: str, deed: Deed, by: Actor, reason: str, changes: Sequence[Change] = ()
    ) -> ModelRecord:
        """Do it if it may be done, and put it on record; what the log says afterwards is what counts."""
        reason, model = given_reason(reason), self.record(version)
        if not allowed(model, deed, by.id, is_person=by.kind == "person"):
            raise self._refused(model, deed, by)
        self._told.tell(deed.action, by, _subject(model.version), reason, changes)
        return self.record(model.version)

    def _refused(self, model: ModelRecord, deed: Deed, by: Actor) -> GovernanceRefusedError:
        subject = _subject(model.version)
        if model.stage not in LEADS[deed][0]:
            stages = " or ".join(sorted(LEADS[deed][0]))
            why = f"{model.name} is {model.stage}; to {deed} it takes one that is {stages}"
            return self._told.refused(
                deed.action, by, subject, why, "Look at it again: somebody may have been quicker."
            )
        why = f"{by.id} trained or validated {model.name}" if by.kind == "person" else f"{by.id} is no person"
        remedy = "Have a person approve it who neither trained nor validated it."
        return self._told.refused(
            deed.action, by, subject, f"{why}; a model is approved by another person", remedy
        )


def _check(training: Training, data: bytes) -> None:
    problems = []
    for name, word in (("kind", training.kind), ("purpose", training.purpose)):
        if not _WORD.fullmatch(word):
            problems.append(
                Problem(name, f"{word[:80]!r} is no name; small letters, digits, _ - and . make one")
            )
    for name, digest in (("code", training.code), ("lock", training.lock)):
        if not _SHA256.fullmatch(digest):
            problems.append(Problem(name, "is no SHA-256 in hex"))
    if not training.data:
        problems.append(Problem("data", "names no range; a model has learned from something"))
    problems += [
        problem for place, one in enumerate(training.data) for problem in _range_problems(place, one)
    ]
    if not data:
        problems.append(Problem("file", "is empty"))
    if len(data) > LARGEST:
        problems.append(Problem("file", f"has {count(len(data), 'byte')}; {LARGEST:,} are the most"))
    if problems:
        raise InputError(problems)


def _range_problems(place: int, one: DataRange) -> list[Problem]:
    problems = []
    if not 0 <= one.start < one.size:
        problems.append(
            Problem(f"data.{place}", f"from {one.start} to {one.size} of {one.stream} has no entries")
        )
    if not _SHA256.fullmatch(one.root):
        problems.append(Problem(f"data.{place}.root", "is no root in hex"))
    return problems


def _subject(version: str) -> Subject:
    return Subject("model", version)
