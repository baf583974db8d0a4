"""``ordertrail reconcile``: hold orders against what gateways and carriers say, and hand the whole out."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly.correlate import open_correlate, relay_outside, write_ocel_sqlite
from ordertrail.assembly.index import open_query
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import EXIT_INPUT, progress, say, say_json, say_json_line
from ordertrail.cli.outside import events_of
from ordertrail.correlate.export.event_log import event_log
from ordertrail.correlate.export.ocel import ocel_json
from ordertrail.correlate.export.xes import xes
from ordertrail.correlate.reconciling.exceptions import Exceptional
from ordertrail.correlate.reconciling.rules import Kind
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money, format_money
from ordertrail.kernel.numbers import count
from ordertrail.record.event import Actor

app = typer.Typer(help="Hold orders against what gateways and carriers say.", no_args_is_help=True)


class Form(StrEnum):
    """What a log is written as."""

    OCEL = "ocel"
    OCEL_SQLITE = "ocel-sqlite"
    XES = "xes"


@app.command("run")
def run(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Look at all orders, and tell what does not agree, and what agrees again."""
    with open_correlate(trail) as correlate:
        with progress("looking at orders", quiet=as_json) as advance:
            correlate.refresh(lambda done: advance(done, done))
        with progress("reconciling", quiet=as_json) as advance:
            done = correlate.reconcile(lambda seen: advance(seen, seen))
        still = correlate.exceptions.open(10_000)
    relay_outside(trail)
    if as_json:
        say_json({**asdict(done), "open": len(still)})
    else:
        say(f"{count(done.orders, 'order')} held together: {done.opened:,} found, {done.gone:,} gone.")
        for total in done.totals:
            taken = format_money(Money(total.linked.captured, total.currency))
            back = format_money(Money(total.linked.refunded, total.currency))
            say(f"{total.system}/{total.account}: {taken} taken, {back} given back, of linked payments.")
    if still:
        raise typer.Exit(EXIT_INPUT)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 50,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """List what does not agree, the most at risk first."""
    with open_correlate(trail) as correlate:
        found = correlate.exceptions.open(limit)
    for one in found:
        say_json_line(_plain(one)) if as_json else say(_sentence(one))
    if not found and not as_json:
        say("Everything agrees.")


@app.command("settle")
def settle(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")],
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="What does not agree, as 'list' names it.")],
    actor: Annotated[str, typer.Option("--by", help="Who settles it: a person's id.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may stand; it is recorded.")],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Let a discrepancy stand, with a reason; it is opened again only where more is at risk."""
    with open_correlate(trail) as correlate:
        after = correlate.settle(order, kind, Actor(actor, "person"), reason)
    relay_outside(trail)
    say_json(_plain(after)) if as_json else say(f"{kind} of {order} is settled.")


@app.command("export")
def export(
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not be there.")],
    form: Annotated[
        Form, typer.Option("--format", help="Object-centric (OCEL 2.0) or by order (XES).")
    ] = Form.OCEL,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Write the trail's events as a log for process mining: orders, payments, parcels and people as objects."""
    if out.exists():
        raise InputError(f"{out} is there already; nothing was written")
    with open_query(trail) as query:
        log = event_log(events_of(query))
    if form is Form.OCEL_SQLITE:
        write_ocel_sqlite(log, out)
    else:
        with out.open("x", encoding="utf-8") as file:
            file.writelines(ocel_json(log) if form is Form.OCEL else xes(log))
    told = {"events": len(log.events), "objects": len(log.objects), "file": str(out)}
    written = f"{count(len(log.events), 'event')} of {count(len(log.objects), 'object')} written to {out}."
    say_json(told) if as_json else say(written)


def _sentence(one: Exceptional) -> str:
    found = one.discrepancy
    risk = "" if found.at_risk is None else f" ({format_money(found.at_risk)} at risk)"
    return f"{found.order}  {found.kind}{risk} since {found.since[:10]}: {found.detail}"


def _plain(one: Exceptional) -> dict[str, object]:
    found = one.discrepancy
    return {
        "order": found.order,
        "kind": found.kind,
        "standing": one.standing,
        "since": found.since,
        "at_risk": None if found.at_risk is None else asdict(found.at_risk),
        "detail": found.detail,
        "facts": list(found.facts),
    }
