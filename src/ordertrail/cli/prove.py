"""``ordertrail prove``: write an event's entry and its proof."""

from pathlib import Path
from typing import Annotated

import typer

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.tlog_proof import format_tlog_proof


def prove(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")],
    trail: TrailOption = TRAIL,
    out: Annotated[Path, typer.Option(help="Directory to write into.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write EVENT.tlog-proof (C2SP) and EVENT.json, the entry's exact bytes.

    Anyone who has the log's verifier key checks them offline: ordertrail check EVENT.tlog-proof --key KEY.
    """
    with opened(trail) as open_trail:
        proof = open_trail.prove(event)
        vkey = open_trail.keys(proof.sealed.stream)[-1].vkey
    proof_path, entry_path = out / f"{event}.tlog-proof", out / f"{event}.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        entry_path.write_bytes(proof.sealed.row.entry)
        proof_path.write_bytes(format_tlog_proof(proof.proof))
    except OSError as error:
        raise UnavailableError(f"the proof cannot be written into {out}: {error.strerror}") from error
    checkpoint = proof.checkpoint.checkpoint
    if as_json:
        say_json(
            {
                "event": event,
                "index": proof.proof.index,
                "size": checkpoint.size,
                "origin": checkpoint.origin,
                "proof": str(proof_path),
                "entry": str(entry_path),
                "key": vkey,
            }
        )
        return
    say(f"Event {event} is entry {proof.proof.index:,} of {checkpoint.size:,} in {checkpoint.origin}.")
    say(f"  proof  {proof_path}\n  entry  {entry_path}\n  key    {vkey}")
