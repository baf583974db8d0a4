"""What a verb says of a checkpoint that was shown to authorities and witnesses."""

from typing import Any

import typer
from rich.markup import escape

from ordertrail.cli.output import EXIT_BROKEN, err, say
from ordertrail.kernel.numbers import count
from ordertrail.ledger.attestation import Attested


def tell_attested(attested: Attested) -> None:
    """Say who stamped and cosigned a checkpoint, who did not, and who remembers another history."""
    seen = [f"stamped by {name} at {at}" for name, at in attested.stamped.items()]
    seen += [f"cosigned by {name}" for name in attested.cosigned]
    if seen:
        say(f"The checkpoint of {count(attested.size, 'entry', 'entries')} is {', '.join(seen)}.")
    for name, reason in attested.missing:
        say(f"  {name} did not answer: {reason}")
    if attested.quorum is False:
        say("  The witnesses' quorum is not reached.")
    for incident in attested.incidents:
        err.print(f"[bold red]INCIDENT[/bold red] {escape(str(incident))}")


def end_on_incident(attested: Attested | None) -> None:
    """End with status 1 where a witness remembers another history."""
    if attested is not None and attested.incidents:
        raise typer.Exit(EXIT_BROKEN)


def attested_as_dict(attested: Attested) -> dict[str, Any]:
    """Return the same for a program."""
    return {
        "size": attested.size,
        "stamped": dict(attested.stamped),
        "cosigned": list(attested.cosigned),
        "missing": [{"name": name, "reason": reason} for name, reason in attested.missing],
        "quorum": attested.quorum,
        "incidents": [str(incident) for incident in attested.incidents],
    }
