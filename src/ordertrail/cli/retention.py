"""``ordertrail retention``: what is due, what is held, and destruction that two people agree on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly.retention import open_retention
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import EXIT_BROKEN, progress, say, say_json, say_problems
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.record.event import Actor
from ordertrail.retention.access_report import format_html, format_json
from ordertrail.retention.archive import Archived
from ordertrail.retention.archiving import Archiving
from ordertrail.retention.certificate import Certificate
from ordertrail.retention.hold import Hold
from ordertrail.retention.persons import Persons
from ordertrail.retention.refiling import Refiling
from ordertrail.retention.register import Disposal

app = typer.Typer(help="Terms, legal holds, and destruction with certificates.", no_args_is_help=True)

By = Annotated[str, typer.Option("--by", help="Who does it: a person's id.", show_default=False)]
Why = Annotated[str, typer.Option("--reason", help="Why; it is put on record.", show_default=False)]
Stream = Annotated[str, typer.Option("--stream", help="Which log.")]


@app.command("due")
def due(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say what of each log is past its term, and what of it is held; nothing is changed."""
    with open_retention(trail) as retention:
        policy = retention.policy()
        found = {name: retention.due(name) for name in retention.logs if policy.named(name) is not None}
        if as_json:
            say_json({name: {**asdict(one), "entries": one.entries} for name, one in found.items()})
            return
        for name, one in found.items():
            cls = policy.named(name)
            term = f" (kept for {cls.term} from {cls.trigger})" if cls is not None else ""
            held = f", {count(len(one.held), 'event')} of them held" if one.held else ""
            what = (
                f"{count(one.entries, 'entry', 'entries')} up to {one.newest[:10]}"
                if one.entries
                else "nothing"
            )
            say(f"{name}: {what} is due{held}{term}.")


