"""What is learned from: cases (orders, say), each the steps that it went through, in sequence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a case: what was done, and the values of its fields, one for each field of the log."""

    activity: str
    values: tuple[str, ...] = ()
    event: str = ""
    """The event's id, for whoever reads an explanation; nothing is learned from it."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case and its steps."""

    id: str
    steps: tuple[Step, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """What was done, in sequence."""
        return tuple(step.activity for step in self.steps)
