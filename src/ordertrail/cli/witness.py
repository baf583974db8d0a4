"""``ordertrail witness``: be a witness to other people's logs."""

import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.witness import add_witness_log, create_witness, open_witness, serve_witness
from ordertrail.cli.options import JsonOption
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.vkey import VerifierKey, format_vkey, parse_vkey
from ordertrail.ledger.witness import Witness, remembered
from ordertrail.settings import passphrase

app = typer.Typer(help="Be a witness: cosign other logs' checkpoints.", no_args_is_help=True)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's directory.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 is any that is free.")]


@app.command("init")
def init(
    directory: Directory,
    name: Annotated[str, typer.Option(help="The witness's name for ever, such as witness.example/w1.")],
    log: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY|FILE", help="A log's verifier key, or a file of them; repeatable."),
    ] = None,
    post_quantum: Annotated[bool, typer.Option(help="Cosign with ML-DSA-44 too.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Create a witness in a new directory, with its keys."""
    witness = create_witness(directory, name, _keys(log or []), post_quantum=post_quantum)
    if as_json:
        say_json(_as_dict(directory, witness) | {"key_encrypted": passphrase() is not None})
        return
    say(f"Created the witness {name} in {directory}; it knows {count(len(witness.logs), 'log')}.")
    _say_policy(witness)
    if passphrase() is None:
        say(
            "Its keys are not encrypted: set ORDERTRAIL_PASSPHRASE_FILE before 'witness init' to have it so, or keep "
            f"{directory}/keys where only this service reads it."
        )


@app.command("serve")
def serve(
    directory: Directory,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8_550,
    as_json: JsonOption = False,
) -> None:
    """Serve the witness over HTTP until it is stopped (Ctrl-C, SIGTERM)."""
    witness = open_witness(directory)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)

    def ready(address: str, bound: int) -> None:
        url = f"http://{f'[{address}]' if ':' in address else address}:{bound}"
        if as_json:
            say_json(_as_dict(directory, witness) | {"url": url})
        else:
            say(f"Witness {witness.name} listens on {url}; stop it with Ctrl-C.")
        sys.stdout.flush()  # whoever started this reads where it listens

    serve_witness(witness, host, port, ready)


@app.command("add-log")
def add_log(
    directory: Directory,
    key: Annotated[
        str, typer.Argument(metavar="KEY|FILE", help="The log's verifier key, or a file of them.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Let the witness know a log, or a further key of one. One that is being served learns it at its next start."""
    added = [one for one in _keys([key]) if add_witness_log(directory, one)]
    if as_json:
        say_json({"added": [format_vkey(one) for one in added]})
    elif added:
        say(
            f"Added {', '.join(map(str, added))}; a witness that is being served learns it at its next start."
        )
    else:
        say("It knows that already; nothing was changed.")


@app.command("show")
def show(directory: Directory, as_json: JsonOption = False) -> None:
    """Say who the witness is, by the lines that a policy needs, and what it has cosigned."""
    witness = open_witness(directory)
    described = _as_dict(directory, witness)
    if as_json:
        say_json(described)
        return
    _say_policy(witness)
    for log in described["logs"]:
        size = log["size"]
        say(
            f"{log['origin']}: "
            + ("nothing cosigned yet" if size is None else f"cosigned at {count(size, 'entry', 'entries')}")
        )
        if log["conflict"]:
            say("  it signed two roots of one size; the second is kept in state/ beside the first")


def _say_policy(witness: Witness) -> None:
    which = "one of these lines" if len(witness.signers) > 1 else "this line"
    say(f"For the policy of whoever relies on it, {which}, with its URL at the end:")
    for signer in witness.signers:
        say(f"witness {witness.name} {format_vkey(signer.key)}")


def _as_dict(directory: Path, witness: Witness) -> dict[str, Any]:
    return {
        "directory": str(directory),
        "name": witness.name,
        "keys": [format_vkey(signer.key) for signer in witness.signers],
        "logs": [_log_as_dict(witness, origin) for origin in witness.logs],
    }


def _log_as_dict(witness: Witness, origin: str) -> dict[str, Any]:
    latest = witness.state.latest(origin)
    return {
        "origin": origin,
        "keys": [format_vkey(key) for key in witness.logs[origin]],
        "size": None if latest is None else remembered(origin, latest).size,
        "conflict": witness.state.conflict(origin) is not None,
    }


def _keys(named: list[str]) -> list[VerifierKey]:
    """Read verifier keys, each given as itself or by a file of them, one a line."""
    found: list[VerifierKey] = []
    for one in named:
        path = Path(one)
        try:
            lines = path.read_text().split("\n") if path.is_file() else [one]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from None
        found += [parse_vkey(line.strip()) for line in lines if line.strip()]
    return list(dict.fromkeys(found))
