"""What a way of tampering is, what it touched, and whether a report points at that very place."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from pathlib import Path

from ordertrail.ledger.verify.report import Finding

LOG = "log/"


class Copies(Flag):
    """The copies of the entries that a log has, each of which proves them by itself."""

    NONE = 0
    TABLE = auto()
    TILES = auto()
    BOTH = TABLE | TILES


@dataclass(frozen=True, slots=True)
class Where:
    """What was touched.

    ``path`` is relative to the trail directory; ``row`` is a row of the database in the report's own words;
    ``entry`` the index of the first entry concerned; ``span`` the first byte touched and the one after the
    last, counted in the file or in the cell.
    """

    path: str
    row: str | None = None
    entry: int | None = None
    span: tuple[int, int] | None = None

    def __str__(self) -> str:
        place = f"{self.path}: {self.row}" if self.row else self.path
        return place if self.span is None else f"{place}, byte {self.span[0]}"


@dataclass(frozen=True, slots=True)
class Tampering:
    """One way of tampering with a copy of a trail.

    ``apply`` changes the copy, the same way for the same seed, and says where. ``spares`` names the copies
    of the entries that are whole afterwards. ``silent`` says that nothing inside the directory can show it:
    only a checkpoint kept elsewhere does. ``apply`` raises LookupError where the trail has no such thing.
    """

    name: str
    description: str
    apply: Callable[[Path, int], Where]
    spares: Copies
    silent: bool = False


def locates(finding: Finding, where: Where) -> bool:
    """Say whether a finding names the place: its path and byte, its row, or its entry."""
    if where.entry is not None and finding.index == where.entry:
        return True
    name = where.row or where.path.removeprefix(LOG)
    if finding.where != name and not finding.where.startswith(f"{name} "):
        return False
    rest = finding.where.removeprefix(name).split()
    names_byte = where.row is None and where.span is not None and rest[:1] == ["byte"]
    return not names_byte or where.span is None or int(rest[1]) == where.span[0]
