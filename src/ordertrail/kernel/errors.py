"""The one tree of errors.

::

    OrderTrailError
    ├── InputError           what came in is wrong; every problem is named, with its path
    ├── EvidenceError        a check of evidence failed; never caught below evidence, web and cli
    │   └── ForkError        two signed histories disagree; the service refuses to sign
    ├── UnavailableError     a store, a lock or a key cannot be reached now; may be retried
    │   ├── BusyError        another process is doing just this
    │   └── LaterError       the other side says when to come again
    └── ConfigurationError   the trail is set up wrongly; retrying will not help

Each answers three questions through :meth:`OrderTrailError.diagnostics`: what happened, what it
means for the evidence, and what to do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What a person needs to know about an error, in whole sentences."""

    happened: str
    meaning: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.happened}\n  means: {self.meaning}\n  to do: {self.remedy}"


class OrderTrailError(Exception):
    """Root of the tree. ``meaning`` and ``remedy`` override the family's own."""

    family_meaning: ClassVar[str] = "Nothing is known about the evidence."
    family_remedy: ClassVar[str] = "Read the message; run 'ordertrail doctor'."

    def __init__(self, message: str, *, meaning: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.meaning = meaning or self.family_meaning
        self.remedy = remedy or self.family_remedy

    def diagnostics(self) -> Diagnostics:
        """Say what happened, what it means for the evidence, and what to do."""
        return Diagnostics(self.message, self.meaning, self.remedy)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with one place of an input.

    ``path`` is dotted from the input's root (``changes.0.after.currency``); the empty path is the
    input as a whole.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InputError(OrderTrailError):
    """What came in is wrong. ``problems`` holds all of it, not only the first."""

    family_meaning = "Nothing was recorded or changed by this; what is recorded is untouched."
    family_remedy = "Correct what is named and try again."

    def __init__(
        self,
        problems: str | Problem | Iterable[Problem],
        *,
        meaning: str | None = None,
        remedy: str | None = None,
    ) -> None:
        if isinstance(problems, str):
            problems = Problem("", problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(map(str, self.problems)), meaning=meaning, remedy=remedy)


class EvidenceError(OrderTrailError):
    """A proof, a signature, a hash or a copy is not what it must be."""

    family_meaning = "This piece of evidence must not be relied upon."
    family_remedy = "Keep everything as it is and run 'ordertrail verify' to see what is still provable."


class ForkError(EvidenceError):
    """Two histories that cannot both be true, or one that went backwards."""

    family_meaning = "History was rolled back, rewritten or forked; nothing more is signed on top of it."
    family_remedy = "Stop writing, keep both copies, and compare them with a checkpoint kept elsewhere."


class UnavailableError(OrderTrailError):
    """A store, a lock or a key cannot be reached now."""

    family_meaning = "Nothing was lost: what was acknowledged stays recorded and is sealed later."
    family_remedy = "Try again; nothing needs to be repaired."


class BusyError(UnavailableError):
    """Another process is doing just this, and only one may."""

    family_remedy = "Wait for the other process, or stop it."


class LaterError(UnavailableError):
    """Another side says how long it is not to be asked: ``after``, from now on (RFC 9110, Retry-After)."""

    def __init__(self, message: str, after: timedelta, *, meaning: str | None = None) -> None:
        super().__init__(message, meaning=meaning)
        self.after = after


class ConfigurationError(OrderTrailError):
    """The trail is set up in a way that cannot work."""

    family_meaning = "Nothing was recorded or checked."
    family_remedy = "Correct the setting named; 'ordertrail doctor' checks them all."
