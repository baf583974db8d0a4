"""A model as it stands: what it is made of, and where it is in its life.

::

    trained ──validate──▶ validated ──approve (somebody else)──▶ approved ──deploy──▶ deployed
                                                                    ▲                    │
                                                                    └── another of its ──┘
    any of them ──retire──▶ retired, for good                           purpose is deployed

A model is known by the SHA-256 of its file: another byte is another model. Of one kind and purpose one is deployed at a
time; the one before it is approved as it was, so that going back is deploying it again. Drift is noted and changes no
stage: what to do about it is decided by a person, or by the program that asked the model and found it wanting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ordertrail.monitor.models.card import Card


class Stage(StrEnum):
    """Where a model is in its life."""

    TRAINED = "trained"
    VALIDATED = "validated"
    APPROVED = "approved"
    DEPLOYED = "deployed"
    RETIRED = "retired"


class Deed(StrEnum):
    """What is done with a model; its event is ``model.`` and this word."""

    TRAIN = "train"
    VALIDATE = "validate"
    APPROVE = "approve"
    DEPLOY = "deploy"
    RETIRE = "retire"
    DRIFT = "drift"

    @property
    def action(self) -> str:
        """The action of its event."""
        return f"model.{self}"


LEADS: Final[Mapping[Deed, tuple[frozenset[Stage], Stage | None]]] = {
    Deed.VALIDATE: (frozenset({Stage.TRAINED, Stage.VALIDATED}), Stage.VALIDATED),
    Deed.APPROVE: (frozenset({Stage.VALIDATED}), Stage.APPROVED),
    Deed.DEPLOY: (frozenset({Stage.APPROVED}), Stage.DEPLOYED),
    Deed.RETIRE: (frozenset(Stage) - {Stage.RETIRED}, Stage.RETIRED),
    Deed.DRIFT: (frozenset(Stage) - {Stage.RETIRED}, None),
}
"""From which stages each deed leads on, and whereto; None where it leaves the stage as it is."""


@dataclass(frozen=True, slots=True)
class DataRange:
    """What of one stream a model has learned from: entries from ``start`` up to ``size``, under the root at ``size``.

    ``root`` is the RFC 6962 root of the published checkpoint at that size, in hex. Whoever has the log can cut out
    the same bytes and see that they are the same.
    """

    stream: str
    start: int
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a model: a name such as ``auc``, and what was measured."""

    name: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Training:
    """How a model was made, so that it can be made again: the same code, packages, data and seed give the same bytes.

    ``kind`` is the room that uses it (``forecast``, ``behaviour``), ``purpose`` what of it (a target's name);
    ``code`` and ``lock`` are hashes by :mod:`~ordertrail.monitor.models.provenance`.
    """

    kind: str
    purpose: str
    seed: int
    data: tuple[DataRange, ...]
    code: str
    lock: str
    metrics: tuple[Metric, ...]
    card: Card


@dataclass(frozen=True, slots=True)
class Step:
    """One step in a model's life: by whom, when, why."""

    deed: Deed
    by: str
    at: str
    reason: str
    is_person: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """That a model was found wanting: when, and by which figures."""

    at: str
    reason: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A model as the governance log tells it. ``version`` is the SHA-256 of its file, ``size`` that file's bytes.

    ``validation`` are the figures of the last validation, on data that it has not learned from; ``drift`` is the last
    drift since it was deployed.
    """

    version: str
    size: int
    training: Training
    stage: Stage
    life: tuple[Step, ...]
    validation: tuple[Metric, ...] = ()
    drift: Drift | None = None

    @property
    def name(self) -> str:
        """How people name it: kind, purpose and the first digits of its version."""
        return f"{self.training.kind}/{self.training.purpose}@{self.version[:12]}"

    def last(self, deed: Deed) -> Step | None:
        """Return the last time that this was done with it."""
        return next((step for step in reversed(self.life) if step.deed is deed), None)

    @property
    def makers(self) -> frozenset[str]:
        """Who trained or validated it, and so does not approve it."""
        return frozenset(step.by for step in self.life if step.deed in {Deed.TRAIN, Deed.VALIDATE})

    def serves(self, kind: str, purpose: str) -> bool:
        """Say whether it is for this."""
        return (self.training.kind, self.training.purpose) == (kind, purpose)
