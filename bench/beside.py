"""Section ``peers``: the same events through OrderTrail and through the best that others offer, side by side.

Peers differ in what they promise, so that each row says what its figure buys. Every recorder is as durable as
it offers to be, and says which settings that is.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.events import event_lines
from bench.figures import Figure, Grid, Result, Skipped, format_value
from bench.peer_tools import PYTHON, NoPeerError, build_tlogcheck, ensure_python_peers, run_peer
from bench.trails import BATCH
from bench.workshop import ROOT, Workshop
from ordertrail.assembly import log_root
from ordertrail.services import DEFAULT_STREAM

_SMALL = 10
_SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}

_OURS = (
    "does: strict parse, unique ids, append-only row, order chain, RFC 6962 tree, an Ed25519 signed checkpoint a "
    "batch, published C2SP tiles; the check compares all of them, signatures and terms. SQLite WAL, synchronous=FULL."
)
_AUDITCHAIN = (
    "does: hash chain in a SQLite row{signs}; the check holds every record in memory, recomputes hashes{checks} and "
    "a Merkle root. Does not: parse or check events, tell repeated ones, chain orders, publish tiles, prove without "
    "reading the whole log."
)
_PYMERKLE = (
    "does: entry and leaf hash in a SQLite row, refused to be changed by triggers; inclusion and consistency proofs. "
    "Does not: sign anything, keep a root, parse or check events, tell repeated ones, keep columns to ask by, publish. "
    "It has no full check: the figure is our loop over its table and hasher, and its root."
)
_GO = (
    "does: rehashes every entry of our published bundles against our signed checkpoint (the fsck of "
    "golang.org/x/mod/sumdb/tlog). Does not: record; know rows, orders, batches or terms. Go, compiled; its garbage "
    "collector may use the other cores."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant: rates in events a second where it has them, and what they buy."""

    key: str
    name: str
    record: float | None
    record_small: float | None
    verify: float
    what: str


@dataclass(frozen=True, slots=True)
class _Peer:
    """A recorder in Python: the script that measures it, whether it signs, and what it does."""

    key: str
    name: str
    script: str
    what: str
    signed: bool = False


_PEERS = (
    _Peer(
        "auditchain",
        "auditchain, unsigned",
        "auditchain_log.py",
        _AUDITCHAIN.format(signs=", no signature", checks=""),
    ),
    _Peer(
        "auditchain_signed",
        "auditchain, Ed25519",
        "auditchain_log.py",
        _AUDITCHAIN.format(signs=", an Ed25519 signature a record", checks=", signatures"),
        signed=True,
    ),
    _Peer("pymerkle", "pymerkle SqliteTree", "pymerkle_tree.py", _PYMERKLE),
)


def measure(shop: Workshop) -> Iterator[Result]:
    """Record and verify the same number of events with each contestant."""
    ours, published = _ours(shop)
    rows = [ours]
    try:
        shop.say("setting up the peers")
        ensure_python_peers()
        for result in _python_peers(shop):
            if isinstance(result, Row):
                rows.append(result)
            else:
                yield result
    except NoPeerError as error:
        yield Skipped("peers.python", str(error))
    try:
        rows.append(_go(shop, published))
    except NoPeerError as error:
        yield Skipped("peers.go", str(error))
    yield from _told(shop, rows)


def _told(shop: Workshop, rows: list[Row]) -> Iterator[Result]:
    def cell(rate: float | None) -> str:
        return "—" if rate is None else format_value(rate, "")

    yield Grid(
        "peers",
        f"events/s, {shop.sizes.peers:,} events ({_small(shop):,} in batches of {_SMALL})",
        ("", f"record by {BATCH:,}", f"record by {_SMALL}", "full check", "what"),
        tuple((row.name, cell(row.record), cell(row.record_small), cell(row.verify), row.what) for row in rows),
    )  # fmt: skip
    for row in rows[1:]:
        pairs = (("record", rows[0].record, row.record), ("verify", rows[0].verify, row.verify))
        for what, our, their in pairs:
            if our is not None and their is not None:
                yield Figure(
                    f"peers.{what}_over_{row.key}", f"OrderTrail ÷ {row.name}, {what}", our / their, "times"
                )


def _small(shop: Workshop) -> int:
    return min(shop.sizes.peers, shop.sizes.sealed_small)


def _ours(shop: Workshop) -> tuple[Row, Path]:
    """Measure OrderTrail; return its row, and where its log is published."""
    shop.say("recording, sealing and checking with OrderTrail")
    rates, roots = [], []
    for batch, events in ((BATCH, shop.sizes.peers), (_SMALL, _small(shop))):
        root = shop.place("ours")
        told = shop.run("build", root=str(root), events=events, batch=batch, ready_made=True)
        rates.append(events / (told["record"] + told["seal"]))
        roots.append(root)
    seconds = shop.run("verify", root=str(roots[0]), processes=1, deep=None)["seconds"]
    row = Row(
        "ordertrail", "OrderTrail, recorded and sealed", rates[0], rates[1], shop.sizes.peers / seconds, _OURS
    )
    return row, log_root(roots[0], DEFAULT_STREAM)


def _python_peers(shop: Workshop) -> Iterator[Row | Skipped]:
    events = shop.place("events.jsonl")
    with events.open("wb") as file:
        file.writelines(line + b"\n" for line in event_lines(shop.sizes.peers))
    for peer in _PEERS:
        shop.say(f"recording and checking with {peer.name}")
        try:
            yield _python_peer(shop, peer, events)
        except NoPeerError as error:
            yield Skipped(f"peers.{peer.key}", str(error))


def _python_peer(shop: Workshop, peer: _Peer, events: Path) -> Row:
    script, seconds = str(ROOT / "bench/peers" / peer.script), shop.sizes.peer_seconds
    told, counts = [], (shop.sizes.peers, _small(shop))
    for batch, count in zip((BATCH, _SMALL), counts, strict=True):
        arguments = {
            "events": str(events), "database": str(shop.place(f"{peer.key}.db")), "count": count,
            "batch": batch, "seconds": seconds, "signed": peer.signed,
        }  # fmt: skip
        told.append(json.loads(run_peer([str(PYTHON), script, json.dumps(arguments)], peer.name)))
    settings, recorded = told[0]["settings"], tuple(said["recorded"] for said in told)
    how = (
        f"Version {told[0]['version']}; sets nothing for durability, so that SQLite's defaults hold: journal_mode="
        f"{settings['journal_mode']}, synchronous={_SYNCHRONOUS[settings['synchronous']]}."
    )
    if recorded != counts:
        how += f" Recording was stopped after {seconds:g} s: {recorded[0]:,} and {recorded[1]:,} events."
    large, small = (said["recorded"] / said["record"] for said in told)
    return Row(peer.key, peer.name, large, small, recorded[0] / told[0]["verify"], f"{peer.what} {how}")


def _go(shop: Workshop, published: Path) -> Row:
    shop.say("checking our log with Go's x/mod")
    program = build_tlogcheck(shop.place("tlogcheck"))
    said = run_peer([str(program), str(published)], "tlogcheck")
    found = re.search(r"size=(\d+) .*\((\d+) entries/s\)", said)
    if found is None or int(found[1]) != shop.sizes.peers:
        raise NoPeerError(f"tlogcheck said {said.strip()!r}")
    return Row("go", "Go x/mod sumdb/tlog", None, None, float(found[2]), _GO)
