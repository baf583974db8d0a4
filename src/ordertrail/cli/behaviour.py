"""``ordertrail behaviour``: learn what mostly happens, see what is unusual and why, and raise alerts of it."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from ordertrail.assembly.behaviour import open_behaviour
from ordertrail.assembly.stores import read_settings
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import err, progress, say, say_json
from ordertrail.kernel.numbers import count
from ordertrail.monitor.alerts.why import happened
from ordertrail.monitor.behaviour.alerting import Unusual
from ordertrail.monitor.behaviour.cards import LAW
from ordertrail.monitor.behaviour.service import Behaviour, Scored
from ordertrail.record.event import Actor

app = typer.Typer(
    help="Learn what mostly happens; see what is unusual, and why.",
    no_args_is_help=True,
)


@app.command()
def fit(
    by: Annotated[str, typer.Option("--by", help="Who has it learned.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    trail: TrailOption = TRAIL,
    service: Annotated[
        bool, typer.Option("--service", help="A service has it learned, not a person.")
    ] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only where the last model is older than behaviour.refit_days.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Learn from all that is published. Models are put in the registry, and not in use."""
    every = timedelta(days=read_settings(trail).behaviour.refit_days)
    with open_behaviour(trail) as behaviour, progress("learning", quiet=as_json) as _advance:
        _say_people(behaviour)
        made = (
            []
            if due and not behaviour.is_due(every)
            else behaviour.fit(Actor(by, "service" if service else "person"), reason)
        )
    if as_json:
        say_json(
            {
                "models": [
                    {
                        "version": one.version,
                        "purpose": one.training.purpose,
                        "stage": one.stage.value,
                        "metrics": {metric.name: f"{metric.value:f}" for metric in one.training.metrics},
                    }
                    for one in made
                ]
            }
        )
        return
    for one in made:
        told = ", ".join(f"{metric.value:,f} {metric.name}" for metric in one.training.metrics)
        say(f"{one.name}: {told}")
    if not made:
        say("Nothing is due: the last models are new enough.")
    elif any(one.stage.value == "trained" for one in made):
        say(
            "Each is in use once it was validated, approved by another person and deployed: ordertrail models --help"
        )


@app.command()
def score(
    trail: TrailOption = TRAIL,
    raise_: Annotated[
        bool, typer.Option("--raise", help="Raise alerts of what is unusual, and note drift.")
    ] = False,
    limit: Annotated[int, typer.Option(help="How much to show of each subject.", min=1, max=1000)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Say what is unusual among the orders that are over, the channels, and, where the settings say so, people."""
    with open_behaviour(trail) as behaviour, progress("scoring", quiet=as_json) as _advance:
        _say_people(behaviour)
        scored = behaviour.score()
        new = behaviour.raise_alerts(scored.unusual) if raise_ else 0
        drift = behaviour.note_drift(scored) if raise_ else None
    shown = _first(scored, limit)
    if as_json:
        say_json(
            {
                "orders": scored.orders,
                "days": scored.days,
                "hours": scored.hours,
                "without_model": list(scored.without),
                "unusual": len(scored.unusual),
                "raised": new,
                "drift": None if drift is None or drift.drift is None else drift.drift.reason,
                "first": [_as_dict(one) for one in shown],
            }
        )
        return
    for purpose in scored.without:
        err.print(
            f"No model of {purpose} is in use: learn one with 'ordertrail behaviour fit'.", markup=False
        )
    for one in shown:
        _say(one)
    if drift is not None and drift.drift is not None:
        err.print(f"The model drifts: {drift.drift.reason}.", markup=False)
    looked = f"{count(scored.orders, 'order')} and {count(scored.hours, 'hour')} of channels looked at"
    alerts = f"; {count(new, 'new alert')}" if raise_ else ""
    say(f"{count(len(scored.unusual), 'finding')}; {looked}{alerts}.")


@app.command()
def explain(
    order: Annotated[str, typer.Argument(help="An order's id.")],
    trail: TrailOption = TRAIL,
    tenant: Annotated[str, typer.Option(help="Its tenant, where it has one.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say how unusual one order is, and why, whether or not it is over."""
    with open_behaviour(trail) as behaviour:
        found = behaviour.explain(order, tenant)
    if as_json:
        say_json(_as_dict(found))
    else:
        _say(found)


def _first(scored: Scored, limit: int) -> list[Unusual]:
    shown: dict[str, list[Unusual]] = {}
    for one in scored.unusual:
        shown.setdefault(one.subject.rule, []).append(one)
    return [one for found in shown.values() for one in found[:limit]]


def _say(one: Unusual) -> None:
    say(f"{one.subject.rule} {one.name}  {one.score:.1f}")
    for sentence in one.sentences:
        say(f"  {sentence}")


def _say_people(behaviour: Behaviour) -> None:
    if behaviour.basis is not None:
        err.print(f"People are scored. {LAW} Said to allow it: {behaviour.basis}", markup=False)


def _as_dict(one: Unusual) -> dict[str, Any]:
    return {
        "rule": one.subject.rule,
        "name": one.name,
        "tenant": one.tenant or None,
        "score": f"{one.score:.3f}",
        "signature": one.signature,
        "why": list(one.sentences),
        "doers": list(one.doers),
        "lowered": one.lowered,
        "first": happened(one.evidence[0].time),
        "last": happened(one.evidence[-1].time),
        "events": [seen.id for seen in one.evidence],
    }
