"""Tampering with history: rolling back, forking, signing anew, moving an event to another order.

An older copy of a trail is made from the trail itself: what came later is taken out of a copy, to the byte
as it was when the log was anchored at that size.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.assembly import open_trail
from ordertrail.kernel.canonical import canonical
from ordertrail.ledger.entry import NO_HASH, Link, format_entry, view_entry
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.note import format_note, parse_note
from ordertrail.ledger.paths import IDENTITY
from ordertrail.ledger.rotation import LogIdentity, first_statement
from ordertrail.ledger.signers import NoteSigner, sign_note
from ordertrail.ledger.vkey import format_vkey
from ordertrail.record.chain import chain_name
from ordertrail.testing.tamper.copies import (
    DATABASE,
    overwrite,
    published,
    replace_database,
    seeded,
    unguarded,
)
from ordertrail.testing.tamper.objects import anchored_before_last, drop_newer_objects
from ordertrail.testing.tamper.where import LOG, Where

_ROWS = "SELECT idx, event_id, chain, number, previous, hash, entry FROM entry ORDER BY idx"
_IDENTITY = "SELECT name, origin, keep_days, created FROM stream WHERE id = 1"
_INSERT = """
INSERT INTO entry (stream, idx, event_id, chain, number, previous, hash, entry)
VALUES (1, ?, ?, ?, ?, ?, ?, ?)
"""
_FORGED = (
    '{"time":"2026-11-22T14:02:10.120000Z","action":"order.update","actor":{"id":"t.varga","kind":"person"},'
    '"subject":{"kind":"order","id":"SO-1","order":"SO-1"},'
    '"changes":[{"path":"/status","before":"created","after":"forged %d"}]}'
)


def roll_back_database(trail: Path, seed: int) -> Where:
    """Put an older copy of the database under the log that it wrote."""
    size = anchored_before_last(trail, seed)
    _drop_newer_rows(trail, size)
    return Where(f"{LOG}checkpoint", entry=size)


def roll_back_trail(trail: Path, seed: int) -> Where:
    """Put an older copy of the whole trail in its place."""
    size = anchored_before_last(trail, seed)
    _drop_newer_rows(trail, size)
    drop_newer_objects(trail, size)
    return Where(".", entry=size)


def fork_trail(trail: Path, seed: int) -> Where:
    """Go back to an older copy, and seal other events from there, with the log's own key."""
    where = roll_back_trail(trail, seed)
    random = seeded(seed)
    with open_trail(trail) as forged:
        lines = [(f"line {n}", (_FORGED % n).encode()) for n in range(random.randrange(400, 900))]
        for outcome in forged.record_lines(lines):
            if outcome.refused:
                raise RuntimeError(f"the forged events were refused: {outcome.refused[0].problems}")
        forged.seal(limit=random.randrange(50, 400))
    return where


def fork_database(trail: Path, seed: int) -> Where:
    """Fork the database, and leave the published tree as it is."""
    with TemporaryDirectory() as folder:
        fork = Path(folder) / "fork"
        shutil.copytree(trail, fork)
        where = fork_trail(fork, seed)
        replace_database(trail, fork)
    return Where(DATABASE, entry=where.entry)


def sign_checkpoint_anew(trail: Path, _seed: int) -> Where:
    """Sign the published checkpoint with another key of the same name."""
    path = trail / LOG / "checkpoint"
    path.write_bytes(_signed_by(_stranger(trail), path.read_bytes()))
    return Where(f"{LOG}checkpoint")


def publish_another_key(trail: Path, _seed: int) -> Where:
    """Sign the published checkpoint with another key, and publish that key as the log's."""
    stranger = _stranger(trail)
    path = trail / LOG / "checkpoint"
    path.write_bytes(_signed_by(stranger, path.read_bytes()))
    (trail / LOG / "keys.txt").write_text(f"{format_vkey(stranger.key)}\n")
    return Where(f"{LOG}keys.txt")


