"""``ordertrail bundle``: evidence to hand over, in one file that proves itself; and who had it in hand."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.evidence import open_desk
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.evidence.bundling import Request
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.custody import Kept
from ordertrail.evidence.desk import Desk
from ordertrail.evidence.making import Bundle, disclosure
from ordertrail.evidence.opening import Disclosure
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.record.event import Actor
from ordertrail.services import Trail

app = typer.Typer(help="Evidence to hand over, in one file that proves itself.", no_args_is_help=True)

ByOption = Annotated[
    str, typer.Option("--by", help="Who does this; it is put on record.", show_default="you")
]
BundleArgument = Annotated[str, typer.Argument(metavar="BUNDLE", help="The bundle's id.")]


@contextmanager
def desk_of(root: Path) -> Iterator[tuple[Trail, Desk]]:
    """Open a trail and its desk."""
    with opened(root) as trail, open_desk(root, trail) as desk:
        yield trail, desk


def who(name: str) -> Actor:
    """Return who acts: the person named, else whoever runs the command."""
    return Actor(name or getpass.getuser(), "person")


@app.command("make")
def make(
    out: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Where to write it.")],
    trail: TrailOption = TRAIL,
    reason: Annotated[str, typer.Option(help="Why the evidence is taken out; it is put on record.")] = "",
    order: Annotated[list[str] | None, typer.Option(help="A whole order; repeatable.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="A single event's id; repeatable.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's orders of these numbers.")] = None,
    case: Annotated[str | None, typer.Option(help="The basket of this case.")] = None,
    disclose: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT:PATH", help="A sealed field that the recipient may see; repeatable."),
    ] = None,
    recipient: Annotated[str | None, typer.Option("--for", help="Who will have it.")] = None,
    approved_by: Annotated[str | None, typer.Option(help="Who else approved that it is taken out.")] = None,
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a bundle: events with everything that proves them, a report, and verifiers; sealed by the log itself."""
    if out.exists():
        raise InputError(f"{out} exists", remedy="Name another file; a bundle never replaces one.")
    with desk_of(trail) as (open_trail, desk):
        if case is not None:
            bundle = desk.make_of_case(case, who(by), reason, recipient)
        else:
            selection = Selection(tuple((one, tenant) for one in order or ()), tuple(event or ()))
            if not (selection.orders or selection.events):
                raise InputError("nothing was chosen", remedy="Name orders, events or a case.")
            disclosures = tuple(_disclosure(open_trail, one) for one in disclose or ())
            bundle = desk.make(
                Request(
                    selection,
                    who(by),
                    reason,
                    recipient=recipient,
                    approved_by=approved_by,
                    disclosures=disclosures,
                )
            )
    _write(out, bundle.data)
    _tell(bundle, out, as_json=as_json)


def _disclosure(trail: Trail, told: str) -> Disclosure:
    event, colon, path = told.partition(":")
    if not colon or not path.startswith("/"):
        raise InputError(f"{told[:80]!r} is not EVENT:PATH, such as 01935f6e-…:/changes/0/after")
    return disclosure(event, path, trail.personal().disclose(trail.find(event).entry.event, path))


def _tell(bundle: Bundle, out: Path, *, as_json: bool) -> None:
    checked = bundle.checked
    if as_json:
        say_json(
            {
                "bundle": bundle.id,
                "file": str(out),
                "bytes": len(bundle.data),
                "manifest": bundle.manifest,
                "events": len(checked.entries),
                "orders": [one.order for one in checked.manifest.orders],
                "notes": list(checked.notes),
            }
        )
        return
    say(checked.verdict)
    say(f"  wrote  {out} ({len(bundle.data):,} bytes)")
    say(f"  bundle {bundle.id}")
    for note in checked.notes:
        say(f"  note   {note}")


@app.command("list")
def list_bundles(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List the bundles that were made, the newest first."""
    with desk_of(trail) as (_, desk):
        found = desk.custody.bundles()
    if as_json:
        say_json({"bundles": [_as_dict(kept) for kept in found]})
        return
    say_table(
        ("bundle", "made (UTC)", "by", "of"),
        [
            (one.bundle, one.custody[0].at[:19].replace("T", " "), one.custody[0].by, one.about)
            for one in found
        ],
    )


@app.command("show")
def show(bundle: BundleArgument, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Tell who made, approved, downloaded and received a bundle."""
    with desk_of(trail) as (_, desk):
        kept = desk.custody.find(bundle)
    if kept is None:
        raise InputError(f"there is no bundle {bundle[:60]}", remedy="'ordertrail bundle list' names them.")
    if as_json:
        say_json(_as_dict(kept))
        return
    say(f"{kept.about}, {kept.length:,} bytes, SHA-256 {kept.sha256}")
    say_table(
        ("", "when (UTC)", "what", "by", "whom"),
        [
            (str(act.number), act.at[:19].replace("T", " "), str(act.kind), act.by, act.whom)
            for act in kept.custody
        ],
    )


@app.command("link")
def link(
    bundle: BundleArgument,
    whom: Annotated[str, typer.Option("--for", help="For whom the link is.")],
    trail: TrailOption = TRAIL,
    hours: Annotated[int | None, typer.Option(min=1, help="Hours for which it is good.")] = None,
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a link to a bundle that expires. It is shown this once."""
    with desk_of(trail) as (_, desk):
        made = desk.link(bundle, who(by), whom, hours)
    if as_json:
        say_json({"bundle": bundle, "link": made})
    else:
        say(made)


@app.command("withdraw")
def withdraw(
    link_text: Annotated[str, typer.Argument(metavar="LINK", help="The link, as it was made.")],
    trail: TrailOption = TRAIL,
    by: ByOption = "",
) -> None:
    """Withdraw a link before it expires."""
    with desk_of(trail) as (_, desk):
        desk.withdraw(link_text, who(by))
    say("The link works no more.")


@app.command("fetch")
def fetch(
    link_text: Annotated[str, typer.Argument(metavar="LINK|BUNDLE", help="A link, or a bundle's id.")],
    out: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Where to write it.")],
    trail: TrailOption = TRAIL,
    by: ByOption = "",
) -> None:
    """Write a kept bundle to a file; that it was downloaded is put on record."""
    if out.exists():
        raise InputError(f"{out} exists", remedy="Name another file; a bundle never replaces one.")
    with desk_of(trail) as (_, desk):
        found = desk.follow(link_text, who(by))[1] if "." in link_text else desk.download(link_text, who(by))
    _write(out, found)
    say(f"wrote {out} ({len(found):,} bytes)")


@app.command("receive")
def receive(
    bundle: BundleArgument,
    whom: Annotated[str, typer.Option("--from", help="Who confirmed to have received it.")],
    trail: TrailOption = TRAIL,
    by: ByOption = "",
) -> None:
    """Put on record that somebody confirmed to have received a bundle."""
    with desk_of(trail) as (_, desk):
        desk.received(bundle, who(by), whom)
    say(f"On record: {whom} has received {bundle}.")


def _as_dict(kept: Kept) -> dict[str, Any]:
    return {
        "bundle": kept.bundle,
        "about": kept.about,
        "bytes": kept.length,
        "sha256": kept.sha256,
        "manifest": kept.manifest,
        "case": kept.case,
        "custody": [
            {"number": act.number, "what": str(act.kind), "by": act.by, "at": act.at, "whom": act.whom}
            for act in kept.custody
        ],
    }


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error.strerror}",
            meaning="The bundle was made and is kept; only this copy is missing.",
            remedy="Fetch it with 'ordertrail bundle fetch'; 'ordertrail bundle list' has its id.",
        ) from None
