"""Change documents of SAP: exports of the tables CDHDR (headers) and CDPOS (positions).

============ ===============================================================================================
``CDHDR``    ``OBJECTCLAS``, ``OBJECTID``, ``CHANGENR``; ``USERNAME``, ``UDATE``, ``UTIME`` (the system's time,
             in no zone), ``TCODE``; ``MANDANT`` where it was exported
``CDPOS``    ``OBJECTCLAS``, ``OBJECTID``, ``CHANGENR``, ``TABNAME``, ``TABKEY``, ``FNAME``, ``CHNGIND``,
             ``VALUE_OLD``, ``VALUE_NEW``, and where they are there ``CUKY_OLD``, ``CUKY_NEW``
============ ===============================================================================================

(help.sap.com, "Change Documents"; fields as in the data dictionary.) ``CHNGIND`` is U for a change, I for a
row that is made, J for one that is made and told field by field, D for a row that is deleted, E for one that is
deleted and told field by field. The field ``KEY`` stands for the row as a whole. The positions of one document
about one row of one table are one step. Exports with headings in lower case are read too.

Amounts and numbers may be padded and have their sign behind them (``"     7.20-"``).
"""

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any

from msgspec import UNSET

from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceProblem
from ordertrail.adapters.eventlogs.history.steps import Sides, Step, Value, original_of
from ordertrail.adapters.eventlogs.history.store import Store, Table, quoted
from ordertrail.adapters.eventlogs.history_rules import HistoryRules, Tool, Word
from ordertrail.kernel.errors import Problem

TOOL: Tool = "sap-change-documents"
_WORDS: dict[str, Word] = {"U": "update", "I": "create", "J": "create", "D": "delete", "E": "delete"}
_DOCUMENT = ("OBJECTCLAS", "OBJECTID", "CHANGENR")
_HEADER = ("USERNAME", "UDATE", "UTIME")
_POSITION = ("TABNAME", "TABKEY", "FNAME", "CHNGIND", "VALUE_OLD", "VALUE_NEW")
_WHOLE_ROW = "KEY"
_DATE_DIGITS, _TIME_DIGITS = 8, 6


def find(store: Store) -> bool:
    """Say whether there are headers or positions."""
    return any(_is(table, _HEADER) or _is(table, _POSITION) for table in store.tables.values())


def read(store: Store, rules: HistoryRules) -> Iterator[Step | SourceProblem]:
    """Yield the steps of all positions, and a problem for each header without any."""
    headers = [table for table in store.tables.values() if _is(table, _HEADER)]
    positions = [table for table in store.tables.values() if _is(table, _POSITION)]
    for what, found in (("CDHDR, which say who and when", headers), ("CDPOS, which say what", positions)):
        if len(found) != 1:
            many = f"{len(found)} tables look like it" if found else "none is there"
            raise BrokenSourceError(
                "the export", f"needs the rows of {what}; {many}. Put one export of each into a directory"
            )
    documents = _Documents(store, headers[0], positions[0], rules)
    yield from documents.steps()
    yield from documents.without_positions()


def _is(table: Table, columns: tuple[str, ...]) -> bool:
    return {*_DOCUMENT, *columns} <= {name.upper() for name in table.columns}


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


