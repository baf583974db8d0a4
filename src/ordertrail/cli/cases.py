"""``ordertrail case``: cases with their baskets, samples and sign-off."""

from typing import Annotated, Any

import typer

from ordertrail.assembly.index import open_query
from ordertrail.cli.bundle import ByOption, desk_of, who
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.evidence.cases import TEMPLATES, ActKind, Case
from ordertrail.evidence.population import Drawing, draw_sample
from ordertrail.evidence.samples import Method, Sampled
from ordertrail.kernel.numbers import count

app = typer.Typer(
    help="Cases: what is looked into, with which evidence, and who signed it off.", no_args_is_help=True
)

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is put on record.")]


@app.command("open")
def open_case(
    title: Annotated[str, typer.Argument(help="What the case is about.")],
    trail: TrailOption = TRAIL,
    template: Annotated[str, typer.Option(help=f"One of {', '.join(TEMPLATES)}.")] = "blank",
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Open a case."""
    with desk_of(trail) as (_, desk):
        case = desk.open_case(title, who(by), template)
    if as_json:
        say_json(_as_dict(case))
        return
    say(case.id)
    for question in TEMPLATES[template].questions:
        say(f"  ? {question}")


@app.command("list")
def list_cases(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List cases, the newest first."""
    with desk_of(trail) as (_, desk):
        found = desk.list_cases()
    if as_json:
        say_json({"cases": [_as_dict(case) for case in found]})
        return
    say_table(
        ("case", "state", "items", "title"),
        [(case.id, str(case.state), f"{len(case.basket):,}", case.title) for case in found],
    )


@app.command("show")
def show(case: CaseArgument, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Tell a case: where it stands, its basket, its samples and its notes."""
    with desk_of(trail) as (_, desk):
        found = desk.case(case)
    if as_json:
        say_json(_as_dict(found))
        return
    signed = f", signed off by {found.signed_by}" if found.signed_by else ""
    say(f"{found.title}: {found.state}{signed}; prepared by {', '.join(sorted(found.preparers))}")
    for item in found.basket:
        say(f"  event {item.event}, entry {item.index:,} of {item.stream}")
    for sample in found.samples:
        say(
            f"  sample of {len(sample.events):,} from {count(sample.population.count, 'event')}, by {sample.method}"
        )
    for at, by, text in found.notes:
        say(f"  {at[:19].replace('T', ' ')} {by}: {text}")


@app.command("add")
def add(
    case: CaseArgument,
    events: Annotated[list[str], typer.Argument(metavar="EVENT...", help="The events' ids.")],
    trail: TrailOption = TRAIL,
    note: Annotated[str, typer.Option(help="What is to be said of them.")] = "",
    by: ByOption = "",
) -> None:
    """Put events into a case's basket, each with its proof as of now."""
    with desk_of(trail) as (_, desk):
        for event in events:
            found = desk.add(case, event, who(by), note)
    say(f"The basket holds {count(len(found.basket), 'event')}.")


@app.command("aside")
def aside(
    case: CaseArgument,
    event: Annotated[str, typer.Argument(help="The event's id.")],
    reason: ReasonOption,
    trail: TrailOption = TRAIL,
    by: ByOption = "",
) -> None:
    """Set an event of the basket aside; that it was in it stays."""
    with desk_of(trail) as (_, desk):
        found = desk.set_aside(case, event, who(by), reason)
    say(f"The basket holds {count(len(found.basket), 'event')}.")


@app.command("sample")
def sample(
    case: CaseArgument,
    size: Annotated[int, typer.Option(min=1, help="How many events.")],
    seed: Annotated[
        str, typer.Option(help="Words or a number chosen before looking; who has them draws the same.")
    ],
    trail: TrailOption = TRAIL,
    criteria: Annotated[str, typer.Option("--filter", help="What the population is.")] = "",
    method: Annotated[Method, typer.Option(help="How it is drawn.")] = Method.RANDOM,
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Draw a sample with a certificate of its population, and put its events into the basket."""
    with desk_of(trail) as (open_trail, desk), open_query(trail, clock=open_trail.clock) as query:
        desk.bundling.workshop.sealing.anchor(desk.bundling.home)
        query.feed()
        source = desk.bundling.workshop.sources[desk.bundling.home]
        drawn = draw_sample(query, source, Drawing(criteria, method, size, seed))
        desk.add_sample(case, drawn, who(by))
    if as_json:
        say_json(_sampled(drawn))
        return
    population = drawn.population
    say(
        f"Drew {count(len(drawn.events), 'event')} of {population.count:,} by {drawn.method}, seed {drawn.seed!r}."
    )
    say(f"  population {population.ids} in {population.size:,} entries")
    for one in population.sums:
        say(f"  sum {one.amount:,} minor units of {one.currency} over {count(one.items, 'event')}")


def _simple(kind: ActKind, doing: str) -> None:
    def verb(
        case: CaseArgument, trail: TrailOption = TRAIL, reason: ReasonOption = "", by: ByOption = ""
    ) -> None:
        with desk_of(trail) as (_, desk):
            found = desk.act(case, kind, who(by), reason)
        say(f"Case {found.id} is {found.state}.")

    app.command(str(kind), help=doing)(verb)


_simple(ActKind.NOTE, "Add a note (--reason).")
_simple(ActKind.SUBMIT, "Hold that everything is there, and ask for the review.")
_simple(ActKind.RETURN, "Send a case back to who prepared it, with a reason.")
_simple(ActKind.SIGN, "Sign a case off: a person who did not prepare it.")
_simple(ActKind.CLOSE, "Close a case that is signed off.")
_simple(ActKind.REOPEN, "Open a case again, with a reason; its signature no longer counts.")


def _sampled(drawn: Sampled) -> dict[str, Any]:
    population = drawn.population
    return {
        "method": drawn.method,
        "size": drawn.size,
        "seed": drawn.seed,
        "events": list(drawn.events),
        "population": {
            "criteria": population.criteria,
            "since": population.since,
            "until": population.until,
            "count": population.count,
            "sums": [{"currency": s.currency, "amount": s.amount, "items": s.items} for s in population.sums],
            "stream": population.stream,
            "size": population.size,
            "root": population.root,
            "ids": population.ids,
        },
    }


def _as_dict(case: Case) -> dict[str, Any]:
    return {
        "case": case.id,
        "title": case.title,
        "template": case.template,
        "state": str(case.state),
        "opened": case.opened,
        "preparers": sorted(case.preparers),
        "signed_by": case.signed_by,
        "basket": [{"event": item.event, "stream": item.stream, "index": item.index} for item in case.basket],
        "samples": [_sampled(one) for one in case.samples],
        "notes": [{"at": at, "by": by, "text": text} for at, by, text in case.notes],
    }