@app.command("policy")
def policy(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A policy to put in force; without it, tell the one that is."),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who changes it.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    approved_by: Annotated[str, typer.Option("--approved-by", help="Who else agrees.")] = "",
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Tell the policy in force, or put another one in force; what it shortens needs a second person."""
    with open_retention(trail) as retention:
        if file is not None:
            if not (by and reason):
                raise InputError("who changes the policy, and why, must be told: --by and --reason")
            approver = Actor(approved_by, "person") if approved_by else None
            retention.change_policy(Actor(by, "person"), _read(file), reason, approver)
        classes = retention.policy().classes
    if as_json:
        say_json({"classes": [{**asdict(one), "term": str(one.term)} for one in classes]})
        return
    for one in classes:
        say(f"{one.name}: {one.term} from {one.trigger}, then {one.fate}. {one.basis}.")


@app.command("hold")
def hold(
    name: Annotated[str, typer.Argument(help="What the hold is called: a matter or a case.")],
    scope: Annotated[str, typer.Option("--scope", help="What it keeps: a filter.", show_default=False)],
    by: By,
    reason: Why,
    review: Annotated[
        str | None, typer.Option("--review", help="When it is looked at again: a date.")
    ] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Place a legal hold: what it keeps is not destroyed, whatever its term."""
    with open_retention(trail) as retention:
        fixed = retention.fixed_scope(scope)
        placed = retention.place_hold(Actor(by, "person"), Hold(name, fixed, by, reason, "", review))
    say_json(asdict(placed)) if as_json else say(f"Hold {placed.id} keeps: {placed.scope}")


@app.command("release")
def release(
    name: Annotated[str, typer.Argument(help="The hold.")],
    by: By,
    reason: Why,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Release a legal hold; what was kept for it alone, past its term, is let go of."""
    with open_retention(trail) as retention:
        gone = retention.release_hold(Actor(by, "person"), name, reason)
    if as_json:
        say_json({"hold": name, "let_go": gone})
    else:
        say(f"Hold {name} is released; {count(gone, 'event')} that it kept past the term is gone.")


@app.command("holds")
def holds(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List the legal holds, those in force first."""
    with open_retention(trail) as retention:
        found = sorted(retention.register().holds.values(), key=lambda one: (not one.in_force, one.placed))
        overdue = {one.id for one in retention.overdue_reviews()}
    if as_json:
        say_json({"holds": [{**asdict(one), "review_is_overdue": one.id in overdue} for one in found]})
        return
    for one in found:
        state = f"released {one.released[:10]}" if one.released else f"since {one.placed[:10]}"
        late = ", its review is overdue" if one.id in overdue else ""
        say(f"{one.id}: {one.scope} ({one.owner}, {state}{late}). {one.reason}")
    if not found:
        say("There is no hold.")


@app.command("request")
def request(
    by: By, reason: Why, stream: Stream = "default", trail: TrailOption = TRAIL, as_json: JsonOption = False
) -> None:
    """Ask for what is due of a log to be destroyed; somebody else must approve it."""
    with open_retention(trail) as retention:
        disposal = retention.request(Actor(by, "person"), stream, reason)
    _tell_disposal(disposal, "is to be approved by somebody else", as_json=as_json)


@app.command("approve")
def approve(
    disposal: Annotated[str, typer.Argument(help="What was asked for.")],
    by: By,
    reason: Why,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Approve a destruction that somebody else asked for."""
    with open_retention(trail) as retention:
        found = retention.approve(Actor(by, "person"), disposal, reason)
    _tell_disposal(found, "is approved: 'ordertrail retention purge' does it", as_json=as_json)


@app.command("purge")
def purge(
    disposal: Annotated[str, typer.Argument(help="What was approved.")],
    by: By,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Destroy what was approved, and certify it. Stopped in the middle, it goes on when it is run again."""
    with open_retention(trail) as retention, progress("destroying", quiet=as_json) as advance:
        certificate = retention.purge(Actor(by, "person"), disposal, lambda _step, done: advance(done, done))
    _tell_certificate(certificate, as_json=as_json)


@app.command("refile")
def refile(
    scope: Annotated[str, typer.Argument(help="Which entries of the log: a filter.")],
    target: Annotated[str, typer.Option("--to", help="The class whose terms they get.", show_default=False)],
    by: By,
    reason: Why,
    stream: Stream = "default",
    shorter: Annotated[
        bool, typer.Option("--shorter", help="Let the new term count even where it ends sooner.")
    ] = False,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Ask for sealed entries to be kept by another class's terms, where they lie; somebody else must approve it."""
    with open_retention(trail) as retention:
        fixed = retention.fixed_scope(scope)
        asked = retention.request_refiling(
            Actor(by, "person"), stream, fixed, target, reason, shorter=shorter
        )
    _tell_refiling(asked, "; somebody else must approve it", as_json=as_json)


@app.command("approve-refiling")
def approve_refiling(
    refiling: Annotated[str, typer.Argument(help="What was asked for.")],
    by: By,
    reason: Why,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Approve a re-filing that somebody else asked for; it is in force at once."""
    with open_retention(trail) as retention:
        found = retention.approve_refiling(Actor(by, "person"), refiling, reason)
    _tell_refiling(found, "; it is in force", as_json=as_json)


@app.command("refilings")
def refilings(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List the re-filings, with who asked and who approved."""
    with open_retention(trail) as retention:
        found = list(retention.register().refilings.values())
    if as_json:
        say_json({"refilings": [asdict(one) for one in found]})
        return
    for one in found:
        by = f", asked for by {one.requester}" + (f", approved by {one.approver}" if one.approver else "")
        _tell_refiling(one, f"; {one.state}{by}", as_json=False)
    if not found:
        say("Nothing was re-filed.")


def _tell_refiling(one: Refiling, what: str, *, as_json: bool) -> None:
    if as_json:
        say_json(asdict(one))
        return
    terms = "its terms alone count" if one.shorter else "the longer of both terms counts"
    entries = count(one.entries, "entry", "entries")
    say(f"{one.id}: {entries} of {one.stream} ({one.scope}) kept as {one.target}, {terms}{what}.")


@app.command("certificates")
def certificates(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List the certificates of destruction, and what was asked for and is not done."""
    with open_retention(trail) as retention:
        register = retention.register()
    waiting = [one for one in register.disposals.values() if one.id not in register.certificates]
    if as_json:
        say_json(
            {
                "certificates": [asdict(one) for one in register.certificates.values()],
                "waiting": [asdict(one) for one in waiting],
                "erasures": [asdict(one) for one in register.erased.values()],
            }
        )
        return
    for one in register.certificates.values():
        say(f"{one.id}: {one.sentence}")
    for erased in register.erased.values():
        say(f"{erased.id}: {erased.sentence}")
    for asked in waiting:
        say(f"{asked.id}: {count(asked.entries, 'entry', 'entries')} of {asked.stream}, {asked.state}.")
    if not register.disposals and not register.erased:
        say("Nothing was destroyed, and nobody asked.")


@app.command("archive")
def archive(
    by: By, reason: Why, stream: Stream = "default", trail: TrailOption = TRAIL, as_json: JsonOption = False
) -> None:
    """Keep what is sealed as columns too, write-once, for the log's term; by whole ranges, each once."""
    with _archive(trail) as archiving:
        done = archiving.run(Actor(by, "person"), stream, reason)
    if as_json:
        say_json({"archived": [asdict(one) for one in done]})
        return
    for one in done:
        _tell_range(one)
    if not done:
        say(f"No further range of {stream} is full.")


@app.command("archived")
def archived(stream: Stream = "default", trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List what of a log is archived, and hold each file against what was put on record of it."""
    with _archive(trail) as archiving:
        found, wrong = archiving.ranges(stream), list(archiving.check(stream))
    if as_json:
        say_json({"archived": [asdict(one) for one in found], "findings": wrong})
    else:
        for one in found:
            _tell_range(one)
        if not found:
            say(f"Nothing of {stream} is archived.")
        say_problems(wrong)
    if wrong:
        raise typer.Exit(EXIT_BROKEN)


@app.command("restore-archive")
def restore_archive(
    stream: Stream = "default", trail: TrailOption = TRAIL, as_json: JsonOption = False
) -> None:
    """Put back, from the archive, the columns of a log that are lost; each is checked before it is asked."""
    with _archive(trail) as archiving:
        back = archiving.restore(stream)
    if as_json:
        say_json({"restored": [asdict(one) for one in back]})
    else:
        say(f"{count(len(back), 'range')} of {stream} put back.")


@contextmanager
def _archive(trail: Path) -> Iterator[Archiving]:
    try:
        from ordertrail.assembly.archive import open_archive  # noqa: PLC0415 - an extra that the other verbs do without
    except ImportError as error:
        raise ConfigurationError(
            f"the archive needs a package that is not installed: {error}",
            meaning="Nothing was archived; the log and its own vault are untouched.",
            remedy="Install it with: pip install 'ordertrail[columnar]'",
        ) from None
    with open_archive(trail) as archiving:
        yield archiving


def _tell_range(one: Archived) -> None:
    entries = count(one.end - one.start, "entry", "entries")
    say(f"{one.stream}/{one.name}: {entries} in {one.size:,} bytes, locked until {one.until[:10]}.")


@app.command("person")
def person(
    name: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Say what of a person is kept, and what keeps it from being erased; nothing is opened or changed."""
    with open_retention(trail) as retention:
        scope = Persons(retention).scope(name)
    if as_json:
        say_json(asdict(scope))
        return
    known = "" if scope.known else " Its key is gone, or never was: nothing of it can be read."
    values, events = count(scope.values, "sealed value"), count(scope.events, "event")
    say(f"{scope.person}: {values} in {events}.{known}")
    if scope.bundles:
        say(
            f"{count(len(scope.bundles), 'kept bundle')} that open some of it go too: {', '.join(scope.bundles)}."
        )
    for conflict in scope.conflicts:
        say(f"Not to be erased: {conflict}.")


@app.command("access")
def access(
    name: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    by: By,
    reason: Why,
    out: Annotated[
        Path, typer.Option("--out", help="The page to write; it must not be there.", show_default=False)
    ],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Write all that is kept of a person, opened, as a page that they can read (GDPR Art. 15); JSON with --json."""
    if out.exists():
        raise InputError(f"{out} is there already; nothing was written")
    with open_retention(trail) as retention:
        report = Persons(retention).report(Actor(by, "person"), name, reason)
    with out.open("x", encoding="utf-8") as file:
        file.write(format_json(report) if as_json else format_html(report))
    told = {"person": name, "values": len(report.values), "file": str(out)}
    say_json(told) if as_json else say(f"{count(len(report.values), 'value')} of {name} written to {out}.")


@app.command("erase")
def erase(
    name: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    by: By,
    reason: Why,
    identity: Annotated[
        str,
        typer.Option("--identity", help="How it was seen that the person asked for it.", show_default=False),
    ],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Ask for a person to be erased (GDPR Art. 17); refused, with the article, where a hold or a duty goes before."""
    with open_retention(trail) as retention:
        asked = Persons(retention).request(Actor(by, "person"), name, reason, identity)
    if as_json:
        say_json(asdict(asked))
    else:
        say(f"{asked.id}: {name} is to be erased; somebody else must approve it.")


@app.command("approve-erasure")
def approve_erasure(
    erasure: Annotated[str, typer.Argument(help="What was asked for.")],
    by: By,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Agree to an erasure that somebody else asked for: the person's key is destroyed, and that is certified."""
    with open_retention(trail) as retention:
        certificate = Persons(retention).erase(Actor(by, "person"), erasure)
    say_json({**asdict(certificate), "sentence": certificate.sentence}) if as_json else say(
        certificate.sentence
    )


def _tell_disposal(one: Disposal, what: str, *, as_json: bool) -> None:
    if as_json:
        say_json(asdict(one))
    else:
        say(
            f"{one.id}: {count(one.entries, 'entry', 'entries')} of {one.stream} up to {one.newest[:10]} {what}."
        )


def _tell_certificate(one: Certificate, *, as_json: bool) -> None:
    if as_json:
        say_json({**asdict(one), "sentence": one.sentence})
    else:
        say(one.sentence)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the policy {file} cannot be read: {error}") from None
