"""``ordertrail search`` and ``facts``: which events, and how many of what by whom."""

from typing import Annotated, Any

import typer

from ordertrail.assembly.index import open_query
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import err, progress, say, say_json, say_table
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.query.feeding import Lag
from ordertrail.query.ports import Hit, Way
from ordertrail.query.questions.facts import Ranked, ranking
from ordertrail.query.questions.search import Page, parse_cursor
from ordertrail.query.questions.search import search as find_page
from ordertrail.query.service import Query, zone_of
from ordertrail.record.event import Event
from ordertrail.record.sentence import sentence

FilterArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILTER", help="Such as 'actor:clerk-17 when:last-7-days lowered:unit_price>20%'."
    ),
]
ZoneOption = Annotated[
    str, typer.Option("--zone", help="Zone of the times, written and shown: Europe/Berlin.")
]
AsItIsOption = Annotated[bool, typer.Option("--as-it-is", help="Do not bring the index up to the log first.")]


def search(
    filter_: FilterArgument = "",
    trail: TrailOption = TRAIL,
    zone: ZoneOption = "UTC",
    limit: Annotated[int, typer.Option(help="Events of a page, up to 1000.")] = 50,
    after: Annotated[
        str | None, typer.Option(help="Go on where a page ended: the place that it named.")
    ] = None,
    newer: Annotated[bool, typer.Option("--newer", help="Go on towards newer events.")] = False,
    as_it_is: AsItIsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find events, the newest first."""
    with open_query(trail) as query:
        meant = query.parse(filter_, zone)
        beyond = None if after is None else parse_cursor(after)
        _catch_up(query, as_it_is=as_it_is, as_json=as_json)
        way = Way.NEWER if newer else Way.OLDER
        answer = query.answer(lambda: find_page(query.searches, meant, limit=limit, beyond=beyond, way=way))
        found = [(hit, query.read(hit).event) for hit in answer.value.hits]
        told = [(hit, event, sentence(event, query.actions)) for hit, event in found]
    page = answer.value
    if as_json:
        say_json(
            {
                "filter": filter_,
                "sentence": meant.sentence(),
                "lag": lag_as_dict(answer.lag),
                "events": [_as_dict(hit, event, text) for hit, event, text in told],
                "older": _spelled(page.older),
                "newer": _spelled(page.newer),
            }
        )
        return
    say(f"{meant.sentence()}: {count(len(told), 'event')}{_ends(page)}.")
    here = zone_of(zone)
    rows = [
        (f"{event.moment.astimezone(here):%Y-%m-%d %H:%M:%S}", text, f"{hit.event.position:,}")
        for hit, event, text in told
    ]
    if rows:
        say_table((f"happened ({zone})", "what", "entry"), rows)
    if page.older is not None:
        err.print(f"older ones: --after {page.older}")
    say_lag(answer.lag)


def facts(
    filter_: FilterArgument = "",
    trail: TrailOption = TRAIL,
    by: Annotated[str, typer.Option(help="Any of actor,action,outcome.")] = "actor",
    limit: Annotated[int, typer.Option(help="How many of the most frequent.")] = 20,
    as_it_is: AsItIsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Count events over the whole trail: of whom, or what, there are most. Days are of UTC."""
    columns = by.split(",")
    unknown = [name for name in columns if name not in {"actor", "action", "outcome"}]
    if unknown or len(set(columns)) != len(columns):
        raise InputError(f"--by is some of actor,action,outcome, each once, and not {by!r}")
    with open_query(trail) as query:
        meant = query.parse(filter_)
        _catch_up(query, as_it_is=as_it_is, as_json=as_json)
        answer = query.answer(lambda: ranking(query.counts, meant, columns, limit))
    if as_json:
        facts_told = [_fact_as_dict(columns, one) for one in answer.value]
        say_json({"sentence": meant.sentence(), "lag": lag_as_dict(answer.lag), "facts": facts_told})
        return
    say(f"{meant.sentence()}, by {by.replace(',', ' and ')}:")
    rows = [(*one.key, f"{one.events:,}", f"{one.days:,}") for one in answer.value]
    say_table((*columns, "events", "on days"), rows)
    say_lag(answer.lag)


def lag_as_dict(lag: Lag) -> dict[str, Any]:
    """Return a lag as JSON tells it: whole milliseconds, since there are no floats here."""
    return {"events": lag.events, "milliseconds": round(lag.seconds * 1_000)}


def say_lag(lag: Lag) -> None:
    """Say where the index is behind."""
    if lag.events:
        err.print(f"the index is behind: {count(lag.events, 'sealed event')}, {lag.seconds:.1f} s")


def _catch_up(query: Query, *, as_it_is: bool, as_json: bool) -> None:
    """Feed the index what was sealed since, unless it is to be asked as it is."""
    behind = query.lag().events
    if as_it_is or not behind:
        return
    done = 0
    with progress("indexing", quiet=as_json) as advance:

        def tell(batch: int) -> None:
            nonlocal done
            done += batch
            advance(done, behind)

        query.feed(tell)


def _ends(page: Page) -> str:
    return "" if page.older is None else " and more"


def _spelled(cursor: object) -> str | None:
    return None if cursor is None else str(cursor)


def _as_dict(hit: Hit, event: Event, text: str) -> dict[str, Any]:
    return {
        "id": event.id,
        "stream": hit.event.stream,
        "index": hit.event.position,
        "time": event.time,
        "action": event.action,
        "outcome": event.outcome,
        "actor": event.actor.id,
        "order": event.subject.order,
        "tenant": event.subject.tenant,
        "sensitive": hit.event.sensitive,
        "sentence": text,
        "cursor": str(hit.cursor),
    }


def _fact_as_dict(columns: list[str], fact: Ranked) -> dict[str, Any]:
    return {**dict(zip(columns, fact.key, strict=True)), "events": fact.events, "days": fact.days}
