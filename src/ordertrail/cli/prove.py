"""``ordertrail prove``: write entries and their proofs."""

from pathlib import Path
from typing import Annotated

import typer

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.ledger.tlog_proof import format_tlog_proof
from ordertrail.ledger.verify.bundle import Proven, format_proof_bundle
from ordertrail.services import Proof, Trail


def prove(
    events: Annotated[list[str] | None, typer.Argument(metavar="EVENT...", help="The events' ids.")] = None,
    trail: TrailOption = TRAIL,
    order: Annotated[str | None, typer.Option(help="Prove every event of this order.")] = None,
    out: Annotated[Path, typer.Option(help="Directory to write into.")] = Path(),
    bundle: Annotated[
        Path | None, typer.Option(help="Write one zip file with all entries, proofs and the key instead.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write EVENT.tlog-proof (C2SP) and EVENT.json, the entry's exact bytes, or all of them in one bundle.

    Anyone who has the log's verifier key checks them offline: ordertrail check FILE --key KEY.
    """
    with opened(trail) as open_trail:
        proofs = [open_trail.prove(event) for event in _wanted(open_trail, events or [], order)]
        vkeys = list(dict.fromkeys(open_trail.keys(proof.sealed.stream)[-1].vkey for proof in proofs))
    proven = [
        Proven(proof.sealed.entry.event.id, proof.sealed.row.entry, format_tlog_proof(proof.proof))
        for proof in proofs
    ]
    written = _write_bundle(bundle, proven, vkeys) if bundle is not None else _write_files(out, proven)
    if as_json:
        say_json({"proven": [_as_dict(proof) for proof in proofs], "files": written, "keys": vkeys})
        return
    for proof in proofs:
        checkpoint = proof.checkpoint.checkpoint
        event_id, index = proof.sealed.entry.event.id, proof.proof.index
        say(f"Event {event_id} is entry {index:,} of {checkpoint.size:,} in {checkpoint.origin}.")
    for path in written:
        say(f"  wrote {path}")
    for vkey in vkeys:
        say(f"  key   {vkey}")


def _wanted(trail: Trail, events: list[str], order: str | None) -> list[str]:
    if order is not None:
        events = events + [item.entry.event.id for item in trail.history(order)]
    if not events:
        raise InputError(
            "there is nothing to prove", remedy="Name events by their ids, or an order with --order."
        )
    return events


def _write_bundle(path: Path, proven: list[Proven], vkeys: list[str]) -> list[str]:
    _write(path, format_proof_bundle(proven, vkeys))
    return [str(path)]


def _write_files(out: Path, proven: list[Proven]) -> list[str]:
    written = []
    for one in proven:
        for path, data in (
            (out / f"{one.event}.tlog-proof", one.proof),
            (out / f"{one.event}.json", one.entry),
        ):
            _write(path, data)
            written.append(str(path))
    return written


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error


def _as_dict(proof: Proof) -> dict[str, object]:
    checkpoint = proof.checkpoint.checkpoint
    return {
        "event": proof.sealed.entry.event.id,
        "index": proof.proof.index,
        "size": checkpoint.size,
        "origin": checkpoint.origin,
    }
