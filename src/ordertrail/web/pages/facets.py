"""Facets: eight fields in business words, each value with its count, to be added to the filter or taken out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Is, Not, Sensitive, Term
from ordertrail.query.filters.worth import parse_worth
from ordertrail.query.ports import Way as Direction
from ordertrail.query.projection import Indexed
from ordertrail.query.questions.facets import Facet, facets
from ordertrail.query.questions.walking import walk
from ordertrail.query.service import Query
from ordertrail.record.actions import Action
from ordertrail.web.pages.telling import channel_words

_TITLES: Final = {
    "actor": "Who",
    "action": "Did what",
    "channel": "Channel",
    "outcome": "Came about",
    "source": "System",
    "thing": "About",
    "kind": "Person or service",
    "tenant": "Tenant",
}
_SHOWN: Final = 8
_STATES: Final = (
    "created",
    "submitted",
    "approved",
    "confirmed",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
    "held",
)
_BANDS: Final = (
    ("up to 100", "<=100EUR"),
    ("over 100", ">100EUR"),
    ("over 1,000", ">1000EUR"),
    ("over 10,000", ">10000EUR"),
)
_LOOKED: Final = 2_000
"""Events over which all is counted that no rollup knows; of more, the newest, and it is said."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet: the address with it chosen (or no longer), and the address without all that have it."""

    label: str
    events: str
    href: str
    exclude: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FacetShown:
    """A facet, its values, and what is to be known of its counts."""

    title: str
    choices: tuple[Choice, ...]
    note: str


def shown_facets(query: Query, meant: Filter, link: Callable[[Filter], str]) -> tuple[FacetShown, ...]:
    """Return all facets of a filter, in the sequence in which an auditor asks."""
    counted = {facet.field: facet for facet in facets(query.counts, meant, _LOOKED)}
    told = [_of_field(counted[field], query.actions, meant, link) for field in ("actor", "action")]
    newest = _Newest(query)
    told.append(_of_terms("Matters", newest, meant, link, _matters()))
    told.append(_of_terms("Order is now", newest, meant, link, _states()))
    told.append(_of_terms("Order is worth, EUR", newest, meant, link, _bands()))
    told += [
        _of_field(counted[field], query.actions, meant, link)
        for field in ("channel", "outcome", "source", "thing", "kind", "tenant")
    ]
    return tuple(one for one in told if one.choices)


def _of_field(
    facet: Facet, actions: Mapping[str, Action], meant: Filter, link: Callable[[Filter], str]
) -> FacetShown:
    field = facet.field
    own = [term for term in meant.terms if isinstance(term, Is) and term.field == field]
    rest = Filter(tuple(term for term in meant.terms if term not in own))
    values = list(facet.tally.values)[:_SHOWN]
    known = {one.value: one.events for one in facet.tally.values}
    missing = [value for value in facet.chosen if value not in {one.value for one in values}]
    shown = [(one.value, f"{one.events:,}") for one in values if one.value is not None]
    shown += [(value, f"{known[value]:,}" if value in known else "") for value in missing]
    choices = []
    for value, events in shown:
        chosen = value in facet.chosen
        kept = tuple(one for one in facet.chosen if one != value) if chosen else (*facet.chosen, value)
        choices.append(
            Choice(
                _label(field, value, actions),
                events,
                link(rest.with_(Is(field, kept)) if kept else rest),
                link(rest.with_(Not(Is(field, (value,))))),
                chosen,
            )
        )
    more = len(facet.tally.values) - len(values)
    note = "" if facet.tally.whole else f"of the newest {facet.tally.events:,}"
    return FacetShown(
        _TITLES[field],
        tuple(choices),
        ", ".join(one for one in (f"{more} more" if more > 0 else "", note) if one),
    )


class _Newest:
    """The newest events of filters, looked at once each: what terms of their own are counted over."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._known: dict[Filter, list[Indexed]] = {}

    def of(self, base: Filter) -> list[Indexed]:
        """Return them; each says where its order stands."""
        if base not in self._known:
            hits = walk(self._query.searches, base, _LOOKED, Direction.OLDER)
            self._known[base] = [hit.event for hit in hits]
        return self._known[base]


def _of_terms(
    title: str,
    newest: _Newest,
    meant: Filter,
    link: Callable[[Filter], str],
    terms: tuple[tuple[str, Term], ...],
) -> FacetShown:
    """Return a facet whose values are terms of their own, each counted over the newest events."""
    own = {term for _, term in terms}
    base = Filter(tuple(term for term in meant.terms if term not in own))
    looked = newest.of(base)
    choices = []
    for label, term in terms:
        chosen = term in meant.terms
        events = sum(map(term.matches, looked))
        if events or chosen:
            choices.append(
                Choice(
                    label,
                    f"{events:,}",
                    link(meant.without(term) if chosen else base.with_(term)),
                    link(base.with_(Not(term))),
                    chosen,
                )
            )
    return FacetShown(title, tuple(choices), f"of the newest {_LOOKED:,}" if len(looked) == _LOOKED else "")


def _matters() -> tuple[tuple[str, Term], ...]:
    return (
        ("Sensitive: price, quantity, money out", Sensitive()),
        ("Attempts that failed or were denied", Attempt()),
    )


def _states() -> tuple[tuple[str, Term], ...]:
    return tuple((state, Is("state", (state,))) for state in _STATES)


def _bands() -> tuple[tuple[str, Term], ...]:
    return tuple((label, parse_worth(text)) for label, text in _BANDS)


def _label(field: str, value: str, actions: Mapping[str, Action]) -> str:
    if field == "action" and value in actions:
        return f"{actions[value].phrase} …"
    if field == "channel":
        return channel_words(value).removeprefix("the ")
    return value.replace("_", " ") if field in {"thing", "outcome", "kind"} else value
