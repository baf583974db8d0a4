r"""One way in: open an event log, whatever it is, and get its events as the trail takes them.

What a file is, is read from its content, never from its name:

========= ============================================ =======================================
format    content begins with (unpacked)               reader
========= ============================================ =======================================
history   a directory; ``SQLite format 3\0`` or text   :mod:`~.history`
          with a history's tables or columns
ocel      ``SQLite format 3\0``                         :mod:`~.ocel_sqlite`
xes       ``<`` (after a byte order mark and space)    :mod:`~.xes`
ocel      ``{``                                        :mod:`~.ocel_json`
csv       any other text                               :mod:`~.table`
========= ============================================ =======================================

Worked example::

    for found in open_event_log("bpic2019.xes.gz", builtin_mapping("bpic2019"), None):
        match found:
            case SourceRecord(position, line): ...     # hand the line to the trail's one door
            case SourceProblem(position, problems, original): ...   # show it, keep the original

Without a mapping the built-in ones are tried on the first events; one that fits, and only one, is taken.
"""

from collections.abc import Iterator
from itertools import islice
from os import PathLike
from pathlib import Path

from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceEvent, SourceProblem, SourceRecord
from ordertrail.adapters.eventlogs.history import read_history, tools_of
from ordertrail.adapters.eventlogs.history_rules import Tool
from ordertrail.adapters.eventlogs.mapping import ActivityRule, Format, Mapping, TimeRule
from ordertrail.adapters.eventlogs.mapping_file import builtin_mapping, builtin_mappings
from ordertrail.adapters.eventlogs.ocel_json import read_ocel_json
from ordertrail.adapters.eventlogs.ocel_objects import ObjectIndex
from ordertrail.adapters.eventlogs.ocel_sqlite import read_ocel_sqlite
from ordertrail.adapters.eventlogs.source import DEFAULT_LIMITS, Limits, Progress, Source
from ordertrail.adapters.eventlogs.table import read_table
from ordertrail.adapters.eventlogs.translate import Translator
from ordertrail.adapters.eventlogs.xes import read_xes
from ordertrail.kernel.errors import InputError, Problem

_SQLITE_MAGIC = b"SQLite format 3\x00"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HEAD = 1 << 12
_PLAIN = Mapping("", "history", TimeRule(), ActivityRule(), {})
"""How an export is written where no mapping says so."""
_SAP, _ORDERS = "sap-change-documents", "order-history"
"""The mappings that are tried for histories that came without one."""
_TRIED = 200
"""Events that a built-in mapping must translate to be taken for a log that came without one."""


def open_event_log(
    path: str | PathLike[str],
    mapping: Mapping | None = None,
    progress: Progress | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[SourceRecord | SourceProblem]:
    """Return the log's events, translated, in the sequence in which they stand.

    Raises InputError at once where there is no such file, it is empty, its format is not the mapping's,
    or it came without a mapping and no built-in one fits. Everything later is a SourceProblem: of an
    event that cannot be translated, or a last one, of a source that cannot be read further.
    """
    if mapping is not None and mapping.format == "history":
        return read_history(Path(path), mapping, progress, limits)
    if mapping is None and (tools := _history_tools(Path(path), limits)):
        return read_history(
            Path(path), builtin_mapping(_SAP if tools[0] == _SAP else _ORDERS), progress, limits
        )
    source = Source(Path(path), limits)
    found = detect_format(source)
    if mapping is None:
        mapping = recognise(source, found)
    if mapping.format != found:
        raise InputError(
            f"{path} is {found} by its content; the mapping {mapping.log!r} is for {mapping.format}"
        )
    return _translated(source, mapping, progress)


def _history_tools(path: Path, limits: Limits) -> list[Tool]:
    """Return the tools whose history a file or a directory holds; none where it may be something else."""
    if path.is_dir():
        found = tools_of(path, limits, _PLAIN)
        if not found:
            raise InputError(
                f"{path} is a directory, and no export in it is one of a history that is read",
                remedy="Name one file; or put the exports of a history's tables into a directory of their own.",
            )
        return found
    if not path.is_file() or detect_format(Source(path, limits)) not in ("csv", "ocel"):
        return []
    return tools_of(path, limits, _PLAIN)


def detect_format(source: Source) -> Format:
    """Say by its content what a source is. Raises InputError where it cannot be an event log."""
    head = source.head(_HEAD)
    if head.startswith(_SQLITE_MAGIC):
        return "ocel"
    start = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if start.startswith(_UTF16_MARKS):
        if b"<" in start[:4]:
            return "xes"
        raise InputError(f"{source.path} is UTF-16; convert it to UTF-8 first")
    if not start:
        raise InputError(f"{source.path} holds nothing")
    if start.startswith(b"<"):
        return "xes"
    if start.startswith((b"{", b"[")):
        return "ocel"
    if b"\0" in start:
        raise InputError(f"{source.path} is neither text nor a database: it is no event log that is read")
    return "csv"


def recognise(source: Source, found: Format) -> Mapping:
    """Return the one built-in mapping that fits a source. Raises InputError where none or several do."""
    candidates = [
        mapping for name in builtin_mappings() if (mapping := builtin_mapping(name)).format == found
    ]
    fitting = [mapping for mapping in candidates if _fits(source, mapping)]
    if len(fitting) == 1:
        return fitting[0]
    several = " and ".join(repr(mapping.log) for mapping in fitting)
    what = f"several built-in mappings fit ({several})" if fitting else "no built-in mapping fits"
    raise InputError(
        f"{source.path} is {found}, and {what}",
        remedy="Give a mapping: --mapping with one of "
        + ", ".join(builtin_mappings())
        + ", or a file of your own.",
    )


def _fits(source: Source, mapping: Mapping) -> bool:
    try:
        first = list(islice(_events(source, mapping, None), _TRIED))
    except BrokenSourceError:
        return False
    return bool(first) and all(isinstance(found, SourceRecord) for found in first)


def _translated(
    source: Source, mapping: Mapping, progress: Progress | None
) -> Iterator[SourceRecord | SourceProblem]:
    try:
        yield from _events(source, mapping, progress)
    except BrokenSourceError as error:
        yield SourceProblem(error.position, (Problem("", error.message),))


def _events(
    source: Source, mapping: Mapping, progress: Progress | None
) -> Iterator[SourceRecord | SourceProblem]:
    objects = ObjectIndex(mapping) if mapping.format == "ocel" else None
    translator = Translator(mapping, objects)
    found: Iterator[SourceEvent | SourceProblem]
    if objects is not None:
        read_ocel = read_ocel_sqlite if source.head(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC else read_ocel_json
        found = read_ocel(source, objects, translator.times, progress)
    elif mapping.format == "xes":
        found = read_xes(source, progress)
    else:
        found = read_table(source, mapping, progress)
    translate = translator.translate
    for event in found:
        yield event if isinstance(event, SourceProblem) else translate(event)
