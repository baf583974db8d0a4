"""A model as a file: one canonical JSON text (RFC 8785), named by its SHA-256. Nothing in it is code.

It holds what scores, what makes scores probabilities and sets, the declaration of the features, the SHA-256 of the
sources that make them, and where it all comes from::

    {"version": 1, "target": "cancelled", "declared": "…", "learner": "l1-logistic", "code": "9f2c…",
     "columns": {"names": […], "ordinary": […]}, "scorer": {…}, "calibration": {"scores": […], …}, "conformal": {…},
     "curve": […], "training": {"seed": 7, "examples": 41022, "base": 0.031, …}}

Numbers are doubles, as ECMAScript writes them: the shortest text that reads back as the same bits. A file whose bytes
are not those of its name, that is not canonical, or that other feature code made, is refused: a score could not be had
again by it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.errors import EvidenceError
from ordertrail.monitor.forecast.calibration import Isotonic, read_isotonic
from ordertrail.monitor.forecast.columns import Columns
from ordertrail.monitor.forecast.conformal import Conformal, read_conformal
from ordertrail.monitor.forecast.ports import Revival, Scorer
from ordertrail.monitor.forecast.targets import ByAbsence, ByFilter, ByRule, Target
from ordertrail.monitor.forecast.training import Judged, Learned
from ordertrail.monitor.models.provenance import code_hash
from ordertrail.monitor.rules.expression import Meant
from ordertrail.query.filters.grammar import format_filter

VERSION = 1
CURVE = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the horizon at which the probability over time is told."""

KEPT = 2_000
FEATURE_CODE = ("prefixes", "columns", "trail", "logistic", "calibration", "conformal", "assurance")
_REMEDY = "Fetch the file again by its id, or train anew and have the new model approved."


@dataclass(frozen=True, slots=True)
class Training:
    """What a model was made of. ``first`` and ``last`` are times of examples, in microseconds since 1970.

    What else it comes from (logs, their roots, packages, people) stands in the registry of models. ``base`` is the
    share of breaches among examples; ``error`` the calibration's, in the last fold.
    """

    seed: int
    orders: int
    examples: int
    base: float
    error: float
    first: int
    last: int
    judged: tuple[Judged, ...]
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned for a target, whole.

    ``curve`` is the share of breaches that came by each of the shares of the horizon in :data:`CURVE`; ``given`` are
    scores of training orders that were not learned from, by which drift is told.
    """

    target: str
    declared: str
    chosen: str
    columns: Columns
    scorer: Scorer
    calibration: Isotonic
    conformal: Conformal
    curve: tuple[float, ...]
    given: tuple[float, ...]
    training: Training
    id: str = ""


def of_learned(target: Target, learned: Learned, delays: Sequence[int], training: Training) -> Model:
    """Return a model, with its id."""
    breached = [delay for delay in delays if delay >= 0]
    horizon = target.horizon
    curve = tuple(
        sum(delay <= share * horizon for delay in breached) / len(breached) if breached else share
        for share in CURVE
    )
    step = max(1, len(learned.held) // KEPT)
    given = tuple(float(one) for one in learned.held[::step][:KEPT])
    model = Model(
        target.name,
        declared(target),
        learned.chosen,
        learned.columns,
        learned.scorer,
        learned.calibration,
        learned.conformal,
        curve,
        given,
        training,
    )
    return _named(model)


def format_model(model: Model) -> bytes:
    """Return a model's file."""
    training = model.training
    return canonical(
        {
            "version": VERSION,
            "target": model.target,
            "declared": model.declared,
            "chosen": model.chosen,
            "learner": model.scorer.learner,
            "code": feature_code(),
            "columns": model.columns.as_json(),
            "scorer": model.scorer.as_json(),
            "calibration": model.calibration.as_json(),
            "conformal": model.conformal.as_json(),
            "curve": list(model.curve),
            "given": list(model.given),
            "training": {
                "seed": training.seed,
                "orders": training.orders,
                "examples": training.examples,
                "base": training.base,
                "error": training.error,
                "first": training.first,
                "last": training.last,
                "judged": [{"learner": one.learner, "folds": list(one.folds)} for one in training.judged],
                "suspects": list(training.suspects),
            },
        }
    )


def read_model(data: bytes, model_id: str, revive: Revival) -> Model:
    """Read a model's file, which must be the one that its id names.

    Raises EvidenceError for other bytes than the id's, for what is no model, and for a model of other feature code.
    """
    found = sha256(data).hexdigest()
    if found != model_id:
        raise _refused(f"the file of model {model_id[:12]} was changed: its SHA-256 is {found[:12]}…")
    try:
        told = json.loads(data)
        if canonical(told) != data or told["version"] != VERSION:
            raise _refused(f"the file of model {model_id[:12]} is not written as models are")
        if told["code"] != feature_code():
            raise _refused(f"model {model_id[:12]} is of other feature code than this program's")
        model = _read(told, revive)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _refused(f"the file of model {model_id[:12]} is no model: {error}") from None
    return replace(model, id=model_id)


@cache
def feature_code() -> str:
    """Return the hash of the sources that make features, and numbers of them."""
    return code_hash(
        *(f"ordertrail.monitor.forecast.{name}" for name in FEATURE_CODE), "ordertrail.query.projection"
    )


def declared(target: Target) -> str:
    """Return the SHA-256 of what a target asks for, in hex: a model answers that, and nothing else."""
    breach = target.breach
    told: tuple[object, ...]
    match breach:
        case ByFilter():
            told = ("filter", _text(breach.breach), _text(breach.unless))
        case ByRule():
            told = ("rule", breach.rule)
        case ByAbsence():
            told = ("missing", _text(breach.missing), _text(breach.after), breach.within)
    asked = [
        target.name,
        target.horizon,
        _text(target.asked),
        _text(target.ends),
        list(target.without),
        list(told),
    ]
    return sha256(canonical(asked)).hexdigest()


def _text(meant: Meant | None) -> str | None:
    return None if meant is None else format_filter(meant.filter)


def check_declared(model: Model, target: Target) -> None:
    """Raise EvidenceError where a model was trained for another declaration of its target."""
    if model.target != target.name or model.declared != declared(target):
        raise _refused(f"model {model.id[:12]} was trained for another declaration of {target.name!r}")


def _read(told: Mapping[str, Any], revive: Revival) -> Model:
    columns = Columns(
        tuple(str(name) for name in told["columns"]["names"]),
        tuple(float(one) for one in told["columns"]["ordinary"]),
    )
    if len(columns.names) != len(columns.ordinary):
        raise ValueError("there is not one ordinary value for each column")
    training = told["training"]
    return Model(
        str(told["target"]),
        str(told["declared"]),
        str(told["chosen"]),
        columns,
        revive(told["learner"], told["scorer"], columns.names),
        read_isotonic(told["calibration"]),
        read_conformal(told["conformal"]),
        tuple(float(one) for one in told["curve"]),
        tuple(float(one) for one in told["given"]),
        Training(
            training["seed"],
            training["orders"],
            training["examples"],
            float(training["base"]),
            float(training["error"]),
            training["first"],
            training["last"],
            tuple(Judged(one["learner"], tuple(map(float, one["folds"]))) for one in training["judged"]),
            tuple(training["suspects"]),
        ),
    )


def _named(model: Model) -> Model:
    return replace(model, id=sha256(format_model(model)).hexdigest())


def _refused(what: str) -> EvidenceError:
    return EvidenceError(
        what, meaning="No forecast rests on it: what it says could not be had again.", remedy=_REMEDY
    )