def sign_everything_anew(trail: Path, _seed: int) -> Where:
    """Sign every checkpoint and the log's beginning with another key, as if it had always been the log's."""
    shutil.rmtree(trail / "keys")
    stranger = _ring(trail / "keys").create(_identity(trail).origin)
    with unguarded(trail) as database:
        statement = first_statement(_identity(trail), stranger)
        database.execute("DELETE FROM signing_key")
        key = (format_vkey(stranger.key), statement)
        database.execute("INSERT INTO signing_key (stream, first, vkey, statement) VALUES (1, 0, ?, ?)", key)
        for first, note in database.execute("SELECT first, checkpoint FROM batch").fetchall():
            change = (_signed_by(stranger, note), first)
            database.execute("UPDATE batch SET checkpoint = ? WHERE first = ?", change)
    for path in (*published(trail, "anchors"), f"{LOG}checkpoint"):
        overwrite(trail / path, _signed_by(stranger, (trail / path).read_bytes()))
    overwrite(trail / LOG / IDENTITY, statement)
    (trail / LOG / "keys.txt").write_text(f"{format_vkey(stranger.key)}\n")
    return Where(".", entry=0)


def move_to_another_order(trail: Path, seed: int) -> Where:
    """Move an event to another order; write every row from there on anew, so that all links hold again."""
    random = seeded(seed)
    with unguarded(trail) as database:
        rows = database.execute(_ROWS).fetchall()
        orders = sorted({chain.partition("\t")[0] for _, _, chain, *_ in rows if chain})
        start = random.choice([index for index, _, chain, number, *_ in rows if chain and number > 1])
        entry = msgspec.json.decode(rows[start][6])
        subject = entry["event"]["subject"]
        subject["order"] = random.choice([order for order in orders if order != subject["order"]])
        rows[start] = (*rows[start][:6], canonical(entry))
        database.execute("DELETE FROM entry WHERE idx >= ?", (start,))
        database.executemany(_INSERT, _linked_anew(rows, start))
    return Where(DATABASE, entry=start)


def _linked_anew(rows: list[tuple[Any, ...]], start: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows from ``start`` on, numbered, linked and hashed by what their events say now."""
    tails = {chain: (number, hashed) for _, _, chain, number, _, hashed, _ in rows[:start]}
    last = rows[start - 1][5] if start else NO_HASH
    for index, event_id, *_, old in rows[start:]:
        view = view_entry(old)
        chain = chain_name(view.event.subject.order, view.event.subject.tenant)
        link = None
        if chain is not None:
            number, before = tails.get(chain, (0, NO_HASH))
            link = Link(number + 1, before)
        body = old[len(b'{"event":') : old.rindex(b',"ledger":{')]
        entry = format_entry(body, index, view.ledger.recorded, last, link)
        hashed = leaf_hash(entry)
        number = link.number if link else 0
        tails[chain] = (number, hashed)
        yield index, event_id, chain, number, last, hashed, entry
        last = hashed


def _drop_newer_rows(trail: Path, size: int) -> None:
    with unguarded(trail) as database:
        database.execute("DELETE FROM outbox")
        database.execute("DELETE FROM entry WHERE idx >= ?", (size,))
        database.execute("DELETE FROM batch WHERE size > ?", (size,))
        database.execute("DELETE FROM signing_key WHERE first > ?", (size,))


def _stranger(trail: Path) -> NoteSigner:
    """Make a key of the log's name that is not the log's."""
    with TemporaryDirectory() as folder:
        return _ring(Path(folder)).create(_identity(trail).origin)


def _ring(folder: Path) -> FileKeyRing:
    return FileKeyRing(folder, None, lambda: int(datetime.now(UTC).timestamp()))


def _identity(trail: Path) -> LogIdentity:
    with closing(sqlite3.connect(trail / DATABASE)) as database:
        return LogIdentity(*database.execute(_IDENTITY).fetchone())


def _signed_by(signer: NoteSigner, note: bytes) -> bytes:
    return format_note(sign_note(parse_note(note).text, (signer,)))
