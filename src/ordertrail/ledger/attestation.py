"""Attestation: others put their clock and their memory to a published checkpoint.

After an anchor, each time-stamp authority stamps it (RFC 3161) and each witness of the policy cosigns it (C2SP
tlog-witness). What they said is kept, write-once, beside the anchor: ``timestamps/<size>/<authority>.tsr`` is over
the bytes of ``anchors/<size>``, ``cosignatures/<size>/<key id>`` is the checkpoint with one cosignature more.

Nobody waits for them. Sealing has ended when they are asked; they are asked at once, each for as long as its
settings say; who does not answer is reported and asked again about the next anchor. *If we stop here*, the
checkpoint stands as it was, and the next call asks whoever has not answered yet.

A witness that remembers another history is an incident: nothing is signed away, and people are told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import EvidenceError, OrderTrailError
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.note import Note, format_note, parse_note
from ordertrail.ledger.paths import anchor_path, cosignature_path, stamp_path
from ordertrail.ledger.policy import Policy
from ordertrail.ledger.ports import Publication, Tiles, Timestamper, WitnessClient
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.witnessing import Collected, Incident, Missing, Reply, collect


@dataclass(frozen=True, slots=True)
class Attestors:
    """Who is asked: time-stamp authorities, and the witnesses of a policy."""

    timestampers: tuple[Timestamper, ...] = ()
    policy: Policy | None = None
    witnesses: tuple[WitnessClient, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.timestampers or self.policy is not None)


@dataclass(frozen=True, slots=True)
class Attested:
    """What came of asking.

    ``stamped`` gives each authority's time, ``cosigned`` the policy's names of witnesses, ``missing`` who did not
    answer well and why, ``quorum`` whether the policy is met (None where there is none). ``note`` is the
    checkpoint with all cosignatures that it has now; ``seen`` what each witness is known to have cosigned.
    """

    size: int
    note: bytes
    stamped: Mapping[str, str] = field(default_factory=dict)
    cosigned: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    incidents: tuple[Incident, ...] = ()
    quorum: bool | None = None
    seen: Mapping[str, int] = field(default_factory=dict)


def attest(
    tiles: Tiles,
    publication: Publication,
    attestors: Attestors,
    since: str,
    seen: Mapping[str, int] | None = None,
) -> Attested:
    """Ask everyone about the newest published checkpoint; keep what they say. ``since`` begins its term.

    Raises EvidenceError where there is no published checkpoint, or its anchor is not kept.
    """
    published = publication.checkpoint()
    size = read_checkpoint(published).size if published is not None else 0
    anchor = tiles.get(anchor_path(size))
    if published is None or anchor is None:
        raise EvidenceError(
            f"there is no published checkpoint to attest, or {anchor_path(size)} is not kept",
            remedy="Run 'ordertrail verify'; it says what is missing.",
        )
    return _Asking(tiles, publication, attestors, since, size, published, anchor).ask(seen)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Everyone is asked about one checkpoint: ``published`` as it is, of ``size``, kept as ``anchor``."""

    tiles: Tiles
    publication: Publication
    attestors: Attestors
    since: str
    size: int
    published: bytes
    anchor: bytes

    def ask(self, seen: Mapping[str, int] | None) -> Attested:
        authorities, witnesses = self.attestors.timestampers, self.attestors.witnesses
        with ThreadPoolExecutor(
            max(1, len(authorities) + len(witnesses)), thread_name_prefix="attest"
        ) as pool:
            stamps = [(one.name, pool.submit(self._stamp, one)) for one in authorities]
            collected = self._collect(pool, seen)
            self._keep(collected.note)
            outcomes = [(name, stamp.result()) for name, stamp in stamps]
        unanswered = [
            Missing(name, reason.message) for name, reason in outcomes if not isinstance(reason, str)
        ]
        return Attested(
            self.size,
            collected.note,
            {name: time for name, time in outcomes if isinstance(time, str)},
            collected.cosigned,
            (*unanswered, *collected.missing),
            collected.incidents,
            collected.quorum if self.attestors.policy is not None else None,
            collected.seen,
        )

    def _stamp(self, authority: Timestamper) -> str | OrderTrailError:
        """Return the time of an authority's stamp over the anchor, made where it is missing, or why there is none."""
        path = stamp_path(self.size, authority.name)
        try:
            kept = self.tiles.get(path)
            stamp = kept if kept is not None else authority.stamp(self.anchor)
            time = authority.check(stamp, self.anchor)
            if kept is None:
                self.tiles.put([(path, stamp)], self.since)
        except OrderTrailError as error:
            return error
        return format_time(time)

    def _collect(self, pool: ThreadPoolExecutor, seen: Mapping[str, int] | None) -> Collected:
        policy, witnesses = self.attestors.policy, self.attestors.witnesses
        if policy is None:
            return Collected(self.published, (), (), (), quorum=False, seen=seen or {})

        def each(
            function: Callable[[WitnessClient], Reply], clients: Sequence[WitnessClient], /
        ) -> Iterable[Reply]:
            return pool.map(function, clients)

        def newest() -> int:
            note = self.publication.checkpoint()
            return self.size if note is None else read_checkpoint(note).size

        reader = TileReader(self.tiles.get, self.size)
        return collect(self.published, policy, witnesses, reader, seen, each=each, newest=newest)

    def _keep(self, note: bytes) -> None:
        """Keep each cosignature that is new, on the checkpoint with the log's own signatures."""
        before, policy = parse_note(self.published), self.attestors.policy
        known = {(one.name, one.key_id) for one in before.signatures}
        witnesses = {(one.key.name, one.key.key_id) for one in policy.witnesses} if policy else set()
        own = tuple(one for one in before.signatures if (one.name, one.key_id) not in witnesses)
        for signature in parse_note(note).signatures:
            place = (signature.name, signature.key_id)
            path = cosignature_path(self.size, signature.key_id)
            if place in witnesses and place not in known and self.tiles.get(path) is None:
                self.tiles.put([(path, format_note(Note(before.text, (*own, signature))))], self.since)
