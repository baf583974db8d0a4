"""What to do about a cause of letters, in one sentence each. Pure."""

from collections.abc import Mapping
from typing import Final

from ordertrail.intake.faults import Code

_ADVICE: Final[Mapping[Code, str]] = {
    Code.UNREADABLE: "Ask the source for the document again, or replay it with mended bytes.",
    Code.TOO_LARGE: "Have the source send smaller documents.",
    Code.FOREIGN: "Have the source send documents about orders only.",
    Code.MISSING: "Have the source fill this field, or replay with mended bytes.",
    Code.MALFORMED: "Correct the value at the source, or replay with mended bytes.",
    Code.UNKNOWN_WORD: "Add the word to the source's mapping or options, then replay the cause.",
    Code.CONTRADICTION: "See which of the two is right, then release, mend or reject.",
    Code.SIGNATURE: "Compare the secret here with the source's.",
    Code.REPLAYED: "Compare the clocks, here and at the source.",
    Code.UNKNOWN_ORDER: "Have the source send the order itself, then replay the cause.",
    Code.UNKNOWN_PART: "Have the source send the order as it is now, then replay the cause.",
    Code.GAP: "Have the source send the state in between, or the order as it is now.",
    Code.TRANSITION: "Check at the source whether this happened; release it where it did.",
    Code.RULE: "Correct the order, release it, or make the rule narrower and replay the cause.",
    Code.FAILED: "Put right what failed here, then replay the cause.",
}
"""A sentence for each code: short, and the first thing to try."""


def advice_on(cause: str) -> str:
    """Return what to do about a cause as :attr:`ordertrail.intake.faults.Fault.cause` names it."""
    word = cause.partition(" ")[0]
    return (
        _ADVICE[Code(word)] if word in set(Code) else "See one of its letters with 'ordertrail intake show'."
    )
