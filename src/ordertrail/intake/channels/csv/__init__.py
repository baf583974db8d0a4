"""Tables: CSV and XLSX files of order lines, by a mapping.

The source's option ``mapping`` is the mapping's text, or the name of a shipped one (``uci_online_retail``);
:mod:`ordertrail.intake.mapping` has the grammar of ``[order]``, in which a place is a column's name. Beside it stands::

    [table]
    key = "OrderNo"                     # the column whose value the rows of one order share
    encoding = "utf-8-sig"              # or utf-16, cp1252; never guessed
    delimiter = ";"
    quote = '"'
    decimal = ","                       # 5,64; thousands are then written with a point, or with nothing
    dates = ["%d.%m.%Y %H:%M:%S"]       # strptime; ISO 8601 is read without
    columns = ["OrderNo", "Sku"]        # for a table without a header row
    sheet = "Orders"                    # of a workbook; without it the first
    window = 64                         # orders whose rows may stand apart

    [table.cancelled]                   # which rows are of a cancellation
    column = "OrderNo"
    prefix = "C"                        # or word = "cancelled"
    of = "order"                        # the order without the prefix is cancelled; without it this is a document of
                                        # its own, and its order is cancelled

========================================  ==================================================================
what comes                                what it tells
========================================  ==================================================================
rows of one key                           an order, at the number of its first row: ``/2`` for the first
a row with more or fewer fields           a faulty order
rows of one key too far apart             a second message of the order, which is faulty
========================================  ==================================================================

What all rows of an order agree upon is the order's (``/order/Country``); what they differ in is a row's
(``/rows/3/Country``). Rows are read one after the other: memory holds a window of orders, whatever the size of the
file. RFC 4180; ECMA-376 (Office Open XML) for workbooks, whose unpacked size is bounded before they are opened.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.csv.rows import Row, bytes_rows, is_workbook, workbook_rows
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.mapped import Frame, mapped_order
from ordertrail.intake.mapping import NUMBERS, Kind, OrderMapping, Place, parse_mapping
from ordertrail.intake.message import Faulty, Message
from ordertrail.intake.parts import message_of
from ordertrail.kernel.errors import ConfigurationError, InputError, Problem
from ordertrail.orders.ids import order_id
from ordertrail.orders.statuses import OrderStatus
from ordertrail.record.shape import shape_problems

LONGEST_ORDER: Final = 20_000
"""Rows of the largest order."""

_REMEMBERED: Final = 65_536
"""Keys of the last orders, by which rows that come too late are known."""

_WITH_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
_WITH_POINT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")
_TIMES = frozenset({Kind.TIME})


class Cancelled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows are of a cancellation."""

    column: str
    prefix: str | None = None
    word: str | None = None
    of: Literal["order", "own"] = "own"


class TableRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a table is written."""

    key: str
    encoding: Literal["utf-8-sig", "utf-8", "utf-16", "cp1252"] = "utf-8-sig"
    delimiter: str = ","
    quote: str = '"'
    decimal: Literal[".", ","] = "."
    dates: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sheet: str | None = None
    window: int = 64
    cancelled: Cancelled | None = None


class Table:
    """Reads tables by the mapping of its source."""

    name = "csv"

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - a table has none of its own
        """Return None: a file is known by its content."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield an order for the rows of each key, as soon as no more of them can come."""
        rule, mapping = _rules(delivery)
        if is_workbook(delivery.body):
            rows = workbook_rows(delivery.body, rule.sheet)
        else:
            rows = bytes_rows(delivery.body, rule.encoding, rule.delimiter, rule.quote)
        header = list(rule.columns) or _header(rows)
        _require_columns(header, rule, mapping)
        columns = _Columns.of(header, rule, mapping)
        for group in _Groups(rule.window, header.index(rule.key)).of(rows):
            yield _message(group, columns, delivery)


def _rules(delivery: Delivery) -> tuple[TableRule, OrderMapping]:
    text = delivery.source.options.get("mapping")
    if text is None:
        raise ConfigurationError(
            f"the source {delivery.source} has no mapping",
            remedy="Give it the option mapping; docs/reference/channels.md has the grammar.",
        )
    return _parsed(text)


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[TableRule, OrderMapping]:
    """Return how a table is written, and its mapping. Raises ConfigurationError for what is wrong with either."""
    try:
        mapping = parse_mapping(text)
        return _table_rule(mapping), mapping
    except InputError as error:
        raise ConfigurationError(
            f"the mapping is wrong: {error.message}", meaning=error.meaning, remedy=error.remedy
        ) from None


