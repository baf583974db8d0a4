"""What the deletion log says, folded: holds, requests and what became of them. Pure.

The deletion log is a log of the trail like any other, with a key and a tree of its own, and nothing is kept beside it:
whoever has the log can fold it and sees what was held, asked, approved, refused and destroyed, by whom and when.

===================  =========================================================================
``hold.place``       subject ``hold``; /scope, /owner, /review
``hold.release``     subject ``hold``
``retention.request``  subject ``disposal``; what is to be destroyed, see :class:`Disposal`
``retention.approve``  subject ``disposal`` or ``refiling``, by somebody else
``retention.request``  subject ``refiling``; which entries get the terms of which class, see :mod:`.refiling`
``retention.deny``   an attempt against a rule: outcome ``denied``, the rule in its reason
``retention.purge``  subject ``disposal``: the certificate of destruction, see :mod:`.certificate`
``retention.change`` subject ``policy``: a policy takes effect; /policy has its text
``person.erase``     subject ``erasure``: the certificate of a person's erasure, which was asked for by
                     ``retention.request`` of the same subject, see :mod:`.erasure`
``identity.reveal``  subject ``person``: all that is kept of one was told, see :mod:`.access_report`
===================  =========================================================================
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from ordertrail.record.event import Actor, Change, Event
from ordertrail.retention.certificate import Certificate, certificate_of
from ordertrail.retention.erasure import (
    SUBJECT,
    Erasure,
    ErasureCertificate,
    ErasureState,
    erasure_certificate_of,
    erasure_of,
)
from ordertrail.retention.hold import Hold
from ordertrail.retention.refiling import SUBJECT as REFILING
from ordertrail.retention.refiling import Refiling, RefilingState, refiling_of

DELETIONS: Final = "deletions"
"""The stream of the deletion log."""


class DisposalState(StrEnum):
    """Where a disposal stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Disposal:
    """Entries below ``minimum`` of a stream that somebody asked to have destroyed, and why that is lawful.

    ``root`` is the log's root at that size, in hex; ``newest`` when the newest of them was sealed.
    """

    id: str
    stream: str
    minimum: int
    root: str
    entries: int
    newest: str
    policy: str
    reason: str
    requester: str
    requested: str
    state: DisposalState = DisposalState.REQUESTED
    approver: str | None = None
    approved: str | None = None

    def changes(self) -> tuple[Change, ...]:
        """Return what its request says."""
        said = {
            "stream": self.stream,
            "minimum": self.minimum,
            "root": self.root,
            "entries": self.entries,
            "newest": self.newest,
            "policy": self.policy,
        }
        return tuple(Change(f"/{name}", after=value) for name, value in said.items())


@dataclass(frozen=True, slots=True)
class Register:
    """All that the deletion log says, by id."""

    holds: Mapping[str, Hold]
    disposals: Mapping[str, Disposal]
    certificates: Mapping[str, Certificate]
    policy: str | None = None
    erasures: Mapping[str, Erasure] = field(default_factory=dict)
    erased: Mapping[str, ErasureCertificate] = field(default_factory=dict)
    refilings: Mapping[str, Refiling] = field(default_factory=dict)

    @property
    def holds_in_force(self) -> list[Hold]:
        """The holds that keep something."""
        return [hold for hold in self.holds.values() if hold.in_force]

    def refilings_of(self, stream: str) -> list[Refiling]:
        """Return the re-filings of a log's entries that are in force, in the order in which they came into force."""
        found = [one for one in self.refilings.values() if one.state is RefilingState.IN_FORCE]
        return sorted((one for one in found if one.stream == stream), key=lambda one: one.approved or "")

    def open_disposals(self, stream: str) -> list[Disposal]:
        """Return what was asked for a stream and is not done."""
        return [
            one
            for one in self.disposals.values()
            if one.stream == stream and one.state is not DisposalState.DONE
        ]


def fold(events: Iterable[Event]) -> Register:
    """Fold the events of the deletion log, in their order. Attempts that were denied change nothing."""
    holds: dict[str, Hold] = {}
    disposals: dict[str, Disposal] = {}
    certificates: dict[str, Certificate] = {}
    erasures: dict[str, Erasure] = {}
    erased: dict[str, ErasureCertificate] = {}
    refilings: dict[str, Refiling] = {}
    policy: str | None = None
    for event in events:
        if event.outcome != "success":
            continue
        said, id_ = _said(event), event.subject.id
        if event.subject.kind == REFILING:
            _fold_refiling(refilings, event, said)
            continue
        match event.action:
            case "hold.place":
                holds.setdefault(id_, _hold(event, said))
            case "hold.release" if id_ in holds and holds[id_].in_force:
                holds[id_] = replace(holds[id_], released=event.time, release_reason=_reason(event))
            case "retention.request" if event.subject.kind == SUBJECT:
                erasures.setdefault(id_, erasure_of(event))
            case "person.erase" if id_ in erasures and erasures[id_].requester != event.actor.id:
                erased.setdefault(id_, erasure_certificate_of(event))
                erasures[id_] = replace(erasures[id_], state=ErasureState.DONE)
            case "retention.request":
                disposals.setdefault(id_, _disposal(event, said))
            case "retention.approve" if _may_approve(disposals.get(id_), event.actor):
                disposals[id_] = replace(
                    disposals[id_],
                    state=DisposalState.APPROVED,
                    approver=event.actor.id,
                    approved=event.time,
                )
            case "retention.purge" if id_ in disposals:
                certificates[id_] = certificate_of(event)
                disposals[id_] = replace(disposals[id_], state=DisposalState.DONE)
            case "retention.change":
                policy = str(said.get("/policy", ""))
    return Register(holds, disposals, certificates, policy, erasures, erased, refilings)


def _fold_refiling(refilings: dict[str, Refiling], event: Event, said: Mapping[str, Any]) -> None:
    """Take in a request, or an approval of what was asked for by somebody else."""
    if event.action == "retention.request":
        refilings.setdefault(event.subject.id, refiling_of(event, said))
        return
    one = refilings.get(event.subject.id) if event.action == "retention.approve" else None
    if one is not None and one.state is RefilingState.REQUESTED and one.requester != event.actor.id:
        refilings[one.id] = replace(
            one, state=RefilingState.IN_FORCE, approver=event.actor.id, approved=event.time
        )


def _may_approve(disposal: Disposal | None, actor: Actor) -> bool:
    """Say whether an approval counts: of something asked for, and not by whoever asked."""
    return (
        disposal is not None and disposal.state is DisposalState.REQUESTED and disposal.requester != actor.id
    )


def _hold(event: Event, said: Mapping[str, Any]) -> Hold:
    review = said.get("/review")
    return Hold(
        id=event.subject.id,
        scope=str(said.get("/scope", "")),
        owner=str(said.get("/owner", event.actor.id)),
        reason=_reason(event),
        placed=event.time,
        review=review if isinstance(review, str) else None,
    )


def _disposal(event: Event, said: Mapping[str, Any]) -> Disposal:
    return Disposal(
        id=event.subject.id,
        stream=str(said.get("/stream", "")),
        minimum=int(said.get("/minimum", 0)),
        root=str(said.get("/root", "")),
        entries=int(said.get("/entries", 0)),
        newest=str(said.get("/newest", "")),
        policy=str(said.get("/policy", "")),
        reason=_reason(event),
        requester=event.actor.id,
        requested=event.time,
    )


def _said(event: Event) -> dict[str, Any]:
    return {change.path: change.after for change in event.changes}


def _reason(event: Event) -> str:
    return (event.context.reason or "") if event.context is not None else ""
