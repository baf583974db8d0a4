"""A trail with everything that a bundle can hold: tenants, sealed fields, documents, stamps, witnesses, two keys."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx  # noqa: F401 - before two threads import it at once: Python 3.11 then waits for ever

from ordertrail.adapters.memory.witness_state import MemoryWitnessState
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.evidence import open_workshop
from ordertrail.evidence.bundling import Bundling, Request
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.making import Bundle, disclosure
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.signers import Ed25519Cosigner
from ordertrail.ledger.vkey import VerifierKey, format_vkey, parse_vkey
from ordertrail.ledger.witness import Witness
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.services import DEFAULT_STREAM, Trail
from ordertrail.settings import Settings
from servers.authority import TestAuthority
from witness.growing import private, serving

ORIGIN = "orders.example.com/evidence"
AUDITOR = Actor("auditor-1", "person", ("auditor",))
HOSTILE = "</script><img src=x onerror=alert(1)> مرحبا שלום 注文 \u202e 😀"
WITNESS = "witness.example/w1"
REASON = "Case 2026-17: prices of order SO-1"


@dataclass(frozen=True)
class Rich:
    """The trail, a bundle of it, the keys to trust, and the file in which one finds them."""

    root: Path
    bundle: Bundle
    keys: tuple[VerifierKey, ...]
    vkeys: tuple[str, ...]


def event(action: str, subject: Subject, *changes: Change, reason: str = "") -> Event:
    """Return an event of now."""
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action=action,
        actor=Actor("clerk-17", "person", ("order.editor",)),
        subject=subject,
        changes=changes,
        context=Context(ip="203.0.113.7", channel="backoffice", reason=reason or None),
    )


def order(number: str, tenant: str | None = None) -> Subject:
    """Return an order as a subject."""
    return Subject("order", number, number, tenant)


def fill(trail: Trail) -> tuple[str, ...]:
    """Record orders, sealed values and a document; return the ids of the events with a sealed name."""
    price = Change(
        "/total", before={"amount": 12000, "currency": "EUR"}, after={"amount": 7200, "currency": "EUR"}
    )
    named = event("order.update", order("SO-1", "main"), Change("/party/name", after="李小龍 بن سلمان"))
    other = event("order.update", order("SO-1", "main"), Change("/party/phone", after="+49 30 1234567"))
    sealer = trail.personal()
    trail.record([event("order.create", order("SO-1", "main"), Change("/note", after=HOSTILE))])
    trail.record([event("order.create", order("SO-2"), price), event("order.create", order("SO-1", "other"))])
    trail.record([sealer.seal(named, {"/changes/0/after": "person-1", "/context/ip": "person-1"})])
    trail.record([sealer.seal(other, {"/changes/0/after": "person-1"})])
    trail.record([event("order.price.change", order("SO-1", "main"), price, reason="customer called")])
    trail.record([event("order.update", order("SO-1", "main"), Change("/document", after="x" * 70_000))])
    trail.record([event("order.read", Subject("report", "daily"))])
    return named.id, other.id


@contextmanager
def attested_trail(root: Path, authority: TestAuthority) -> Iterator[Trail]:
    """Create a trail that an authority stamps and a witness cosigns, rotated once; hand it out with both at work."""
    settings = Settings(immutable=False, post_quantum=True)
    with create_trail(root, ORIGIN, settings=settings) as trail:
        first = parse_vkey(trail.keys()[0].vkey)
        trail.record([event("order.create", order("SO-0"))])
        trail.seal()
        trail.rotate(Actor("operator", "person"))
        second = parse_vkey(trail.keys()[-1].vkey)
    cosigner = Ed25519Cosigner(WITNESS, private(WITNESS), lambda: int(time.time()) + 1)
    witness = Witness(WITNESS, [cosigner], {ORIGIN: (first, second)}, MemoryWitnessState())
    with serving(witness) as url:
        (root / "roots.pem").write_bytes(authority.roots)
        (root / "witnesses.policy").write_text(f"witness w1 {format_vkey(cosigner.key)} {url}\nquorum w1\n")
        (root / "trail.toml").write_text(
            'immutable = false\npost_quantum = true\n[witnesses]\npolicy = "witnesses.policy"\n'
            f'[[timestamps]]\nname = "honest"\nurl = "{authority.url}"\nroots = "roots.pem"\n'
        )
        with open_trail(root) as trail:
            yield trail


def make_rich(root: Path, authority: TestAuthority) -> Rich:
    """Make a bundle with everything in it."""
    with attested_trail(root, authority) as trail:
        named, _ = fill(trail)
        trail.seal()
        attested = trail.attest()
        assert attested is not None
        assert not attested.missing, attested.missing
        trail.record([event("order.create", order("SO-9"))])
        trail.seal()
        key = trail.personal().disclose(trail.find(named).entry.event, "/changes/0/after")
        reading = trail.history("SO-2")[0].entry.event.id
        bundling = Bundling(open_workshop(root, trail), DEFAULT_STREAM, trail.clock)
        bundle = bundling.make(
            Request(
                Selection((("SO-1", "main"), ("SO-0", None)), (reading,)),
                AUDITOR,
                REASON,
                recipient="Landgericht Köln",
                approved_by="auditor-2",
                disclosures=(disclosure(named, "/changes/0/after", key),),
            )
        )
        periods = trail.keys()
        vkeys = tuple(period.vkey for period in periods)
    return Rich(root, bundle, tuple(map(parse_vkey, vkeys)), vkeys)
