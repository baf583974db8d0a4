"""What a provider's delivery tells: facts, something else, or why it cannot be read."""

from dataclasses import dataclass

from ordertrail.correlate.facts import Fact
from ordertrail.intake.message import Faulty, Foreign


@dataclass(frozen=True, slots=True)
class Facts:
    """What one part of a document tells; at least one fact."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """One part of a delivery, read. ``pointer`` is where it stands in the document; empty is all of it."""

    pointer: str
    content: Facts | Foreign | Faulty
