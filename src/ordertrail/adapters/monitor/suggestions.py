"""Suggestions in the database of watching: each with its version, and its transitions until the trail knows of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, func, insert, select, update

from ordertrail.adapters.monitor.tables import suggestion_transitions as transitions
from ordertrail.adapters.monitor.tables import suggestions
from ordertrail.adapters.state import StateDatabase
from ordertrail.monitor.actions.effect import Tally
from ordertrail.monitor.actions.ports import Allowance, Changed, SuggestionQuery
from ordertrail.monitor.actions.suggestion import Arm, State, Suggestion, Transition

_AT_ONCE = 500
_TO_DO = sorted(one.value for one in (State.ACCEPTED, State.RUNNING, State.REVOKED, State.UNDOING))
_suggestion = msgspec.json.Decoder(Suggestion).decode
_transition = msgspec.json.Decoder(Transition).decode
_encode = msgspec.json.Encoder().encode


class SqlSuggestions:
    """Implements :class:`ordertrail.monitor.actions.ports.SuggestionStore`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def get(self, ids: Sequence[str]) -> Mapping[str, Suggestion]:
        """See the port."""
        found: dict[str, Suggestion] = {}
        for first in range(0, len(ids), _AT_ONCE):
            wanted = select(suggestions.c.suggestion).where(
                suggestions.c.id.in_(ids[first : first + _AT_ONCE])
            )
            found.update({one.id: one for one in self._read(wanted)})
        return found

    def find(self, query: SuggestionQuery) -> Sequence[Suggestion]:
        """See the port."""
        wanted = _filtered(query)
        if not query.orders:
            return self._read(_ranked(wanted).limit(query.limit))
        found: list[Suggestion] = []
        orders = sorted(query.orders)
        for first in range(0, len(orders), _AT_ONCE):
            some = wanted.where(suggestions.c.order.in_(orders[first : first + _AT_ONCE]))
            found += self._read(_ranked(some).limit(query.limit))
        found.sort(key=lambda one: one.made, reverse=True)
        found.sort(key=lambda one: -one.gain)
        return found[: query.limit]

    def due(self, now: str, limit: int) -> Sequence[Suggestion]:
        """See the port."""
        wanted = select(suggestions.c.suggestion).where(
            suggestions.c.state.in_(_TO_DO), suggestions.c.due.is_not(None), suggestions.c.due <= now
        )
        return self._read(wanted.order_by(suggestions.c.due, suggestions.c.id).limit(limit))

    def unlearned(self, now: str, limit: int) -> Sequence[Suggestion]:
        """See the port."""
        wanted = select(suggestions.c.suggestion).where(
            suggestions.c.breached.is_(None), suggestions.c.ends <= now
        )
        return self._read(wanted.order_by(suggestions.c.ends, suggestions.c.id).limit(limit))

    def tally(self) -> Sequence[Tally]:
        """See the port."""
        kept = suggestions.c
        key = (kept.action, kept.target, kept.arm, kept.breached)
        wanted = select(*key, func.count()).where(kept.breached.is_not(None)).group_by(*key).order_by(*key)
        with self._database.reading() as connection:
            return [
                Tally(action, target, Arm(arm), bool(breached), orders)
                for action, target, arm, breached, orders in connection.execute(wanted)
            ]

    def change(self, transition: Transition, allowance: Allowance | None = None) -> Changed:
        """See the port."""
        with self._database.writing() as connection:
            if allowance is not None and _spent(connection, allowance):
                return Changed.SPENT
            if not self._put(connection, transition.suggestion):
                return Changed.STALE
            connection.execute(insert(transitions).values(**_row(transition)))
        return Changed.DONE

    def untold(self, limit: int) -> Sequence[Transition]:
        """See the port."""
        wanted = (
            select(transitions.c.transition)
            .where(transitions.c.told.is_(False))
            .order_by(transitions.c.at, transitions.c.suggestion, transitions.c.version)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_transition(text) for text in connection.scalars(wanted)]

    def tell(self, told: Sequence[Transition]) -> None:
        """See the port."""
        with self._database.writing() as connection:
            for one in told:
                key = and_(
                    transitions.c.suggestion == one.suggestion.id,
                    transitions.c.version == one.suggestion.version,
                )
                connection.execute(update(transitions).where(key).values(told=True))

    def life(self, suggestion: str) -> Sequence[Transition]:
        """See the port."""
        wanted = select(transitions.c.transition).where(transitions.c.suggestion == suggestion)
        with self._database.reading() as connection:
            return [_transition(text) for text in connection.scalars(wanted.order_by(transitions.c.version))]

    def _read(self, wanted: Select[Any]) -> list[Suggestion]:
        with self._database.reading() as connection:
            return [_suggestion(text) for text in connection.scalars(wanted)]

    def _put(self, connection: Connection, one: Suggestion) -> bool:
        """Keep a suggestion over its version before; False where another has that."""
        values: dict[str, Any] = {
            "version": one.version,
            "order": one.order,
            "tenant": one.tenant or "",
            "target": one.target,
            "action": one.action,
            "state": one.state.value,
            "gain": one.gain,
            "made": one.made,
            "ends": one.ends,
            "due": one.due,
            "arm": one.arm.value,
            "breached": one.breached,
            "suggestion": _encode(one).decode(),
        }
        if one.version == 1:
            added = self._database.upsert(suggestions).values(id=one.id, **values).on_conflict_do_nothing()
            return connection.execute(added.returning(suggestions.c.id)).first() is not None
        key = and_(suggestions.c.id == one.id, suggestions.c.version == one.version - 1)
        return connection.execute(update(suggestions).where(key).values(**values)).rowcount == 1


def _row(one: Transition) -> dict[str, Any]:
    return {
        "suggestion": one.suggestion.id,
        "version": one.suggestion.version,
        "told": False,
        "at": one.at,
        "mandated": one.suggestion.action if one.is_automatic else None,
        "transition": _encode(one).decode(),
    }


def _spent(connection: Connection, allowance: Allowance) -> bool:
    counted = select(func.count()).where(
        transitions.c.mandated == allowance.action, transitions.c.at > allowance.since
    )
    return int(connection.execute(counted).scalar_one()) >= allowance.most


def _filtered(query: SuggestionQuery) -> Select[Any]:
    wanted = select(suggestions.c.suggestion)
    if query.states:
        wanted = wanted.where(suggestions.c.state.in_(sorted(one.value for one in query.states)))
    if query.target is not None:
        wanted = wanted.where(suggestions.c.target == query.target)
    if query.action is not None:
        wanted = wanted.where(suggestions.c.action == query.action)
    if query.tenants is not None:
        wanted = wanted.where(suggestions.c.tenant.in_(sorted(query.tenants)))
    return wanted


def _ranked(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(suggestions.c.gain.desc(), suggestions.c.made.desc(), suggestions.c.id)
