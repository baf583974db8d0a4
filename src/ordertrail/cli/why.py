"""``ordertrail why``: what led to an event, what is certain in that, and where it most likely began."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from ordertrail.assembly.index import open_query
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.query.ports import Hit, Searches
from ordertrail.query.projection import MICRO
from ordertrail.query.reconstruction.asking import of_event, of_order, of_time, reconstruct
from ordertrail.query.reconstruction.bonds import Reconstruction

_SHOWN = 5


def why(
    event: Annotated[
        str | None, typer.Argument(metavar="EVENT", help="The id of what is to be explained.")
    ] = None,
    order: Annotated[str | None, typer.Option(help="An order: what most wants an explanation of it.")] = None,
    time: Annotated[str | None, typer.Option(help="A moment (RFC 3339): what went wrong around it.")] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Tell what led to an event: the story, what is certain in it, and the likeliest roots with their reasons."""
    with open_query(trail) as query:
        asked = _asked(query.searches, event, order, time)
        told = reconstruct(query.searches, query.read, asked)
    if as_json:
        say_json(_plain(told))
        return
    say(
        f"{_when(asked)}  {asked.event.action} of {asked.event.subject} by {asked.event.actor} is to be explained."
    )
    if not told.story:
        say("Nothing before it is known to have led to it.")
    for step in told.story:
        mark = " " if step.certain else "?"
        say(f"{mark} {_when(step.hit)}  {step.hit.event.action} of {step.hit.event.subject}: {step.reason}")
    for place, one in enumerate(told.candidates[:_SHOWN], 1):
        say(f"{place}. {one.confidence / 100:.0f} %  {one.hit.event.action} of {one.hit.event.subject}")
        for reason in one.reasons:
            say(f"      {reason}")
    if told.story:
        say("What is marked with ? is inferred; all else the log itself says.")


def _asked(searches: Searches, event: str | None, order: str | None, time: str | None) -> Hit:
    if [event, order, time].count(None) != 2:
        raise InputError("name one event, or one --order, or one --time; nothing was asked")
    if event is not None:
        return of_event(searches, event)
    if order is not None:
        return of_order(searches, order)
    try:
        return of_time(searches, parse_time(time or ""))
    except ValueError as error:
        raise InputError(f"--time {error}") from None


def _when(hit: Hit) -> str:
    return format_time(datetime.fromtimestamp(hit.event.time / MICRO, UTC))


def _plain(told: Reconstruction) -> dict[str, object]:
    return {
        "asked": told.asked.event.id,
        "whole": told.whole,
        "story": [
            {
                "event": step.hit.event.id,
                "time": _when(step.hit),
                "action": step.hit.event.action,
                "bond": step.bond,
                "certain": step.certain,
                "reason": step.reason,
                "towards": step.towards,
            }
            for step in told.story
        ],
        "candidates": [
            {
                "event": one.hit.event.id,
                "confidence": one.confidence,
                "certain": one.certain,
                "reasons": list(one.reasons),
                "way": list(one.way),
            }
            for one in told.candidates
        ],
    }
