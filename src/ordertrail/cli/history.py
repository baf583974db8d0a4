"""``ordertrail history``: the life of an order."""

from typing import Annotated

import typer

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import EXIT_BROKEN, err, out, say, say_json, say_table
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.record.sentence import sentence


def history(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's number.")],
    trail: TrailOption = TRAIL,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's order of that number.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell an order's story from its first event to its last, each one proven."""
    with opened(trail) as open_trail:
        items = open_trail.history(order, tenant=tenant)
        if not items:
            raise InputError(
                f"the trail holds no sealed event of order {order}",
                remedy="Check the number; what was recorded but not sealed shows after 'ordertrail seal'.",
            )
        standing = open_trail.standing(items)
        told = [(item, sentence(item.entry.event, open_trail.actions)) for item in items]
    if as_json:
        say_json(
            {
                "order": order,
                "events": [
                    {
                        "time": item.entry.event.time,
                        "number": item.row.number,
                        "index": item.row.index,
                        "stream": item.stream,
                        "id": item.entry.event.id,
                        "action": item.entry.event.action,
                        "outcome": item.entry.event.outcome,
                        "actor": item.entry.event.actor.id,
                        "sentence": text,
                    }
                    for item, text in told
                ],
                "proven": standing.proven,
                "problems": standing.problems,
            }
        )
    else:
        say_table(
            ("", "happened (UTC)", "what", "entry"),
            [
                (
                    str(item.row.number),
                    item.entry.event.time[:19].replace("T", " "),
                    text,
                    f"{item.row.index:,}",
                )
                for item, text in told
            ],
        )
        colour = "red" if standing.problems else "green"
        out.print(
            f"[{colour}]{standing.proven:,} of {count(len(items), 'event')} proven[/{colour}], ", end=""
        )
        say("unbroken from the first." if not standing.problems else "but the order's chain is broken:")
        for problem in standing.problems:
            err.print(f"  [red]✗[/red] {problem}")
    if standing.problems:
        raise typer.Exit(EXIT_BROKEN)
