"""The desk: cases and bundles as people work with them; every change is put on record before it counts.

Each act goes in two steps: the event is recorded in the trail, durably; then the act is added to the book. *If we stop
between them*, the trail tells of an act that the book has not; it is done again and told again. Never the other way
round: nothing is in a book that the trail does not tell of.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from ordertrail.evidence.accounts import Account, format_account
from ordertrail.evidence.archive import parse_archive
from ordertrail.evidence.bundling import Bundling, Request
from ordertrail.evidence.cases import Act, ActKind, Case, Pinned, apply, fold
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.custody import CustodyAct, CustodyKind, Kept, link_hash, make_link, open_link
from ordertrail.evidence.layout import DISCLOSURES
from ordertrail.evidence.making import Bundle
from ordertrail.evidence.opening import parse_disclosures
from ordertrail.evidence.ports import CaseBook, CustodyBook, Shelf
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import BusyError, EvidenceError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Change, Context, Event, Subject

_ACTIONS = {
    ActKind.OPEN: "case.open",
    ActKind.SIGN: "case.sign",
    ActKind.CLOSE: "case.close",
}
"""The actions of acts; the others are ``case.add``."""

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Desk:
    """Cases and bundles of a trail. ``record`` puts an event on record, ``pin`` proves one as of now."""

    cases: CaseBook
    custody: CustodyBook
    shelf: Shelf
    bundling: Bundling
    record: Callable[[Event], None]
    pin: Callable[[str], Pinned]
    clock: Clock
    link_key: Callable[[], bytes]
    link_hours: int

    # Cases

    def open_case(self, title: str, by: Actor, template: str = "blank") -> Case:
        """Open a case."""
        return self._act(new_id(), ActKind.OPEN, by, text=title, template=template)

    def case(self, case: str) -> Case:
        """Return a case as it stands. Raises InputError where there is none."""
        return fold(self.cases.acts(case))

    def list_cases(self, limit: int = 100, before: str | None = None) -> list[Case]:
        """Return cases, the newest first."""
        return [self.case(one) for one in self.cases.cases(limit, before)]

    def add(self, case: str, event: str, by: Actor, note: str = "") -> Case:
        """Put an event into a case's basket, with its proof as of now."""
        return self._act(case, ActKind.ADD, by, text=note, pinned=self.pin(event))

    def set_aside(self, case: str, event: str, by: Actor, reason: str) -> Case:
        """Take an event out of the basket; that it was in it stays."""
        return self._act(case, ActKind.SET_ASIDE, by, text=reason, set_aside=event)

    def add_sample(self, case: str, sample: Sampled, by: Actor) -> Case:
        """Add a sample to a case, and its events to the basket."""
        return self._add_all(self._act(case, ActKind.SAMPLE, by, sample=sample), sample.events, by)

    def add_account(self, case: str, account: Account, by: Actor) -> Case:
        """Keep in a case what led to an event, as it is told now, and put its events into the basket."""
        changed = self._act(case, ActKind.ACCOUNT, by, text=format_account(account))
        return self._add_all(changed, account.events, by)

    def _add_all(self, case: Case, events: Sequence[str], by: Actor) -> Case:
        """Put those events into a basket that are not in it."""
        held = {item.event for item in case.basket}
        for event in events:
            if event not in held:
                case = self.add(case.id, event, by)
        return case

    def act(self, case: str, kind: ActKind, by: Actor, text: str = "") -> Case:
        """Note, submit, return, sign, close or reopen.

        Raises InputError where that may not be done now, or not by them.
        """
        if kind in {ActKind.OPEN, ActKind.ADD, ActKind.SET_ASIDE, ActKind.SAMPLE, ActKind.ACCOUNT}:
            raise InputError(f"{kind} is done in a way of its own")
        return self._act(case, kind, by, text=text)

    def _act(  # noqa: PLR0913 - what an act may hold
        self,
        case: str,
        kind: ActKind,
        by: Actor,
        *,
        text: str = "",
        template: str = "",
        pinned: Pinned | None = None,
        set_aside: str | None = None,
        sample: Sampled | None = None,
    ) -> Case:
        at, told = format_time(self.clock()), new_id()
        wanted = Act(
            case, 1, kind, by.id, at, told, by.kind == "person", text, template, pinned, set_aside, sample
        )
        for attempt in range(_TRIES):
            before = None if kind is ActKind.OPEN else self.case(case)
            act = replace(wanted, number=1 if before is None else before.acts + 1)
            after = apply(before, act)
            if attempt == 0:
                self.record(_case_event(act, by, before, after))
            if self.cases.append(act):
                return after
        raise BusyError(f"case {case} is being worked on by many at once", remedy="Try again.")

    # Bundles

    def make(self, request: Request) -> Bundle:
        """Make a bundle, keep it, and begin its custody."""
        if request.approved_by is not None and request.approved_by == request.actor.id:
            raise InputError(f"{request.actor.id} cannot approve what {request.actor.id} makes")
        bundle = self.bundling.make(request)
        self.shelf.put(bundle.id, bundle.data)
        sha256 = hashlib.sha256(bundle.data).hexdigest()
        about = bundle.checked.manifest.about
        self.custody.keep(Kept(bundle.id, about, len(bundle.data), sha256, bundle.manifest, request.case))
        made = bundle.checked.manifest.made
        self._append(CustodyAct(bundle.id, 1, CustodyKind.MADE, made.by, made.at, bundle.id))
        if made.approved_by is not None:
            self._append(CustodyAct(bundle.id, 2, CustodyKind.APPROVED, made.approved_by, made.at, bundle.id))
        return bundle

    def make_of_case(self, case: str, by: Actor, reason: str, recipient: str | None = None) -> Bundle:
        """Make a bundle of a case's basket, with its sample and its accounts; approved by who signed the case off.

        An account is in the bundle as the event that keeps it, with its proof, and in the report in words.
        """
        found = self.case(case)
        if found.accounts:  # the events that keep them may have been recorded a moment ago
            self.bundling.workshop.sealing.anchor(self.bundling.home)
        events = [item.event for item in found.basket] + [one.event for one in found.accounts]
        selection = Selection(events=tuple(events))
        return self.make(
            Request(
                selection,
                by,
                reason,
                about=f"case {found.title}: {selection.about}",
                recipient=recipient,
                case=case,
                approved_by=found.signed_by if found.signed_by != by.id else None,
                sample=found.samples[-1] if found.samples else None,
                accounts=found.accounts,
            )
        )

    def link(self, bundle: str, by: Actor, whom: str, hours: int | None = None) -> str:
        """Make a link to a bundle for somebody; it is shown this once, and only its hash is kept."""
        kept = self._kept(bundle)
        if not whom.strip():
            raise InputError("a link is made for somebody", remedy="Say for whom.")
        until = self.clock() + timedelta(hours=hours or self.link_hours)
        link = make_link(bundle, until, self.link_key())
        self._happened(
            kept, CustodyKind.LINKED, by, link=link_hash(link), until=format_time(until), whom=whom
        )
        return link

    def withdraw(self, link: str, by: Actor) -> None:
        """Withdraw a link."""
        kept = self._linked(link)
        self._happened(kept, CustodyKind.WITHDRAWN, by, link=link_hash(link))

    def follow(self, link: str, by: Actor) -> tuple[str, bytes]:
        """Return the bundle that a link is to, and its bytes; that it was downloaded is put on record first."""
        kept = self._linked(link)
        linked = next(act for act in kept.custody if act.link == link_hash(link))
        self._happened(kept, CustodyKind.DOWNLOADED, by, link=linked.link, whom=linked.whom)
        return kept.bundle, self._bytes(kept)

    def download(self, bundle: str, by: Actor) -> bytes:
        """Return a bundle's bytes; that it was downloaded is put on record first."""
        kept = self._kept(bundle)
        self._happened(kept, CustodyKind.DOWNLOADED, by)
        return self._bytes(kept)

    def received(self, bundle: str, by: Actor, whom: str) -> None:
        """Put on record that somebody confirmed to have received a bundle."""
        self._happened(self._kept(bundle), CustodyKind.RECEIVED, by, whom=whom)

    def disclosing(self, fields: Collection[tuple[str, str]]) -> list[str]:
        """Return the kept bundles that open one of these sealed fields (event and path).

        Raises EvidenceError where a kept copy was altered, so that what it opens cannot be told.
        """
        found = []
        for bundle in self.shelf.bundles():
            try:
                members = parse_archive(self.shelf.get(bundle) or b"")
                opened = parse_disclosures(members.get(DISCLOSURES))
            except InputError as error:
                raise EvidenceError(
                    f"the kept copy of bundle {bundle} was altered: {error.message}",
                    meaning="Whose data it opens cannot be told.",
                    remedy="Move the file away from the trail, once it is known why it was altered.",
                ) from None
            if any((one.event, one.path) in fields for one in opened):
                found.append(bundle)
        return found

    def remove(self, bundle: str, by: Actor, reason: str) -> int:
        """Remove the kept copy of a bundle; return its bytes. Copies that were handed out are not reached.

        That it goes is put on record first. *If we stop then*, the copy is removed when this is done once more.
        """
        kept = self.custody.find(bundle)
        if kept is not None and kept.removed is None:
            self._happened(kept, CustodyKind.REMOVED, by, whom=reason)
        return self.shelf.remove(bundle)

    def _linked(self, link: str) -> Kept:
        bundle = open_link(link, self.clock(), self.link_key())
        kept = self._kept(bundle)
        open_link(link, self.clock(), self.link_key(), kept.custody)
        return kept

    def _kept(self, bundle: str) -> Kept:
        kept = self.custody.find(bundle)
        if kept is None:
            raise InputError(
                f"there is no bundle {bundle[:60]}", remedy="'ordertrail bundle list' names them."
            )
        return kept

    def _bytes(self, kept: Kept) -> bytes:
        if kept.removed is not None:
            raise InputError(
                f"the kept copy of bundle {kept.bundle} was removed on {kept.removed.at[:10]}: {kept.removed.whom}",
                meaning="Copies that were handed out before are with those who had them; its custody names them.",
                remedy="Make the bundle again; what can still be opened is in it.",
            )
        data = self.shelf.get(kept.bundle)
        if data is None or hashlib.sha256(data).hexdigest() != kept.sha256:
            raise EvidenceError(
                f"the kept copy of bundle {kept.bundle} is missing or was altered",
                meaning="The copy is not handed out; copies that were handed out before check themselves.",
                remedy="Make the bundle again; the log still has everything.",
            )
        return data

    def _happened(  # noqa: PLR0913 - what may be told of it
        self,
        kept: Kept,
        kind: CustodyKind,
        by: Actor,
        *,
        link: str | None = None,
        until: str | None = None,
        whom: str = "",
    ) -> None:
        told = new_id()
        act = CustodyAct(
            kept.bundle,
            len(kept.custody) + 1,
            kind,
            by.id,
            format_time(self.clock()),
            told,
            link,
            until,
            whom,
        )
        self.record(_custody_event(act, by))
        self._append(act)

    def _append(self, act: CustodyAct) -> None:
        """Add what happened behind what others add at the same time."""
        while not self.custody.append(act):
            found = self.custody.find(act.bundle)
            act = replace(act, number=len(found.custody) + 1 if found is not None else 1)


