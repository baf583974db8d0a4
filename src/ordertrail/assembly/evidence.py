"""Evidence of the trail in a directory: what bundles are made from, and with."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from ordertrail.adapters.evidence.pdf import PdfPrinter
from ordertrail.adapters.evidence.shelf import FileShelf, link_key
from ordertrail.adapters.evidence.store import SqlCaseBook, SqlCustodyBook, open_engine
from ordertrail.adapters.timestamps.rfc3161 import Authority, Rfc3161Timestamper
from ordertrail.assembly.sealing import TrailSealing
from ordertrail.assembly.stores import KEYS, Stores, read_settings
from ordertrail.evidence.bundling import Bundling
from ordertrail.evidence.cases import Pinned
from ordertrail.evidence.desk import Desk
from ordertrail.evidence.gathering import LogSource
from ordertrail.evidence.making import Workshop
from ordertrail.ledger.tlog_proof import format_tlog_proof
from ordertrail.record.event import Actor, Event
from ordertrail.services import DEFAULT_STREAM, Trail
from ordertrail.settings import Settings, secret
from ordertrail.settings.evidence import EvidenceSettings
from ordertrail.vault.keeping import KeptBlobs

DATABASE = "evidence.db"
"""The file of cases and custody, where no server is named."""

BUNDLES = "bundles"
"""The folder of the bundles that were made."""

_LINK_KEY = "links.key"


class StampAdapter:
    """Implements :class:`ordertrail.evidence.checking.StampReader` by the reader of RFC 3161 responses."""

    def check(self, authority: str, roots: bytes, stamp: bytes, data: bytes) -> datetime:
        """See the port."""
        nobody = "https://invalid"  # a name that is never resolved (RFC 2606 section 2): checking asks nobody
        return Rfc3161Timestamper(Authority(authority, nobody, roots)).check(stamp, data)


def log_sources(root: Path, trail: Trail) -> Mapping[str, LogSource]:
    """Return where each log of a trail is read."""
    settings = read_settings(root)
    stores = Stores(root, settings, trail.clock)
    roots = {one.name: (root / one.roots).read_bytes() for one in settings.timestamps}
    policy = _policy(root, settings)
    sources = {}
    for stream, service in trail.logs.items():
        keys = stores.publication(stream).keys() or b""
        sources[stream] = LogSource(
            service.identity,
            service.log,
            service.vault,
            KeptBlobs(stores.blobs(), service.identity.keep_days, trail.clock),
            keys.partition(b"\n")[2],
            policy,
            roots,
        )
    return sources


def _policy(root: Path, settings: Settings) -> bytes | None:
    return None if settings.witnesses.policy is None else (root / settings.witnesses.policy).read_bytes()


def open_workshop(root: Path, trail: Trail) -> Workshop:
    """Return what bundles of the trail in a directory are made with."""
    settings = evidence_settings(root)
    return Workshop(
        log_sources(root, trail),
        PdfPrinter([root / name for name in settings.fonts]),
        TrailSealing(trail, settings.wait_seconds),
        StampAdapter(),
        trail.actions,
    )


def evidence_settings(root: Path) -> EvidenceSettings:
    """Return the section of a trail's settings; the defaults where the file has none."""
    found = getattr(read_settings(root), "evidence", None)
    return found if isinstance(found, EvidenceSettings) else EvidenceSettings()


@contextmanager
def open_desk(root: Path, trail: Trail) -> Iterator[Desk]:
    """Open cases and bundles of the trail in a directory; tables that are not there yet are made."""
    said = evidence_settings(root)
    file = None if said.password_file is None else str(root / said.password_file)
    password = secret("EVIDENCE_PASSWORD", file, "evidence.password_file") if said.url is not None else None
    engine = open_engine(said.url or root / DATABASE, None if password is None else password.decode())
    try:
        yield Desk(
            cases=SqlCaseBook(engine),
            custody=SqlCustodyBook(engine),
            shelf=FileShelf(root / BUNDLES),
            bundling=Bundling(open_workshop(root, trail), DEFAULT_STREAM, trail.clock),
            record=lambda event: _record(trail, event),
            pin=partial(pin, trail),
            clock=trail.clock,
            link_key=lambda: link_key(root / KEYS / _LINK_KEY),
            link_hours=said.link_hours,
        )
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class KeptBundles:
    """Implements :class:`ordertrail.retention.ports.DisclosingCopies` by the bundles of a trail."""

    root: Path
    trail: Trail

    def of(self, fields: Collection[tuple[str, str]]) -> Sequence[str]:
        """See the port. Where no bundle is kept, no table of them is made to find that out."""
        if not fields or not FileShelf(self.root / BUNDLES).bundles():
            return ()
        with open_desk(self.root, self.trail) as desk:
            return desk.disclosing(fields)

    def remove(self, copy: str, actor: Actor, reason: str) -> None:
        """See the port."""
        with open_desk(self.root, self.trail) as desk:
            desk.remove(copy, actor, reason)


def _record(trail: Trail, event: Event) -> None:
    trail.record([event])


def pin(trail: Trail, event: str) -> Pinned:
    """Return an event with its proof as of now."""
    proof = trail.prove(event)
    sealed = proof.sealed
    return Pinned(event, sealed.stream, sealed.row.index, sealed.row.entry, format_tlog_proof(proof.proof))
