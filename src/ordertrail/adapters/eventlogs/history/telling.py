"""From a step of a history to an event of the trail, as the mapping says.

Every event is marked as imported: ``context.tags`` begins with ``imported``, ``context.source`` is the
mapping's log, and its first link names the tool, its table and its row. The id is derived from log, tool,
table, row, word and time (:mod:`~.ids`), so that a second import adds nothing. Worked example::

    {"id":"…","time":"2026-11-22T14:02:10.120000Z","action":"order.price.change","outcome":"success",
     "actor":{"id":"7","kind":"person"},"subject":{"kind":"order","id":"SO-1","order":"SO-1"},
     "changes":[{"path":"/total","before":{"amount":12900,"currency":"EUR"},
                 "after":{"amount":9950,"currency":"EUR"}}],
     "context":{"ip":"203.0.113.7","source":"shop","tags":["imported"]},
     "links":[{"system":"django-simple-history","kind":"shop_historicalorder","id":"2"}]}
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from ordertrail.adapters.eventlogs.events import SourceProblem, UntranslatableError
from ordertrail.adapters.eventlogs.history.changing import Changes, action_of, fill
from ordertrail.adapters.eventlogs.history.sequence import Sequence, Timed
from ordertrail.adapters.eventlogs.history.steps import Step, text
from ordertrail.adapters.eventlogs.history.store import Store, quoted
from ordertrail.adapters.eventlogs.history_rules import HistoryTable, Tool
from ordertrail.adapters.eventlogs.ids import EventIds
from ordertrail.adapters.eventlogs.mapping import Mapping
from ordertrail.adapters.eventlogs.times import TimeReader
from ordertrail.kernel.errors import Problem
from ordertrail.kernel.numbers import count

IMPORTED = "imported"
_UTC = "UTC"
_REMEMBERED = 1 << 12


class Teller:
    """Tells the steps of one history. Not safe to share between threads."""

    def __init__(self, mapping: Mapping, tool: Tool, store: Store, sequence: Sequence) -> None:
        self._mapping = mapping
        self._rules = mapping.history
        self._tool = tool
        self._store = store
        self._sequence = sequence
        self._log = mapping.log or tool
        self._ids = EventIds(self._log)
        time = mapping.time
        self._times = TimeReader(
            zone=time.zone or _UTC, pattern=time.pattern, ambiguous=time.ambiguous, finer=time.finer
        )
        self._changes = Changes(mapping, tool)
        self._homes = {table.belongs.table for table in self._rules.tables.values() if table.belongs}
        self._patterns = list(self._rules.tables)
        self._found = lru_cache(_REMEMBERED)(self._rules.find)
        self._name_of = lru_cache(_REMEMBERED)(self._user_name)
        self._unnamed: Counter[str] = Counter()

    def tell(self, step: Step) -> Timed | SourceProblem | None:
        """Return a step's line with its place in the sequence, or what is wrong; None of unnamed tables."""
        found = self._found(step.table)
        if found is None:
            self._unnamed[step.table] += 1
            return None
        rank, table = found
        problems = list(step.problems)
        time, milliseconds = self._time(step, problems)
        subject = self._subject(step, table, rank, problems)
        changes = self._changes.of(step, table, problems)
        action = action_of(step, table, problems)
        actor = self._actor(step)
        if problems:
            return step.refused(problems)
        try:
            case = f"{self._tool}/{step.source}/{step.row}"
            content = {
                "id": self._ids.make(case, 1, step.word, time, milliseconds),
                "time": time,
                "action": action,
                "outcome": "success",
                "actor": actor,
                "subject": subject,
                "changes": changes,
                "context": self._context(step),
                "links": self._links(step),
            }
            line = orjson.dumps({name: part for name, part in content.items() if part})
        except (UnicodeEncodeError, orjson.JSONEncodeError):
            return step.refused([Problem("", "holds bytes that are not text in UTF-8")])
        return time, step.major, rank, step.place, line

    def unnamed(self) -> Iterator[SourceProblem]:
        """Yield one problem for each table that the mapping neither names nor ignores."""
        for name, steps in sorted(self._unnamed.items()):
            message = (
                f"{count(steps, 'event')} left out: the mapping has no tables.{name}, and does not ignore it"
            )
            yield SourceProblem(f"the history of {name}", (Problem("", message),))

    def _time(self, step: Step, problems: list[Problem]) -> tuple[str, int]:
        if step.time is None:
            if not any(problem.path == "time" for problem in problems):
                problems.append(Problem("time", "is missing"))
            return "", 0
        try:
            return self._times.read(step.time)
        except UntranslatableError as error:
            problems.append(Problem("time", str(error)))
            return "", 0

    def _subject(self, step: Step, table: HistoryTable, rank: int, problems: list[Problem]) -> dict[str, Any]:
        subject: dict[str, Any] = {"kind": table.kind, "id": fill(table.ids, step)}
        if subject["id"] is None:
            problems.append(Problem("subject.id", f"cannot be made of {_shown(table.ids)}"))
        order = self._order(step, table, problems)
        if order is not None:
            subject["order"] = order
            if self._patterns[rank] in self._homes:
                self._sequence.remember(self._patterns[rank], step.key, order)
        if table.tenant is not None and (tenant := fill((table.tenant,), step)):
            subject["tenant"] = tenant
        return subject

    def _order(self, step: Step, table: HistoryTable, problems: list[Problem]) -> str | None:
        if table.belongs is not None:
            home, template = table.belongs.table, table.belongs.key
            key = fill((template,), step)
            order = None if key is None else self._sequence.order_of(home, key)
            if order is None:
                what = f"{template} is not known" if key is None else f"{home} {key} is not in the history"
                problems.append(Problem("subject.order", f"cannot be found: {what}"))
            return order
        if not table.orders:
            return None
        order = fill(table.orders, step)
        if order is None:
            problems.append(Problem("subject.order", f"cannot be made of {_shown(table.orders)}"))
        return order

    def _actor(self, step: Step) -> dict[str, Any]:
        rules = self._rules.actor
        if step.user is None:
            return {"id": rules.unknown, "kind": "system"}
        name = self._name_of(step.user)
        kind = "system" if name in rules.systems else "service" if name in rules.services else rules.kind
        return {"id": f"{rules.prefix}{name}", "kind": kind}

    def _user_name(self, user: str) -> str:
        """Return a user's name where the mapping says where it stands and it stands there; else the id."""
        users = self._rules.actor.names
        table = self._store.tables.get(users.table) if users else None
        if users is None or table is None or not table.has(users.id, users.name):
            return user
        sql = f"SELECT {quoted(users.name)} FROM {quoted(table.name)} WHERE {quoted(users.id)} = ?"  # noqa: S608 names are quoted
        row = next(self._store.query(sql, user), None)
        return (text(row[0]) if row else None) or user

    def _context(self, step: Step) -> dict[str, Any]:
        found = {"ip": step.ip, "request": step.request, "channel": step.channel, "reason": step.reason}
        context: dict[str, Any] = dict(self._rules.context)
        context |= {name: value for name, value in found.items() if value is not None}
        return context | {"source": self._log, "tags": [IMPORTED, *self._rules.tags, *step.tags]}

    def _links(self, step: Step) -> list[dict[str, str]]:
        rows = ((step.source, step.row), *step.links)
        return [{"system": self._tool, "kind": kind, "id": row} for kind, row in rows]


def _shown(templates: tuple[str, ...]) -> str:
    return f"{' or '.join(templates)}: a column is empty or not known"
