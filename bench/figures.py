"""What a benchmark says: figures with their targets, grids of figures side by side, and what was skipped."""

import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach (``min``) or must not exceed (``max``)."""

    kind: Literal["min", "max"]
    value: float

    def met(self, value: float) -> bool:
        """Say whether a value meets it."""
        return value >= self.value if self.kind == "min" else value <= self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; ``note`` says how it was measured."""

    key: str
    label: str
    value: float
    unit: str
    target: Target | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        return None if self.target is None else self.target.met(self.value)


@dataclass(frozen=True, slots=True)
class Grid:
    """Figures side by side; the first column names what each row is of."""

    key: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not measured, and why."""

    key: str
    reason: str


Result = Figure | Grid | Skipped


def format_value(value: float, unit: str) -> str:
    """Write a value for people: three significant digits, thousands apart."""
    if not math.isfinite(value):
        return f"{value} {unit}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def at_least(value: float) -> Target:
    """Return the target of a figure that should be high."""
    return Target("min", value)


def at_most(value: float) -> Target:
    """Return the target of a figure that should be low."""
    return Target("max", value)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def format_result(result: Result) -> str:
    """Write a result as lines for people."""
    match result:
        case Figure():
            return _format_figure(result)
        case Grid():
            return _format_grid(result)
        case Skipped():
            return f"  {result.key}: skipped: {result.reason}"


def _format_figure(figure: Figure) -> str:
    target, mark = "", " "
    if figure.target is not None:
        sign = "≥" if figure.target.kind == "min" else "≤"
        target, mark = (
            f"{sign} {format_value(figure.target.value, figure.unit)}",
            "✓" if figure.met else "✗ MISSED",
        )
    line = f"  {figure.label:<52}{format_value(figure.value, figure.unit):>20}  {target:>20}  {mark}".rstrip()
    return "\n".join([line, *_indented(figure.note)])


def _format_grid(grid: Grid) -> str:
    """Write a grid with its short columns in line, and under each row its last one, which is a sentence."""
    short = [row[:-1] for row in (grid.head, *grid.rows)]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    lines = [f"  {grid.title}"]
    for number, row in enumerate((grid.head, *grid.rows)):
        cells = [
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  " + "   ".join(cells).rstrip())
        lines += _indented(row[-1]) if number else []
    return "\n".join(lines)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="      ", subsequent_indent="      ") if text else []


def format_json(machine: dict[str, Any], how: dict[str, Any], results: Sequence[Result]) -> str:
    """Write a run as one JSON object."""
    figures = [asdict(one) | {"met": one.met} for one in results if isinstance(one, Figure)]
    grids = [
        {
            "key": one.key,
            "title": one.title,
            "rows": [dict(zip(one.head, row, strict=True)) for row in one.rows],
        }
        for one in results
        if isinstance(one, Grid)
    ]
    skipped = [asdict(one) for one in results if isinstance(one, Skipped)]
    whole = {"machine": machine, "run": how, "figures": figures, "grids": grids, "skipped": skipped}
    return json.dumps(whole, indent=2, ensure_ascii=False)
