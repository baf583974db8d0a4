"""One rule of validation.

::

    [[rules]]
    id = "credit-limit"
    severity = "hold"
    path = "/totals/grand_total"
    applies = "has(order.totals.grand_total) && has(account.credit_limit)"
    require = "order.totals.grand_total.amount <= account.credit_limit"
    message = "the order comes to more than the account's credit limit"

``applies`` and ``require`` are expressions of CEL (github.com/google/cel-spec) over ``order``, as its canonical JSON
has it; ``before``, the order as it is kept, or null; ``account``, what the rulebook knows of it; ``found``, what was
computed of the order (:mod:`ordertrail.intake.rules.checks`); and ``limit``, the rule's own number. Where ``applies``
cannot be told, because a field is absent, the rule does not apply; where ``require`` cannot be told, it is not met, and
the message says why. ``has(order.placed)`` asks whether a field is there.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a rule does to an order that breaks it."""

    REJECT = "reject"
    """It is a dead letter: as it is, it cannot be right."""
    HOLD = "hold"
    """A person is to see it first."""
    WARN = "warn"
    """It enters, and the remark with it."""
    OFF = "off"
    """The rule is switched off: what a narrower scope does to a wider one's."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule is in force. Without a channel everywhere; without an account in every account of the channel."""

    channel: str | None = None
    account: str | None = None

    @property
    def width(self) -> int:
        """How narrow it is: 0 everywhere, 1 a channel, 2 an account. The narrowest rule of an id is in force."""
        return (self.channel is not None) + (self.account is not None)

    def covers(self, channel: str, account: str) -> bool:
        """Say whether orders of an account are in it."""
        return self.channel in {None, channel} and self.account in {None, account}

    def __str__(self) -> str:
        return "everywhere" if self.channel is None else "/".join(filter(None, (self.channel, self.account)))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is written. ``measure`` is an expression whose value is held against ``limit``."""

    id: str
    severity: Severity
    require: str = "true"
    message: str = ""
    applies: str = "true"
    path: str = ""
    scope: Scope = Scope()
    measure: str | None = None
    limit: int | None = None