class _Documents:
    def __init__(self, store: Store, headers: Table, positions: Table, rules: HistoryRules) -> None:
        self._store = store
        self._rules = rules
        self._ignores = cache(rules.ignores)
        self._headers, self._positions = headers, positions
        client = [c for c in ("MANDANT",) if _is(headers, (c,)) and _is(positions, (c,))]
        self._document = (*client, *_DOCUMENT)

    def steps(self) -> Iterator[Step]:
        """Yield a step for each row of a table that a document says something of."""
        for _, same in groupby(self._rows(), key=self._row):
            rows = list(same)
            name = _text(rows[0]["TABNAME"])
            if not self._ignores(name):
                yield self._step(rows, name)

    def without_positions(self) -> Iterator[SourceProblem]:
        """Yield the headers that no position belongs to."""
        rows = self._store.query(
            f"SELECT {', '.join(f'h.{quoted(self._column(self._headers, c))}' for c in (*self._document, *_HEADER))} "  # noqa: S608 names are quoted
            f"FROM {quoted(self._headers.name)} h LEFT JOIN {quoted(self._positions.name)} p ON {self._same()} "
            f"WHERE p.{quoted(self._column(self._positions, 'CHANGENR'))} IS NULL"
        )
        for row in rows:
            named = dict(zip((*self._document, *_HEADER), row, strict=True))
            place = f"CDHDR {'/'.join(_text(named[c]) for c in self._document)}"
            yield SourceProblem(
                place,
                (Problem("", "has no positions in CDPOS: what changed is not known"),),
                original_of(named),
            )

    def _column(self, table: Table, name: str) -> str:
        return next(column for column in table.columns if column.upper() == name)

    def _same(self) -> str:
        return " AND ".join(
            f"h.{quoted(self._column(self._headers, c))} = p.{quoted(self._column(self._positions, c))}"
            for c in self._document
        )

    def _rows(self) -> Iterator[dict[str, Any]]:
        wanted = [
            c for c in (*self._document, *_POSITION, "CUKY_OLD", "CUKY_NEW") if _is(self._positions, (c,))
        ]
        of_header = [c for c in ("CHANGENR", *_HEADER, "TCODE") if _is(self._headers, (c,))]
        what = [f"p.{quoted(self._column(self._positions, c))}" for c in wanted]
        what += [f"h.{quoted(self._column(self._headers, c))}" for c in of_header]
        tabname = f"p.{quoted(self._column(self._positions, 'TABNAME'))}"
        names = self._store.query(f"SELECT DISTINCT {tabname} FROM {quoted(self._positions.name)} p")  # noqa: S608
        ranks = {name: self._rules.rank(_text(name)) for (name,) in names}
        cases = "".join(f" WHEN ? THEN {rank}" for rank in ranks.values())
        same = [*(c for c in self._document), "TABNAME", "TABKEY", "CHNGIND"]
        order = ", ".join(f"p.{quoted(self._column(self._positions, c))}" for c in same)
        sql = (
            f"SELECT {', '.join(what)} FROM {quoted(self._positions.name)} p "  # noqa: S608 names are quoted
            f"LEFT JOIN {quoted(self._headers.name)} h ON {self._same()} "
            f"ORDER BY {f'CASE {tabname}{cases} END' if ranks else '0'}, {order}, p.rowid"
        )
        keys = [*wanted, *(f"CDHDR.{c}" for c in of_header)]
        for row in self._store.query(sql, *ranks):
            yield dict(zip(keys, row, strict=True))

    def _row(self, row: dict[str, Any]) -> str:
        return "/".join(_text(row[c]) for c in (*self._document, "TABNAME", "TABKEY", "CHNGIND"))

    def _step(self, rows: list[dict[str, Any]], name: str) -> Step:
        first, problems = rows[0], []
        document = "/".join(_text(first[c]) for c in self._document)
        if first["CDHDR.CHANGENR"] is None:
            problems.append(Problem("time", f"CDHDR has no header {document}: nothing says who and when"))
        word = _WORDS.get(_text(first["CHNGIND"]))
        if word is None:
            problems.append(Problem("CHNGIND", f"is {_text(first['CHNGIND'])!r}; U, I, J, D and E are known"))
        sides = {_text(row["FNAME"]): _sides(row, word) for row in rows if _text(row["FNAME"]) != _WHOLE_ROW}
        if len(sides) < sum(_text(row["FNAME"]) != _WHOLE_ROW for row in rows):
            problems.append(Problem("FNAME", "a field is told twice: one of the two would be lost"))
        number = _text(first["CHANGENR"])
        return Step(
            table=name,
            key=_text(first["TABKEY"]),
            source="CDPOS",
            row=self._row(first),
            word=word or "update",
            time=_time(_text(first["CDHDR.UDATE"]), _text(first["CDHDR.UTIME"])),
            state=self._state(first, name, sides),
            sides=sides,
            major=int(number) if number.isdecimal() else 0,
            user=_text(first["CDHDR.USERNAME"]) or None,
            channel=_text(first.get("CDHDR.TCODE")) or None,
            links=(("CDHDR", document),),
            problems=tuple(problems),
            original={"rows": rows},
        )

    def _state(self, row: dict[str, Any], name: str, sides: dict[str, Sides]) -> dict[str, Value]:
        """Return what templates may name: the document, the key's parts, and the new values."""
        state: dict[str, Value] = {c: _text(row[c]) for c in (*self._document, "TABNAME", "TABKEY")}
        found = self._rules.find(name)
        key = "" if row["TABKEY"] is None else str(row["TABKEY"])
        for column, width in found[1].parts if found else ():
            state[column], key = key[:width].strip(), key[width:]
        return {f: s.after for f, s in sides.items() if s.after is not UNSET} | state


def _sides(row: dict[str, Any], word: Word | None) -> Sides:
    return Sides(
        before=UNSET if word == "create" else _text(row["VALUE_OLD"]),
        after=UNSET if word == "delete" else _text(row["VALUE_NEW"]),
        currency_before=_text(row.get("CUKY_OLD")) or None,
        currency_after=_text(row.get("CUKY_NEW")) or None,
    )


def _time(date: str, time: str) -> str | None:
    """Write a date of eight digits and a time of six with marks between; others are left to the mapping."""
    if not date:
        return None
    if date.isdecimal() and len(date) == _DATE_DIGITS:
        date = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if time.isdecimal() and len(time) <= _TIME_DIGITS:
        time = time.zfill(_TIME_DIGITS)  # A spreadsheet takes the leading zeros of 081257 away.
        time = f"{time[:2]}:{time[2:4]}:{time[4:]}"
    return f"{date} {time}"
