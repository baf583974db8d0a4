"""``/status``, ``/keys``, ``/checkpoints`` and ``/consistency``: the log itself, for whoever follows it."""

import heapq
from typing import Annotated

from fastapi import APIRouter, Query, Response

from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.paths import ANCHORS, anchor_path, anchor_size
from ordertrail.ledger.proofs import prove_consistency
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.vkey import format_base64
from ordertrail.services import DEFAULT_STREAM
from ordertrail.status import Seen, StreamStatus, published_checkpoint
from ordertrail.web.api.answering import answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.models.document import LARGEST_INTEGER
from ordertrail.web.api.models.log import (
    CheckpointDocument,
    CheckpointPage,
    ConsistencyDocument,
    KeyDocument,
    KeysDocument,
    SeenDocument,
    StatusDocument,
    StreamDocument,
)
from ordertrail.web.api.parameters import Stream, wrong
from ordertrail.web.api.problems import ProblemRoute, problem_responses
from ordertrail.web.api.telling import lag_document

router = APIRouter(tags=["log"], route_class=ProblemRoute)

Proving = Annotated[Asking, asking(Verb.PROOFS_READ)]


@router.get(
    "/status", summary="Where the trail stands", response_model=StatusDocument, responses=problem_responses()
)
def status(asked: Annotated[Asking, asking(Verb.STATUS_READ)]) -> Response:
    """Return where each log stands, who else has seen it, and how far the index is behind."""
    document = StatusDocument(
        time=format_time(asked.query.clock()),
        lag=lag_document(asked.query.lag()),
        streams=tuple(map(_stream, asked.trail.status())),
    )
    return answer(asked.request, document)


@router.get("/keys", summary="A log's keys", response_model=KeysDocument, responses=problem_responses())
def keys(asked: Proving, stream: Stream = DEFAULT_STREAM) -> Response:
    """Return the verifier keys of a log, the oldest first, each with the statement by which the one before named it."""
    log = asked.log(stream).log
    document = KeysDocument(
        stream=stream,
        origin=log.origin,
        keys=tuple(
            KeyDocument(first=one.first, vkey=one.vkey, statement=one.statement.decode())
            for one in asked.trail.keys(stream)
        ),
    )
    return answer(asked.request, document)


@router.get(
    "/checkpoints",
    summary="Published checkpoints",
    response_model=CheckpointPage,
    responses=problem_responses(),
)
def checkpoints(
    asked: Proving,
    stream: Stream = DEFAULT_STREAM,
    limit: Annotated[int, Query(ge=1, le=500, description="Checkpoints of a page.", examples=[50])] = 50,
    before: Annotated[
        int | None,
        Query(ge=0, le=LARGEST_INTEGER, description="Only of fewer entries than these.", examples=[42]),
    ] = None,
) -> Response:
    """Return the checkpoints of a log that were ever published, the newest first, as they were signed."""
    service = asked.log(stream)
    listed = (anchor_size(path) for path in service.vault.paths(ANCHORS))
    sizes = heapq.nlargest(
        limit + 1, (size for size in listed if size is not None and (before is None or size < before))
    )
    notes = ((size, service.vault.get(anchor_path(size))) for size in sizes[:limit])
    document = CheckpointPage(
        stream=stream,
        origin=service.log.origin,
        checkpoints=tuple(_checkpoint(size, note) for size, note in notes),
        before=sizes[limit - 1] if len(sizes) > limit else None,
    )
    return answer(asked.request, document)


@router.get(
    "/consistency",
    summary="Prove that a log only grew",
    response_model=ConsistencyDocument,
    responses=problem_responses(),
)
def consistency(
    asked: Proving,
    old: Annotated[
        int, Query(ge=1, le=LARGEST_INTEGER, description="Entries of the older log.", examples=[41])
    ],
    new: Annotated[
        int, Query(ge=1, le=LARGEST_INTEGER, description="Entries of the newer log.", examples=[42])
    ],
    stream: Stream = DEFAULT_STREAM,
) -> Response:
    """Return the hashes that show that the log of one size is the beginning of the log of another.

    Hold them against two checkpoints that you have (RFC 6962 section 2.1.2).
    """
    log = asked.log(stream).log
    published = published_checkpoint(log)[1].size
    if new > published:
        raise wrong("new", f"is more than the {published:,} entries that are published")
    if old > new:
        raise wrong("old", "is more than new")
    reader = TileReader(log.tiles.get, published)
    hashes = prove_consistency(old, new, reader) if old < new else ()
    document = ConsistencyDocument(stream=stream, old=old, new=new, hashes=tuple(map(format_base64, hashes)))
    return answer(asked.request, document)


def _checkpoint(size: int, note: bytes | None) -> CheckpointDocument:
    if note is None:
        raise EvidenceError(
            f"the checkpoint of {size:,} entries is missing, and its term says that it must be there"
        )
    return CheckpointDocument(size=size, root=read_checkpoint(note).root.hex(), note=note.decode())


def _stream(one: StreamStatus) -> StreamDocument:
    return StreamDocument(
        stream=one.stream,
        origin=one.origin,
        size=one.size,
        published=one.published,
        waiting=one.waiting,
        last_recorded=one.last_recorded,
        root=one.root,
        key=one.key,
        keys=one.keys,
        keep_days=one.keep_days,
        kept_by=one.kept_by,
        immutable=one.immutable,
        timestamps=tuple(map(_seen, one.timestamps)),
        witnesses=tuple(map(_seen, one.witnesses)),
        quorum=one.quorum,
    )


def _seen(one: Seen) -> SeenDocument:
    return SeenDocument(name=one.name, size=one.size, time=one.time)
