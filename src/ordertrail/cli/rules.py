"""``ordertrail intake rules`` and ``backtest``: how often each rule was wrong, and what another rulebook would do."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.intake import open_intake, rulebook_in_force
from ordertrail.cli.letters import SourceOption
from ordertrail.cli.letters import app as app  # noqa: PLC0414 - the verbs of all modules are one group
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.intake.rules.backtest import Difference, backtest
from ordertrail.intake.rules.narrowing import suggestions
from ordertrail.intake.rules.past import decided_letters, past_orders, stopped_letters
from ordertrail.intake.rules.record import Ending, records
from ordertrail.intake.rules.rulebook import load_rulebook
from ordertrail.intake.service import Intake
from ordertrail.kernel.numbers import count

Endings = dict[Ending, Difference]


@app.command("rules")
def rules(
    trail: TrailOption = TRAIL,
    source: SourceOption = None,
    suggest: Annotated[
        bool,
        typer.Option("--suggest", help="Read past deliveries again, and say how rules could be narrower."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what became of the orders that each rule stopped, the rules that were wrong most often first."""
    with open_intake(trail) as intake:
        found = records(stopped_letters(intake.desk, source))
        narrower = suggestions(rulebook_in_force(trail), _past(intake, source)) if suggest else []
    if as_json:
        told = [{**asdict(one), "wrong_per_cent": one.wrong} for one in found]
        say_json({"rules": told, "suggestions": [asdict(one) for one in narrower]})
        return
    rows = [
        (
            one.rule,
            one.source,
            *map(str, (one.stopped, one.open, one.unchanged, one.mended, one.discarded)),
            _wrong(one.wrong),
        )
        for one in found
    ]
    say_table(("rule", "source", "stopped", "open", "unchanged", "mended", "discarded", "wrong"), rows)
    for one in narrower:
        say(f"\n{one.reason}; it would have spared {count(one.spared, 'order')}:\n{one.toml}")
    if suggest and not narrower:
        say("No rule could be narrower without letting in what it was right about.")


@app.command("backtest")
def run_backtest(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The changed rulebook, as 'intake.rules' would name it.")
    ],
    trail: TrailOption = TRAIL,
    source: SourceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge past orders by another rulebook before it is in force; nothing is changed."""
    changed = load_rulebook(file)
    with open_intake(trail) as intake:
        result = backtest(rulebook_in_force(trail), changed, _past(intake, source))
    if as_json:
        told = {"stopped": _as_dict(result.stopped), "spared": _as_dict(result.spared)}
        figures = {"false_rejects": result.false_rejects, "misses": result.misses}
        say_json({"judged": result.judged, "stopped_by_both": result.stopped_by_both, **told, **figures})
        return
    say(f"{count(result.judged, 'past order')} judged by both; both stop {result.stopped_by_both:,}.")
    for word, endings in (("stop", result.stopped), ("let in", result.spared)):
        for ending, difference in endings.items():
            shown = ", ".join(difference.orders[:5])
            say(f"It would {word} {difference.count:,} more that ended {ending}: {shown}")
    say(f"False rejects: {result.false_rejects:+,}. Let in that was mended or discarded: {result.misses:,}.")


def _past(intake: Intake, source: str | None) -> Any:
    return past_orders(decided_letters(intake.desk, source), intake.flow.reader, intake.repair.opened)


def _wrong(per_cent: int | None) -> str:
    return "" if per_cent is None else f"{per_cent} %"


def _as_dict(endings: Endings) -> dict[str, Any]:
    return {str(ending): asdict(difference) for ending, difference in endings.items()}
