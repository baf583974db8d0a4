"""A witness of ours, from its directory.

A witness's directory holds ``witness.toml`` (its name and the logs that it knows), ``keys/`` (its private keys)
and ``state/`` (the checkpoint that it cosigned last of each log). The three are one thing. Restored apart, or
from a backup that is older than its last cosignature, it would cosign a second history.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder, translated
from ordertrail.adapters.files.witness_file import (
    WITNESS_FILE,
    WitnessFile,
    append_log,
    read_witness_file,
    write_witness_file,
)
from ordertrail.adapters.files.witness_keys import create_witness_keys, load_witness_keys
from ordertrail.adapters.files.witness_state import FileWitnessState
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.vkey import VerifierKey, is_key_name
from ordertrail.ledger.witness import Witness
from ordertrail.settings import passphrase

_KEYS = "keys"
_STATE = "state"


def create_witness(
    root: Path,
    name: str,
    logs: Sequence[VerifierKey] = (),
    *,
    post_quantum: bool = True,
    clock: Clock = utc_now,
) -> Witness:
    """Create a witness in an empty or missing directory; ``witness.toml`` comes last: it is there, whole, or not."""
    with translated(root, "looking at"):
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            unfinished = (root / _STATE).is_dir() and not (root / WITNESS_FILE).exists()
            raise ConfigurationError(
                f"{root} exists and is not an empty directory",
                meaning="Nothing was changed.",
                remedy=f"Delete {root}: a witness in it was never created to its end."
                if unfinished
                else "Choose another directory.",
            )
    if not is_key_name(name):
        raise ConfigurationError(
            f"{name!r} cannot name a witness: it must not be empty or hold spaces or plus signs",
            meaning="Nothing was created.",
            remedy="Choose a name such as witness.example/w1.",
        )
    with translated(root, "creating"):
        make_folder(root)
    FileWitnessState.create(root / _STATE)
    create_witness_keys(root / _KEYS, name, passphrase(), _seconds(clock), post_quantum=post_quantum)
    write_witness_file(root, WitnessFile(name, tuple(dict.fromkeys(logs))))
    return open_witness(root, clock=clock)


def open_witness(root: Path, *, clock: Clock = utc_now) -> Witness:
    """Open a witness. Raises ConfigurationError if there is none, or its settings or keys are wrong."""
    settings = read_witness_file(root)
    signers = load_witness_keys(root / _KEYS, settings.name, passphrase(), _seconds(clock))
    return Witness(settings.name, signers, settings.by_origin(), FileWitnessState(root / _STATE))


def add_witness_log(root: Path, key: VerifierKey) -> bool:
    """Let a witness know a log, or a further key of one; say whether it is new to it."""
    return append_log(root, key)


def serve_witness(witness: Witness, host: str, port: int, on_ready: Callable[[str, int], None]) -> None:
    """Serve a witness over HTTP until the process is asked to end; tell ``on_ready`` where it listens."""
    try:
        from ordertrail.adapters.witness.server import listen, serve  # noqa: PLC0415 - needs a web server
    except ImportError as error:
        raise ConfigurationError(
            f"serving a witness needs a package that is not installed: {error.name}",
            meaning="Nothing was cosigned.",
            remedy="Install it: pip install 'ordertrail[witness]'.",
        ) from None
    with listen(host, port) as listening:
        address, bound, *_ = listening.getsockname()
        serve(witness, listening, partial(on_ready, address, bound))


def _seconds(clock: Clock) -> Callable[[], int]:
    return lambda: int(clock().timestamp())
