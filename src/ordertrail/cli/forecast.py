"""``ordertrail forecast``: declare and train targets, see what is foreseen and why, and have past scores again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Annotated, Any

import typer

from ordertrail.assembly.forecast import declared_targets, open_forecast
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import err, say, say_json, say_json_line, say_table
from ordertrail.cli.relay import on_signal
from ordertrail.kernel.numbers import count
from ordertrail.monitor.alerts.why import happened
from ordertrail.monitor.forecast.forecast import Forecast, Verdict
from ordertrail.monitor.forecast.reasons import overview, phrase
from ordertrail.monitor.forecast.service import KIND, standings
from ordertrail.monitor.forecast.targets import Target
from ordertrail.record.event import Actor

_POLL = 0.25
_DAY = 86_400_000_000

app = typer.Typer(
    help="Foresee breaches of open orders: targets, training, forecasts and their reasons.",
    no_args_is_help=True,
)

TargetArgument = Annotated[str, typer.Argument(help="A target's name.")]


@app.command()
def targets(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Show what is foreseen, and by which model."""
    with open_forecast(trail) as forecasting:
        models = {one.name: forecasting.registry.deployed(KIND, one.name) for one in forecasting.targets}
    found = [(one, models.get(one.name)) for one in declared_targets(trail)]
    if as_json:
        say_json(
            {
                "targets": [
                    _target_as_dict(one, None if model is None else model.version) for one, model in found
                ]
            }
        )
        return
    rows = [
        (
            one.name,
            f"{one.horizon / _DAY:g} d",
            "its base rule" if model is None else model.version[:12],
            one.title,
        )
        for one, model in found
    ]
    say_table(("target", "horizon", "model", "what is foreseen"), rows)


@app.command()
def train(
    target: TargetArgument,
    by: Annotated[str, typer.Option("--by", help="Who has it trained.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    trail: TrailOption = TRAIL,
    seed: Annotated[int | None, typer.Option(help="The seed; else forecast.seed.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a target from all that is published. The model is put in the registry, and not in use."""
    with open_forecast(trail) as forecasting, _progress(quiet=as_json) as advance:
        trained = forecasting.train(target, by=Actor(by, "person"), reason=reason, seed=seed, advance=advance)
    training = trained.model.training
    if as_json:
        say_json(
            {
                "model": trained.model.id,
                "target": target,
                "chosen": trained.model.chosen,
                "orders": training.orders,
                "examples": training.examples,
                "base_millionths": round(training.base * 1_000_000),
                "judged": [{"learner": one.learner, "auc": f"{one.mean:.4f}"} for one in training.judged],
                "calibration_error": f"{training.error:.4f}",
                "suspects": [
                    {"feature": one.feature, "leak": str(one.leak), "why": one.sentence}
                    for one in trained.suspects
                ],
            }
        )
        return
    say(
        f"{trained.model.id}: {trained.model.chosen}, from {count(training.orders, 'order')}, of which prefixes"
    )
    say(f"  {training.base:.2%} came to a breach; calibration error {training.error:.3f}")
    for one in training.judged:
        say(f"  {one.learner:20} area under the ROC curve {one.mean:.3f}")
    for suspect in trained.suspects:
        say(f"  may know the answer: {suspect.sentence}")
    say(
        "It is in use once it was validated, approved by another person and deployed: ordertrail models --help"
    )


@app.command()
def show(
    target: TargetArgument,
    trail: TrailOption = TRAIL,
    limit: Annotated[
        int, typer.Option(help="How many orders, the most probable breaches first.", min=1, max=1000)
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show the open orders by how probable a breach is, with reasons."""
    with open_forecast(trail) as forecasting, _progress(quiet=as_json) as advance:
        forecasting.target(target)
        watch = forecasting.watch()
        watch.catch_up(advance)
        found = [
            watch.scoring.explained(one)
            for one, _ in zip(standings(watch, target), range(limit), strict=False)
        ]
        signals = watch.scoring.signals().get(target, ())
    if as_json:
        told = [{"drifted": str(one.drifted), "grave": one.grave, "why": one.sentence} for one in signals]
        say_json({"forecasts": [_as_dict(one) for one in found], "drift": told})
        return
    for signal in signals:
        say(f"drift: {signal.sentence}")
    for one in found:
        _say_forecast(one)
    if not found:
        say("No order is open by this target.")


@app.command()
def weighs(
    model: Annotated[str, typer.Argument(help="A model's version, or the first eight digits of it.")],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Show what weighs most in a model, over all orders."""
    with open_forecast(trail) as forecasting:
        found = overview(forecasting.model(model))
    if as_json:
        say_json(
            {
                "weighs": [
                    {"feature": name, "share_millionths": round(share * 1_000_000)} for name, share in found
                ]
            }
        )
        return
    say_table(
        ("share", "feature", "what it is"), [(f"{share:.1%}", name, phrase(name)) for name, share in found]
    )


@app.command()
def follow(
    trail: TrailOption = TRAIL,
    once: Annotated[bool, typer.Option("--once", help="End when the end of the logs is reached.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forecast orders as they move, until interrupted; breaches that are foreseen are told."""
    stopping = on_signal()
    with open_forecast(trail) as forecasting, _progress(quiet=as_json) as advance:
        watch = forecasting.watch()
        watch.catch_up(advance)
        while not stopping():
            found = watch.step()
            for one in found:
                if one.verdict is Verdict.BREACH:
                    say_json_line(_as_dict(one)) if as_json else _say_forecast(one)
            if once and not found:
                break
            if not found:
                sleep(_POLL)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Say on standard error what is being done."""

    def advance(what: str) -> None:
        if not quiet:
            err.print(what, style="dim")

    yield advance


def _say_forecast(one: Forecast) -> None:
    say(f"{happened(one.at)}  {one.order}  {one.target}: {one.probability:.0%} ({one.verdict})")
    for reason in one.reasons:
        say(f"    {reason.sentence}")
    for remedy in one.remedies:
        say(f"    {remedy.action}: {remedy.sentence}")


def _as_dict(one: Forecast) -> dict[str, Any]:
    return {
        "order": one.order,
        "tenant": one.tenant,
        "target": one.target,
        "model": one.model,
        "basis": str(one.basis),
        "at": happened(one.at),
        "probability_millionths": one.millionths,
        "verdict": str(one.verdict),
        "outcomes": sorted(map(str, one.outcomes)),
        "curve": [
            {
                "within_seconds": risk.within // 1_000_000,
                "probability_millionths": round(risk.probability * 1_000_000),
            }
            for risk in one.curve
        ],
        "reasons": [
            {
                "feature": reason.feature,
                "sentence": reason.sentence,
                "events": list(reason.events),
                "change": reason.change,
            }
            for reason in one.reasons
        ],
        "remedies": [
            {
                "action": remedy.action,
                "probability_millionths": round(remedy.probability * 1_000_000),
                "sentence": remedy.sentence,
            }
            for remedy in one.remedies
        ],
        "events": list(one.events),
    }


def _target_as_dict(one: Target, model: str | None) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "horizon_seconds": one.horizon // 1_000_000,
        "model": model,
        "actions": [action.name for action in one.actions],
    }
