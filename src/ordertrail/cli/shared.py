"""What ``ordertrail verify --segments`` tells: shared segments, held against the log."""

from pathlib import Path

import typer

from ordertrail.cli.output import EXIT_BROKEN, progress, say, say_json, say_problems
from ordertrail.cli.segments import opened_sharing
from ordertrail.kernel.numbers import count


def tell_shared(trail: Path, *, deep: bool, as_json: bool) -> None:
    """Hold what is shared against the log, tell what is wrong, and end with status 1 where anything is."""
    with opened_sharing(trail) as sharing, progress("checking shared segments", quiet=as_json) as advance:
        total, done = sharing.entries(), 0

        def tell(entries: int) -> None:
            nonlocal done
            done += entries
            advance(done, total)

        found = list(sharing.check(deep=deep, on_entries=tell))
    if as_json:
        say_json({"entries": total, "deep": deep, "findings": found})
    elif found:
        say_problems(found)
        say(
            "The log is not in doubt by this: share the segments anew with 'ordertrail segments share --anew'."
        )
    else:
        say(f"{count(total, 'shared entry', 'shared entries')}: all as in the signed log.")
    if found:
        raise typer.Exit(EXIT_BROKEN)