def _case_event(act: Act, by: Actor, before: Case | None, after: Case) -> Event:
    changes: list[Change] = []
    if before is None:
        changes += [Change("/title", after=act.text), Change("/template", after=act.template)]
    if before is None or before.state is not after.state:
        state = Change("/state", after=str(after.state))
        changes.append(state if before is None else Change("/state", str(before.state), str(after.state)))
    if act.pinned is not None:
        changes.append(Change("/basket", after=act.pinned.event))
    if act.set_aside is not None:
        changes.append(Change("/basket", before=act.set_aside))
    if act.sample is not None:
        drawn = {"method": act.sample.method, "size": act.sample.size, "seed": act.sample.seed}
        changes.append(Change("/sample", after=drawn | {"population": act.sample.population.ids}))
    changes.append(Change("/act", after=str(act.kind)))
    reason = act.text if before is not None and act.text else None
    if act.kind is ActKind.ACCOUNT:
        changes.append(Change("/account", after=msgspec.json.decode(act.text)))
        reason = None
    return Event(
        id=act.event,
        time=act.at,
        action=_ACTIONS.get(act.kind, "case.add"),
        actor=by,
        subject=Subject("case", act.case),
        changes=tuple(changes),
        context=Context(reason=reason) if reason else None,
    )


def _custody_event(act: CustodyAct, by: Actor) -> Event:
    told: Sequence[tuple[str, str | None]] = (
        ("/custody", str(act.kind)),
        ("/link", act.link),
        ("/until", act.until),
        ("/whom", act.whom or None),
    )
    return Event(
        id=act.event,
        time=act.at,
        action="bundle.hand",
        actor=by,
        subject=Subject("bundle", act.bundle),
        changes=tuple(Change(path, after=value) for path, value in told if value is not None),
    )
