"""The certificate of destruction: what was destroyed, under which policy, by whose word, and what remains. Pure.

It is an entry of the deletion log, and of the log that was pruned there is an entry that names the same root: either
can be proven offline, and neither can be changed. ``root`` is the root over the destroyed entries' hashes, which are
kept: with a consistency proof from it to any later checkpoint anybody can see that the log only lost what was said in
these entries, and neither their number nor their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ordertrail.record.event import Change, Event


@dataclass(frozen=True, slots=True)
class Freed:
    """What was given back: rows of the table, objects of the vault, and their bytes."""

    rows: int = 0
    objects: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was destroyed. So many events were ``held``, and lifted out first."""

    id: str
    stream: str
    origin: str
    minimum: int
    root: str
    order: str
    """The id of the event, in the pruned log, that ordered it."""
    policy: str
    requester: str
    approver: str
    freed: Freed
    held: int = 0
    holds_checked: Sequence[str] = field(default_factory=tuple)
    method: str = "rows deleted and the table written anew; bundles and payloads deleted, all versions"
    remains: str = "leaf hashes, tiles of hashes, checkpoints, stamps and cosignatures"
    time: str = ""

    def changes(self) -> tuple[Change, ...]:
        """Return what its event says."""
        said: dict[str, Any] = {
            "stream": self.stream,
            "origin": self.origin,
            "minimum": self.minimum,
            "root": self.root,
            "order": self.order,
            "policy": self.policy,
            "requester": self.requester,
            "approver": self.approver,
            "rows": self.freed.rows,
            "objects": self.freed.objects,
            "bytes": self.freed.octets,
            "held": self.held,
            "holds_checked": list(self.holds_checked),
            "method": self.method,
            "remains": self.remains,
        }
        return tuple(Change(f"/{name}", after=value) for name, value in said.items())

    @property
    def sentence(self) -> str:
        """What it certifies, as a person reads it."""
        held = f" {self.held:,} that are under a hold were lifted out first." if self.held else ""
        return (
            f"Entries 0 to {self.minimum - 1:,} of {self.origin} were destroyed on {self.time[:10]} as "
            f"{self.requester} asked and {self.approver} approved, under {self.policy}: {self.freed.rows:,} rows, "
            f"{self.freed.objects:,} objects, {self.freed.octets:,} bytes.{held} What remains: {self.remains}."
        )


def certificate_of(event: Event) -> Certificate:
    """Read a certificate from its event."""
    said = {change.path.removeprefix("/"): change.after for change in event.changes}

    def text(name: str) -> str:
        return str(said.get(name, ""))

    def number(name: str) -> int:
        value = said.get(name, 0)
        return value if isinstance(value, int) else 0

    return Certificate(
        id=event.subject.id,
        stream=text("stream"),
        origin=text("origin"),
        minimum=number("minimum"),
        root=text("root"),
        order=text("order"),
        policy=text("policy"),
        requester=text("requester"),
        approver=text("approver"),
        freed=Freed(number("rows"), number("objects"), number("bytes")),
        held=number("held"),
        holds_checked=tuple(map(str, said.get("holds_checked", ()) or ())),
        method=text("method"),
        remains=text("remains"),
        time=event.time,
    )
