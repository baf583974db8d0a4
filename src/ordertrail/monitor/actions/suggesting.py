"""Which action is best for a forecast: the one with the greatest expected net gain, if it is more than nothing.

::

    gain = (probability of a breach now - probability after the action) x what averting it is worth - what it costs

The probability after the action is the forecast's own for this remedy, or, where the organisation has said how many of
a hundred breaches the action averts, the probability now less that share. Everything is in whole numbers: millionths
and minor units, rounded down, so that the same forecast gives the same suggestion everywhere. A forecast that abstains,
or sees no breach, suggests nothing.
"""

from dataclasses import dataclass
from typing import Final

from ordertrail.monitor.actions.catalogue import ActionCatalogue, CorrectiveAction
from ordertrail.monitor.forecast.forecast import Forecast, Verdict

ONE: Final = 1_000_000
"""A probability of one, in millionths."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An action for a forecast: millionths of probability before and after, and the gain in minor units."""

    action: CorrectiveAction
    before: int
    after: int
    benefit: int
    cost: int
    gain: int


def offers(forecast: Forecast, catalogue: ActionCatalogue) -> list[Offer]:
    """Return what could be done, the greatest gain first; of two alike, the cheaper, then by name."""
    if forecast.verdict is not Verdict.BREACH:
        return []
    after = {one.action: round(one.probability * ONE) for one in forecast.remedies}
    found = []
    for action in catalogue.values():
        offer = _offer(forecast, action, after.get(action.name))
        if offer is not None and offer.gain > 0:
            found.append(offer)
    return sorted(found, key=lambda one: (-one.gain, one.cost, one.action.name))


def _offer(forecast: Forecast, action: CorrectiveAction, foreseen: int | None) -> Offer | None:
    benefit, share = action.benefit.get(forecast.target), action.averts.get(forecast.target)
    before = forecast.millionths
    after = foreseen if share is None else before - before * share // 100
    if action.cost is None or benefit is None or after is None or after >= before:
        return None
    gain = (before - after) * benefit // ONE - action.cost
    return Offer(action, before, after, benefit, action.cost, gain)
