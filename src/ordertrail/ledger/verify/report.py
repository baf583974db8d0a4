"""What a check found, in words that code, page, paper and tests share.

The numbered steps are the house's own, everywhere the same: 1 content, 2 inclusion, 3 signature,
4 continuity, 5 time, 6 custody.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ordertrail.kernel.numbers import count


class Step(Enum):
    """The numbered steps of verification."""

    CONTENT = (1, "content", "every entry hashes to its leaf, and table and tiles hold the same bytes")
    INCLUSION = (2, "inclusion", "leaves, tiles and batches add up to the signed roots")
    SIGNATURE = (3, "signature", "every checkpoint is signed by the key in force")
    CONTINUITY = (
        4,
        "continuity",
        "nothing is missing: rows, batches, checkpoints and orders are unbroken chains",
    )
    TIME = (5, "time", "recorded times never run backwards; witnesses and timestamps, where there are any")
    CUSTODY = (
        6,
        "custody",
        "write-once copies are kept, read-only, for their term; the table is append-only",
    )

    def __init__(self, number: int, label: str, promise: str) -> None:
        self.number = number
        self.label = label
        self.promise = promise


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: at which step, where it stands, and what it is.

    ``index`` is the first entry concerned, None where no one entry is; ``span`` how many entries the place
    covers; ``order`` the order it belongs to.
    """

    step: Step
    where: str
    message: str
    index: int | None = None
    order: str | None = None
    span: int = 1

    @property
    def rank(self) -> tuple[float, float, int]:
        """What is wrong with one entry comes first, then wider places: they are wrong because of it."""
        if self.index is None:
            return (float("inf"), 0, self.step.number)
        return (self.span, self.index, self.step.number)

    def __str__(self) -> str:
        order = f", order {self.order}" if self.order else ""
        return f"step {self.step.number} {self.step.label}: {self.where}{order}: {self.message}"


@dataclass(slots=True)
class Counts:
    """What was looked at."""

    entries: int = 0
    batches: int = 0
    tiles: int = 0
    checkpoints: int = 0
    blobs: int = 0

    def add(self, other: "Counts") -> None:
        """Add another count to this one."""
        self.entries += other.entries
        self.batches += other.batches
        self.tiles += other.tiles
        self.checkpoints += other.checkpoints
        self.blobs += other.blobs


@dataclass(slots=True)
class Attestations:
    """What others said of the log's checkpoints: for each, the newest size that it saw, and when.

    ``unknown`` counts what could not be checked, because the settings do not know who said it.
    """

    stamps: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    cosignatures: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Provable:
    """What stands in spite of the findings: entries below these sizes are proven by signed checkpoints."""

    by_table: int
    by_tiles: int


MAX_FINDINGS = 1_000
"""Findings that are listed; beyond them only their number is told."""


@dataclass(slots=True)
class Report:
    """The outcome of a check of one log."""

    stream: str
    origin: str
    size: int
    published: int
    since: int = 0
    destroyed: int = 0
    """So many entries from the beginning on were destroyed, by an order that the log holds."""
    first_recorded: str | None = None
    last_recorded: str | None = None
    counts: Counts = field(default_factory=Counts)
    findings: list[Finding] = field(default_factory=list)
    more_findings: int = 0
    provable: Provable | None = None
    attestations: Attestations = field(default_factory=Attestations)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    checkpoint: bytes | None = None

    @property
    def intact(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The first wrong thing."""
        return min(self.findings, key=lambda finding: finding.rank, default=None)

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        first = self.first
        if first is None:
            if self.size == 0:
                return f"The log {self.origin} is empty and intact."
            if self.since == self.size:
                return f"Nothing follows the checkpoint of {count(self.size, 'event')}; it is the newest."
            span = f"recorded from {self.first_recorded} to {self.last_recorded}"
            if self.since:
                return (
                    f"The {self.size - self.since:,} events after the first {self.since:,}, {span}, are intact, "
                    f"and continue the checkpoint of {count(self.since, 'event')}."
                )
            if self.destroyed:
                return (
                    f"The {self.size - self.destroyed:,} events after the first {self.destroyed:,}, {span}, are "
                    "intact; those before were destroyed by an order of this log, and their hashes are intact."
                )
            if self.size == 1:
                return f"The one event, recorded at {self.first_recorded}, is intact."
            return f"All {self.size:,} events, {span}, are intact."
        return f"BROKEN: {first.where}: {first.message}. {self._standing()}"

    def _standing(self) -> str:
        provable = self.provable
        if provable is None:
            return "What is still provable was not determined."
        whole = self.size
        if provable.by_tiles > whole:
            return f"All {provable.by_tiles:,} published events are still provable from the published tiles."
        if max(provable.by_table, provable.by_tiles) >= whole:
            copy = "table" if provable.by_table >= whole else "published tiles"
            return f"All {whole:,} events are still provable from the {copy}."
        best = max(provable.by_table, provable.by_tiles)
        if best == 0:
            return "No event is provable from what is here; bring a copy and a checkpoint kept elsewhere."
        return f"The first {best:,} of {whole:,} events are still provable."

    def find(self, finding: Finding) -> None:
        """Add a finding."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)
        else:
            self.more_findings += 1