def _table_rule(mapping: OrderMapping) -> TableRule:
    table = mapping.extra.get("table")
    problems = shape_problems(table, TableRule, "table")
    problems += [
        Problem(name, "is no table here") for name in mapping.extra if name not in {"table", "version"}
    ]
    problems += [
        Problem("order", f"{place.name}: a column has a name, and nothing within it")
        for name in (None, *mapping.lists)
        for place in mapping.places(frozenset(Kind), name)
        if place.steps
    ]
    if not problems:
        rule = msgspec.convert(table, TableRule)
        problems = list(_rule_problems(rule))
    if problems:
        raise InputError(problems)
    return rule


def _rule_problems(rule: TableRule) -> Iterator[Problem]:
    for name in ("delimiter", "quote"):
        text = getattr(rule, name)
        if len(text) != 1 or text in "\r\n":
            yield Problem(f"table.{name}", "must be one character")
    if not 1 <= rule.window <= 10_000:
        yield Problem("table.window", "must be from 1 to 10000 orders")
    cancelled = rule.cancelled
    if cancelled is not None and (cancelled.prefix is None) == (cancelled.word is None):
        yield Problem("table.cancelled", "has either a prefix or a word")
    if cancelled is not None and cancelled.of == "order" and cancelled.column != rule.key:
        yield Problem("table.cancelled.of", "is order only where the key itself has the prefix")


def _header(rows: Iterator[Row]) -> list[str]:
    for row in rows:
        return [str(one or "").strip() for one in row.values]
    raise FaultyError(Fault(Code.MISSING, "", "the table has no header row"))


def _require_columns(header: list[str], rule: TableRule, mapping: OrderMapping) -> None:
    faults = [
        Fault(Code.CONTRADICTION, "", f"two columns are called {name[:80]!r}")
        for name in dict.fromkeys(header)
        if name and header.count(name) > 1
    ]
    wanted = {rule.key, *([rule.cancelled.column] if rule.cancelled is not None else [])}
    for name in (None, *mapping.lists):
        wanted |= {place.name for place in mapping.places(frozenset(Kind), name)}
    faults += [
        Fault(Code.MISSING, "", f"the table has no column {name!r}") for name in sorted(wanted - set(header))
    ]
    if faults:
        raise FaultyError(faults)


@dataclass(frozen=True, slots=True)
class _Columns:
    """A table's columns, and what is known of each."""

    header: list[str]
    rule: TableRule
    mapping: OrderMapping
    list_name: str
    of_order: frozenset[str]
    of_lines: frozenset[str]
    numbers: frozenset[str]
    times: frozenset[str]

    @classmethod
    def of(cls, header: list[str], rule: TableRule, mapping: OrderMapping) -> "_Columns":
        """Return them for a header. Rows are a list of the order's, called so that no column is hidden by it."""
        every = frozenset(Kind)
        list_name = "rows"
        while list_name in header:
            list_name += "_"
        lines = mapping.lists.get("lines")
        lists = {**mapping.lists}
        if lines is not None:
            lists["lines"] = replace(lines, at=Place((), list_name))
        both = (None, "lines")
        return cls(
            header,
            rule,
            replace(mapping, lists=lists),
            list_name,
            frozenset(place.name for place in mapping.places(every)),
            frozenset(place.name for place in mapping.places(every, "lines")),
            frozenset(place.name for name in both for place in mapping.places(NUMBERS, name)),
            frozenset(place.name for name in both for place in mapping.places(_TIMES, name)),
        )


@dataclass(slots=True)
class _Group:
    """Rows of one order."""

    rows: list[Row] = field(default_factory=list)
    late: int | None = None
    """The row at which the order was first met, where that was too long ago."""
    count: int = 0
    """Its rows, those beyond the largest order too."""


class _Groups:
    """Brings the rows of each order together, as long as they stand within a window of orders."""

    def __init__(self, window: int, key: int) -> None:
        self._window = window
        self._key = key
        self._open: OrderedDict[str, _Group] = OrderedDict()
        self._gone: OrderedDict[str, int] = OrderedDict()

    def of(self, rows: Iterator[Row]) -> Iterator[_Group]:
        """Yield groups in the sequence of their first rows. Rows without a key are groups of their own."""
        for row in rows:
            value = row.values[self._key] if self._key < len(row.values) else None
            key = str(value or "").strip()
            if not key:
                yield _Group([row], None, 1)
                continue
            group = self._open.get(key)
            if group is None:
                group = self._open[key] = _Group(late=self._gone.get(key))
                if len(self._open) > self._window:
                    yield self._close()
            group.count += 1
            if group.count <= LONGEST_ORDER:
                group.rows.append(row)
        while self._open:
            yield self._close()

    def _close(self) -> _Group:
        key, group = self._open.popitem(last=False)
        self._gone[key] = group.rows[0].number
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)
        return group


