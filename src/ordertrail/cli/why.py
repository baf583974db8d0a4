"""``ordertrail why``: what led to an event, what is certain in that, and where it most likely began."""

from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly.evidence import open_desk
from ordertrail.assembly.index import open_query
from ordertrail.cli.options import TRAIL, ByOption, JsonOption, TrailOption, deciding, opened
from ordertrail.cli.output import say, say_json
from ordertrail.evidence.accounts import Account, account_of, lines
from ordertrail.evidence.cases import Case
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.query.ports import Hit, Searches
from ordertrail.query.reconstruction.asking import of_event, of_order, of_time, reconstruct


def why(
    event: Annotated[
        str | None, typer.Argument(metavar="EVENT", help="The id of what is to be explained.")
    ] = None,
    order: Annotated[str | None, typer.Option(help="An order: what most wants an explanation of it.")] = None,
    time: Annotated[str | None, typer.Option(help="A moment (RFC 3339): what went wrong around it.")] = None,
    case: Annotated[
        str | None, typer.Option(help="A case that is to keep what is told, with its events in the basket.")
    ] = None,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Tell what led to an event: the story, what is certain in it, and the likeliest roots with their reasons."""
    with open_query(trail) as query:
        asked = _asked(query.searches, event, order, time)
        account = account_of(reconstruct(query.searches, query.read, asked))
    kept = None if case is None else _keep(trail, account, case, by)
    if as_json:
        say_json(_plain(account, kept))
        return
    for line in lines(account):
        say(line)
    if kept is not None:
        say(f"Kept in case {kept.id}; its basket has {count(len(kept.basket), 'event')}.")


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


def _keep(root: Path, account: Account, case: str, by: str | None) -> Case:
    """Keep an account in a case, and have the event that tells of it sealed."""
    with opened(root) as trail, open_desk(root, trail) as desk:
        kept = desk.add_account(case, account, deciding(by))
        trail.seal()
    return kept


def _plain(account: Account, kept: Case | None) -> dict[str, object]:
    told: dict[str, object] = {
        "asked": account.asked.event,
        "whole": account.whole,
        "story": [
            {
                "event": step.told.event,
                "time": step.told.time,
                "action": step.told.action,
                "bond": step.bond,
                "certain": step.certain,
                "reason": step.reason,
                "towards": step.towards,
            }
            for step in account.steps
        ],
        "candidates": [
            {
                "event": one.told.event,
                "confidence": one.confidence,
                "certain": one.certain,
                "reasons": list(one.reasons),
                "way": list(one.way),
            }
            for one in account.roots
        ],
    }
    return told if kept is None else {**told, "case": kept.id, "basket": len(kept.basket)}
