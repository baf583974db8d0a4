"""What ``doctor`` asks of each part that a trail's settings name: whether it is there, and will do."""

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.adapters.timestamps.rfc3161 import Rfc3161Timestamper
from ordertrail.assembly.custody import bucket_findings, read_trial, try_store
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.assembly.trust import attestors, timestampers
from ordertrail.diagnosis import Diagnosis, Probe, told
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.add_checkpoint import CONFLICT, AddCheckpoint, format_add_checkpoint, parse_size
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.note import parse_note
from ordertrail.ledger.ports import WitnessClient
from ordertrail.services import DEFAULT_STREAM


def probes(root: Path, *, prove: bool = False, clock: Clock = utc_now) -> Iterator[tuple[str, Probe]]:
    """Yield a probe for each configured part, by its name. With ``prove`` the vault's store is tried anew."""
    settings = read_settings(root)
    stores = Stores(root, settings, clock)
    if settings.database.url is not None:
        yield "database", partial(_database, stores)
    if settings.vault.url is not None:
        yield "vault", partial(_vault, stores)
        yield "write-once", partial(_write_once, stores, prove=prove)
    yield "signer", partial(_signer, stores)
    for authority in timestampers(root, settings, clock):
        yield f"timestamps {authority.name}", partial(_authority, authority)
    for witness in attestors(root, settings).witnesses:
        yield f"witness {witness.name}", partial(_witness, stores, witness)


def _database(stores: Stores) -> Diagnosis:
    database = stores.database.open()
    try:
        problems = list(SqlEntries(database).enforcement_problems(deep=False))
        streams = len(list_streams(database))
    finally:
        database.close()
    if problems:
        return Diagnosis("database", "failed", f"it is not append-only: {'; '.join(problems)}")
    return Diagnosis("database", "ok", f"{database.name} answers; append-only holds; {streams} streams")


def _vault(stores: Stores) -> Diagnosis:
    for finding in bucket_findings(stores):
        found = finding.diagnostics
        message = f"{found.happened} ({found.meaning} {found.remedy})"
        return Diagnosis("vault", "failed" if finding.blocking else "warning", message)
    where = stores.bucket.place.where if stores.bucket is not None else ""
    return Diagnosis("vault", "ok", f"{where} keeps versions and locks objects")


def _write_once(stores: Stores, *, prove: bool) -> Diagnosis:
    if prove:
        trial = try_store(stores)
        if trial is not None:
            told_of = f"tried now: {trial.verdict.value}; {'; '.join(trial.findings)}"
            return Diagnosis("write-once", "ok" if trial.is_worm else "failed", told_of)
    tried = read_trial(stores.root)
    if tried is None:
        return Diagnosis("write-once", "warning", "the store was never tried; run: ordertrail doctor --prove")
    good = tried.verdict == "write-once"
    return Diagnosis("write-once", "ok" if good else "failed", f"tried at {tried.time}: {tried.verdict}")


def _signer(stores: Stores) -> Diagnosis:
    database = stores.database.open()
    try:
        streams = [one.name for one in list_streams(database)]
        keys = [SqlEntries(database).keys(name)[-1] for name in streams]
    finally:
        database.close()
    ring = stores.keys()
    for key in keys:
        ring.signer(key.vkey).sign(b"ordertrail doctor\n")
        if problems := ring.problems(key.vkey):
            return Diagnosis("signer", "failed", "; ".join(problems))
    kind = {"file": "key files", "pkcs11": "PKCS #11 token", "kms": "key service"}[
        stores.settings.signer.kind
    ]
    return Diagnosis("signer", "ok", f"signs for {len(keys)} streams ({kind})")


def _authority(authority: Rfc3161Timestamper) -> Diagnosis:
    name = f"timestamps {authority.name}"
    authority.stamp(secrets.token_bytes(32))
    offset = authority.last_offset or authority.offset()
    if (problem := offset.problem()) is not None:
        return Diagnosis(name, "failed", told(problem))
    seconds = offset.offset.total_seconds()
    return Diagnosis(name, "ok", f"stamps; its clock and ours differ by {abs(seconds):.1f} s")


def _witness(stores: Stores, witness: WitnessClient) -> Diagnosis:
    name = f"witness {witness.name}"
    note = stores.publication(DEFAULT_STREAM).checkpoint()
    if note is None:
        raise UnavailableError("there is no published checkpoint to show to it")
    # From size 0: whoever knows the log answers with what it has cosigned, and nothing is changed.
    answer = witness.add_checkpoint(format_add_checkpoint(AddCheckpoint(0, (), parse_note(note))))
    if answer.status in {403, 404}:
        return Diagnosis(
            name, "failed", "answers, and does not know this log; give its operator the log's key"
        )
    size = read_checkpoint(note).size
    if answer.status == CONFLICT and (known := parse_size(answer.body)) > size:
        message = f"has cosigned {known:,} entries, and this log has published {size:,}: it was rolled back"
        return Diagnosis(name, "failed", message)
    return Diagnosis(name, "ok", "answers, and knows this log")
