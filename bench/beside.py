"""Section ``peers``: the same events through OrderTrail and through the best that others offer, side by side.

Peers differ in what they promise, so that each row says what its figure buys. Every recorder is as durable as
it offers to be, and says which settings that is.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
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


_Contestant = Callable[[Workshop], Row]


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
    """Record and verify the same events with each contestant, in turns; tell the best of each."""
    contestants: dict[str, _Contestant] = {"ordertrail": _ours}
    for key, prepare in (("python", _prepare_python), ("go", _prepare_go)):
        shop.say("setting up the peers")
        try:
            contestants |= prepare(shop)
        except NoPeerError as error:
            yield Skipped(f"peers.{key}", str(error))
    best: dict[str, Row] = {}
    for number in range(shop.sizes.peer_rounds):
        for key, contest in list(contestants.items()):
            shop.say(f"recording and checking with {key}, round {number + 1} of {shop.sizes.peer_rounds}")
            try:
                row = contest(shop)
            except NoPeerError as error:
                del contestants[key]
                yield Skipped(f"peers.{key}", str(error))
            else:
                best[key] = _better(best.get(key, row), row)
    yield from _told(shop, list(best.values()))


def _better(one: Row, other: Row) -> Row:
    """Return the best of two rounds, each column by itself: noise only ever slows down."""
    small = [rate for rate in (one.record_small, other.record_small) if rate is not None]
    large = [rate for rate in (one.record, other.record) if rate is not None]
    verify = max(one.verify, other.verify)
    return replace(
        other, record=max(large, default=None), record_small=max(small, default=None), verify=verify
    )


def _told(shop: Workshop, rows: list[Row]) -> Iterator[Result]:
    def cell(rate: float | None) -> str:
        return "—" if rate is None else format_value(rate, "")

    yield Grid(
        "peers",
        f"events/s, {shop.sizes.peers:,} events ({_small(shop):,} in batches of {_SMALL}), "
        f"best of {shop.sizes.peer_rounds} in turns",
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


def _ours(shop: Workshop) -> Row:
    rates, roots = [], []
    for batch, events in ((BATCH, shop.sizes.peers), (_SMALL, _small(shop))):
        roots.append(shop.place("ours"))
        told = shop.run("build", root=str(roots[-1]), events=events, batch=batch, ready_made=True)
        rates.append(events / (told["record"] + told["seal"]))
    told = shop.run("verify", root=str(roots[0]), processes=1, deep=None)
    for root in roots:
        shutil.rmtree(root)
    verify = shop.sizes.peers / told["seconds"]
    return Row("ordertrail", "OrderTrail, recorded and sealed", rates[0], rates[1], verify, _OURS)


def _prepare_python(shop: Workshop) -> dict[str, _Contestant]:
    ensure_python_peers()
    events = shop.place("events.jsonl")
    with events.open("wb") as file:
        file.writelines(line + b"\n" for line in event_lines(shop.sizes.peers))
    return {peer.key: partial(_python_peer, peer, events) for peer in _PEERS}


def _python_peer(peer: _Peer, events: Path, shop: Workshop) -> Row:
    script, seconds = str(ROOT / "bench/peers" / peer.script), shop.sizes.peer_seconds
    told, counts = [], (shop.sizes.peers, _small(shop))
    for batch, count in zip((BATCH, _SMALL), counts, strict=True):
        database = shop.place(f"{peer.key}.db")
        arguments = {
            "events": str(events), "database": str(database), "count": count,
            "batch": batch, "seconds": seconds, "signed": peer.signed,
        }  # fmt: skip
        told.append(json.loads(run_peer([str(PYTHON), script, json.dumps(arguments)], peer.name)))
        database.unlink()
    settings, recorded = told[0]["settings"], tuple(said["recorded"] for said in told)
    how = (
        f"Version {told[0]['version']}; sets nothing for durability, so that SQLite's defaults hold: journal_mode="
        f"{settings['journal_mode']}, synchronous={_SYNCHRONOUS[settings['synchronous']]}."
    )
    if recorded != counts:
        how += f" Recording was stopped after {seconds:g} s: {recorded[0]:,} and {recorded[1]:,} events."
    large, small = (said["recorded"] / said["record"] for said in told)
    return Row(peer.key, peer.name, large, small, recorded[0] / told[0]["verify"], f"{peer.what} {how}")


def _prepare_go(shop: Workshop) -> dict[str, _Contestant]:
    program = build_tlogcheck(shop.place("tlogcheck"))
    published = log_root(shop.log(shop.sizes.peers).root, DEFAULT_STREAM)
    return {"go": partial(_go, program, published)}


def _go(program: Path, published: Path, shop: Workshop) -> Row:
    said = run_peer([str(program), str(published)], "tlogcheck")
    found = re.search(r"size=(\d+) .*\((\d+) entries/s\)", said)
    if found is None or int(found[1]) != shop.sizes.peers:
        raise NoPeerError(f"tlogcheck said {said.strip()!r}")
    return Row("go", "Go x/mod sumdb/tlog", None, None, float(found[2]), _GO)
