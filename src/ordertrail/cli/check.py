"""``ordertrail check``: check evidence offline, without a trail."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ordertrail.cli.options import JsonOption
from ordertrail.cli.output import EXIT_INPUT, out, say, say_json
from ordertrail.evidence.checking import BundleChecked, StampReader, check_bundle, require_quorum
from ordertrail.evidence.layout import is_bundle
from ordertrail.kernel.errors import InputError
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.policy import Policy, parse_policy
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.tlog_proof import HEADER
from ordertrail.ledger.verify.bundle import MAGIC, check_proof_bundle
from ordertrail.ledger.verify.offline import Checked, Trust, check_entry, check_pair
from ordertrail.ledger.vkey import VerifierKey, parse_vkey


def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="A .tlog-proof, a bundle, or two checkpoints of one log."),
    ],
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY|FILE", help="A verifier key of the log, or a file of them; repeatable."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A C2SP tlog-policy file to trust instead of a key.")
    ] = None,
    entry: Annotated[
        Path | None, typer.Option(help="The entry's exact bytes (default: the proof's name with .json).")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="The published tree, to compare checkpoints of two sizes.")
    ] = None,
    roots: Annotated[
        Path | None,
        typer.Option(help="Root certificates (PEM) of the time-stamp authorities that you trust."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof, a bundle of proofs, or that one checkpoint continues another.

    Needs no network, no account and no trail.
    """
    data = [_read(path) for path in files]
    if len(data) == 1 and is_bundle(data[0]):
        _check_evidence(data[0], key, policy, None if roots is None else _read(roots), as_json=as_json)
        return
    if len(data) == 1 and data[0].startswith(HEADER.encode()):
        trust = _trust(key, policy)
        checked = check_entry(data[0], _read(entry or files[0].with_suffix(".json")), trust)
    elif len(data) == 1 and data[0].startswith(MAGIC):
        checked = check_proof_bundle(data[0], _trust(key, policy))
    elif len(data) == 2:
        trust = _trust(key, policy)
        if isinstance(trust, Policy):
            raise InputError("two checkpoints are checked with --key, not with a policy")
        checked = _check_two(data[0], data[1], trust, log)
    else:
        raise InputError("give one .tlog-proof, one bundle, or two checkpoints")
    if as_json:
        steps = [
            {"step": one.step.number, "name": one.step.label, "message": one.message} for one in checked.steps
        ]
        say_json({"holds": True, "verdict": checked.verdict, "steps": steps})
    else:
        _tell(checked)


def _check_evidence(
    data: bytes, key: list[str] | None, policy: Path | None, roots: bytes | None, *, as_json: bool
) -> None:
    """Check a bundle and tell of it. Without a key the exit status says that nobody vouches for it."""
    trust = _trust(key, policy) if key or policy is not None else ()
    keys = [one.key for one in trust.logs] if isinstance(trust, Policy) else trust
    checked = check_bundle(data, keys, _stamp_reader(), roots)
    if isinstance(trust, Policy):
        require_quorum(data, trust)
    if as_json:
        _say_evidence(checked)
    else:
        mark = "[green]✓[/green]" if checked.vouched else "[yellow]?[/yellow]"
        out.print(f"{mark} ", end="")
        say(checked.verdict)
        for one in checked.steps:
            say(f"  ✓ {one.step.number} {one.step.label}: {one.message}")
        for note in checked.notes:
            say(f"  ! {note}")
    if not checked.vouched:
        raise typer.Exit(EXIT_INPUT)


def _say_evidence(checked: BundleChecked) -> None:
    steps = [
        {"step": one.step.number, "name": one.step.label, "message": one.message} for one in checked.steps
    ]
    say_json(
        {
            "holds": True,
            "vouched": checked.vouched,
            "verdict": checked.verdict,
            "steps": steps,
            "notes": list(checked.notes),
            "events": [carried.entry.event.id for carried in checked.entries],
        }
    )


def _stamp_reader() -> StampReader | None:
    """Return what reads time stamps, None where its package is not installed: then stamps are said to be unchecked."""
    if find_spec("rfc3161_client") is None:
        return None
    from ordertrail.assembly.evidence import StampAdapter  # noqa: PLC0415 - a check without stamps does without it

    return StampAdapter()


def _check_two(older: bytes, newer: bytes, keys: Sequence[VerifierKey], log: Path | None) -> Checked:
    def fetch(path: str) -> bytes | None:
        try:
            return None if log is None else (log / path).read_bytes()
        except OSError:
            return None

    size = max(read_checkpoint(older).size, read_checkpoint(newer).size)
    return check_pair(older, newer, keys, TileReader(fetch, size) if log is not None else None)


def _trust(keys: list[str] | None, policy: Path | None) -> Trust:
    if policy is not None:
        return parse_policy(_read(policy))
    if not keys:
        raise InputError(
            "whom to trust is not said",
            remedy="Name the log's verifier key with --key, or a policy with --policy.",
        )
    found: list[VerifierKey] = []
    for key in keys:
        lines = _read(Path(key)).decode(errors="replace").split("\n") if Path(key).is_file() else [key]
        found += [parse_vkey(line.strip()) for line in lines if line.strip()]
    return tuple(dict.fromkeys(found))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _tell(checked: Checked) -> None:
    out.print("[green]✓[/green] ", end="")
    say(checked.verdict)
    for one in checked.steps:
        say(f"  ✓ {one.step.number} {one.step.label}: {one.message}")
