"""What the governance log says of models, folded. Pure; and the events by which it is said.

==================  ==========================================================================================
``model.train``     subject ``model``, its version; /kind /purpose /seed /data /code /lock /metrics /card /file
``model.validate``  /metrics, on data that it has not learned from
``model.approve``   by a person who neither trained nor validated it
``model.deploy``    in use from now on; whichever of its kind and purpose was, is approved as before
``model.retire``    never used again
``model.drift``     /metrics: what was found
==================  ==========================================================================================

What was denied, failed, or could not follow from the stage that a model was in, changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.governance import reason_of, said
from ordertrail.monitor.models.card import card_of
from ordertrail.monitor.models.record import (
    LEADS,
    DataRange,
    Deed,
    Drift,
    Metric,
    ModelRecord,
    Stage,
    Step,
    Training,
)
from ordertrail.record.event import Change, Event

_ACTIONS = {deed.action: deed for deed in Deed}


def fold(events: Iterable[Event]) -> dict[str, ModelRecord]:
    """Fold the events of the log, in their order; return the models by version, the first trained first."""
    models: dict[str, ModelRecord] = {}
    for event in events:
        deed = _ACTIONS.get(event.action)
        if deed is None or event.outcome != "success":
            continue
        version = event.subject.id
        known = models.get(version)
        if deed is Deed.TRAIN:
            trained = _trained(event) if known is None else None
            if trained is not None:
                models[version] = trained
        elif known is not None and allowed(
            known, deed, event.actor.id, is_person=event.actor.kind == "person"
        ):
            models[version] = _after(known, deed, event)
            if deed is Deed.DEPLOY:
                _replace_others(models, models[version])
    return models


def allowed(model: ModelRecord, deed: Deed, by: str, *, is_person: bool) -> bool:
    """Say whether somebody may do this with a model as it stands."""
    if model.stage not in LEADS[deed][0]:
        return False
    return deed is not Deed.APPROVE or (is_person and by not in model.makers)


def trained_changes(training: Training, version: str, size: int) -> tuple[Change, ...]:
    """Return what the event of a training says."""
    told: dict[str, Any] = {
        "kind": training.kind,
        "purpose": training.purpose,
        "seed": training.seed,
        "data": [
            {"stream": one.stream, "start": one.start, "size": one.size, "root": one.root}
            for one in training.data
        ],
        "code": training.code,
        "lock": training.lock,
        "metrics": _spelled(training.metrics),
        "card": training.card.sections(),
        "file": {"blob": {"sha256": version, "length": size}},
    }
    return tuple(Change(f"/{name}", after=value) for name, value in told.items())


def metric_changes(metrics: Iterable[Metric]) -> tuple[Change, ...]:
    """Return figures as an event says them."""
    return (Change("/metrics", after=_spelled(metrics)),)


def measured(figures: Mapping[str, float | Decimal | str]) -> tuple[Metric, ...]:
    """Return figures as metrics, of six significant digits. Raises InputError for what is no finite number."""
    problems, metrics = [], []
    for name, value in figures.items():
        try:
            number = Decimal(f"{Decimal(str(value)):.6g}")
        except (InvalidOperation, ValueError):
            number = Decimal("NaN")
        if not number.is_finite():
            problems.append(Problem(f"metrics.{name}", f"is {value!r}, which is no finite number"))
        metrics.append(Metric(name, number))
    if problems:
        raise InputError(problems)
    return tuple(metrics)


def _spelled(metrics: Iterable[Metric]) -> dict[str, str]:
    """Return figures by name, as text: events hold no floats."""
    return {one.name: f"{one.value:f}" for one in metrics}


def _trained(event: Event) -> ModelRecord | None:
    """Return the model that was trained; None where the event does not say enough to rely on it."""
    told = said(event)
    try:
        training = Training(
            kind=str(told["/kind"]),
            purpose=str(told["/purpose"]),
            seed=int(told["/seed"]),
            data=tuple(
                DataRange(one["stream"], one["start"], one["size"], one["root"]) for one in told["/data"]
            ),
            code=str(told["/code"]),
            lock=str(told["/lock"]),
            metrics=_metrics(told),
            card=card_of(told["/card"]),
        )
        size = int(told["/file"]["blob"]["length"])
    except (KeyError, TypeError, ValueError, AttributeError, InputError):
        return None
    life = (_step(Deed.TRAIN, event),)
    return ModelRecord(version=event.subject.id, size=size, training=training, stage=Stage.TRAINED, life=life)


def _after(model: ModelRecord, deed: Deed, event: Event) -> ModelRecord:
    stage = LEADS[deed][1] or model.stage
    model = replace(model, stage=stage, life=(*model.life, _step(deed, event)))
    metrics = _metrics(said(event))
    match deed:
        case Deed.VALIDATE:
            return replace(model, validation=metrics)
        case Deed.DRIFT:
            return replace(model, drift=Drift(event.time, reason_of(event), metrics))
        case Deed.DEPLOY:
            return replace(model, drift=None)
        case _:
            return model


def _replace_others(models: dict[str, ModelRecord], deployed: ModelRecord) -> None:
    """Take those out of use whose place a model takes."""
    kind, purpose = deployed.training.kind, deployed.training.purpose
    for version, one in models.items():
        if version != deployed.version and one.stage is Stage.DEPLOYED and one.serves(kind, purpose):
            models[version] = replace(one, stage=Stage.APPROVED)


def _metrics(told: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Return the figures that an event tells; those that are no numbers are left out."""
    figures = told.get("/metrics")
    if not isinstance(figures, dict):
        return ()
    read = ((name, _number(value)) for name, value in figures.items())
    return tuple(Metric(name, value) for name, value in read if value is not None)


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None


def _step(deed: Deed, event: Event) -> Step:
    return Step(deed, event.actor.id, event.time, reason_of(event), event.actor.kind == "person")
