"""Exports as they are written: lines of JSON, or a Parquet file, page by page, in memory that does not grow.

Both say at their end whether they are whole: the last line of JSON is ``{"end": …}``, and a Parquet file has it in its
metadata, under ``ordertrail``. What breaks off is seen to have done so: lines without an end, a file without a footer.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Cursor, Hit, Way
from ordertrail.query.service import Query
from ordertrail.web.api.models.found import ExportEnd, Found
from ordertrail.web.api.problems import problem_of
from ordertrail.web.api.telling import found, spelled

PAGE: Final = 500
"""Events that are read at once."""
GROUP: Final = 5_000
"""Events of a row group."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Export:
    """Events that a filter means, the oldest first, from a place on, no more than ``most``; and how far it came."""

    query: Query
    meant: Filter
    most: int
    beyond: Cursor | None = None
    events: int = 0
    whole: bool = False
    told: Callable[[int], None] = lambda _events: None
    """Is called after each page with how many events there were so far; what it raises ends the export."""

    def pages(self) -> Iterator[list[tuple[Hit, Found]]]:
        """Yield the events, page by page."""
        while self.events < self.most:
            wanted = min(PAGE, self.most - self.events)
            hits = self.query.searches.page(self.meant, wanted, self.beyond, Way.NEWER)
            if hits:
                told = found(self.query, hits)
                self.beyond = hits[-1].cursor
                self.events += len(hits)
                yield list(zip(hits, told, strict=True))
                self.told(self.events)
            if len(hits) < wanted:
                self.whole = True
                return
        self.whole = not self.query.searches.page(self.meant, 1, self.beyond, Way.NEWER)

    def end(self) -> ExportEnd:
        """Return how it ended."""
        return ExportEnd(events=self.events, whole=self.whole, beyond=spelled(self.beyond))


def lines(export: Export) -> Iterator[bytes]:
    """Yield the events as JSON, one a line, and the end; a problem instead of the end where it cannot go on."""
    try:
        for page in export.pages():
            yield b"".join(one.model_dump_json(exclude_unset=True).encode() + b"\n" for _, one in page)
    except OrderTrailError as error:
        if not export.events:
            raise
        yield b'{"problem":' + bytes(problem_of(error).body) + b"}\n"
        return
    yield b'{"end":' + export.end().model_dump_json().encode() + b"}\n"


def parquet(export: Export) -> Iterator[bytes]:
    """Yield the events as a Parquet file, a row group at a time.

    Raises ConfigurationError where the package for it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - of the extra "columnar"
        import pyarrow.parquet as files  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "Parquet needs a package that is not installed: pyarrow",
            remedy="Install it: pip install 'ordertrail[columnar]'.",
        ) from None
    schema = _schema(pa)
    out = _Taken()
    with files.ParquetWriter(out, schema, compression="zstd") as writer:
        rows: list[tuple[Hit, Found]] = []
        for page in export.pages():
            rows += page
            if len(rows) >= GROUP:
                writer.write_batch(_batch(pa, schema, rows))
                rows = []
                yield out.take()
        if rows:
            writer.write_batch(_batch(pa, schema, rows))
        writer.add_key_value_metadata({"ordertrail": export.end().model_dump_json()})
    yield out.take()


class _Taken(io.RawIOBase):
    """A file that is only written to, in sequence; what was written is taken out and forgotten."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """Say that it is written to."""
        return True

    def tell(self) -> int:
        """Return how much was ever written."""
        return self._at

    def write(self, data: Any) -> int:
        """Keep what is written until it is taken."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._at += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return what was written since it was last taken."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


_COLUMNS: Final[tuple[tuple[str, str, Callable[[Hit, Found], Any]], ...]] = (
    ("stream", "string", lambda hit, _: hit.event.stream),
    ("index", "int64", lambda hit, _: hit.event.position),
    ("id", "string", lambda hit, _: hit.event.id),
    ("time", "moment", lambda hit, _: _EPOCH + timedelta(microseconds=hit.event.time)),
    ("recorded", "moment", lambda _, one: parse_time(one.recorded)),
    ("action", "string", lambda hit, _: hit.event.action),
    ("outcome", "string", lambda hit, _: hit.event.outcome),
    ("actor", "string", lambda hit, _: hit.event.actor),
    ("actor_kind", "string", lambda hit, _: hit.event.actor_kind),
    ("on_behalf_of", "string", lambda hit, _: hit.event.behalf),
    ("session", "string", lambda hit, _: hit.event.session),
    ("subject_kind", "string", lambda hit, _: hit.event.subject_kind),
    ("subject", "string", lambda hit, _: hit.event.subject),
    ("order", "string", lambda hit, _: hit.event.order),
    ("number", "int64", lambda hit, _: hit.event.number),
    ("tenant", "string", lambda hit, _: hit.event.tenant),
    ("channel", "string", lambda hit, _: hit.event.channel),
    ("source", "string", lambda hit, _: hit.event.source),
    ("request", "string", lambda hit, _: hit.event.request),
    ("trace", "string", lambda hit, _: hit.event.trace),
    ("ticket", "string", lambda hit, _: hit.event.ticket),
    ("sensitive", "bool", lambda hit, _: hit.event.sensitive),
    ("sentence", "string", lambda _, one: one.sentence),
    ("event", "string", lambda _, one: one.event.model_dump_json(exclude_unset=True)),
)
"""Columns of the file: their names, types, and values; ``event`` is the whole event as JSON."""


def _schema(arrow: Any) -> Any:
    types = {
        "string": arrow.string(),
        "int64": arrow.int64(),
        "bool": arrow.bool_(),
        "moment": arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema([(name, types[kind]) for name, kind, _ in _COLUMNS])


def _batch(arrow: Any, schema: Any, rows: list[tuple[Hit, Found]]) -> Any:
    columns = [
        arrow.array([value(hit, one) for hit, one in rows], type=field.type)
        for (_, _, value), field in zip(_COLUMNS, schema, strict=True)
    ]
    return arrow.record_batch(columns, schema=schema)
