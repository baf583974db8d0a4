"""A forecast: how probable it is that an order's target comes true within its horizon, as of one event.

::

    forecast.probability            # 0.83: of a hundred orders forecast so, some 83 breach (calibrated)
    forecast.verdict                # Verdict.BREACH; UNSURE and UNLIKE say that it abstains
    forecast.reasons[0].sentence    # "2 reports of missing stock so far: in most orders 0."
    forecast.remedies[0].action     # the allowed action that lowers the probability most

Probabilities are floats between 0 and 1, rounded to millionths, so that they are written into events as whole numbers
(:attr:`Forecast.millionths`) without loss. Times and spans are microseconds, times since 1970.
"""

from dataclasses import dataclass
from enum import StrEnum

EVEN = 0.5
"""The probability from which a breach is more probable than not."""


class Outcome(StrEnum):
    """How an order may turn out, by one target."""

    BREACH = "breach"
    CLEAR = "clear"


class Verdict(StrEnum):
    """What the conformal set of a forecast says."""

    BREACH = "breach"
    CLEAR = "clear"
    UNSURE = "unsure"
    """Both outcomes are in the set: what is known tells them apart too little. It abstains."""
    UNLIKE = "unlike"
    """No outcome is in the set: the order is like none that was learned from. It abstains."""


class Basis(StrEnum):
    """What a forecast rests on."""

    MODEL = "model"
    BASELINE = "baseline"
    """The target's own rule: there is no model, or it has drifted. A forecast of it always abstains."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a forecast is as it is: one thing known of the order, and how much it weighs.

    ``weight`` is what it adds to the log-odds of a breach (less than 0 lowers them); ``events`` are the ids of the
    events that made it so; ``change`` says what would have to be otherwise, empty where nothing can be.
    """

    feature: str
    sentence: str
    weight: float
    events: tuple[str, ...] = ()
    change: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the forecast would be if an allowed action did away with what it is meant against.

    ``probability`` is the model's after the action: an association in past orders, not a proven effect.
    """

    action: str
    probability: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Risk:
    """How probable a breach is within a span from the forecast's time on."""

    within: int
    probability: float


@dataclass(frozen=True, slots=True)
class Corrections:
    """How what came true had moved what is told: an offset in log-odds, and the conformal level of each outcome.

    With them a score of the past can be had again, bit for bit.
    """

    offset: float = 0.0
    breach: float = 0.1
    clear: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is foreseen of an order, by one target and one model.

    ``model`` is the model file's SHA-256 in hex, empty where the basis is the baseline; ``at`` is the time of the
    event ``last`` that moved it; ``curve`` is the probability over time, the last point at the horizon; ``outcomes``
    is the conformal set. ``remedies`` come best first, and hold only actions that lower the probability. ``score`` is
    the model's own, in log-odds, and ``corrections`` are those that were in force.
    """

    order: str
    tenant: str | None
    target: str
    model: str
    basis: Basis
    at: int
    horizon: int
    probability: float
    curve: tuple[Risk, ...]
    outcomes: frozenset[Outcome]
    last: str
    reasons: tuple[Reason, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    score: float = 0.0
    corrections: Corrections = Corrections()

    @property
    def verdict(self) -> Verdict:
        """What the conformal set says; a baseline is never sure."""
        if self.basis is Basis.BASELINE or len(self.outcomes) == len(Outcome):
            return Verdict.UNSURE
        return Verdict(next(iter(self.outcomes))) if self.outcomes else Verdict.UNLIKE

    @property
    def abstains(self) -> bool:
        """Whether it leaves open how the order turns out; nothing is suggested then."""
        return self.verdict in {Verdict.UNSURE, Verdict.UNLIKE}

    @property
    def millionths(self) -> int:
        """The probability as events hold it: a whole number of millionths."""
        return round(self.probability * 1_000_000)

    @property
    def events(self) -> tuple[str, ...]:
        """Ids of the events that it rests on, each once: those of the reasons, and the one that moved it."""
        told = (event for reason in self.reasons for event in reason.events)
        return tuple(dict.fromkeys((*told, self.last)))

    @property
    def suggested(self) -> str | None:
        """The action that lowers the probability most, where nothing is said of what actions cost.

        None where it abstains, a breach is less probable than not, or no action lowers that.
        """
        if self.verdict is not Verdict.BREACH or self.probability < EVEN or not self.remedies:
            return None
        return self.remedies[0].action


def rounded(probability: float) -> float:
    """Return a probability in whole millionths, as forecasts hold it."""
    return round(min(1.0, max(0.0, probability)), 6)