def _message(group: _Group, columns: _Columns, delivery: Delivery) -> Message:
    """Return what the rows of one order tell."""
    rule, source = columns.rule, delivery.source
    pointer = f"/{group.rows[0].number}"
    faults = list(_group_faults(group, columns, pointer))
    document = Document(_tree(group.rows, columns, pointer, faults), source.zone, faults, pointer)
    if columns.rule.key not in document.tree:
        return Message(pointer, Faulty((Fault(Code.MISSING, pointer, f"a row without {rule.key}"),)))
    if not _is_cancelled(group.rows[0], columns):
        return mapped_order(document, columns.mapping, source)
    if rule.cancelled is not None and rule.cancelled.of == "order":
        return _cancellation(document, columns, delivery)
    return mapped_order(document, columns.mapping, source, Frame(status=OrderStatus.CANCELLED))


def _group_faults(group: _Group, columns: _Columns, pointer: str) -> Iterator[Fault]:
    width = len(columns.header)
    for row in group.rows:
        if len(row.values) != width:
            told = f"row {row.number} has {len(row.values)} fields; the table has {width} columns"
            yield Fault(Code.CONTRADICTION, pointer, told)
    if group.count > LONGEST_ORDER:
        told = f"{group.count} rows are more than the {LONGEST_ORDER} that an order can have"
        yield Fault(Code.TOO_LARGE, pointer, told)
    if group.late is not None:
        window = columns.rule.window
        told = f"its other rows stand too far apart, from row {group.late} on; table.window is {window}"
        yield Fault(Code.CONTRADICTION, pointer, told)


def _tree(rows: Sequence[Row], columns: _Columns, pointer: str, faults: list[Fault]) -> dict[str, Any]:
    """Return the tree of one order: what all its rows agree upon, and its rows with the rest."""
    tree: dict[str, Any] = {}
    listed: list[dict[str, Any]] = [{} for _ in rows]
    for place, name in enumerate(columns.header):
        values = [row.values[place] if place < len(row.values) else None for row in rows]
        first = values[0]
        if name in columns.of_order or (name not in columns.of_lines and all(one == first for one in values)):
            tree[name] = _plain(first, name, columns, f"{pointer}/{name}", faults)
            if name not in columns.of_lines:
                values = [None if one == first else one for one in values]
        if name in columns.of_lines or any(one is not None for one in values):
            for number, (line, one) in enumerate(zip(listed, values, strict=True)):
                if one not in {None, ""}:
                    at = f"{pointer}/{columns.list_name}/{number}/{name}"
                    line[name] = _plain(one, name, columns, at, faults)
    return {**{name: one for name, one in tree.items() if one not in {None, ""}}, columns.list_name: listed}


def _plain(value: Any, name: str, columns: _Columns, at: str, faults: list[Fault]) -> Any:
    """Return a cell as JSON has it: numbers with a point, dates by ISO 8601."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in columns.numbers and text:
        return _number(text, columns.rule.decimal, at, faults)
    if name in columns.times and text:
        for form in columns.rule.dates:
            try:
                return datetime.strptime(text, form).isoformat()  # noqa: DTZ007 - the source's zone is put on later
            except ValueError:
                continue
    return value


def _number(text: str, decimal: str, at: str, faults: list[Fault]) -> str:
    pattern, thousands = (_WITH_COMMA, ".") if decimal == "," else (_WITH_POINT, ",")
    if pattern.fullmatch(text):
        return text.replace(thousands, "").replace(decimal, ".")
    if decimal == ",":
        # With a point it might be read as another number than it is.
        faults.append(Fault(Code.MALFORMED, at, f"{text[:60]!r} is not a number with a decimal comma"))
    return text


def _is_cancelled(row: Row, columns: _Columns) -> bool:
    rule = columns.rule.cancelled
    if rule is None:
        return False
    place = columns.header.index(rule.column)
    text = str(row.values[place] if place < len(row.values) else "" or "").strip()
    return text.startswith(rule.prefix) if rule.prefix is not None else text == rule.word


def _cancellation(document: Document, columns: _Columns, delivery: Delivery) -> Message:
    """Return the cancellation of the order that the key names behind its prefix."""
    root, source, rule = document.root, delivery.source, columns.rule
    prefix = rule.cancelled.prefix if rule.cancelled is not None else None
    name = (root.id(rule.key) or "").removeprefix(prefix or "")
    placed = columns.mapping.order.get("placed")
    at = root.time(placed.places[0].name) if placed is not None and placed.places else None
    content, key = None, None
    try:
        key = order_id(source.channel, source.account, name)
        content = Amendment(
            order=key,
            channel=source.channel,
            account=source.account,
            status=OrderStatus.CANCELLED,
            cancelled=at,
        )
    except ValueError as error:
        root.fault(Code.MALFORMED, rule.key, str(error))
    return message_of(document, root, content, source.channel, key)
