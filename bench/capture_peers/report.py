"""The two published pages: completeness and overhead, as Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.capture_peers.catalogue import VENDORS, Contestant, Framework
from bench.capture_peers.matrix import CaseResult, Column
from bench.capture_peers.overhead import Cost, Measured
from bench.capture_peers.verdict import Crash, Verdict, cell, percent

_MANY = 6
"""Cases that are not named one by one where the same was raised in all."""

FRAMEWORKS: Mapping[Framework, str] = {"sqlalchemy": "SQLAlchemy", "django": "Django"}


@dataclass(frozen=True, slots=True)
class Run:
    """When, where and how a page was made; ``versions`` are of packages.

    ``waited`` is in what share of the time a process, of ours or of others, waited for a core; None where unknown.
    """

    date: str
    revision: str
    machine: str
    command: str
    seconds: float
    waited: float | None
    versions: Mapping[str, str]


_COMPLETENESS = """\
# Completeness beside other libraries

The cases of [completeness.md](completeness.md) and [completeness-django.md](completeness-django.md), run on other
libraries that record changes, each set up as its documentation says for tracking everything with the acting user
(`bench/capture_peers/`, one module a library). One judge serves all: triggers of the database, in which no library has
a part, write down each row before and after. A percentage is of the rows that changed: how many of them the library
recorded with the right values before, the right values after, and who did it. Where a library stores versions of a row,
the version before counts as the values before.

{when}

## In total

*Cases*: in how many the library recorded exactly what happened, no row less and no row more. *Rows*: of all rows that
changed, how many were recorded rightly. *Not asking who*: the same if the actor is let go. *Raised*: cases in which the
application failed with the library and does not fail without it; their rows are not counted.

{totals}
"""

_LEGEND = """
- *values only*: every row is right but for the actor, who is missing or wrong.
- *net*: one change is recorded in the place of several of one row in one transaction, and it is right as their sum.
- *n false*: beside that, n records tell of changes that did not happen in that way.
- *raises*: the application got this error from the library; without the library the case runs.
- An empty cell: the library does not work on that database, or the database has no such thing.
- Cases of Django run twice, in autocommit mode and inside `atomic`; a cell holds both.
- Over SQLAlchemy all run on engines that are not asyncio's; ours run on those too, on the page of ours.
"""

_OVERHEAD = """\
# What capture costs, beside other libraries

The same work on the unaudited application and on it with each library, one process and one database each, in turns of a
few transactions, so that whatever else the machine does meets all alike. The libraries are set up as for
[completeness-peers.md](completeness-peers.md), which says what each is. Commits are durable: PostgreSQL with its
defaults, SQLite in WAL mode with `synchronous=FULL`.

{when}

