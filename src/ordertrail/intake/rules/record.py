"""What became of the orders that rules stopped: how often each rule was right, and how often it was wrong.

A rule was *wrong* about an order that later entered just as it had come: a person let it through, or it was given back
unchanged and accepted. It was *right* about one that had to be mended, or that was discarded. What nobody has dealt
with counts as neither.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ordertrail.intake.ports import Letter
from ordertrail.intake.states import MessageState


class Ending(StrEnum):
    """What became of an order that was stopped, or was not."""

    OPEN = "open"
    """Nobody has dealt with it yet."""
    UNCHANGED = "unchanged"
    """It entered as it had come."""
    MENDED = "mended"
    """It entered after somebody mended it."""
    DISCARDED = "discarded"
    """It did not enter, and will not."""


_ENDINGS = {
    MessageState.ACCEPTED: Ending.UNCHANGED,
    MessageState.DUPLICATE: Ending.UNCHANGED,
    MessageState.DISCARDED: Ending.DISCARDED,
}


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """What one rule did to one source's orders."""

    rule: str
    source: str
    stopped: int
    open: int
    unchanged: int
    mended: int
    discarded: int

    @property
    def wrong(self) -> int | None:
        """Per cent of what was dealt with that entered as it had come; None where nothing was dealt with."""
        decided = self.unchanged + self.mended + self.discarded
        return 100 * self.unchanged // decided if decided else None


def ending_of(letter: Letter) -> Ending:
    """Return what became of a letter's order."""
    found = _ENDINGS.get(letter.state, Ending.OPEN)
    return Ending.MENDED if found is Ending.UNCHANGED and letter.fix is not None else found


def rules_of(letter: Letter) -> frozenset[str]:
    """Return the rules that ever stopped a letter's order."""
    faults = (*letter.faults, *(fault for attempt in letter.attempts for fault in attempt.faults))
    return frozenset(fault.rule for fault in faults if fault.rule)


def records(letters: Iterable[Letter]) -> list[RuleRecord]:
    """Return the record of each rule with each source; what was wrong most often comes first."""
    counted: defaultdict[tuple[str, str], dict[Ending, int]] = defaultdict(lambda: dict.fromkeys(Ending, 0))
    for letter in letters:
        for rule in rules_of(letter):
            counted[rule, letter.source][ending_of(letter)] += 1
    return sorted(_records(counted), key=lambda one: (-one.unchanged, -one.stopped, one.rule, one.source))


def _records(counted: dict[tuple[str, str], dict[Ending, int]]) -> Iterator[RuleRecord]:
    for (rule, source), endings in counted.items():
        yield RuleRecord(
            rule,
            source,
            sum(endings.values()),
            endings[Ending.OPEN],
            endings[Ending.UNCHANGED],
            endings[Ending.MENDED],
            endings[Ending.DISCARDED],
        )
