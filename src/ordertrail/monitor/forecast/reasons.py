"""Why a forecast is as it is, in sentences: what is known of the order, how it is in others, and what would change it.

A value is held against its ordinary one, the median of training orders that did not breach. What it weighs is the
model's own: a coefficient's share of the log-odds, or a Shapley value of the trees.
"""

import re

import numpy as np

from ordertrail.monitor.forecast.assurance import Assurance
from ordertrail.monitor.forecast.columns import Vector
from ordertrail.monitor.forecast.forecast import Reason, Remedy, rounded
from ordertrail.monitor.forecast.model import Model
from ordertrail.monitor.forecast.prefixes import Prefix
from ordertrail.monitor.forecast.targets import Allowed, Target

MOST = 5
_NUMBER = re.compile(r"number (?P<name>.+) (?P<part>last|mean|max|min|sum|std)", re.DOTALL)
_PARTS = {
    "last": "the newest {}",
    "mean": "the mean {}",
    "max": "the largest {}",
    "min": "the smallest {}",
    "sum": "the sum of {}",
    "std": "the spread of {}",
}
_NUMBERS = {
    "gap": "hours between events",
    "age": "hours since the order began",
    "hour": "hour of the day (UTC)",
    "weekday": "day of the week (Monday is 0)",
    "amount": "amount (of any currency, in its main units)",
    "lowered": "share by which a value was lowered",
    "raised": "share by which a value was raised",
}
_KINDS = {
    "action": "“{}”",
    "actor": "what {} did",
    "role": "what somebody who is {} did",
    "field": "changes of {}",
    "outcome": "attempts that ended as {}",
    "system": "links to {}",
    "tag": "the tag {}",
    "channel": "channel {}",
    "source": "source {}",
}


def phrase(feature: str) -> str:
    """Return what a value is, in English."""
    number = _NUMBER.fullmatch(feature)
    if number is not None:
        return _PARTS[number["part"]].format(_NUMBERS.get(number["name"], number["name"]))
    how, _, rest = feature.partition(" ")
    kind, told, value = rest.partition("=")
    word = _KINDS.get(kind, f"{kind} {{}}").format(value) if told else _NUMBERS.get(rest, rest)
    match how:
        case "count":
            return f"events with {word}"
        case "last":
            return f"the newest event has {word}"
        case "first" | "level":
            return f"the order began with {word}"
        case _:
            return "events of the order"


def reasons(model: Model, prefix: Prefix, row: Vector, most: int = MOST) -> tuple[Reason, ...]:
    """Return what weighs most, either way, the heaviest first; values of one thing weigh together, told by one."""
    weights = model.scorer.weights(row)
    together: dict[str, list[int]] = {}
    for place in np.flatnonzero(weights).tolist():
        together.setdefault(root(model.columns.names[place]), []).append(place)
    totals = {name: float(weights[places].sum()) for name, places in together.items()}
    heaviest = sorted(totals, key=lambda name: (-abs(totals[name]), name))[:most]
    found = []
    for name in heaviest:
        agreeing = [place for place in together[name] if weights[place] * totals[name] > 0]
        place = max(agreeing, key=lambda one: (abs(weights[one]), -one))
        ordinary = model.columns.ordinary[place]
        found.append(_reason(model.columns.names[place], float(row[place]), ordinary, totals[name], prefix))
    return tuple(found)


def root(feature: str) -> str:
    """Return what a value is of: a word, or the name of a number."""
    number = _NUMBER.fullmatch(feature)
    return number["name"] if number is not None else feature.partition(" ")[2] or feature


def remedies(
    model: Model, target: Target, row: Vector, assurance: Assurance, now: float
) -> tuple[Remedy, ...]:
    """Return what the allowed actions would make of a forecast, the best first; those that lower nothing are left out.

    An action is thought of as having done away with what it is meant against: these values are ordinary.
    """
    changed = [(action, _without(model, action, row)) for action in target.actions]
    changed = [(action, other) for action, other in changed if other is not None]
    if not changed:
        return ()
    scores = model.scorer.scores(
        np.stack([other for _action, other in changed if other is not None])
    ).tolist()
    found = []
    for (action, _row), probability in zip(changed, assurance.probabilities(scores), strict=True):
        after = rounded(probability)
        if after < now:
            sentence = (
                f"Orders like this one without what “{action.name}” is meant against breach in {after:.0%} of cases, "
                f"with it in {now:.0%}; that is how past orders went, not proof of what the action does."
            )
            found.append(Remedy(action.name, after, sentence))
    return tuple(sorted(found, key=lambda one: (one.probability, one.action)))


def overview(model: Model, most: int = 20) -> list[tuple[str, float]]:
    """Return what weighs most over all orders that were learned from: phrases, and shares that sum to 1 over all."""
    shares = model.scorer.importance()
    order = np.argsort(-shares, kind="stable")[:most]
    return [
        (model.columns.names[place], float(shares[place])) for place in order.tolist() if shares[place] > 0
    ]


def _without(model: Model, action: Allowed, row: Vector) -> Vector | None:
    """Return a row as if the action had done away with what it is meant against; None where nothing of it is there."""
    other = row.copy()
    for place, name in enumerate(model.columns.names):
        if action.answers(name):
            other[place] = model.columns.ordinary[place]
    return None if np.array_equal(other, row) else other


def _reason(feature: str, value: float, ordinary: float, weight: float, prefix: Prefix) -> Reason:
    way = "raises" if weight > 0 else "lowers"
    said = phrase(feature)
    if feature.startswith(("last ", "first ")):
        told = f"{said[0].upper()}{said[1:]}: " + ("yes" if value else "no")
        sentence = f"{told}. That {way} the forecast."
        change = f"{said[0].upper()}{said[1:]} would have to be {'no' if value else 'yes'}."
    else:
        is_amount = root(feature) == "amount" and not feature.endswith((" sum", " std"))
        here, there = (_written(10**one / 100 if is_amount else one) for one in (value, ordinary))
        sentence = f"{said[0].upper()}{said[1:]}: {here}; in most orders {there}. That {way} the forecast."
        change = f"{said[0].upper()}{said[1:]} would have to be near {there}."
    fixed = feature.startswith(("first ", "level "))
    events = prefix.events(feature) if value else ()
    return Reason(
        feature, sentence, round(float(weight), 6), events, "" if fixed or value == ordinary else change
    )


def _written(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1_000 else f"{value:,.2f}"
