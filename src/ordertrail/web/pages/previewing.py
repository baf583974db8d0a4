"""What an export would hold, before it is made: how many events, about how many bytes, which fields, what stays sealed.

The sizes are of the very files that would be made, written with the first events and with a part of them; what an event
adds is the difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final

from ordertrail.access.principal import Principal
from ordertrail.kernel.numbers import count
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Hit, Way
from ordertrail.query.service import Query
from ordertrail.record.sealing import sealed_values
from ordertrail.web.api.exporting import Export
from ordertrail.web.api.exports import FORMS, Format
from ordertrail.web.api.models.found import Found
from ordertrail.web.api.sheets import COLUMNS, ROWS
from ordertrail.web.api.telling import found
from ordertrail.web.auth.scoping import sees_everything

SAMPLED: Final = 200
"""Events that are written to see how large they are."""
COUNTED: Final = 100_000
"""Events up to which they are counted; of more, it is said that there are more."""
_LABELS: Final = {
    Format.XLSX: ("Workbook", "Excel, LibreOffice; one row an event, in words first"),
    Format.CSV: ("Comma-separated values", "any spreadsheet or database"),
    Format.LINES: ("Lines of JSON", "programs; each event whole"),
    Format.PARQUET: ("Parquet", "analysis of millions; each event whole"),
}
_SHEETS: Final = frozenset({Format.XLSX, Format.CSV})


@dataclass(frozen=True, slots=True)
class FormShown:
    """A form of the export: what it is good for, about how large it is, and whether it takes all of them."""

    name: str
    label: str
    use: str
    size: str
    note: str
    left_out: str
    """What of an event it does not hold; empty where it holds all."""


@dataclass(frozen=True, slots=True)
class FieldShown:
    """A field of the sheets: how many of the events that were looked at have it, and what is not in the clear."""

    name: str
    filled: str
    note: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be exported. ``events`` is how many, as far as they are counted."""

    events: int
    counted: str
    sampled: str
    forms: tuple[FormShown, ...]
    fields: tuple[FieldShown, ...]
    bounds: str
    sealed: str
    opening: str
    """Who can read what is sealed."""


@dataclass(slots=True)
class _Sampled(Export):
    """An export of events that were read already."""

    read: list[tuple[Hit, Found]] = field(default_factory=list)

    def pages(self) -> Iterator[list[tuple[Hit, Found]]]:
        """Yield the events."""
        self.events, self.whole = len(self.read), True
        yield self.read


def offered() -> tuple[Format, ...]:
    """Return the forms that can be made here."""
    return tuple(one for one in _LABELS if one is not Format.PARQUET or find_spec("pyarrow") is not None)


def label_of(form: Format) -> str:
    """Return a form's name."""
    return _LABELS[form][0]


def preview(query: Query, meant: Filter, who: Principal) -> Preview:
    """Look at what an export of these events would hold, for whoever asks."""
    events = query.searches.count(meant, COUNTED + 1)
    hits = query.searches.page(meant, SAMPLED, None, Way.NEWER)
    read = list(zip(hits, found(query, hits), strict=True))
    return Preview(
        events,
        f"{COUNTED:,}+ events" if events > COUNTED else count(events, "event"),
        "all of them" if len(read) == events else f"the first {len(read):,}",
        tuple(_form(form, query, meant, read, events) for form in offered()),
        _fields(read),
        _bounds(who),
        *_sealed(read, who),
    )


def _form(form: Format, query: Query, meant: Filter, read: list[tuple[Hit, Found]], events: int) -> FormShown:
    label, use = _LABELS[form]
    most = min(events, ROWS) if form is Format.XLSX else events
    cut = f"{ROWS:,} events at most" if form is Format.XLSX and events > ROWS else ""
    part = read[: max(1, len(read) // 4)]
    size, small = (_size(form, query, meant, one) for one in (read, part))
    if len(read) > len(part):
        size += max(0, (most - len(read)) * (size - small) // (len(read) - len(part)))
    more = events > COUNTED and form is not Format.XLSX
    shown = f"{'more than' if more else 'about'} {bytes_shown(size)}"
    left = "Of each event the fields named below." if form in _SHEETS else ""
    return FormShown(form.value, label, use, shown, cut, left)


def _size(form: Format, query: Query, meant: Filter, read: list[tuple[Hit, Found]]) -> int:
    return sum(map(len, FORMS[form].written(_Sampled(query, meant, len(read), read=read))))


def _fields(read: list[tuple[Hit, Found]]) -> tuple[FieldShown, ...]:
    told = []
    for column in COLUMNS:
        filled = sum(column.value(hit, one) not in {None, ""} for hit, one in read)
        note = "sealed values stay sealed" if column.title == "Changes" else ""
        if column.title in {"Who", "On behalf of"}:
            note = "ids as they were recorded, no names"
        told.append(FieldShown(column.title, f"{filled:,} of {len(read):,}", note))
    return tuple(told)


def _bounds(who: Principal) -> str:
    """Return what the reader's scope leaves out."""
    scope = who.scope
    if sees_everything(scope):
        return "Your roles let you see all of it: nothing is left out."
    parts = [
        f"{name} {', '.join(sorted(values))}"
        for name, values in (
            ("tenants", scope.tenants),
            ("channels", scope.channels),
            ("regions", scope.regions),
        )
        if values
    ]
    return f"Of {' and '.join(parts) or 'nothing'} only: what else there is, you may not see."


def _sealed(read: list[tuple[Hit, Found]], who: Principal) -> tuple[str, str]:
    """Return how much of it is sealed, and who can read that: nobody by the file."""
    paths = sum(1 for _, one in read for _ in sealed_values(one.event.value()))
    if not paths:
        return "none", f"in the {len(read):,} events looked at"
    opening = (
        "You may open one on its event’s page, for a reason."  # noqa: RUF001
        if who.sees_identities
        else "Your roles open none of them."
    )
    return f"{paths:,}", f"in the {len(read):,} events looked at; they leave sealed. {opening}"


def bytes_shown(size: int) -> str:
    """Return a size as people say it: ``6.1 MB``."""
    told = float(size)
    for unit in ("bytes", "KB", "MB"):
        if told < 1_000:
            return f"{told:,.0f} {unit}" if unit == "bytes" or told >= 100 else f"{told:,.1f} {unit}"
        told /= 1_000
    return f"{told:,.1f} GB"
