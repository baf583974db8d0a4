"""``ordertrail show``: one event in full."""

from typing import Annotated

import typer

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import say
from ordertrail.record.sentence import change_words, sentence


def show(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Show one event: its sentence, its changes, its context, and where it stands in the log.

    With --json, the entry's exact bytes: what is hashed and proven.
    """
    with opened(trail) as open_trail:
        sealed = open_trail.find(event)
        told = sentence(sealed.entry.event, open_trail.actions)
    if as_json:
        typer.echo(sealed.row.entry.decode())
        return
    shown, ledger = sealed.entry.event, sealed.entry.ledger
    say(f"{told}.")
    facts = {
        "happened": shown.time,
        "recorded": ledger.recorded,
        "action": f"{shown.action} ({shown.outcome})",
        "actor": f"{shown.actor.id} ({shown.actor.kind})"
        + (f", {', '.join(shown.actor.roles)}" if shown.actor.roles else ""),
        "order": shown.subject.order,
        "tenant": shown.subject.tenant,
    }
    context = shown.context
    if context is not None:
        names = context.__struct_fields__
        facts |= {name: _text(getattr(context, name)) for name in names if getattr(context, name)}
    facts |= {f"{link.system} {link.kind}": link.id for link in shown.links}
    facts |= {
        "log": f"stream {sealed.stream}, entry {ledger.index:,}",
        "leaf hash": sealed.row.hash.hex(),
    }
    if sealed.row.number:
        facts["order chain"] = f"number {sealed.row.number} of its order"
    for change in shown.changes:
        say(f"  {change.path}: {change_words(change)}")
    for name, value in facts.items():
        if value:
            say(f"  {name.replace('_', ' '):<16} {value}")


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else "(sealed personal data)"
