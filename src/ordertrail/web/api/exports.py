"""``/export``: many events at once, streamed.

That somebody takes evidence out is on record before the first byte, and how many events it was when it ends, however
it ends: both events are of one export, by its id.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import BoundedSemaphore
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ordertrail.access.verbs import Verb
from ordertrail.kernel.ids import new_id
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.exporting import Export, lines, parquet
from ordertrail.web.api.models.event import EVENT
from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.parameters import Accept, Asked, Beyond, Zone, accepts, place
from ordertrail.web.api.problems import ProblemRoute, RefusedError, problem_responses
from ordertrail.web.api.sheets import csv, workbook

LINES: Final = "application/x-ndjson"
PARQUET: Final = "application/vnd.apache.parquet"
AT_ONCE: Final = 4
"""Exports that run at the same time in a process."""
VALUES: Final = "text/csv"
WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST: Final = 10_000_000


class Format(StrEnum):
    """A form that an export can have, where ``Accept`` cannot be said: in a link."""

    LINES = "lines"
    PARQUET = "parquet"
    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Form:
    """A form of exports: its media type, the ending of its file's name, and what writes it."""

    kind: str
    ending: str
    written: Callable[[Export], Iterator[bytes]]


FORMS: Final = {
    Format.LINES: Form(LINES, "ndjson", lines),
    Format.PARQUET: Form(PARQUET, "parquet", parquet),
    Format.CSV: Form(VALUES, "csv", csv),
    Format.XLSX: Form(WORKBOOK, "xlsx", workbook),
}
_BY_KIND: Final = {form.kind: form for form in FORMS.values()}

router = APIRouter(tags=["events"], route_class=ProblemRoute)
_places = BoundedSemaphore(AT_ONCE)


class Streamed(StreamingResponse):
    """Streams chunks that are made in a thread, and ends them in every case: ``ended`` is called once, in a thread."""

    def __init__(
        self, chunks: Iterator[bytes], kind: str, headers: Mapping[str, str], ended: Callable[[], None]
    ) -> None:
        super().__init__(chunks, media_type=kind, headers=headers)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, however long the other side takes; nothing is made before the last piece is gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._ended)


@router.get(
    "/export",
    summary="Take events out",
    response_class=Response,
    responses={
        200: {
            "description": "Events, the oldest first; the last record says whether they are all.",
            "content": {
                LINES: {
                    "schema": {"type": "string"},
                    "example": f'{{"stream":"default","index":41,"event":{{"id":"{EVENT["id"]}"}}}}\n'
                    '{"end":{"events":1,"whole":true,"beyond":"1795356130120000.41"}}\n',
                },
                PARQUET: {"schema": {"type": "string", "format": "binary"}},
                VALUES: {"schema": {"type": "string"}, "example": "Happened (UTC),What,Who\n"},
                WORKBOOK: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **problem_responses(406),
    },
)
def export(  # noqa: PLR0913, PLR0917 - the parameters of the address
    asked: Annotated[Asking, asking(Verb.EXPORTS_MAKE)],
    q: Asked = "",
    zone: Zone = "UTC",
    beyond: Beyond = None,
    most: Annotated[
        int, Query(ge=1, le=MOST, description="Events of it, at most.", examples=[1_000_000])
    ] = 1_000_000,
    format_: Annotated[
        Format | None,
        Query(alias="format", description="Its form, whatever is accepted.", examples=["csv"]),
    ] = None,
    accept: Accept = "*/*",
) -> Response:
    """Stream the events that a filter means: lines of JSON, Parquet, comma-separated values, or a workbook.

    Lines end with ``{"end": …}``: how many they were, whether they are all, and where to go on. A Parquet file has the
    same in its metadata, comma-separated values in their last row, a workbook in its sheet "About". What ends without
    has broken off.
    """
    form = FORMS[format_] if format_ is not None else _BY_KIND[accepts(accept, tuple(_BY_KIND))]
    meant, at = asked.meant(q, zone), place(beyond)
    if not _places.acquire(blocking=False):
        raise RefusedError(ProblemKind.BUSY, f"{AT_ONCE} exports are under way already")
    made = Export(asked.query, meant, most, at)
    name = new_id()

    def ended() -> None:
        _places.release()
        asked.observe(
            "evidence.read",
            "export",
            name,
            "ended",
            (("events", made.events), ("whole", str(made.whole).lower())),
        )

    try:
        asked.observe(
            "evidence.export", "export", name, meant.sentence(), (("format", form.kind), ("most", most))
        )
        chunks = form.written(made)
        first = next(chunks)  # what is wrong from the start is a problem and no broken stream
    except BaseException:
        _places.release()
        raise
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept, Authorization, Cookie",
        "Export-Id": name,
        "Content-Disposition": f'attachment; filename="events.{form.ending}"',
    }
    return Streamed(_joined(first, chunks), form.kind, headers, ended)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
