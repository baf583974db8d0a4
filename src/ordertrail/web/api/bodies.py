"""Bodies that come in: of a type that is taken, not packed, whole within their bounds and in their time."""

import asyncio
from collections.abc import Collection

from fastapi import Request

from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.problems import RefusedError

SECONDS = 30.0
"""In which a body must be there."""


def media_type_of(request: Request, taken: Collection[str]) -> str:
    """Return the type of a body. Refuses one that is not taken, and one that is packed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in taken:
        raise RefusedError(
            ProblemKind.MEDIA, f"a body is of type {' or '.join(taken)}, not {kind[:60] or 'none'}"
        )
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in {"", "identity"}:
        raise RefusedError(ProblemKind.MEDIA, f"send it as it is, not {packed[:20]}")
    return kind


async def read_body(request: Request, largest: int) -> bytes:
    """Return a body. Refuses one of more than ``largest`` bytes, before all of it is here, and one that is slow."""
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdecimal() and (len(length) > 18 or int(length) > largest):
        raise _too_large(largest)
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > largest:
                    raise _too_large(largest)
                pieces.append(piece)
    except TimeoutError:
        raise RefusedError(ProblemKind.TOO_SLOW, f"the body was not there after {SECONDS:g} s") from None
    return b"".join(pieces)


def _too_large(largest: int) -> RefusedError:
    return RefusedError(
        ProblemKind.TOO_LARGE, f"a body has at most {largest:,} bytes", remedy="Send it in several batches."
    )
