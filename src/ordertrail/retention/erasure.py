"""What is known of a person, what keeps it from being erased, and the certificate of its erasure. Pure values.

Articles are those of the GDPR, Regulation (EU) 2016/679: https://eur-lex.europa.eu/eli/reg/2016/679/oj. Article 17(1)
lets a person have data erased; 17(3) says what goes before that wish.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ordertrail.kernel.numbers import count
from ordertrail.record.event import Change, Event

SUBJECT: Final = "erasure"
"""The kind of subject of a request's events in the deletion log."""

LEGAL_OBLIGATION: Final = "GDPR Art. 17(3)(b), a legal obligation to keep"
LEGAL_CLAIMS: Final = "GDPR Art. 17(3)(e), legal claims"


class ErasureState(StrEnum):
    """Where a request stands."""

    REQUESTED = "requested"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PersonalField:
    """A sealed value of a person: where it stands. ``path`` is a JSON pointer into the event."""

    event: Event
    path: str
    stream: str
    recorded: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """What goes before a wish to be erased: the article, what rests on it, and how many events it is about."""

    article: str
    because: str
    events: int

    def __str__(self) -> str:
        return f"{self.article}: {self.because} ({self.events:,} of the person's events)"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an erasure would make unreadable, and what is against it. Times are RFC 3339, None where there are none."""

    person: str
    known: bool
    """Whether there is a key of the person."""
    values: int
    events: int
    orders: int
    streams: tuple[str, ...]
    first: str | None
    last: str | None
    conflicts: tuple[Conflict, ...]
    bundles: tuple[str, ...] = ()
    """The kept evidence bundles that open some of it; they go with it."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody asked for a person to be erased. ``identity`` says how it was seen that the person asked."""

    id: str
    person: str
    identity: str
    reason: str
    requester: str
    requested: str
    state: ErasureState = ErasureState.REQUESTED
    bundles: tuple[str, ...] = ()
    """The kept bundles that opened some of it when it was asked for."""

    def changes(self, scope: Scope) -> tuple[Change, ...]:
        """Return what its request says, with what it will make unreadable."""
        return (
            Change("/person", after=self.person),
            Change("/identity", after=self.identity),
            Change("/values", after=scope.values),
            Change("/events", after=scope.events),
            Change("/bundles", after=list(scope.bundles)),
        )


@dataclass(frozen=True, slots=True)
class ErasureCertificate:
    """The certificate: whose key was destroyed, on whose word, after which looks, and what remains."""

    id: str
    person: str
    values: int
    events: int
    identity: str
    requester: str
    approver: str
    holds_checked: tuple[str, ...] = ()
    duties_checked: tuple[str, ...] = ()
    method: str = (
        "the person's key and search tokens destroyed; no copy of a sealed value can be opened any more"
    )
    remains: str = "sealed values without a key, and all hashes, proofs and checkpoints"
    time: str = ""
    bundles: tuple[str, ...] = ()
    """The kept evidence bundles that opened some of it, and were removed."""

    def changes(self) -> tuple[Change, ...]:
        """Return what its event says."""
        said: dict[str, Any] = {
            "person": self.person,
            "values": self.values,
            "events": self.events,
            "identity": self.identity,
            "requester": self.requester,
            "approver": self.approver,
            "holds_checked": list(self.holds_checked),
            "duties_checked": list(self.duties_checked),
            "method": self.method,
            "remains": self.remains,
            "bundles": list(self.bundles),
        }
        return tuple(Change(f"/{name}", after=value) for name, value in said.items())

    @property
    def sentence(self) -> str:
        """What it certifies, as a person reads it."""
        return (
            f"The personal data of {self.person}, {self.values:,} values in {self.events:,} events, was erased on "
            f"{self.time[:10]} as {self.requester} asked and {self.approver} approved; the person was known by: "
            f"{self.identity}. {self.method[:1].upper()}{self.method[1:]}.{self._removed} What remains: {self.remains}."
        )

    @property
    def _removed(self) -> str:
        if not self.bundles:
            return ""
        was = "was" if len(self.bundles) == 1 else "were"
        names = ", ".join(self.bundles)
        return f" {count(len(self.bundles), 'kept bundle')} that opened some of it {was} removed: {names}."


def erasure_of(event: Event) -> Erasure:
    """Read a request from its event."""
    said = _said(event)
    reason = event.context.reason if event.context is not None else None
    return Erasure(
        event.subject.id,
        str(said.get("person", "")),
        str(said.get("identity", "")),
        reason or "",
        event.actor.id,
        event.time,
        bundles=tuple(map(str, said.get("bundles", ()) or ())),
    )


def erasure_certificate_of(event: Event) -> ErasureCertificate:
    """Read a certificate from its event."""
    said = _said(event)
    return ErasureCertificate(
        id=event.subject.id,
        person=str(said.get("person", "")),
        values=int(said.get("values", 0)),
        events=int(said.get("events", 0)),
        identity=str(said.get("identity", "")),
        requester=str(said.get("requester", "")),
        approver=str(said.get("approver", "")),
        holds_checked=tuple(map(str, said.get("holds_checked", ()) or ())),
        duties_checked=tuple(map(str, said.get("duties_checked", ()) or ())),
        method=str(said.get("method", "")),
        remains=str(said.get("remains", "")),
        time=event.time,
        bundles=tuple(map(str, said.get("bundles", ()) or ())),
    )


def _said(event: Event) -> dict[str, Any]:
    return {change.path.removeprefix("/"): change.after for change in event.changes}
