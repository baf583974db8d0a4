"""What a verb says: to a person on the terminal, or as one JSON object; progress goes to stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError, OrderTrailError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

EXIT_BROKEN = 1
EXIT_INPUT = 2
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130
"""As a shell reports a process that ended by SIGINT."""

_SHOWN = 50
"""Problems shown to a person; JSON has them all."""


def say(text: str = "") -> None:
    """Print a line to a person; what it says is text, not markup."""
    out.print(escape(text))


def say_json(value: dict[str, Any]) -> None:
    """Print the verb's one JSON object."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def say_json_line(value: dict[str, Any]) -> None:
    """Print one of many JSON objects, a line each, at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings. What a row is named by stands first, and is never cut short: people copy it."""
    first, *others = headings
    name = Column(first, overflow="fold", min_width=max((len(row[0]) for row in rows), default=0))
    table = Table(name, *others, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def say_problems(problems: Sequence[str]) -> None:
    """Print problems to a person, the first ones and how many more there are."""
    for problem in problems[:_SHOWN]:
        err.print(f"  [red]✗[/red] {escape(problem)}")
    if len(problems) > _SHOWN:
        err.print(f"  … and {len(problems) - _SHOWN:,} more; --json has them all")


@contextmanager
def progress(doing: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr while something long runs; call what is yielded with done and all."""
    if quiet or not err.is_terminal:
        yield lambda _done, _all: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def exit_code(error: OrderTrailError) -> int:
    """Return the exit status that an error means: 1 evidence broken, 2 input or usage, 3 unavailable."""
    if isinstance(error, EvidenceError):
        return EXIT_BROKEN
    if isinstance(error, InputError | ConfigurationError):
        return EXIT_INPUT
    return EXIT_UNAVAILABLE


def fail(error: OrderTrailError, *, as_json: bool) -> NoReturn:
    """Say what happened, what it means for the evidence and what to do; end with the error's status."""
    told = error.diagnostics()
    problems = error.problems if isinstance(error, InputError) else ()
    if as_json:
        say_json(
            {
                "error": type(error).__name__,
                "happened": told.happened,
                "means": told.meaning,
                "remedy": told.remedy,
                "problems": [{"path": problem.path, "message": problem.message} for problem in problems],
            }
        )
    else:
        shown = len(problems) > 1
        err.print(
            f"[bold red]error[/bold red] {escape(f'{len(problems)} problems' if shown else told.happened)}"
        )
        if shown:
            say_problems([str(problem) for problem in problems])
        err.print(f"[dim]means[/dim] {escape(told.meaning)}\n[dim]to do[/dim] {escape(told.remedy)}")
    raise typer.Exit(exit_code(error))