The second column is the unaudited application's median time. A library's cell says how many times that it takes, turn
against turn, in the median round. After it, where the library did not record each row that the work changes, how many
it did record: a ratio near 1 beside *0 of 10,000* is the price of nothing.
"""


def completeness_page(columns: Sequence[Column], run: Run) -> str:
    """Return the page of the cases."""
    text = _COMPLETENESS.format(when=_when(run), totals=_table(_totals(columns, run)))
    reasons: list[str] = []
    for framework, name in FRAMEWORKS.items():
        some = [one for one in columns if one.contestant.framework == framework]
        if some:
            text += f"\n## Over {name}\n\n{_table(_matrix(some))}"
            reasons += _reasons(some)
    text += f"\n## How to read a cell\n{_LEGEND}"
    text += "\n## What each is, and does not claim\n\n" + "".join(_claims(columns, run))
    if reasons:
        text += "\n## What was raised\n\n" + "".join(f"- {reason}\n" for reason in reasons)
    return text


def overhead_page(measured: Sequence[Measured], run: Run) -> str:
    """Return the page of the costs."""
    text = _OVERHEAD.format(when=_when(run))
    for framework, name in FRAMEWORKS.items():
        for vendor, database in VENDORS.items():
            some = [one for one in measured if (one.framework, one.vendor) == (framework, vendor)]
            if some:
                text += f"\n## {name} on {database}\n\n{_table(costs_table(some))}"
    failed = dict.fromkeys(
        f"- {contestant.title}, {one.work.name}, {VENDORS[one.vendor]}: {cost.error}\n"
        for one in measured
        for contestant, cost in one.costs
        if cost.error
    )
    return text + ("\n## What was raised\n\n" + "".join(failed) if failed else "")


def _when(run: Run) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    busy = "" if run.waited is None else f" In {run.waited:.0%} of that time a process waited for a core."
    return (
        f"Made by `{run.command}` on {run.date}, {run.revision}, in {run.seconds:.0f} s, on {run.machine}.{busy}\n"
        f"Versions: {packages}."
    )


def _table(rows: Iterable[Sequence[str]]) -> str:
    head, *others = rows
    lines = [head, ["---"] * len(head), *others]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _totals(columns: Sequence[Column], run: Run) -> Iterator[list[str]]:
    yield ["library", "version", "database", "cases", "rows", "not asking who", "raised"]
    for one in columns:
        outcomes = [outcome for result in one.results for outcome in result.outcomes]
        verdicts = [outcome for outcome in outcomes if isinstance(outcome, Verdict)]
        whole = sum(cell(result.outcomes) == "100 %" for result in one.results)
        changed = sum(verdict.changed for verdict in verdicts)
        name = [
            one.contestant.title
            + (f" over {FRAMEWORKS[one.contestant.framework]}" if one.contestant.ours else ""),
            run.versions.get(one.contestant.package, "?"),
            VENDORS[one.vendor],
        ]
        if one.broken is not None:
            yield [*name, f"does not run: {one.broken}", "", "", ""]
            continue
        yield [
            *name,
            f"{whole} of {len(one.results)}",
            percent(sum(verdict.right for verdict in verdicts), changed) if verdicts else "",
            percent(sum(verdict.but_actor for verdict in verdicts), changed) if verdicts else "",
            str(sum(any(isinstance(one, Crash) for one in result.outcomes) for result in one.results) or ""),
        ]


def _matrix(columns: Sequence[Column]) -> Iterator[list[str]]:
    yield ["way of changing rows", *(f"{one.contestant.title}, {VENDORS[one.vendor]}" for one in columns)]
    found = [{(result.group, result.case): result for result in one.results} for one in columns]
    order = dict.fromkeys(key for results in found for key in results)
    for group in dict.fromkeys(group for group, _ in order):
        yield [f"**{group}**", *("" for _ in columns)]
        for key in order:
            if key[0] == group:
                yield [key[1], *(_cell_of(results.get(key)) for results in found)]


def _cell_of(result: CaseResult | None) -> str:
    return "" if result is None else cell(result.outcomes)


def _reasons(columns: Sequence[Column]) -> Iterator[str]:
    cases: dict[tuple[str, str], dict[str, None]] = {}
    for one in columns:
        for result in one.results:
            for outcome in result.outcomes:
                if isinstance(outcome, Crash):
                    raised = (one.contestant.title, _anonymous(outcome.reason))
                    cases.setdefault(raised, {})[result.case] = None
    for (title, reason), names in cases.items():
        where = f"in {len(names)} cases" if len(names) > _MANY else "; ".join(f"*{name}*" for name in names)
        yield f"{title}: `{reason}` ({where})"


def _anonymous(reason: str) -> str:
    """Leave out of an error what is of one run alone: the addresses of its databases."""
    head, mark, _ = reason.partition("Engine(")
    return f"{head}{mark}…)" if mark else reason


def _claims(columns: Sequence[Column], run: Run) -> Iterator[str]:
    contestants: dict[str, Contestant] = {one.contestant.module: one.contestant for one in columns}
    for one in contestants.values():
        version = run.versions.get(one.package, "?")
        yield f"- **{one.title}** {version}, {FRAMEWORKS[one.framework]}. {one.claims}\n"


def costs_table(measured: Sequence[Measured]) -> Iterator[list[str]]:
    """Yield the head and the rows of the costs under one framework on one database."""
    yield ["work", "unaudited", *(contestant.title for contestant, _ in measured[0].costs)]
    for one in measured:
        base = one.baseline.median
        plain = "failed" if base is None else f"{base * 1e3:,.2f} ms" if base < 1 else f"{base:,.2f} s"
        yield [one.work.name, plain, *(_ratio(cost, one.baseline, one.work.rows) for _, cost in one.costs)]


def _ratio(cost: Cost, plain: Cost, rows: int) -> str:
    if cost.error is not None:
        return f"raises {cost.error.partition(':')[0]}"
    ratio = cost.times(plain)
    if ratio is None:
        return "not measured"
    said = f"{ratio:.2f}"
    return said if cost.recorded == rows else f"{said} ({cost.recorded:,} of {rows:,})"
