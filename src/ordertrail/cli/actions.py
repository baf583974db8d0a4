"""``ordertrail actions``: what could be done about forecasts, what is suggested, decided, done, and what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.actions import open_actions, read_actions
from ordertrail.assembly.foresight import consider_open
from ordertrail.cli.options import TRAIL, ByOption, JsonOption, ReasonOption, TrailOption, deciding
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.kernel.money import Money, format_money
from ordertrail.kernel.numbers import count
from ordertrail.monitor.actions.mandate import EVERYTHING, Mandate, Terms
from ordertrail.monitor.actions.ports import SuggestionQuery
from ordertrail.monitor.actions.service import Actions
from ordertrail.monitor.actions.suggestion import OPEN, Suggestion
from ordertrail.record.event import Actor

app = typer.Typer(help="Do something about forecasts, and see what it did.", no_args_is_help=True)

SuggestionArgument = Annotated[str, typer.Argument(metavar="SUGGESTION", help="Its id: S-0f3c….")]
MandateArgument = Annotated[str, typer.Argument(metavar="MANDATE", help="Its id: M-0f3c….")]


@app.command("list")
def list_actions(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List the actions that there are, what they cost, and what averting a breach is worth."""
    catalogue = read_actions(trail)
    if as_json:
        told = [
            {
                "name": one.name,
                "title": one.title,
                "operation": one.operation.value,
                "undone": one.undone,
                "safe": one.safe,
                "cost": one.cost,
                "benefit": dict(one.benefit),
                "averts": dict(one.averts),
            }
            for one in catalogue.values()
        ]
        say_json({"currency": catalogue.currency, "actions": told})
        return
    rows = [
        (
            one.name,
            one.operation.value,
            "yes" if one.safe else "no",
            "yes" if one.undone else "no",
            "not stated" if one.cost is None else _money(one.cost, catalogue.currency),
            ", ".join(
                f"{target} {_money(worth, catalogue.currency)}" for target, worth in one.benefit.items()
            ),
        )
        for one in catalogue.values()
    ]
    say_table(("action", "by", "safe", "can be undone", "cost", "worth"), rows)


