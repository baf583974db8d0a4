"""Histories that other audit tools keep in tables, read as imported events.

::

    SQLite or CSV exports ─▶ store ─▶ continuum | auditlog | simple_history | sap ─▶ telling ─▶ sequence ─▶ lines
                                                        mapping (TOML) ────────────────▶┘

A reader goes through its tool's tables object by object and says what each row did to its object; the
teller makes an event of it; the sequence hands the events out by their times. Memory does not grow with
the history: rows are read as they are needed, SQLite sorts on disk, lines wait on disk.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceProblem, SourceRecord
from ordertrail.adapters.eventlogs.history import auditlog, continuum, sap, simple_history
from ordertrail.adapters.eventlogs.history.sequence import Sequence
from ordertrail.adapters.eventlogs.history.steps import Step
from ordertrail.adapters.eventlogs.history.store import (
    SQLITE_MAGIC,
    Store,
    Table,
    export_files,
    header_of,
    load_exports,
    open_database,
    refuse_unmerged,
    table_name,
)
from ordertrail.adapters.eventlogs.history.telling import Teller
from ordertrail.adapters.eventlogs.history_rules import HistoryRules, Tool
from ordertrail.adapters.eventlogs.mapping import Mapping
from ordertrail.adapters.eventlogs.source import Limits, Progress, Source
from ordertrail.kernel.errors import InputError, Problem

_Find = Callable[[Store], bool]
_Read = Callable[[Store, HistoryRules], Iterator[Step | SourceProblem]]

_TOOLS: dict[Tool, tuple[_Find, _Read]] = {
    continuum.TOOL: (continuum.find, continuum.read),
    auditlog.TOOL: (auditlog.find, auditlog.read),
    simple_history.TOOL: (simple_history.find, simple_history.read),
    sap.TOOL: (sap.find, sap.read),
}
_REPORT_EVERY = 1 << 10


def tools_of(path: Path, limits: Limits, plain: Mapping) -> list[Tool]:
    """Return the tools whose tables a database, an export or a directory of exports holds, by content.

    Only what is needed is read: a database's schema, the first line of an export. ``plain`` says how
    exports are written. Raises InputError where a file cannot be opened.
    """
    if not path.exists():
        raise InputError(f"there is no file or directory {path}")
    if _is_database(path):
        try:
            with closing(open_database(path, limits)) as store:
                return _tools(store)
        except (sqlite3.Error, UnicodeError):
            return []  # What is damaged is reported, with its place, when it is read.
    with closing(sqlite3.connect(":memory:")) as connection:
        store = Store(connection)
        for file in export_files(path):
            with suppress(InputError):
                _, columns = header_of(Source(file, limits), plain)
                store.tables[table_name(file)] = Table(table_name(file), dict.fromkeys(columns, "TEXT"))
        return _tools(store)


def read_history(
    path: Path, mapping: Mapping, progress: Progress | None, limits: Limits
) -> Iterator[SourceRecord | SourceProblem]:
    """Yield a history's events by their times, and before them everything that could not be read.

    Raises InputError at once where the mapping's tool has no tables here, or several tools have and the
    mapping says none.
    """
    refuse_unmerged(path)
    found = tools_of(path, limits, mapping)
    wanted = mapping.history.tool
    if not found or (wanted is not None and wanted not in found):
        raise InputError(
            f"{path} holds no tables of {wanted or 'a history that is read'}",
            remedy="Read are the tables of "
            + ", ".join(_TOOLS)
            + "; exports keep the tools' own column names.",
        )
    if wanted is None and len(found) > 1:
        raise InputError(
            f"{path} holds histories of {' and '.join(found)}, which may tell the same changes twice",
            remedy=f'Say in a mapping file which one to read: tool = "{found[0]}". The other can be imported too.',
        )
    return _History(path, mapping, wanted or found[0], limits).events(progress)


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def _tools(store: Store) -> list[Tool]:
    return [tool for tool, (find, _) in _TOOLS.items() if find(store)]


@dataclass(frozen=True, slots=True)
class _History:
    path: Path
    mapping: Mapping
    tool: Tool
    limits: Limits

    def events(self, progress: Progress | None) -> Iterator[SourceRecord | SourceProblem]:
        """Yield what cannot be told, then the events by their times."""
        with (
            TemporaryDirectory(prefix="ordertrail-import-") as name,
            closing(Sequence(Path(name))) as sequence,
        ):
            yield from self._told(sequence, Path(name))
            size = sum(file.stat().st_size for file in export_files(self.path))
            for number, line in enumerate(sequence.lines(), 1):
                yield line
                if progress is not None and (number % _REPORT_EVERY == 0 or number == sequence.count):
                    progress(size * number // sequence.count, size)

    def _told(self, sequence: Sequence, folder: Path) -> Iterator[SourceProblem]:
        """Put every step's line into the sequence; yield what cannot be told."""
        try:
            broken: list[SourceProblem] = []
            with closing(self._open(folder, broken)) as store:
                yield from broken
                teller = Teller(self.mapping, self.tool, store, sequence)
                for found in _TOOLS[self.tool][1](store, self.mapping.history):
                    told = found if isinstance(found, SourceProblem) else teller.tell(found)
                    if isinstance(told, SourceProblem):
                        yield told
                    elif told is not None:
                        sequence.add(told)
                yield from teller.unnamed()
        except BrokenSourceError as error:
            yield SourceProblem(error.position, (Problem("", error.message),))
        except (sqlite3.Error, UnicodeError) as error:
            # The driver decodes names and its own messages strictly: of damaged files they may not be text.
            yield SourceProblem("the history", (Problem("", f"cannot be read further: {error}"),))

    def _open(self, folder: Path, broken: list[SourceProblem]) -> Store:
        if _is_database(self.path):
            return open_database(self.path, self.limits)
        return load_exports(export_files(self.path), self.mapping, self.limits, folder, broken)


__all__ = ["read_history", "tools_of"]
