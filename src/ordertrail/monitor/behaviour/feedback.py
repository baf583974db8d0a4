"""What people decided on before: what was dismissed must be more unusual to be told again, what was confirmed less.

Alerts of behaviour have what deviates as the last part of their key, their *signature*. Each that was closed as
expected or false takes a tenth of the odds of what has the same signature, and each that was confirmed gives as much
back; a mistake or a duplicate says nothing. Nothing is ever lowered by more than :data:`FARTHEST` such steps, so that
what is unusual beyond all measure is told whatever was decided.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

from ordertrail.monitor.alerts.alert import Alert, Disposition

STEP = log(10)
"""By how much log-odds are lowered for each dismissal."""

FARTHEST = 5

_SAYS = {Disposition.EXPECTED: 1, Disposition.FALSE: 1, Disposition.CONFIRMED: -1}


@dataclass(frozen=True, slots=True)
class Feedback:
    """How often what deviates was dismissed more than it was confirmed, by rule and signature."""

    dismissed: Mapping[tuple[str, str], int]

    def lowered(self, rule: str, signature: str) -> int:
        """Return by how many steps a score is lowered; never raised above what it is."""
        return min(FARTHEST, max(0, self.dismissed.get((rule, signature), 0)))


def feedback(alerts: Iterable[Alert]) -> Feedback:
    """Return what is to be learned from closed alerts."""
    counts: Counter[tuple[str, str]] = Counter()
    for alert in alerts:
        if alert.disposition is not None and alert.key:
            counts[alert.rule, alert.key[-1]] += _SAYS.get(alert.disposition, 0)
    return Feedback(counts)
