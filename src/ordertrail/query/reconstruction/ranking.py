"""How likely an event is to be the root of what it led to.

What an event explains of the one that was asked about is the product of the bonds between them. How likely events of
its kind are to be where things go wrong is stated here: somebody's change of a rule more than a service's of a line.
The product of both, raised where several ways lead to it, and lowered where something else led to it in turn, is its
score; a confidence is its part of all scores.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from ordertrail.query.ports import Hit
from ordertrail.query.reconstruction.bonds import Bond, Candidate, Step

MOST: Final = 10
"""Candidates that are named."""
_WHOLE: Final = 10_000

_LIKELY: Final[Mapping[str, float]] = MappingProxyType(
    {
        "capture.bypass": 0.97,
        "capture.statement": 0.9,
        "capture.loss": 0.9,
        "intake.reuse": 0.9,
        "rule.change": 0.93,
        "rule.approve": 0.75,
        "settings.change": 0.9,
        "access.role.change": 0.9,
        "access.account.change": 0.85,
        "access.account.add": 0.75,
        "access.key.create": 0.85,
        "access.glass.break": 0.9,
        "access.signin": 0.6,
        "retention.change": 0.7,
        "order.price.change": 0.6,
        "order.terms.change": 0.6,
        "order.status.revert": 0.65,
        "order.create": 0.25,
        "order.read": 0.05,
        "external.fact": 0.3,
        "intake.receive": 0.45,
    }
)
"""How often events of an action are where things went wrong; of an action that is not here, by its family."""
_FAMILIES: Final = (
    ("order.", 0.45),
    ("payment.", 0.4),
    ("shipment.", 0.35),
    ("intake.", 0.4),
    ("evidence.", 0.03),
)
_OTHERWISE: Final = 0.35
_FAILED: Final = 0.82
"""Of the first of a series that failed."""


def prior(hit: Hit, bonds: Sequence[Bond]) -> float:
    """Return how likely an event of this kind is to be a root, by itself."""
    event = hit.event
    found = _LIKELY.get(event.action)
    if found is None:
        found = next((value for family, value in _FAMILIES if event.action.startswith(family)), _OTHERWISE)
    if event.subject_kind == "deployment":
        found = max(found, 0.92)
    if Bond.AGAIN in bonds and event.outcome in {"failed", "rolled_back"}:
        found = max(found, _FAILED)
    if Bond.TWICE in bonds or Bond.CLOCK in bonds:
        found = max(found, 0.9)
    if Bond.SESSION in bonds and event.action == "access.signin":
        found = max(found, 0.75)
    if event.actor_kind == "person":
        found = min(1.0, found * 1.1)
    elif event.action.startswith("order."):
        found *= 0.75
    return found


def ranked(steps: Sequence[Step], asked: Hit) -> tuple[Candidate, ...]:
    """Return the candidates of a story, the likeliest first."""
    by_id: dict[str, list[Step]] = {}
    for step in steps:
        by_id.setdefault(step.hit.event.id, []).append(step)
    above: dict[str, float] = {}
    for step in steps:
        if step.hit.event.id != step.towards:
            explained = step.strength * prior(step.hit, [step.bond])
            above[step.towards] = max(above.get(step.towards, 0.0), explained)
    scores = {
        ident: _score(own, above.get(ident, 0.0)) for ident, own in by_id.items() if ident != asked.event.id
    }
    whole = sum(scores.values())
    best = sorted(scores, key=lambda ident: (-scores[ident], by_id[ident][0].hit.event.time, ident))
    return tuple(
        Candidate(
            hit=by_id[ident][0].hit,
            confidence=int(_WHOLE * scores[ident] / whole) if whole else 0,
            certain=any(step.certain for step in by_id[ident]),
            reasons=tuple(dict.fromkeys(step.reason for step in by_id[ident])),
            way=_way(ident, by_id, asked.event.id),
        )
        for ident in best[:MOST]
    )


def _score(own: Sequence[Step], above: float) -> float:
    """Score an event; ``above`` is what the likeliest event that led to it explains."""
    strongest = max(step.strength for step in own)
    ways = len({(step.bond, step.towards) for step in own})
    score = strongest * prior(own[0].hit, [step.bond for step in own]) * (1 + 0.08 * min(ways - 1, 3))
    # The better something else explains this one, the less it is a root itself.
    score *= 1 - 0.35 * min(1.0, above / max(strongest, 0.01))
    return float(score**3)


def _way(ident: str, by_id: Mapping[str, Sequence[Step]], asked: str) -> tuple[str, ...]:
    """Return the strongest way from an event to the one that was asked about."""
    way = [ident]
    while way[-1] != asked and way[-1] in by_id and len(way) < 12:
        onward = max(by_id[way[-1]], key=lambda step: (step.strength, -step.depth))
        if onward.towards in way:
            break
        way.append(onward.towards)
    return tuple(way)
