"""What a library recorded, held against what the database saw. Pure.

The database's own triggers write down every row before and after (``tests/capture/shop.py`` and
``tests/capture/django/oracle.py``). A library that stores versions of rows is credited with the version before as the
values before: :func:`changes_of`.
"""

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One row, before and after, as JSON; None where there is none. Of an update, the columns that changed."""

    table: str
    op: str
    before: str | None
    after: str | None
    actor: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a row that a library stored, or that it had when it was deleted. ``row`` is its primary key."""

    table: str
    row: Hashable
    values: Row
    actor: str | None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many rows changed, how many were recorded rightly, and how many changes were told that were none.

    ``but_actor`` and ``net`` are how many would be right if nobody asked who, and if only the net change of a row in
    a transaction counted. ``net_changed`` is how many such net changes there were.
    """

    changed: int
    right: int
    false: int
    but_actor: int
    net: int
    net_changed: int

    @property
    def complete(self) -> bool:
        """Whether what was recorded is what happened, no row more and no row less."""
        return self.right == self.changed and self.false == 0


@dataclass(frozen=True, slots=True)
class Crash:
    """The work raised, or did not end; ``reason`` is the error's name and its first line."""

    reason: str


def change(table: str, before: Row | None, after: Row | None, actor: str | None) -> Change | None:
    """Return a change of a row, an update reduced to the columns that changed; None where nothing did."""
    if before is None and after is None:
        return None
    op = "insert" if before is None else "delete" if after is None else "update"
    if before is not None and after is not None:
        differing = [name for name in before if name not in after or before[name] != after[name]]
        before = {name: before[name] for name in differing}
        after = {name: after[name] for name in differing if name in after}
        if not differing:
            return None
    return Change(table, op, _text(before), _text(after), actor)


def changes_of(versions: Iterable[Version]) -> list[Change]:
    """Return the changes between the versions of each row; the versions of a row come oldest first.

    A row that was deleted, and of which no version was stored before, was what its last version says.
    """
    last: dict[tuple[str, Hashable], Row | None] = {}
    found = []
    for one in versions:
        row = (one.table, one.row)
        before = last.get(row)
        if one.deleted:
            told = change(one.table, before or one.values, None, one.actor)
        else:
            told = change(one.table, before, one.values, one.actor)
        last[row] = None if one.deleted else one.values
        if told is not None:
            found.append(told)
    return found


def judge(seen: Iterable[Change], net: Iterable[Change], recorded: Counter[Change]) -> Verdict:
    """Hold what was recorded against each change that the database saw, and against the net ones."""
    happened, net_happened = Counter(seen), Counter(net)
    right = (happened & recorded).total()
    return Verdict(
        changed=happened.total(),
        right=right,
        false=recorded.total() - right,
        but_actor=(_nobody(happened) & _nobody(recorded)).total(),
        net=(net_happened & recorded).total(),
        net_changed=net_happened.total(),
    )


def cell(outcomes: Sequence[Verdict | Crash]) -> str:
    """Return what a case came to, over all times that it ran."""
    crashes = [one for one in outcomes if isinstance(one, Crash)]
    if crashes:
        return f"raises {crashes[0].reason.partition(':')[0]}"
    verdicts = [one for one in outcomes if isinstance(one, Verdict)]
    changed, right, false = (
        sum(getattr(one, name) for one in verdicts) for name in ("changed", "right", "false")
    )
    if all(one.complete for one in verdicts):
        return "100 %"
    said = f"{percent(right, changed)}"
    if right < changed and sum(one.but_actor for one in verdicts) == changed:
        return f"{said}, values only"
    if right < changed and all(one.net == one.net_changed > 0 or one.complete for one in verdicts):
        return f"{said}, net"
    return f"{said}, {false} false" if false else said


def percent(part: int, whole: int) -> str:
    """Return a percentage, which is 100 only of everything."""
    return f"{100 * part // whole} %" if whole else "100 %"


def _nobody(changes: Counter[Change]) -> Counter[Change]:
    found: Counter[Change] = Counter()
    for one, times in changes.items():
        found[replace(one, actor=None)] += times
    return found


def _text(row: Row | None) -> str | None:
    return None if row is None else json.dumps(row, sort_keys=True)