@app.command()
def suggestions(
    trail: TrailOption = TRAIL,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    order: Annotated[str | None, typer.Option(help="Of this order.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=5_000, help="How many at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List suggestions, those of the greatest gain first."""
    orders = frozenset() if order is None else frozenset({order})
    query = SuggestionQuery(frozenset() if every else OPEN, orders, limit=limit)
    with open_actions(trail) as actions:
        found = actions.find(query)
    if as_json:
        say_json({"suggestions": [suggestion_as_dict(one) for one in found]})
        return
    rows = [
        (
            one.id,
            one.order,
            one.title,
            f"{one.before / 10_000:.0f} %",
            _money(one.gain, one.currency),
            one.state.value,
        )
        for one in found
    ]
    if rows:
        say_table(("suggestion", "order", "what", "risk", "gain", "stands"), rows)
    say(f"{count(len(found), 'suggestion')}.")


@app.command()
def suggest(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Consider every open order with the models that are deployed, once; a service does so as orders move."""
    found = consider_open(trail)
    if as_json:
        say_json({"suggestions": [suggestion_as_dict(one) for one in found]})
    else:
        say(f"{count(len(found), 'new suggestion')}.")


@app.command()
def accept(
    suggestion: SuggestionArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Have a suggestion carried out."""
    _decide(trail, as_json, lambda actions: actions.accept(suggestion, deciding(by).id, reason))


@app.command()
def dismiss(
    suggestion: SuggestionArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Decide against a suggestion."""
    _decide(trail, as_json, lambda actions: actions.dismiss(suggestion, deciding(by).id, reason))


@app.command()
def undo(
    suggestion: SuggestionArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Have undone what was done."""
    _decide(trail, as_json, lambda actions: actions.undo(suggestion, deciding(by).id, reason))


@app.command()
def run(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Carry out what was accepted, undo what was revoked, and learn what became of orders whose horizons ended."""
    with open_actions(trail) as actions:
        done, learned = actions.run(), actions.learn()
    if as_json:
        say_json({"carried_out": done, "learned": learned})
    else:
        say(f"{count(done, 'action')} carried out or undone; {count(learned, 'outcome')} learned.")


@app.command()
def effects(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say what actions did, as far as logged outcomes and chance's own comparison can."""
    with open_actions(trail) as actions:
        found = actions.effects()
    if as_json:
        told = [
            {
                "action": one.action,
                "target": one.target,
                "treated": {"breached": one.treated.breached, "orders": one.treated.orders},
                "held_out": {"breached": one.held_out.breached, "orders": one.held_out.orders},
                "by_hand": one.by_hand,
                "difference": round(one.difference, 6),
                "interval": [round(bound, 6) for bound in one.interval()],
                "says": one.sentence,
            }
            for one in found
        ]
        say_json({"effects": told})
        return
    for one in found:
        say(f"{one.action} against {one.target}: {one.sentence}")
    if not found:
        say("No outcome is known yet.")


@app.command()
def mandates(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List what may run without asking, and who allowed it."""
    with open_actions(trail) as actions:
        found = actions.mandates.all()
    if as_json:
        say_json({"mandates": [mandate_as_dict(one) for one in found]})
        return
    rows = [
        (
            one.id,
            one.terms.action,
            ", ".join(one.terms.targets),
            f"{one.terms.most_per_hour:,} an hour",
            one.terms.until[:10],
            one.state.value,
            f"{one.proposed_by}, {one.approved_by or 'nobody yet'}",
        )
        for one in found
    ]
    if rows:
        say_table(("mandate", "action", "targets", "rate", "until", "stands", "by"), rows)
    say(f"{count(len(found), 'mandate')}.")


@app.command()
def propose(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="A safe action.")],
    target: Annotated[list[str], typer.Option("--target", help="Against this target; one or more.")],
    least: Annotated[
        int, typer.Option("--least", min=1, max=100, help="From this probability on, in per cent.")
    ],
    until: Annotated[str, typer.Option("--until", help="When it ends (RFC 3339).")],
    reason: ReasonOption,
    rate: Annotated[int, typer.Option("--most-per-hour", min=1, max=1_000, help="No more than this.")] = 10,
    hold_out: Annotated[int, typer.Option("--hold-out", min=0, max=50, help="Per cent left to chance.")] = 10,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Propose that a safe action may run without asking; another person approves it."""
    terms = Terms(action, tuple(target), least * 10_000, rate, hold_out, until)
    with open_actions(trail) as actions:
        found = actions.mandates.propose(terms, _person(by), reason)
    _say_mandate(found, as_json=as_json)


@app.command()
def approve(
    mandate: MandateArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Put a mandate in force that another person proposed."""
    with open_actions(trail) as actions:
        found = actions.mandates.approve(mandate, _person(by), reason)
    _say_mandate(found, as_json=as_json)


@app.command()
def stop(
    reason: ReasonOption,
    mandate: Annotated[str, typer.Argument(metavar="MANDATE", help="One of them; else all.")] = EVERYTHING,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Stop what may run without asking, at once: one mandate, or all of them."""
    with open_actions(trail) as actions:
        actions.mandates.stop(mandate, _person(by), reason)
        left = actions.mandates.in_force()
    if as_json:
        say_json({"stopped": mandate, "in_force": [one.id for one in left]})
    else:
        say(f"Stopped; {count(len(left), 'mandate')} in force.")


def suggestion_as_dict(one: Suggestion) -> dict[str, Any]:
    """Return a suggestion as JSON tells it. Probabilities are millionths, amounts minor units."""
    return {
        "id": one.id,
        "version": one.version,
        "order": one.order,
        "tenant": one.tenant,
        "target": one.target,
        "action": one.action,
        "title": one.title,
        "model": one.model,
        "made": one.made,
        "ends": one.ends,
        "state": one.state.value,
        "arm": one.arm.value,
        "mandate": one.mandate,
        "probability": one.before,
        "probability_after": one.after,
        "benefit": one.benefit,
        "cost": one.cost,
        "gain": one.gain,
        "currency": one.currency,
        "reasons": list(one.reasons),
        "decided_by": one.decided_by,
        "reason": one.reason,
        "attempts": one.attempts,
        "result": one.result,
        "breached": one.breached,
        "event": one.last,
    }


def mandate_as_dict(one: Mandate) -> dict[str, Any]:
    """Return a mandate as JSON tells it."""
    terms = one.terms
    return {
        "id": one.id,
        "action": terms.action,
        "targets": list(terms.targets),
        "least": terms.least,
        "most_per_hour": terms.most_per_hour,
        "hold_out": terms.hold_out,
        "until": terms.until,
        "state": one.state.value,
        "proposed_by": one.proposed_by,
        "approved_by": one.approved_by,
        "stopped_by": one.stopped_by,
        "reason": one.reason,
    }


def _decide(trail: Path, as_json: bool, deed: Callable[[Actions], Suggestion]) -> None:  # noqa: FBT001 - as told
    with open_actions(trail) as actions:
        found = deed(actions)
    if as_json:
        say_json(suggestion_as_dict(found))
    else:
        say(f"{found.id} is {found.state}.")


def _say_mandate(one: Mandate, *, as_json: bool) -> None:
    if as_json:
        say_json(mandate_as_dict(one))
    else:
        say(f"{one.id} is {one.state}.")


def _money(amount: int, currency: str | None) -> str:
    return str(amount) if currency is None else format_money(Money(amount, currency))


def _person(by: str | None) -> Actor:
    return Actor(deciding(by).id, "person")
