"""What is wrong with a delivery, a document or an order: a code for programs, a place, and a sentence for a person."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ordertrail.kernel.errors import InputError, Problem


class Code(StrEnum):
    """The cause, in a word. Faults of one code at one place are one cause, and one fix may replay them all."""

    UNREADABLE = "unreadable"
    """The bytes are not a document of the channel's format at all."""
    TOO_LARGE = "too_large"
    """Bigger, deeper or longer than is read."""
    FOREIGN = "foreign"
    """A document of this source that is not about an order: a product, a cart, a payout."""
    MISSING = "missing"
    """What an order needs is not there."""
    MALFORMED = "malformed"
    """A value is not of its kind: a date that is none, an amount with letters."""
    UNKNOWN_WORD = "unknown_word"
    """A status, a unit, a currency or a code that has no meaning here."""
    CONTRADICTION = "contradiction"
    """Two places of the document say different things: control counts, totals, ids."""
    SIGNATURE = "signature"
    """The delivery is not proven to come from its source."""
    REPLAYED = "replayed"
    """The signature is right and its time is outside the window."""
    UNKNOWN_ORDER = "unknown_order"
    """A change of an order that never came."""
    UNKNOWN_PART = "unknown_part"
    """A change of a line, payment or parcel that the order does not have."""
    GAP = "gap"
    """The source's own counter says that something before this is still to come."""
    TRANSITION = "transition"
    """The order's lifecycle does not allow what the source says happened."""
    RULE = "rule"
    """A rule of validation refuses it."""
    FAILED = "failed"
    """We could not do it: a store, the network, a fault of our own."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong. ``path`` is a JSON pointer into the source's document; empty is the document as a whole.

    ``rule`` is the rule of validation that it breaks; its path is into the order.
    """

    code: Code
    path: str
    message: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    @property
    def cause(self) -> str:
        """What faults of the same cause share: the rule, or the code and the place without the numbers of lists."""
        if self.rule:
            return f"{self.code} {self.rule}"
        place = re.sub(r"/\d+(?=/|$)", "/*", self.path)
        return f"{self.code} {place}" if place else str(self.code)

    def problem(self) -> Problem:
        """Return it as the errors of the house have it: with a dotted path."""
        dotted = ".".join(step.replace("~1", "/").replace("~0", "~") for step in self.path.split("/")[1:])
        return Problem(dotted, self.message)


class FaultyError(InputError):
    """What came in is wrong, told as faults."""

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__(fault.problem() for fault in self.faults)
