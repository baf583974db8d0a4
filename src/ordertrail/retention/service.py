"""Retention as programs are handed it: what is due, what is held, who asked, who approved, and what was destroyed.

Everything that is done or refused is an event of the deletion log, a log of the trail with a key of its own; all that
is known is folded from it. Nothing is destroyed that is in its term, that a hold keeps, or that one person alone wants
gone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.kernel.numbers import count
from ordertrail.ledger.pruning import newest_destruction
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor, Change, Context, Event, Outcome, Subject
from ordertrail.retention.certificate import Certificate
from ordertrail.retention.hold import Hold, Matches, ParseScope, holding, require_hold
from ordertrail.retention.policy import Fate, Policy, RetentionClass, Trigger, parse_policy, shortened
from ordertrail.retention.ports import ClosedAt, DisclosingCopies, KeptVault, PersonalData, PrunableLog
from ordertrail.retention.purging import (
    BLOBS,
    Destruction,
    Due,
    Progress,
    begin_of,
    blob_names,
    find_due,
    hold_store_path,
    rows_of,
)
from ordertrail.retention.refiling import SUBJECT as REFILING
from ordertrail.retention.refiling import Refiling, RefilingState
from ordertrail.retention.register import DELETIONS, Disposal, DisposalState, Register, fold


class RetentionRefusedError(InputError):
    """A rule of retention forbids it; ``rule`` names which. The attempt is on record in the deletion log."""

    def __init__(self, rule: str, message: str, remedy: str) -> None:
        self.rule = rule
        super().__init__(message, meaning="Nothing was changed; the attempt is on record.", remedy=remedy)


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention of one trail. ``deletions`` is the deletion log, ``logs`` are the logs that may be pruned."""

    deletions: PrunableLog
    logs: Mapping[str, PrunableLog]
    held: KeptVault
    parse_scope: ParseScope
    closed: ClosedAt
    clock: Clock
    default: Policy
    fixed_scope: Callable[[str], str]
    """Returns a scope whose times mean the same tomorrow. Raises InputError for what is none."""
    personal: PersonalData
    copies: DisclosingCopies
    begin: Callable[[RetentionClass], None]
    """Begins the log of a class that has none; afterwards it is among ``logs``."""
    four_eyes_from: int = 1
    """Entries from which on a disposal needs somebody else's approval."""

    def register(self) -> Register:
        """Return what the deletion log says."""
        return fold(self._said())

    def policy(self) -> Policy:
        """Return the policy in force: the newest that took effect, else the one that a trail begins with."""
        text = self.register().policy
        return self.default if text is None else parse_policy(text)

    def change_policy(self, actor: Actor, text: str, reason: str, approver: Actor | None = None) -> Policy:
        """Put a policy in force. What it keeps for a shorter time needs a second person.

        A class is a stream: of one that is new the log is begun first, locked for the class's term. *If we stop there*,
        an empty log stands by itself, and nothing goes to it.
        """
        new, known = parse_policy(text), self.policy()
        if any(one.name == DELETIONS for one in new.classes):
            raise InputError(
                f"{DELETIONS} is the deletion log, and no class", remedy="Name the class otherwise."
            )
        for one in new.classes:
            if one.name in self.logs:
                self._require_kept(actor, one)
        less = shortened(known, new)
        if less and (approver is None or approver.id == actor.id):
            raise self.refused(
                actor,
                Subject("policy", "retention"),
                "terms only lengthen without four eyes",
                "; ".join(less),
                "Have somebody else approve it.",
            )
        for one in new.classes:
            if one.name not in self.logs:
                self.begin(one)
        changes = [Change("/policy", before=known.text or None, after=text)]
        if approver is not None:
            changes.append(Change("/approver", after=approver.id))
        self.tell("retention.change", actor, Subject("policy", "retention"), reason, changes)
        return new

    def _require_kept(self, actor: Actor, cls: RetentionClass) -> None:
        """Refuse a term that is shorter than the one that the log was begun with: objects are locked for that."""
        least = self.logs[cls.name].identity.keep_days
        if cls.term.least_days < least:
            raise self.refused(
                actor,
                Subject("policy", "retention"),
                "a log's term is never shortened",
                f"{cls.name} is to be kept for {cls.term}, and its log was begun with {count(least, 'day')}",
                f"Give {cls.name} a term of at least {count(least, 'day')}.",
            )

    def place_hold(self, actor: Actor, hold: Hold) -> Hold:
        """Place a hold; it is in force when this returns, for what is there and for what will come."""
        require_hold(hold, self.register().holds)
        self.parse_scope(hold.scope)
        changes = [Change("/scope", after=hold.scope), Change("/owner", after=hold.owner)]
        if hold.review is not None:
            changes.append(Change("/review", after=hold.review))
        self.tell("hold.place", actor, Subject("hold", hold.id), hold.reason, changes)
        return self.register().holds[hold.id]

    def release_hold(self, actor: Actor, hold_id: str, reason: str) -> int:
        """Release a hold; let go of what was lifted for it and no other hold keeps; return how many events."""
        hold = self.register().holds.get(hold_id)
        if hold is None or not hold.in_force:
            raise InputError(f"there is no hold {hold_id!r} in force")
        self.tell("hold.release", actor, Subject("hold", hold_id), reason, ())
        return self._let_go_of_lifted()

    def due(self, stream: str) -> Due:
        """Say what of a stream is due now, and what of it is held; nothing is changed."""
        cls = self.policy().named(stream)
        if cls is None:
            self.log(stream)
            raise InputError(f"no class of the policy is the stream {stream}, so nothing of it is ever due")
        return self.due_under(stream, cls)

    def due_under(self, stream: str, cls: RetentionClass) -> Due:
        """Say what of a stream would be due if it were of this class; nothing is changed."""
        return find_due(self.log(stream), self.due_by(cls, stream), self.clock(), self.holds())

    def request(self, actor: Actor, stream: str, reason: str) -> Disposal:
        """Ask for what is due of a stream to be destroyed."""
        cls, due = self._destroyable(actor, stream), self.due(stream)
        # One that is not due any more, because terms were lengthened since, keeps no other from being asked for.
        doable = max(due.minimum, self._ordered(stream))
        waiting = [one for one in self.register().open_disposals(stream) if one.minimum <= doable]
        if waiting:
            raise InputError(
                f"{waiting[0].id} of {stream} is {waiting[0].state}", remedy="Finish that disposal first."
            )
        if not due.entries:
            raise self.refused(
                actor,
                Subject("stream", stream),
                "what is in its term is not destroyed",
                f"nothing of {stream} is past its term",
                "Ask again when it is; 'retention due' says what would go.",
            )
        basis = f"{cls.name}: {cls.term} from {cls.trigger} ({cls.basis})" if cls is not None else stream
        disposal = Disposal(
            id=new_id(),
            stream=stream,
            minimum=due.minimum,
            root=due.root,
            entries=due.entries,
            newest=due.newest,
            policy=basis,
            reason=reason,
            requester=actor.id,
            requested=format_time(self.clock()),
        )
        self.tell("retention.request", actor, Subject("disposal", disposal.id), reason, disposal.changes())
        return disposal

    def approve(self, actor: Actor, disposal_id: str, reason: str) -> Disposal:
        """Approve what somebody else asked for."""
        disposal = self._disposal(disposal_id)
        if disposal.requester == actor.id:
            raise self.refused(
                actor,
                Subject("disposal", disposal_id),
                "nobody approves what they asked for",
                f"{actor.id} asked for {disposal_id}",
                "Have somebody else approve it.",
            )
        if disposal.state is not DisposalState.REQUESTED:
            raise InputError(f"{disposal_id} is {disposal.state} already")
        self.tell("retention.approve", actor, Subject("disposal", disposal_id), reason, ())
        return self.register().disposals[disposal_id]

    def purge(
        self, actor: Actor, disposal_id: str, progress: Progress = lambda _step, _done: None
    ) -> Certificate:
        """Destroy what was approved, from whichever step is still to be done; return the certificate."""
        disposal = self._disposal(disposal_id)
        known = self.register().certificates.get(disposal_id)
        if known is not None:
            return known
        if disposal.state is not DisposalState.APPROVED and disposal.entries >= self.four_eyes_from:
            raise self.refused(
                actor,
                Subject("disposal", disposal_id),
                "destruction needs four eyes",
                f"{disposal_id} of {count(disposal.entries, 'entry', 'entries')} is not approved",
                "Have somebody other than the requester approve it.",
            )
        self._destroyable(actor, disposal.stream)
        self._require_due_still(actor, disposal)
        log = self.log(disposal.stream)
        destruction = Destruction(log, self.held, self.holds(), self.clock, progress)
        certificate = destruction.run(disposal, disposal.approver or disposal.requester)
        subject = Subject("disposal", disposal_id)
        self.tell("retention.purge", actor, subject, disposal.reason, certificate.changes())
        return self.register().certificates[disposal_id]

    def _require_due_still(self, actor: Actor, disposal: Disposal) -> None:
        """Refuse what is in a term that was lengthened, or re-filed, after it was asked for; what was begun goes on."""
        if self._ordered(disposal.stream) >= disposal.minimum:
            return
        cls = self.policy().named(disposal.stream)
        if cls is not None and self.due_under(disposal.stream, cls).minimum < disposal.minimum:
            raise self.refused(
                actor,
                Subject("disposal", disposal.id),
                "what is in its term is not destroyed",
                f"a part of {disposal.id} is not past its term any more: terms were lengthened since it was asked for",
                "Ask again for what is due now; 'retention due' says what that is.",
            )

    def _ordered(self, stream: str) -> int:
        """Return up to where the destruction of a log was ordered already."""
        log = self.log(stream)
        found = newest_destruction(log.reader, log.identity)
        return 0 if found is None else found.minimum

    def request_refiling(  # noqa: PLR0913 - what a re-filing is
        self, actor: Actor, stream: str, scope: str, target: str, reason: str, *, shorter: bool = False
    ) -> Refiling:
        """Ask for entries of a log to be kept by the terms of another class; somebody else must approve it.

        ``shorter`` lets the new terms count even where they end sooner. Raises InputError where no entry is meant, or
        one of the classes is none; RetentionRefusedError where a duty by law would be shortened.
        """
        if not reason.strip():
            raise InputError("why, must be told; it is put on record")
        one = Refiling(
            new_id(), stream, scope, target, shorter, 0, reason, actor.id, format_time(self.clock())
        )
        self._require_refilable(actor, one)
        matches, log = self.parse_scope(scope), self.log(stream)
        rows = rows_of(log, begin_of(log), log.size())
        one = replace(one, entries=sum(matches(read_entry(row.entry).event) for row in rows))
        if not one.entries:
            raise InputError(f"no entry of {stream} is meant by {scope}", meaning="Nothing was asked for.")
        self.tell("retention.request", actor, Subject(REFILING, one.id), reason, one.changes())
        return self.register().refilings[one.id]

    def approve_refiling(self, actor: Actor, refiling_id: str, reason: str) -> Refiling:
        """Approve a re-filing that somebody else asked for; it is in force when this returns."""
        one = self.register().refilings.get(refiling_id)
        if one is None:
            raise InputError(f"nobody asked for a re-filing {refiling_id!r}")
        subject = Subject(REFILING, refiling_id)
        if one.requester == actor.id:
            raise self.refused(
                actor,
                subject,
                "nobody approves what they asked for",
                f"{actor.id} asked for {refiling_id}",
                "Have somebody else approve it.",
            )
        if one.state is not RefilingState.REQUESTED:
            raise InputError(f"{refiling_id} is {one.state} already")
        self._require_refilable(actor, one)
        self.tell("retention.approve", actor, subject, reason, ())
        return self.register().refilings[refiling_id]

    def _require_refilable(self, actor: Actor, one: Refiling) -> None:
        """Refuse a re-filing between classes that are none, or one that shortens a duty by law."""
        policy = self.policy()
        old, new = policy.named(one.stream), policy.named(one.target)
        if old is None or new is None or one.stream == one.target:
            raise InputError(
                f"entries of {one.stream} cannot be kept as {one.target}: both must be classes, and not the same",
                remedy=f"The classes are {', '.join(cls.name for cls in policy.classes)}.",
            )
        if one.shorter and old.duty:
            raise self.refused(
                actor,
                Subject(REFILING, one.id),
                "a duty by law is not shortened",
                f"{old.name} is kept because {old.basis}",
                "Re-file without --shorter: then the longer of both terms counts.",
            )

    def _destroyable(self, actor: Actor, stream: str) -> RetentionClass | None:
        """Return the class of a stream. Raises RetentionRefusedError where it is to be archived."""
        cls = self.policy().named(stream)
        if cls is not None and cls.fate is Fate.ARCHIVE:
            raise self.refused(
                actor,
                Subject("stream", stream),
                "what is to be archived is not destroyed",
                f"after its term {stream} is kept in the archive",
                "Archive it; or have two people change the policy.",
            )
        return cls

    def due_by(self, cls: RetentionClass, stream: str) -> Callable[[Event], datetime | None]:
        """Return what says from when on an event of a log may go, if the log were of this class, as it was re-filed.

        None is said, and it stays, where its order is open, and where it was re-filed to a class that is not in the
        policy any more.
        """
        policy = self.policy()
        refiled = [
            (one, self.parse_scope(one.scope), policy.named(one.target))
            for one in self.register().refilings_of(stream)
        ]

        def due(event: Event) -> datetime | None:
            over = self._due_in(cls, event)
            for one, matches, target in refiled:
                if matches(event):
                    over = one.due(over, None if target is None else self._due_in(target, event))
            return over

        return due

    def classes_by(self, cls: RetentionClass) -> Callable[[Event], list[RetentionClass]]:
        """Return what says by which classes an event of a log is kept: the log's own, and those it was re-filed to."""
        policy = self.policy()
        refiled = [
            (self.parse_scope(one.scope), target)
            for one in self.register().refilings_of(cls.name)
            if (target := policy.named(one.target)) is not None
        ]
        return lambda event: [cls, *(target for matches, target in refiled if matches(event))]

    def _due_in(self, cls: RetentionClass, event: Event) -> datetime | None:
        subject = event.subject
        return cls.due(event, self._closed_for(cls)(subject.order, subject.tenant) if subject.order else None)

    def holds(self) -> list[tuple[Hold, Matches]]:
        """Return the holds in force, each with what says whether it keeps an event."""
        return [(hold, self.parse_scope(hold.scope)) for hold in self.register().holds_in_force]

    def lifted_entries(self) -> Iterator[bytes]:
        """Yield the entries that holds keep although their range was destroyed."""
        for event_id in self.lifted():
            entry = self.held.get(hold_store_path(event_id)[0])
            if entry is not None:
                yield entry

    def lifted(self) -> list[str]:
        """Return the ids of the events that holds keep although their range was destroyed."""
        ends = (path for path in self.held.paths("") if path.endswith(".tlog-proof"))
        return sorted(path.removesuffix(".tlog-proof") for path in ends)

    def overdue_reviews(self) -> list[Hold]:
        """Return the holds whose review date is past."""
        today = self.clock().date().isoformat()
        return [
            hold for hold in self.register().holds_in_force if hold.review is not None and hold.review < today
        ]

    def _let_go_of_lifted(self) -> int:
        """Release and delete lifted events that no hold keeps any more."""
        holds, gone, now = self.holds(), 0, self.clock() + timedelta(seconds=1)
        for event_id in self.lifted():
            paths = hold_store_path(event_id)
            entry = self.held.get(paths[0])
            if entry is None or holding(read_entry(entry).event, holds):
                continue
            for path in paths:
                self._discard(path, now)
            gone += 1
        still = {
            name for path in self.held.paths("") if path.endswith(".json") for name in self._blobs_of(path)
        }
        for path in list(self.held.paths(BLOBS)) if gone else ():
            if path.removeprefix(f"{BLOBS}/") not in still:
                self._discard(path, now)
        return gone

    def _blobs_of(self, path: str) -> Iterable[str]:
        return blob_names(self.held.get(path) or b"")

    def _discard(self, path: str, now: datetime) -> None:
        """Delete what was lifted out, now that nothing keeps it."""
        self.held.release(path)
        self.held.dispose(path, now)

    def _closed_for(self, cls: RetentionClass) -> ClosedAt:
        return self.closed if cls.trigger is Trigger.ORDER_CLOSED else lambda _order, _tenant: None

    def log(self, stream: str) -> PrunableLog:
        """Return a log that may be pruned. Raises InputError where there is none of this name."""
        if stream == DELETIONS:
            raise InputError("the deletion log is never pruned: it is the proof of what was")
        try:
            return self.logs[stream]
        except KeyError:
            raise InputError(f"there is no stream {stream!r}; there are {', '.join(self.logs)}") from None

    def _disposal(self, disposal_id: str) -> Disposal:
        try:
            return self.register().disposals[disposal_id]
        except KeyError:
            raise InputError(f"nobody asked for a disposal {disposal_id!r}") from None

    def _said(self) -> Iterator[Event]:
        return (read_entry(row.entry).event for row in rows_of(self.deletions))

    def tell(  # noqa: PLR0913, PLR0917 - what an event has
        self,
        action: str,
        actor: Actor,
        subject: Subject,
        reason: str,
        changes: Sequence[Change],
        outcome: Outcome = "success",
    ) -> None:
        """Put something on record in the deletion log: sealed and published when this returns."""
        self.deletions.write(
            [
                Event(
                    id=new_id(),
                    time=format_time(self.clock()),
                    action=action,
                    actor=actor,
                    subject=subject,
                    outcome=outcome,
                    changes=tuple(changes),
                    context=Context(reason=reason),
                )
            ]
        )

    def refused(
        self, actor: Actor, subject: Subject, rule: str, what: str, remedy: str
    ) -> RetentionRefusedError:
        """Put an attempt on record; return what is raised."""
        self.tell("retention.deny", actor, subject, f"{rule}: {what}", (), "denied")
        return RetentionRefusedError(rule, f"{what}: {rule}", remedy)
