"""What is kept, object by object, and who could delete it today.

``nobody`` means over the store's own interface. Whoever runs the store, a disk or a data centre, can always
destroy what is on it; that this was done is what the full check shows, and checkpoints kept elsewhere.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.numbers import count
from ordertrail.ledger.paths import KEYS
from ordertrail.ledger.tiles import CHECKPOINT_PATH
from ordertrail.vault.ports import Inventory, Kept, Vault

_REPLACED = frozenset({CHECKPOINT_PATH, KEYS})
"""Objects that are replaced by design, and not kept: all checkpoints are kept among the anchors."""


class Deleter(Enum):
    """Who could delete an object today."""

    NOBODY = "nobody"
    BYPASS = "whoever has the right to bypass GOVERNANCE"
    HOLD = "whoever may lift its legal hold"
    ROOT = "the machine's administrator, after taking the immutable flag off"
    FOLDER = "whoever may write to its folder"
    ANYONE = "whoever may delete in the store"


_COULD = {one: f"could be deleted by {one.value}" for one in Deleter} | {
    Deleter.NOBODY: "could be deleted by nobody, over the store's interface,"
}


@dataclass(frozen=True, slots=True)
class KeptObject:
    """One object as it is kept; ``kept`` and ``deleter`` are None where it is missing."""

    path: str
    kept: Kept | None
    deleter: Deleter | None

    @property
    def problems(self) -> tuple[str, ...]:
        """What somebody did to it, as sentences without a subject ("is missing")."""
        return ("is missing",) if self.kept is None else self.kept.flaws


@dataclass(slots=True)
class Summary:
    """What a listing adds up to."""

    objects: int = 0
    octets: int = 0
    earliest: datetime | None = None
    modes: Counter[str] = field(default_factory=Counter)
    deleters: Counter[Deleter] = field(default_factory=Counter)
    problems: int = 0

    def add(self, one: KeptObject) -> None:
        """Count an object in."""
        self.problems += bool(one.problems)
        if one.kept is None or one.deleter is None:
            return
        self.objects += 1
        self.octets += one.kept.length
        self.modes[one.kept.mode or "no lock"] += 1
        self.deleters[one.deleter] += 1
        if one.kept.until is not None:
            self.earliest = min(one.kept.until, self.earliest or one.kept.until)

    @property
    def sentence(self) -> str:
        """The summary as a person reads it."""
        if not self.objects and not self.problems:
            return "Nothing is kept."
        modes = ", ".join(f"{number:,} with {mode}" for mode, number in self.modes.most_common())
        term = f", the first term ends {format_time(self.earliest)}" if self.earliest else ""
        told = [f"{count(self.objects, 'object')} of {self.octets:,} bytes: {modes}{term}."]
        told += [f"{self.deleters[one]:,} {_COULD[one]} today." for one in Deleter if self.deleters[one]]
        if self.problems:
            told.append(
                "1 is missing or was tampered with."
                if self.problems == 1
                else f"{self.problems:,} are missing or were tampered with."
            )
        return " ".join(told)


def list_kept(vault: Vault, now: datetime, prefix: str = "") -> Iterator[KeptObject]:
    """Yield every object below a prefix: version, lock mode, end of its term, and who could delete it now.

    The checkpoint and the keys of a published log are left out: they are replaced by design.
    """
    listing = (
        vault.inventory(prefix)
        if isinstance(vault, Inventory)
        else ((path, vault.kept(path)) for path in vault.paths(prefix))
    )
    for path, kept in listing:
        if path not in _REPLACED:
            yield KeptObject(path, kept, None if kept is None else deleter_of(kept, now))


def deleter_of(kept: Kept, now: datetime) -> Deleter:
    """Say who could delete an object now, over the store's own interface."""
    lasting = kept.until is not None and kept.until > now
    if lasting and kept.mode == "COMPLIANCE":
        return Deleter.NOBODY
    if lasting and kept.mode == "GOVERNANCE":
        return Deleter.BYPASS
    if kept.mode == "immutable flag":
        return Deleter.ROOT
    if kept.mode == "read-only":
        return Deleter.FOLDER
    # A hold that the store itself enforces; a line in a directory keeps nobody from deleting a file.
    return Deleter.HOLD if kept.legal_hold and kept.locked else Deleter.ANYONE
