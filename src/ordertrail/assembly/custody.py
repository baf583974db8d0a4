"""What a trail's store is worth: checked and tried before a trail is kept there, and told from then on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordertrail.adapters.files.durable import replace, translated
from ordertrail.adapters.s3.setup import Finding, check_bucket
from ordertrail.adapters.s3.trial import Trial, Verdict, prove_write_once
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.vault.inventory import KeptObject, list_kept

TRIAL = "write-once.json"
"""What came of the last trial of the store; a convenience for ``status``, never evidence."""


@dataclass(frozen=True, slots=True)
class Tried:
    """When the store was tried last, and what that showed."""

    time: str
    verdict: str
    findings: tuple[str, ...]


def require_write_once(stores: Stores) -> None:
    """Check and try the bucket that a trail is to be kept in. Raises ConfigurationError where it will not do.

    A store that lets locked objects be shortened or deleted is named for what it is, and no trail is begun in it.
    """
    if stores.bucket is None:
        return
    if blocking := [one for one in check_bucket(stores.bucket, stores.clock) if one.blocking]:
        told = blocking[0].diagnostics
        raise ConfigurationError(told.happened, meaning=told.meaning, remedy=told.remedy)
    trial = try_store(stores)
    if trial is not None and trial.verdict is Verdict.NOT_WRITE_ONCE:
        raise ConfigurationError(
            f"{stores.bucket.place.where} is not write-once: {'; '.join(trial.findings)}",
            meaning="Whoever has its credentials could shorten or delete what must be kept; it is no WORM store.",
            remedy="Name a bucket of a store that keeps COMPLIANCE locks with url of [vault], or keep files.",
        )


def try_store(stores: Stores) -> Trial | None:
    """Try to break a lock in the trail's bucket, and remember what came of it; None where there is no bucket."""
    if stores.bucket is None:
        return None
    trial = prove_write_once(stores.bucket, stores.clock)
    told = {
        "time": format_time(stores.clock()),
        "verdict": trial.verdict.value,
        "findings": list(trial.findings),
        "attempts": [
            {"name": one.name, "withstood": one.withstood, "answer": one.answer} for one in trial.attempts
        ],
    }
    with translated(stores.root, "writing in"):
        if stores.root.is_dir():
            replace(stores.root / TRIAL, (json.dumps(told, indent=2) + "\n").encode())
    return trial


def bucket_findings(stores: Stores) -> list[Finding]:
    """Return what is wrong with the trail's bucket, without trying anything."""
    return [] if stores.bucket is None else check_bucket(stores.bucket, stores.clock)


def read_trial(root: Path) -> Tried | None:
    """Return what the last trial of the trail's store showed; None where there was none."""
    try:
        told = json.loads((root / TRIAL).read_text())
        return Tried(told["time"], told["verdict"], tuple(told["findings"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def list_custody(root: Path, stream: str, clock: Clock = utc_now) -> Iterator[KeptObject]:
    """Yield how each object of a log is kept, its payloads' too, and who could delete it today."""
    stores = Stores(root, read_settings(root), clock)
    now = clock()
    yield from list_kept(stores.vault(stream), now)
    yield from list_kept(stores.blobs(), now)
