"""The law of the full check: no byte of the evidence can be changed without its being found.

Soaking (``ORDERTRAIL_SOAK=1``, ``make soak``) tries ten times as many.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ordertrail.kernel.errors import ConfigurationError, EvidenceError
from ordertrail.testing.tamper.copies import DATABASE, overwrite, unguarded
from tamper.subjects import Subject, check

EXAMPLES = 150
SOAKING = 10 * EXAMPLES

_NUMBER = 8
"""Bytes of an integer as SQLite can store it at most."""

_KEYS = {
    "entry": ("stream", "idx"),
    "batch": ("stream", "first"),
    "signing_key": ("stream", "first"),
    "stream": ("id",),
}


@dataclass(frozen=True)
class Cell:
    """A column of one row: where it is, and its bytes."""

    table: str
    column: str
    row: tuple[int, ...]
    data: bytes
    kind: type

    @property
    def first(self) -> int:
        """The first byte that is flipped: of a term in days, only what makes less than 45,000 years of it.

        More days than Python's times can count keep the trail from being opened at all, by an OverflowError
        from ``KeptTiles``: found, but not told as it should be (``test_a_term_beyond_all_times``).
        """
        return 5 if self.column == "keep_days" else 0

    def write(self, trail: Path, data: bytes) -> None:
        """Put other bytes into this cell of a copy."""
        key = " AND ".join(f"{column} = ?" for column in _KEYS[self.table])
        value = "CAST(? AS TEXT)" if self.kind is str else "?"
        parameter = int.from_bytes(data, signed=True) if self.kind is int else data
        with unguarded(trail) as database:
            database.execute(
                f"UPDATE {self.table} SET {self.column} = {value} WHERE {key}", (parameter, *self.row)
            )


def files_of(trail: Path) -> list[str]:
    """Every file of the published tree, and every blob, with their terms."""
    found = [path for path in (trail / "log").rglob("*") if path.is_file()]
    found += [path for path in (trail / "blobs").rglob("*") if path.is_file()]
    paths = sorted(path.relative_to(trail).as_posix() for path in found)
    return [path for path in paths if places_in(path, (trail / path).read_bytes())]


def places_in(path: str, content: bytes) -> Sequence[int]:
    """Every byte of a file; of terms, those of the lines that are an object's only one.

    An object that was put twice, or whose term was lengthened, has several lines, and the longest of those
    that are whole is its term: while another one keeps it long enough, a damaged line changes nothing.
    """
    if not path.endswith("/.terms"):
        return range(len(content))
    lines: dict[bytes, list[range]] = {}
    start = 0
    for line in content.splitlines(keepends=True):
        lines.setdefault(line.split(b" ")[1], []).append(range(start, start + len(line)))
        start += len(line)
    return [place for ranges in lines.values() if len(ranges) == 1 for place in ranges[0]]


def cells_of(trail: Path) -> dict[str, list[Cell]]:
    """Every cell of the append-only tables that is not empty, by table and column."""
    cells: dict[str, list[Cell]] = {}
    with closing(sqlite3.connect(trail / DATABASE)) as database:
        database.row_factory = sqlite3.Row
        for table, keys in _KEYS.items():
            for row in database.execute(f"SELECT * FROM {table}"):
                for column in row.keys():  # noqa: SIM118 - a Row iterates over its values
                    data = _bytes(row[column])
                    if data:
                        cell = Cell(table, column, tuple(row[key] for key in keys), data, type(row[column]))
                        cells.setdefault(f"{table}.{column}", []).append(cell)
    # Of all entries this one is read deepest, for the blob that it names: it is tried as often as all others.
    cells["entry.entry with a blob"] = [cell for cell in cells["entry.entry"] if b'"blob":' in cell.data]
    return cells


def _bytes(value: bytes | str | int | None) -> bytes:
    match value:
        case int():
            return value.to_bytes(_NUMBER, signed=True)
        case str():
            return value.encode()
    return value or b""


def _flip(data: bytes, at: int, mask: int) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


@pytest.fixture(scope="session")
def files(small: Subject) -> Sequence[str]:
    """Files that are evidence."""
    return files_of(small.root)


@pytest.fixture(scope="session")
def cells(small: Subject) -> dict[str, list[Cell]]:
    """Cells that are evidence."""
    return cells_of(small.root)


PICK = st.integers(0, 2**32 - 1)
"""Picks one of as many as there are: what there is to pick from is another trail in each run."""


def _examples() -> settings:
    soaking = bool(os.environ.get("ORDERTRAIL_SOAK"))
    return settings(
        max_examples=SOAKING if soaking else EXAMPLES,
        deadline=None,
        # Whether a flip is found does not get clearer by making it smaller.
        suppress_health_check=[HealthCheck.too_slow],
    )


@_examples()
@given(file=PICK, byte=PICK, mask=st.integers(1, 255))
def test_any_byte_of_any_file(small: Subject, files: Sequence[str], file: int, byte: int, mask: int) -> None:
    """Whatever is changed in the published tree, its terms and the blobs, the full check finds something."""
    path = files[file % len(files)]
    content = (small.root / path).read_bytes()
    places = places_in(path, content)
    at = places[byte % len(places)]
    with TemporaryDirectory() as folder:
        copy = small.copy(Path(folder) / "copy")
        overwrite(copy / path, _flip(content, at, mask))
        assert not check(copy).intact


@_examples()
@given(place=st.tuples(PICK, PICK, PICK), mask=st.integers(1, 255))
def test_any_byte_of_any_cell(
    small: Subject, cells: dict[str, list[Cell]], place: tuple[int, int, int], mask: int
) -> None:
    """Whatever is changed in the rows of entries, batches, keys and logs, the full check finds something."""
    column, row, byte = place
    of_column = cells[sorted(cells)[column % len(cells)]]
    cell = of_column[row % len(of_column)]
    at = cell.first + byte % (len(cell.data) - cell.first)
    with TemporaryDirectory() as folder:
        copy = small.copy(Path(folder) / "copy")
        try:
            cell.write(copy, _flip(cell.data, at, mask))
        except sqlite3.IntegrityError:
            assume(False)  # another row has this key: the table itself refuses
        try:
            assert not check(copy).intact
        except (ConfigurationError, EvidenceError):
            # A log that is registered under another name or number is not there to be checked; that is said.
            assert cell.table == "stream"


def test_a_term_beyond_all_times(small: Subject, cells: dict[str, list[Cell]], tmp_path: Path) -> None:
    """A log that says it is kept for more days than times can count is checked, and that is found."""
    copy = small.copy(tmp_path / "copy")
    (cell,) = cells["stream.keep_days"]
    cell.write(copy, _flip(cell.data, 2, 1))
    assert not check(copy).intact


def test_a_page_of_the_database_that_cannot_be_read(small: Subject, tmp_path: Path) -> None:
    """A damaged file is told as that, with what the published tree still proves; only free pages do not matter."""
    with closing(sqlite3.connect(small.root / DATABASE)) as database:
        size, pages, free = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
    unnoticed = 0
    for page in range(0, pages, 3):
        copy = small.copy(tmp_path / str(page))
        data = bytearray((copy / DATABASE).read_bytes())
        data[page * size : (page + 1) * size] = b"\xa5" * size
        (copy / DATABASE).write_bytes(data)
        try:
            report = check(copy)
        except EvidenceError:
            continue  # the page held the schema, the keys or the batches: without them there is no log to check
        unnoticed += report.intact
        assert report.intact or (report.provable is not None and report.provable.by_tiles == small.size)
    assert unnoticed <= free
