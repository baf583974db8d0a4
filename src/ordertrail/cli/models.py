"""``ordertrail models``: the registry of models, and the decisions of people on them."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.models import open_models
from ordertrail.cli.options import TRAIL, ByOption, JsonOption, ReasonOption, TrailOption, deciding
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.kernel.numbers import count
from ordertrail.monitor.models.record import Metric, ModelRecord
from ordertrail.monitor.models.register import measured
from ordertrail.monitor.models.registry import Models

app = typer.Typer(help="See models, and decide which are used.", no_args_is_help=True)

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Its version: 8 digits of it or more.")]


@app.command("list")
def list_models(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List models, the newest trained first."""
    with open_models(trail) as models:
        found = models.records()
    if as_json:
        say_json({"models": [model_as_dict(one) for one in found]})
        return
    rows = [
        (
            one.version[:12],
            one.training.kind,
            one.training.purpose,
            one.stage.value,
            one.life[0].at[:19],
            _drift(one),
        )
        for one in found
    ]
    if rows:
        say_table(("model", "kind", "purpose", "stage", "trained", "drift"), rows)
    say(f"{count(len(found), 'model')}.")


@app.command()
def show(model: ModelArgument, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Show a model: its card, its figures, what it was made of, and who decided what."""
    with open_models(trail) as models:
        found = models.record(model)
    if as_json:
        say_json(model_as_dict(found))
        return
    training = found.training
    say(f"{found.name}  {training.card.title}  ({found.stage})")
    for name, text in training.card.sections().items():
        say(f"{name}: {text}")
    rows = [(one.name, f"{one.value:f}", "training") for one in training.metrics]
    rows += [(one.name, f"{one.value:f}", "validation") for one in found.validation]
    say_table(("figure", "value", "of"), rows)
    for one in training.data:
        say(f"data {one.stream} {one.start:,} to {one.size:,} under root {one.root}")
    say(f"seed {training.seed}, {found.size:,} bytes, sha256 {found.version}")
    say(f"code {training.code}")
    say(f"lock {training.lock}")
    say_table(("when", "who", "what", "why"), [(s.at[:19], s.by, s.deed.value, s.reason) for s in found.life])


@app.command()
def check(model: ModelArgument, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Read a model's file and say whether it is, byte for byte, what was trained."""
    with open_models(trail) as models:
        found = models.record(model)
        size = len(models.file(found))
    if as_json:
        say_json({"version": found.version, "bytes": size, "unaltered": True})
    else:
        say(f"{found.name}: {size:,} bytes, unaltered.")


@app.command()
def validate(
    model: ModelArgument,
    metrics: Annotated[list[str], typer.Option("--metric", help="A figure, such as auc=0.81; one or more.")],
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Say how well a model does on data that it has not learned from."""
    figures = _figures(metrics)
    _decide(trail, as_json, lambda models: models.validate(model, figures, deciding(by), reason))


@app.command()
def approve(
    model: ModelArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Say that a model may be used: somebody who neither trained nor validated it."""
    _decide(trail, as_json, lambda models: models.approve(model, deciding(by), reason))


@app.command()
def deploy(
    model: ModelArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Put an approved model in use, in the place of the one before it."""
    _decide(trail, as_json, lambda models: models.deploy(model, deciding(by), reason))


@app.command()
def retire(
    model: ModelArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Take a model out of use, for good."""
    _decide(trail, as_json, lambda models: models.retire(model, deciding(by), reason))


def model_as_dict(one: ModelRecord) -> dict[str, Any]:
    """Return a model as JSON tells it. Figures are decimal texts."""
    training = one.training
    return {
        "version": one.version,
        "name": one.name,
        "kind": training.kind,
        "purpose": training.purpose,
        "stage": one.stage.value,
        "bytes": one.size,
        "seed": training.seed,
        "data": [
            {"stream": d.stream, "start": d.start, "size": d.size, "root": d.root} for d in training.data
        ],
        "code": training.code,
        "lock": training.lock,
        "metrics": _spelled(training.metrics),
        "validation": _spelled(one.validation),
        "drift": None
        if one.drift is None
        else {"at": one.drift.at, "reason": one.drift.reason, "metrics": _spelled(one.drift.metrics)},
        "card": training.card.sections(),
        "life": [
            {"deed": step.deed.value, "by": step.by, "at": step.at, "reason": step.reason}
            for step in one.life
        ],
    }


def _decide(trail: Path, as_json: bool, deed: Callable[[Models], ModelRecord]) -> None:  # noqa: FBT001 - as told
    with open_models(trail) as models:
        found = deed(models)
    if as_json:
        say_json(model_as_dict(found))
    else:
        say(f"{found.name} is {found.stage}.")


def _figures(told: list[str]) -> tuple[Metric, ...]:
    figures: dict[str, Decimal] = {}
    for one in told:
        name, _, value = one.partition("=")
        try:
            figures[name.strip()] = Decimal(value)
        except InvalidOperation:
            raise typer.BadParameter(
                f"{one!r} is no figure such as auc=0.81", param_hint="--metric"
            ) from None
    return measured(figures)


def _spelled(metrics: tuple[Metric, ...]) -> dict[str, str]:
    return {one.name: f"{one.value:f}" for one in metrics}


def _drift(one: ModelRecord) -> str:
    return "" if one.drift is None else f"since {one.drift.at[:19]}"
