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
from ordertrail.ledger.checkpoint_text import parse_checkpoint
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
    size = parse_checkpoint(parse_note(published).text).size if published is not None else 0
    anchor = tiles.get(anchor_path(size))
    if published is None or anchor is None:
        raise EvidenceError(
            f"there is no published checkpoint to attest, or {anchor_path(size)} is not kept",
            remedy="Run 'ordertrail verify'; it says what is missing.",
        )
    askers = len(attestors.timestampers) + len(attestors.witnesses)
    with ThreadPoolExecutor(max(1, askers), thread_name_prefix="attest") as pool:
        stamps = [pool.submit(_stamp, tiles, size, anchor, one, since) for one in attestors.timestampers]
        collected = _collect(published, tiles, publication, attestors, pool, size, seen)
        _keep(collected.note, published, tiles, attestors, size, since)
        outcomes = [
            (one.name, stamp.result()) for one, stamp in zip(attestors.timestampers, stamps, strict=True)
        ]
    return Attested(
        size,
        collected.note,
        {name: time for name, time in outcomes if isinstance(time, str)},
        collected.cosigned,
        (
            *(Missing(name, reason.message) for name, reason in outcomes if not isinstance(reason, str)),
            *collected.missing,
        ),
        collected.incidents,
        collected.quorum if attestors.policy is not None else None,
        collected.seen,
    )


def _stamp(
    tiles: Tiles, size: int, anchor: bytes, authority: Timestamper, since: str
) -> str | OrderTrailError:
    """Return the time of an authority's stamp over an anchor, or why there is none; make it where it is missing."""
    path = stamp_path(size, authority.name)
    try:
        kept = tiles.get(path)
        stamp = kept if kept is not None else authority.stamp(anchor)
        time = authority.check(stamp, anchor)
        if kept is None:
            tiles.put([(path, stamp)], since)
    except OrderTrailError as error:
        return error
    return format_time(time)


def _collect(  # noqa: PLR0913, PLR0917 - each is one thing that asking needs
    published: bytes,
    tiles: Tiles,
    publication: Publication,
    attestors: Attestors,
    pool: ThreadPoolExecutor,
    size: int,
    seen: Mapping[str, int] | None,
) -> Collected:
    if attestors.policy is None:
        return Collected(published, (), (), (), quorum=False, seen=seen or {})

    def each(
        function: Callable[[WitnessClient], Reply], clients: Sequence[WitnessClient], /
    ) -> Iterable[Reply]:
        return pool.map(function, clients)

    def newest() -> int:
        note = publication.checkpoint()
        return size if note is None else parse_checkpoint(parse_note(note).text).size

    reader = TileReader(tiles.get, size)
    return collect(published, attestors.policy, attestors.witnesses, reader, seen, each=each, newest=newest)


def _keep(  # noqa: PLR0913, PLR0917 - as above
    note: bytes, published: bytes, tiles: Tiles, attestors: Attestors, size: int, since: str
) -> None:
    """Keep each cosignature that is new, on the checkpoint with the log's own signatures."""
    before = parse_note(published)
    known = {(one.name, one.key_id) for one in before.signatures}
    witnesses = (
        {(one.key.name, one.key.key_id) for one in attestors.policy.witnesses} if attestors.policy else set()
    )
    own = tuple(one for one in before.signatures if (one.name, one.key_id) not in witnesses)
    for signature in parse_note(note).signatures:
        place = (signature.name, signature.key_id)
        path = cosignature_path(size, signature.key_id)
        if place in witnesses and place not in known and tiles.get(path) is None:
            tiles.put([(path, format_note(Note(before.text, (*own, signature))))], since)
